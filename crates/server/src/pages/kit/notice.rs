//! The short message above a page after something was done.

use actix_web::HttpRequest;
use gatepost_protocol::params::Params;
use serde::Serialize;

/// A short message above the page after something was done; texts are `notice.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Notice {
    /// The name was saved.
    ProfileSaved,
    /// The password was changed and the other sessions ended.
    PasswordChanged,
    /// One other session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OthersEnded,
    /// An app lost its access.
    AccessEnded,
    /// The first administrator was made and can sign in now.
    SetupDone,
    /// Somebody else's session was ended; shown on the security page.
    NotYou,
    /// An invitation was ended.
    InviteRevoked,
    /// Who may create an account was changed.
    SignupModeChanged,
    /// The address was proven.
    EmailConfirmed,
    /// The account has another address.
    EmailChanged,
    /// A change of the address was cancelled.
    ChangeCancelled,
    /// The session of this browser ended; shown on the sign-in page.
    SignInAgain,
    /// An administrator disabled an account.
    UserDisabled,
    /// An administrator enabled an account.
    UserEnabled,
    /// An administrator deleted an account.
    UserDeleted,
    /// An administrator ended all sessions of a person.
    UserSessionsEnded,
    /// An administrator removed somebody's second factors.
    FactorsReset,
    /// An administrator had a reset link mailed.
    ResetLinkSent,
    /// …but too many letters went there already.
    ResetLinkLimit,
    /// An administrator changed a role.
    RoleChanged,
    /// Nothing was done, because nobody would be left to administer.
    LastAdministrator,
    /// Every sign-in asks for a second step from now on.
    SecondStepOn,
    /// No sign-in asks for a second step any more.
    SecondStepOff,
    /// The authenticator app was removed, and passkeys are still asked for.
    AuthenticatorRemoved,
    /// There is a new set of recovery codes.
    CodesRenewed,
    /// A first password was set.
    PasswordSet,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey got another name.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The person said no at another provider; shown on the sign-in page.
    ProviderCancelled,
}

/// The notice that a redirect asked the next page to show.
pub(crate) fn read_notice(request: &HttpRequest) -> Option<Notice> {
    let params = Params::parse(request.query_string().as_bytes()).ok()?;
    match params.one("done")? {
        "profile-saved" => Some(Notice::ProfileSaved),
        "email-confirmed" => Some(Notice::EmailConfirmed),
        "email-changed" => Some(Notice::EmailChanged),
        "change-cancelled" => Some(Notice::ChangeCancelled),
        "sign-in-again" => Some(Notice::SignInAgain),
        "password-changed" => Some(Notice::PasswordChanged),
        "session-ended" => Some(Notice::SessionEnded),
        "others-ended" => Some(Notice::OthersEnded),
        "access-ended" => Some(Notice::AccessEnded),
        "not-you" => Some(Notice::NotYou),
        "second-step-on" => Some(Notice::SecondStepOn),
        "second-step-off" => Some(Notice::SecondStepOff),
        "authenticator-removed" => Some(Notice::AuthenticatorRemoved),
        "codes-renewed" => Some(Notice::CodesRenewed),
        "password-set" => Some(Notice::PasswordSet),
        "provider-cancelled" => Some(Notice::ProviderCancelled),
        "setup-done" => Some(Notice::SetupDone),
        "user-disabled" => Some(Notice::UserDisabled),
        "user-enabled" => Some(Notice::UserEnabled),
        "user-deleted" => Some(Notice::UserDeleted),
        "user-sessions-ended" => Some(Notice::UserSessionsEnded),
        "factors-reset" => Some(Notice::FactorsReset),
        "reset-link-sent" => Some(Notice::ResetLinkSent),
        "reset-link-limit" => Some(Notice::ResetLinkLimit),
        "role-changed" => Some(Notice::RoleChanged),
        "last-administrator" => Some(Notice::LastAdministrator),
        "passkey-added" => Some(Notice::PasskeyAdded),
        "passkey-renamed" => Some(Notice::PasskeyRenamed),
        "passkey-removed" => Some(Notice::PasskeyRemoved),
        "invite-revoked" => Some(Notice::InviteRevoked),
        "signup-mode-changed" => Some(Notice::SignupModeChanged),
        _ => None,
    }
}
