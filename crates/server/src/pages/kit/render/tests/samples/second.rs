//! Samples of second steps: at sign-in, to confirm, under `/account`.

use gatepost_engine::kernel::journey::Act;

use crate::pages::account::authenticator::view::{AuthenticatorGoneView, AuthenticatorView};
use crate::pages::account::passkeys::view::PasskeySection;
use crate::pages::account::password::view::FirstPasswordView;
use crate::pages::account::recovery_codes::view::{RecoveryCodesView, RenewCodesView};
use crate::pages::account::security::view::{SecurityView, ToggleView};
use crate::pages::kit::fault::Fault;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble};
use crate::pages::kit::render::tests::samples::{DAY, Samples, ago};
use crate::pages::sign_in::confirm::view::{ConfirmView, ConfirmWay};
use crate::pages::sign_in::second_step::view::{CodesLeftView, SecondStepView};

impl Samples<'_> {
    pub(super) fn add_second_steps(&mut self) {
        let second = SecondStepView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed"),
            recovery: false,
            authenticator: true,
            passkey: true,
            codes: true,
            fault: None,
            passkeys: PasskeyOffer::new(true),
        };
        let passkeys = self.passkey_offer(PasskeyTrouble::Failed);
        self.add("second-passkey-failed", &SecondStepView { passkeys, authenticator: false, ..second.clone() });
        self.add("second", &second);
        self.add("second-wrong", &SecondStepView { fault: Some(Fault::CodeWrong), ..second.clone() });
        self.add(
            "second-used",
            &SecondStepView { fault: Some(Fault::CodeUsed), tx: None, codes: false, ..second.clone() },
        );
        self.add("second-passkey", &SecondStepView { authenticator: false, ..second.clone() });
        let recovery = SecondStepView { recovery: true, ..second };
        self.add("second-recovery", &recovery);
        self.add("second-recovery-wrong", &SecondStepView { fault: Some(Fault::RecoveryCodeWrong), ..recovery });
        self.add("codes-left", &CodesLeftView { tx: self.o("sealed"), left: 3 });
        self.add("codes-left-one", &CodesLeftView { tx: None, left: 1 });
        self.add_confirm();
        self.add_security();
        self.add_enrolment();
    }

    fn add_confirm(&mut self) {
        let confirm = ConfirmView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed"),
            email: self.s("ada@example.com"),
            act: Some(Act::DeleteAccount),
            age: Some(7200),
            way: ConfirmWay::Password,
            mail: false,
            authenticator: false,
            passkey: false,
            codes: false,
            cancel: "/account",
            fault: None,
            passkeys: PasskeyOffer::new(false),
        };
        for act in [
            Act::ChangeEmail,
            Act::SetPassword,
            Act::ChangePasskeys,
            Act::ChangeSecondStep,
            Act::ChangeProviders,
            Act::DownloadData,
            Act::DeleteAccount,
            Act::Administer,
            Act::UseSecondFactor,
        ] {
            self.add(&format!("confirm-{act:?}"), &ConfirmView { act: Some(act), ..confirm.clone() });
        }
        self.add("confirm-wrong", &ConfirmView { fault: Some(Fault::PasswordWrong), act: None, ..confirm.clone() });
        let passkeys = self.passkey_offer(PasskeyTrouble::Failed);
        let by_passkey = ConfirmView { way: ConfirmWay::Passkey, passkey: true, passkeys, ..confirm.clone() };
        self.add("confirm-passkey-failed", &by_passkey);
        let passkeys = PasskeyOffer::new(true);
        let by_mail = ConfirmView { way: ConfirmWay::Again, mail: true, ..confirm.clone() };
        self.add("confirm-by-mail", &by_mail);
        let two = ConfirmView { passkeys, authenticator: true, passkey: true, codes: true, age: None, ..confirm };
        for way in [ConfirmWay::Code, ConfirmWay::Recovery, ConfirmWay::Passkey, ConfirmWay::Again] {
            self.add(&format!("confirm-by-{way:?}"), &ConfirmView { way, ..two.clone() });
        }
        for (way, fault) in [(ConfirmWay::Code, Fault::CodeWrong), (ConfirmWay::Recovery, Fault::RecoveryCodeWrong)] {
            self.add(&format!("confirm-by-{way:?}-wrong"), &ConfirmView { way, fault: Some(fault), ..two.clone() });
        }
    }

    fn add_security(&mut self) {
        let security = SecurityView {
            frame: self.frame(Some(Notice::PasswordChanged)),
            password: true,
            password_changed: Some(ago(30)),
            second_step: false,
            authenticator: None,
            passkey: false,
            codes_left: 0,
            passkeys: PasskeySection { available: false, rows: Vec::new() },
            providers: false,
        };
        self.add("account-security", &security);
        let none = SecurityView { frame: self.frame(None), password: false, password_changed: None, ..security };
        self.add("account-security-no-password", &none);
        self.add("account-security-never", &SecurityView { password: true, passkey: true, ..none.clone() });
        let on = SecurityView {
            frame: self.frame(Some(Notice::SecondStepOn)),
            password: true,
            second_step: true,
            authenticator: Some(ago(3 * DAY)),
            codes_left: 10,
            passkeys: self.passkey_section(),
            providers: true,
            ..none.clone()
        };
        self.add("account-security-app", &on);
        self.add("account-security-few", &SecurityView { codes_left: 1, frame: self.frame(None), ..on.clone() });
        let passkey = SecurityView { authenticator: None, passkey: true, codes_left: 0, ..on };
        self.add(
            "account-security-passkey",
            &SecurityView { frame: self.frame(Some(Notice::CodesRenewed)), ..passkey },
        );
        for notice in [Notice::SecondStepOff, Notice::AuthenticatorRemoved, Notice::PasswordSet] {
            let frame = self.frame(Some(notice));
            self.add(&format!("account-security-{notice:?}"), &SecurityView { frame, ..none.clone() });
        }
    }

    fn add_enrolment(&mut self) {
        let authenticator = AuthenticatorView {
            frame: self.frame(None),
            tx: self.o("sealed"),
            enrolment: self.s("sealed.secret"),
            key: self.s("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"),
            qr_path: self.s("M4,4h7v1h-7z"),
            qr_size: 41,
            fault: None,
        };
        self.add("account-authenticator", &authenticator);
        let wrong = AuthenticatorView { tx: None, fault: Some(Fault::CodeWrong), ..authenticator };
        self.add("account-authenticator-wrong", &wrong);
        for passkey in [false, true] {
            let gone = AuthenticatorGoneView { frame: self.frame(None), passkey, last_admin: passkey };
            self.add(&format!("account-authenticator-gone-{passkey}"), &gone);
            self.add(&format!("account-second-step-{passkey}"), &ToggleView { frame: self.frame(None), on: passkey });
        }
        let codes = RecoveryCodesView {
            frame: self.frame(None),
            tx: self.o("sealed"),
            codes: vec![self.s("0123-4567-89ab-cdef"); 10],
            done: "second-step-on",
            fault: None,
        };
        self.add("account-codes", &codes);
        self.add("account-codes-not-saved", &RecoveryCodesView { fault: Some(Fault::NotSaved), tx: None, ..codes });
        for left in [0, 1, 7] {
            self.add(&format!("account-codes-new-{left}"), &RenewCodesView { frame: self.frame(None), left });
        }
        let first = FirstPasswordView { frame: self.frame(None), min_password: 15, fault: None };
        self.add("account-password-first", &first);
        self.add("account-password-first-fault", &FirstPasswordView { fault: Some(Fault::PasswordCommon), ..first });
    }
}
