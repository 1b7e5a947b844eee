//! Everything that is done by a mailed link or the code beside it.
//!
//! A request makes one row and one letter, whether or not the address has an account, and its asker sees the same page. Looking
//! at a link changes nothing, because mail scanners look at links; a form uses it up, once, in the browser that asked. In another
//! browser the link only shows the code, to be typed where it was asked for: who opens it never signs a stranger in unseen (ML3).

mod again;
mod change_email;
pub(crate) mod kind;
mod limits;
mod link;
mod reset;
mod sign_in;
mod sign_up;
mod spend;
mod used;

pub use again::{find_wait, request_again};
pub use change_email::{cancel_change, find_pending_change, request_change};
pub use kind::{Asking, Kind};
pub use link::{Check, Found, Opened, find_link, refuse_link};
pub(crate) use reset::send_reset;
pub use reset::{ResetProof, find_reset, finish_reset, request_reset};
pub use sign_in::{can_confirm, request_confirm, request_sign_in, request_verify};
pub use sign_up::request_sign_up;
pub use spend::{Tried, try_code, use_link};
pub use used::Used;
