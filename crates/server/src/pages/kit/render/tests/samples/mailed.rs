//! Samples of the pages around mailed links.

use crate::pages::account::email::view::ChangeEmailView;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::render::tests::samples::{Samples, ago};
use crate::pages::sign_in::link::view::{LinkEnd, LinkEndedView, LinkGoneView, LinkKind, LinkView};
use crate::pages::sign_in::reset::view::{NewPasswordView, ResetView};
use crate::pages::sign_in::verify::view::CheckMailView;

impl Samples<'_> {
    pub(super) fn add_mailed(&mut self) {
        self.add_check_mail();
        self.add_links();
        self.add_reset();
    }

    fn add_check_mail(&mut self) {
        let check = CheckMailView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed.request"),
            check: self.s("sealed.check"),
            email: self.s("ada@example.com"),
            wait: Some(42),
            back: "/login",
            fault: None,
            passkeys: true,
        };
        self.add("check-mail", &check);
        self.add("check-mail-again", &CheckMailView { wait: None, tx: None, ..check.clone() });
        for (name, fault) in [
            ("one", Fault::MailedCodeWrong { n: 1 }),
            ("wrong", Fault::MailedCodeWrong { n: 4 }),
            ("old", Fault::CodeOld),
            ("renewed", Fault::CodeRenewed),
        ] {
            self.add(&format!("check-mail-{name}"), &CheckMailView { fault: Some(fault), ..check.clone() });
        }
    }

    fn add_links(&mut self) {
        use LinkKind::*;
        for kind in [SignIn, SignUp, Confirm, Verify, Reset, ChangeEmail, StopChange] {
            let link = LinkView {
                csrf: self.s("c5rf"),
                token: self.s("gp_ml_3Yb9"),
                kind,
                email: self.s("ada@example.com"),
                asked: ago(120),
                browser: self.s("Firefox on Linux"),
                place: self.s("203.0.113.24"),
                code: None,
                passkeys: kind == SignIn,
            };
            self.add(&format!("link-{kind:?}"), &link);
            self.add(&format!("link-{kind:?}-elsewhere"), &LinkView { code: self.o("48291706"), ..link });
        }
        let gone = LinkGoneView { csrf: self.s("c5rf"), token: self.o("gp_ml_3Yb9"), wait: None };
        self.add("link-gone", &gone);
        self.add("link-gone-wait", &LinkGoneView { wait: Some(130), ..gone.clone() });
        self.add("link-gone-unknown", &LinkGoneView { token: None, ..gone });
        for end in [LinkEnd::Disowned, LinkEnd::Stopped, LinkEnd::NotRestored] {
            self.add(&format!("link-ended-{end:?}"), &LinkEndedView { end });
        }
    }

    fn add_reset(&mut self) {
        let reset =
            ResetView { csrf: self.s("c5rf"), tx: self.o("sealed.request"), email: self.s("ada@example"), fault: None };
        self.add("reset", &reset);
        self.add("reset-fault", &ResetView { fault: Some(Fault::EmailInvalid), ..reset });
        let new = NewPasswordView {
            csrf: self.s("c5rf"),
            token: self.s("gp_ml_3Yb9"),
            email: self.s("ada@example.com"),
            min_password: 15,
            fault: None,
        };
        self.add("new-password", &new);
        self.add("new-password-fault", &NewPasswordView { fault: Some(Fault::PasswordCommon), ..new });
        let change = ChangeEmailView { frame: self.frame(None), email: String::new(), pending: None, fault: None };
        self.add("account-email", &change);
        let pending = self.o("ada@example.org");
        let email = self.s("ada@example.com");
        self.add("account-email-pending", &ChangeEmailView { pending, ..change.clone() });
        self.add("account-email-fault", &ChangeEmailView { fault: Some(Fault::EmailSame), email, ..change });
        for notice in [Notice::EmailConfirmed, Notice::EmailChanged, Notice::ChangeCancelled] {
            let frame = self.frame(Some(notice));
            let view = ChangeEmailView { frame, email: String::new(), pending: None, fault: None };
            self.add(&format!("account-email-{notice:?}"), &view);
        }
    }
}
