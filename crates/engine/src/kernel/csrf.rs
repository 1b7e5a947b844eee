//! Tokens that prove that a form came from our own page: bound to the browser and to who is signed in, not stored.

use crate::kernel::call::Call;

fn message(browser: &str, session_id: Option<&str>) -> Vec<u8> {
    // lengths in front, so that no two pairs give the same bytes
    let session = session_id.unwrap_or_default();
    let mut message = (browser.len() as u64).to_be_bytes().to_vec();
    message.extend(browser.as_bytes());
    message.extend(session.as_bytes());
    message
}

/// The token for forms in this browser, by whoever is signed in there.
pub fn make_form_token(call: &Call, browser: &str, session_id: Option<&str>) -> String {
    call.engine.forms.mac(&message(browser, session_id))
}

/// Whether a form brought the right token, in constant time.
pub fn check_form_token(call: &Call, browser: &str, session_id: Option<&str>, presented: &str) -> bool {
    call.engine.forms.check_mac(&message(browser, session_id), presented)
}
