//! Asking for letters, and what people do with the links in them.

use super::app::TestApp;
use super::flow::{Browser, find_form};
use super::html::{Form, find_forms};
use super::http::{Request, Response};
use super::smtp::{Letter, Smtp};

pub(crate) const LINK_SUBJECT: &str = "Your Gatepost sign-in link";
pub(crate) const VERIFY_SUBJECT: &str = "Confirm your email for Gatepost";
pub(crate) const RESET_SUBJECT: &str = "Reset your Gatepost password";

/// The next letter with this subject to an address; others before it are passed over.
#[track_caller]
pub(crate) fn wait_for_subject(smtp: &Smtp, to: &str, subject: &str) -> Letter {
    loop {
        let letter = smtp.wait_for(to);
        if letter.subject == subject {
            return letter;
        }
    }
}

/// The link of a letter as a request target.
#[track_caller]
pub(crate) fn target_of(app: &TestApp, letter: &Letter) -> String {
    let link = letter.link();
    link.strip_prefix(app.origin()).unwrap_or_else(|| panic!("not ours: {link}")).to_owned()
}

/// The form behind a link.
#[track_caller]
pub(crate) fn link_form(page: &Response) -> Form {
    let is_link = |form: &Form| form.action.contains("/link/") || form.action.contains("/reset/");
    find_forms(&page.body).into_iter().find(is_link).unwrap_or_else(|| panic!("no form of a link: {page:?}"))
}

/// Whether there is a button of this kind.
pub(crate) fn has_button(page: &Response, value: &str) -> bool {
    find_forms(&page.body).iter().any(|form| form.buttons.iter().any(|(name, known)| name == "with" && known == value))
}

/// The code that the page of a link shows.
pub(crate) fn shown_code(page: &Response) -> Option<String> {
    let after = page.body.split_once("<code")?.1.split_once('>')?.1;
    let code: String = after.split_once('<')?.0.chars().filter(char::is_ascii_digit).collect();
    (code.len() == 8).then_some(code)
}

impl Browser<'_> {
    /// "Email me a sign-in link" on the sign-in page that this is; gives "Check your email".
    pub(crate) fn ask_link_on(&mut self, page: &Response, email: &str) -> Response {
        let form = find_form(page, "/login").set("email", email).set("with", "link");
        let response = self.submit(&form);
        assert_eq!(response.status, 303, "{response:?}");
        self.follow(response)
    }

    /// The same outside of any request of an app.
    pub(crate) fn ask_link(&mut self, email: &str) -> Response {
        let page = self.get("/login");
        self.ask_link_on(&page, email)
    }

    /// "Email me a link" on the page of the reset; gives "Check your email".
    pub(crate) fn ask_reset(&mut self, email: &str) -> Response {
        let page = self.get("/reset");
        let response = self.submit(&find_form(&page, "/reset").set("email", email));
        assert_eq!(response.status, 303, "{response:?}");
        self.follow(response)
    }

    /// Opens the link of a letter.
    pub(crate) fn open(&mut self, app: &TestApp, letter: &Letter) -> Response {
        self.send(Request::get(&target_of(app, letter)))
    }

    /// Presses a button of a link's page.
    pub(crate) fn press(&mut self, page: &Response, with: &str) -> Response {
        self.submit(&link_form(page).set("with", with))
    }

    /// Types the code of a letter on "Check your email".
    pub(crate) fn type_code(&mut self, page: &Response, code: &str) -> Response {
        self.submit(&find_form(page, "/verify").set("code", code).set("with", "code"))
    }
}
