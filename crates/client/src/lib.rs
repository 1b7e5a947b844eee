//! The other side of the wire: what programs need to use Gatepost, or any authorization server that speaks OAuth 2.1.
//!
//! | you write | use | what you get |
//! |---|---|---|
//! | a command-line or desktop program | [`log_in`], [`Session`] | sign-in in the browser; tokens kept, renewed once for all processes, given back |
//! | a web app with a server | [`PendingLogin`], [`Session`] with [`TokenStore::in_memory`] | the code flow with PKCE as a confidential client |
//! | an API | [`Introspector`], `actix::Authorized` (feature `actix`) | is this token good here, and for what |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use gatepost_client::{ClientIdentity, LoginOptions, Session, SessionError, TokenStore, log_in};
//!
//! const SERVER: &str = "https://auth.example.com";
//! let me = ClientIdentity::public("my-cli");
//! let session = Session::new(SERVER, me.clone(), TokenStore::for_app("my-cli")?);
//!
//! let token = match session.access_token().await {
//!     Err(SessionError::NotSignedIn | SessionError::Ended { .. }) => {
//!         let tokens = log_in(&LoginOptions::new(SERVER, me), |event| eprintln!("{event:?}")).await?;
//!         session.keep(tokens).await?;
//!         session.access_token().await?
//!     }
//!     other => other?,
//! };
//! println!("Authorization: Bearer {}", token.expose());
//! # Ok(()) }
//! ```
//!
//! Nothing here prints, and no secret is in any `Debug` or error text. Redirects of the server are never followed, answers are limited
//! to 64 KiB, and plain http is for this computer only.

#[cfg(feature = "actix")]
pub mod actix;
mod browser;
mod clock;
mod code_flow;
mod discovery;
mod error;
mod http;
mod introspection;
mod lock;
mod login;
mod loopback;
mod pages;
mod random;
mod session;
mod store;
mod tokens;
mod whoami;

pub use browser::{is_remote_session, open_browser};
pub use code_flow::{PendingLogin, Wanted};
pub use discovery::{Server, discover};
pub use error::{LoginError, ServerError, SessionError, StoreError};
pub use introspection::{ActiveToken, IntrospectionError, IntrospectionOptions, Introspector};
pub use login::{LoginEvent, LoginOptions, log_in, log_in_at};
/// For [`Session::send`].
pub use reqwest;
pub use session::{LogoutOutcome, Session};
pub use store::{Account, Place, TokenStore};
pub use tokens::{ClientIdentity, SecretText, Tokens};
pub use whoami::WhoAmI;
