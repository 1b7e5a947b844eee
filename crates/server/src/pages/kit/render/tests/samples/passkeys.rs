//! Samples of the pages about passkeys.

use crate::pages::account::passkeys::view::{
    PasskeyNameView, PasskeyNewView, PasskeyRemoveView, PasskeyRow, PasskeySection, PasskeysView,
};
use crate::pages::kit::fault::Fault;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble, UnknownPasskey};
use crate::pages::kit::render::tests::samples::{DAY, Samples, ago};

impl Samples<'_> {
    pub(super) fn passkey_offer(&self, trouble: PasskeyTrouble) -> PasskeyOffer {
        // both are ours: the host of the issuer, and bytes in base64url
        let unknown = UnknownPasskey { rp_id: "id.example".into(), credential: "Y3JlZGVudGlhbA".into() };
        let unknown = (trouble == PasskeyTrouble::Unknown).then_some(unknown);
        PasskeyOffer { available: true, trouble: Some(trouble), unknown }
    }

    pub(super) fn passkey_section(&self) -> PasskeySection {
        let row = PasskeyRow {
            id: "p1".into(),
            name: self.s("iCloud Keychain"),
            added: ago(200 * DAY),
            last_used: Some(ago(7300)),
            flagged: false,
            only: true,
        };
        let long = PasskeyRow { name: "W".repeat(60), last_used: None, only: false, ..row.clone() };
        let flagged = PasskeyRow { flagged: true, only: false, ..row.clone() };
        PasskeySection { available: true, rows: vec![row, long, flagged] }
    }

    pub(super) fn add_passkeys(&mut self) {
        let frame = self.frame(Some(Notice::PasskeyRemoved));
        self.add("passkeys", &PasskeysView { frame, passkeys: self.passkey_section() });
        for available in [true, false] {
            let passkeys = PasskeySection { available, rows: Vec::new() };
            let name = if available { "passkeys-empty" } else { "passkeys-unavailable" };
            self.add(name, &PasskeysView { frame: self.frame(None), passkeys });
        }
        let new = PasskeyNewView { frame: self.frame(None), passkeys: PasskeyOffer::new(true), offered: false };
        self.add("passkey-new", &new);
        self.add("passkey-new-offered", &PasskeyNewView { offered: true, ..new.clone() });
        self.add("passkey-new-unavailable", &PasskeyNewView { passkeys: PasskeyOffer::new(false), ..new.clone() });
        for (name, trouble) in [("failed", PasskeyTrouble::Failed), ("taken", PasskeyTrouble::Taken)] {
            let passkeys = self.passkey_offer(trouble);
            self.add(&format!("passkey-new-{name}"), &PasskeyNewView { passkeys, ..new.clone() });
        }
        let frame = self.frame(Some(Notice::PasskeyAdded));
        let name = PasskeyNameView { frame, id: "p1".into(), name: self.s("iCloud Keychain"), fault: None };
        self.add("passkey-name", &name);
        let (frame, fault) = (self.frame(None), Some(Fault::NameMissing));
        self.add("passkey-name-fault", &PasskeyNameView { frame, name: String::new(), fault, ..name });
        let frame = self.frame(None);
        let remove = PasskeyRemoveView {
            frame,
            id: "p1".into(),
            name: self.s("iCloud Keychain"),
            only: false,
            last_admin: false,
        };
        self.add("passkey-remove", &remove);
        self.add("passkey-remove-only", &PasskeyRemoveView { only: true, ..remove.clone() });
        self.add("passkey-remove-last-admin", &PasskeyRemoveView { last_admin: true, ..remove });
    }
}
