//! Signing a person in from a program on their computer: browser, loopback redirect, PKCE (RFC 8252 §7.3).

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::browser::open_browser;
use crate::code_flow::{PendingLogin, Wanted};
use crate::discovery::{Server, discover};
use crate::error::LoginError;
use crate::loopback::{Loopback, Visit};
use crate::pages;
use crate::tokens::{ClientIdentity, Tokens};

/// How long the port stays open for the browser to fetch the last page.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// How to sign in.
#[derive(Clone, Debug)]
pub struct LoginOptions {
    /// The server's address, exactly as its `public_url` says.
    pub issuer: String,
    /// Your registration at the server.
    pub client: ClientIdentity,
    /// Scopes and APIs.
    pub wanted: Wanted,
    /// The path of the registered redirect address; the port is chosen anew each time (RFC 8252 §7.3).
    pub redirect_path: String,
    /// False only reports the address.
    pub open_browser: bool,
    /// How long to wait for the person.
    pub timeout: Duration,
    /// Ends "Go back to …" on the last page.
    pub go_back_to: String,
}

impl LoginOptions {
    /// The usual: system browser, path `/callback`, five minutes, scopes as the server chooses.
    pub fn new(issuer: impl Into<String>, client: ClientIdentity) -> Self {
        Self {
            issuer: issuer.into(),
            client,
            wanted: Wanted::default(),
            redirect_path: "/callback".to_owned(),
            open_browser: true,
            timeout: Duration::from_secs(300),
            go_back_to: "your terminal".to_owned(),
        }
    }
}

/// What to tell the person while the login waits. Every variant brings the address, because a window can be hidden or on another screen.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginEvent<'a> {
    /// The browser was started.
    BrowserOpened {
        /// Where it went.
        url: &'a Url,
    },
    /// No browser could be started; the login waits on.
    BrowserNotOpened {
        /// To be opened on this computer.
        url: &'a Url,
        /// Such as "xdg-open: not found".
        reason: &'a str,
    },
    /// The options said not to open a browser.
    OpenYourself {
        /// To be opened in a browser that reaches the port.
        url: &'a Url,
        /// The port of this computer that the browser will come back to, for port forwarding.
        port: u16,
    },
}

/// Signs a person in. `notice` prints; this library never does.
///
/// Dropping the future (Ctrl-C) closes the port; nothing is stored until you store it.
///
/// # Errors
/// [`LoginError`]; after each of them nothing is left behind.
///
/// ```no_run
/// # async fn example() -> Result<(), gatepost_client::LoginError> {
/// use gatepost_client::{ClientIdentity, LoginOptions, log_in};
///
/// let options = LoginOptions::new("https://auth.example.com", ClientIdentity::public("my-cli"));
/// let tokens = log_in(&options, |event| eprintln!("{event:?}")).await?;
/// # Ok(()) }
/// ```
pub async fn log_in(options: &LoginOptions, notice: impl FnMut(LoginEvent<'_>)) -> Result<Tokens, LoginError> {
    let server = discover(&options.issuer).await?;
    log_in_at(&server, options, notice).await
}

/// As [`log_in`], with a server that was discovered before.
///
/// # Errors
/// As [`log_in`].
pub async fn log_in_at(
    server: &Server,
    options: &LoginOptions,
    mut notice: impl FnMut(LoginEvent<'_>),
) -> Result<Tokens, LoginError> {
    let mut loopback = Loopback::bind().await.map_err(LoginError::Listen)?;
    let redirect_uri = format!("{}{}", loopback.origin(), options.redirect_path);
    let pending = PendingLogin::begin(server, &options.client, &redirect_uri, &options.wanted)?;
    let deadline = Instant::now() + options.timeout;
    let url = pending.url();
    if options.open_browser {
        match open_browser(url).await {
            Ok(()) => notice(LoginEvent::BrowserOpened { url }),
            Err(reason) => notice(LoginEvent::BrowserNotOpened { url, reason: &reason }),
        }
    } else {
        notice(LoginEvent::OpenYourself { url, port: loopback.port() });
    }

    let waiting = wait_for_answer(&mut loopback, &pending, server, &options.redirect_path);
    let (visit, answer) = timeout_at(deadline, waiting).await.map_err(|_| LoginError::TimedOut(options.timeout))?;
    // the browser waits for the exchange, so that the page it sees says what really happened
    let result = match answer {
        Ok(code) => pending.redeem_code(server, &options.client, &code).await,
        Err(error) => Err(error),
    };
    show_result(&mut loopback, visit, result.as_ref().err(), &options.go_back_to).await;
    result
}

/// The first answer that belongs to this login. Icons, wrong paths and foreign or garbled answers get a reply and change nothing.
async fn wait_for_answer(
    loopback: &mut Loopback,
    pending: &PendingLogin,
    server: &Server,
    redirect_path: &str,
) -> (Visit, Result<crate::tokens::SecretText, LoginError>) {
    loop {
        let visit = loopback.next_visit().await;
        if !visit.is("GET", redirect_path) {
            visit.answer_not_found().await;
            continue;
        }
        match pending.read_answer(server, &visit.query) {
            Err(LoginError::StateMismatch | LoginError::Malformed(_)) => {
                let page =
                    pages::render_failed("This page belongs to another sign-in. The one that waits goes on waiting.");
                visit.answer_page("400 Bad Request", &pages::build_csp(), &page).await;
            }
            answer => return (visit, answer),
        }
    }
}

/// Sends the browser to a page of its own, so that no code stays in the address bar, and waits until it has fetched it.
async fn show_result(loopback: &mut Loopback, visit: Visit, error: Option<&LoginError>, go_back_to: &str) {
    let (path, page) = match error {
        None => ("/done", pages::render_done(go_back_to)),
        Some(error) => ("/failed", pages::render_failed(&error.to_string())),
    };
    visit.answer_redirect(path).await;
    let deadline = Instant::now() + FINISH_TIMEOUT;
    while let Ok(visit) = timeout_at(deadline, loopback.next_visit()).await {
        if visit.is("GET", path) {
            visit.answer_page("200 OK", &pages::build_csp(), &page).await;
            return;
        }
        visit.answer_not_found().await;
    }
}
