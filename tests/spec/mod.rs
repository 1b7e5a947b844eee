//! One file for each subject of the specifications; the name of a test begins with the item that it proves (`items.toml`).

mod authorize;
mod bearer;
mod client_auth;
mod general;
mod hardening;
mod introspection;
mod iss;
mod jwt;
mod metadata;
mod misc;
mod native;
mod oxide_auth;
mod pkce;
mod redirect_uri;
mod refresh;
mod resource;
mod revocation;
mod scopes;
mod sessions;
mod token;
mod traps;

use crate::support::flow::{is_consent, is_login};
use crate::support::*;

/// The error that a request is answered with at the client's address, without anybody signed in.
fn redirected_error(app: &TestApp, request: &Authorize) -> String {
    let response = app.get(&request.target());
    assert_eq!(response.status, 303, "{request:?}: {response:?}");
    let answer = Answer::find(&response).expect("a redirect");
    assert_eq!(answer.get("code"), None);
    assert_eq!(answer.get("iss").as_deref(), Some(app.issuer.as_str()), "{}", answer.url);
    answer.get("error").unwrap_or_else(|| panic!("no error in {}", answer.url))
}

/// A page of our own that says what is wrong, and nothing that leads a browser away (§13 of the checklist).
fn assert_error_page(response: &Response) {
    assert_eq!(response.status, 400, "{response:?}");
    assert!(response.is_html(), "{response:?}");
    assert_eq!((response.header("location"), response.header("refresh")), (None, None));
    assert_eq!(html::find_refresh(&response.body), None);
    for address in html::find_addresses(&response.body) {
        assert!(address.starts_with('/') && !address.starts_with("//"), "{address}");
    }
    assert!(!response.body.contains("<script>"), "no script but our own file");
}

/// Whether the first page of the request is the one for signing in: the request itself is good.
fn is_accepted(app: &TestApp, request: &Authorize) -> bool {
    is_login(&Browser::new(app).begin(request))
}

/// Whether somebody who is signed in is asked for consent.
fn asks_for_consent(browser: &mut Browser<'_>, request: &Authorize) -> bool {
    is_consent(&browser.begin(request))
}
