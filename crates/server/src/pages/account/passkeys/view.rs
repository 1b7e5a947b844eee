//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// One passkey of the person.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeyRow {
    /// Id, for links: never the credential's.
    pub(crate) id: String,
    /// What the person calls it.
    pub(crate) name: String,
    /// When it was added.
    pub(crate) added: Moment,
    /// When it was last used.
    pub(crate) last_used: Option<Moment>,
    /// It was stopped, because there may be a copy.
    pub(crate) flagged: bool,
    /// It is the only way in and cannot be removed.
    pub(crate) only: bool,
}

/// The passkeys of the person, on their own page and on the page Security.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeySection {
    /// People can have passkeys at this address.
    pub(crate) available: bool,
    /// Oldest first.
    pub(crate) rows: Vec<PasskeyRow>,
}

/// Passkeys, `/account/passkeys`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeysView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// The passkeys.
    pub(crate) passkeys: PasskeySection,
}

/// "Sign in faster next time", `/account/passkeys/new`; a script posts `csrf`, `state`, `credential`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeyNewView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// What the button needs.
    pub(crate) passkeys: PasskeyOffer,
    /// Nobody asked for this page: it is shown once after a sign-in and can be skipped.
    pub(crate) offered: bool,
}

/// "Name your passkey", `/account/passkeys/{id}`; posts `csrf`, `name`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeyNameView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Id of the passkey.
    pub(crate) id: String,
    /// Its name, or what was typed.
    pub(crate) name: String,
    /// What is wrong with the name.
    pub(crate) fault: Option<Fault>,
}

/// "Remove?", `/account/passkeys/{id}/remove`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasskeyRemoveView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Id of the passkey.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// It is the only way in, so there is no button.
    pub(crate) only: bool,
    /// The last administrator with a second factor needs it: there is no button either.
    pub(crate) last_admin: bool,
}

impl View for PasskeysView {
    const TEMPLATE: &'static str = "account_passkeys.html";
}

impl View for PasskeyNewView {
    const TEMPLATE: &'static str = "account_passkey_new.html";
}

impl View for PasskeyNameView {
    const TEMPLATE: &'static str = "account_passkey_name.html";
}

impl View for PasskeyRemoveView {
    const TEMPLATE: &'static str = "account_passkey_remove.html";
}
