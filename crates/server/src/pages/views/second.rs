//! Second steps: at sign-in, to confirm, and how somebody sets them up.

use super::{AccountFrame, Fault, Moment, PasskeyOffer, PasskeySection, View};
use serde::Serialize;

/// The second step of a sign-in, `/login/second`; posts `csrf`, `tx`, `with=code|recovery`, `code`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SecondStepView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey that waits for this sign-in.
    pub(crate) tx: Option<String>,
    /// Ask for a recovery code instead.
    pub(crate) recovery: bool,
    /// The account has an authenticator app.
    pub(crate) authenticator: bool,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// The account has recovery codes left.
    pub(crate) codes: bool,
    /// What is wrong with the code.
    pub(crate) fault: Option<Fault>,
    /// The second step with a passkey.
    pub(crate) passkeys: PasskeyOffer,
}

/// After a recovery code: how many are left.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct CodesLeftView {
    /// Sealed journey that goes on.
    pub(crate) tx: Option<String>,
    /// Codes left.
    pub(crate) left: i64,
}

/// What "Confirm that it's you" asks for.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConfirmWay {
    /// The password.
    Password,
    /// The code of the authenticator app.
    Code,
    /// A recovery code.
    Recovery,
    /// A passkey and nothing else.
    Passkey,
    /// To sign in again: there is nothing to type.
    Again,
}

/// "Confirm that it's you", `/confirm`; posts `csrf`, `tx`, `with`, `code` or `password`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ConfirmView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey with what comes next.
    pub(crate) tx: Option<String>,
    /// Email address of the account in use.
    pub(crate) email: String,
    /// What the person is about to do; texts are `confirm.act.*`.
    pub(crate) act: Option<gatepost_engine::kernel::journey::Act>,
    /// Seconds since the last sign-in; `None` where that is not the reason.
    pub(crate) age: Option<u64>,
    /// What is asked for.
    pub(crate) way: ConfirmWay,
    /// The account has an authenticator app.
    pub(crate) authenticator: bool,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// The account has a second factor and recovery codes left.
    pub(crate) codes: bool,
    /// Where "Cancel" leads, a path of ours.
    pub(crate) cancel: &'static str,
    /// What is wrong.
    pub(crate) fault: Option<Fault>,
    /// A code can be mailed, for want of anything better.
    pub(crate) mail: bool,
    /// Confirming with a passkey.
    pub(crate) passkeys: PasskeyOffer,
}

/// Security, `/account/security`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SecurityView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// There is a password.
    pub(crate) password: bool,
    /// When the password was set last, if that is known.
    pub(crate) password_changed: Option<Moment>,
    /// Every sign-in asks for a second step.
    pub(crate) second_step: bool,
    /// Since when there is an authenticator app.
    pub(crate) authenticator: Option<Moment>,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// Recovery codes left.
    pub(crate) codes_left: i64,
    /// The passkeys.
    pub(crate) passkeys: PasskeySection,
    /// There are other providers.
    pub(crate) providers: bool,
}

/// Add an authenticator app, `/account/authenticator/new`; posts `csrf`, `tx`, `enrolment`, `code`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AuthenticatorView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Sealed journey that goes on afterwards.
    pub(crate) tx: Option<String>,
    /// Sealed secret, for the form.
    pub(crate) enrolment: String,
    /// The secret as people type it, in groups of four.
    pub(crate) key: String,
    /// The dark squares of the picture, as the path of an SVG.
    pub(crate) qr_path: String,
    /// Squares of the picture in a row, its quiet zone included.
    pub(crate) qr_size: usize,
    /// What is wrong with the code.
    pub(crate) fault: Option<Fault>,
}

/// "Remove the authenticator app?", `/account/authenticator/remove`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AuthenticatorGoneView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// A passkey stays as the second step.
    pub(crate) passkey: bool,
    /// The last administrator with a second factor needs it: there is no button.
    pub(crate) last_admin: bool,
}

/// "Save your recovery codes", shown once; posts `csrf`, `tx`, `codes`, `saved` to `/account/recovery-codes/done`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct RecoveryCodesView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Sealed journey that goes on afterwards.
    pub(crate) tx: Option<String>,
    /// The codes, in groups of four.
    pub(crate) codes: Vec<String>,
    /// What the notice afterwards is about.
    pub(crate) done: &'static str,
    /// The box is empty.
    pub(crate) fault: Option<Fault>,
}

/// "Make new recovery codes?", `/account/recovery-codes`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct RenewCodesView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Recovery codes left.
    pub(crate) left: i64,
}

/// "Ask for a passkey at every sign-in?", `/account/second-step`; posts `csrf`, `on=true|false`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ToggleView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// It is on now.
    pub(crate) on: bool,
}

/// Set a first password, `/account/password/new`; posts `csrf`, `new`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct FirstPasswordView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

impl View for SecondStepView {
    const TEMPLATE: &'static str = "second.html";
}
impl View for CodesLeftView {
    const TEMPLATE: &'static str = "codes_left.html";
}
impl View for ConfirmView {
    const TEMPLATE: &'static str = "confirm.html";
}
impl View for SecurityView {
    const TEMPLATE: &'static str = "account_security.html";
}
impl View for AuthenticatorView {
    const TEMPLATE: &'static str = "account_authenticator.html";
}
impl View for AuthenticatorGoneView {
    const TEMPLATE: &'static str = "account_authenticator_gone.html";
}
impl View for RecoveryCodesView {
    const TEMPLATE: &'static str = "account_codes.html";
}
impl View for RenewCodesView {
    const TEMPLATE: &'static str = "account_codes_new.html";
}
impl View for ToggleView {
    const TEMPLATE: &'static str = "account_second_step.html";
}
impl View for FirstPasswordView {
    const TEMPLATE: &'static str = "account_password_first.html";
}
