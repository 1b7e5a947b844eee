//! Samples of activity, one's data, and leaving.

use crate::pages::account::activity::view::{ActivityRow, ActivityShow, ActivityView};
use crate::pages::account::personal_data::view::{DataView, DeleteView, DeletedView};
use crate::pages::kit::events::EventView;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::render::tests::samples::{Samples, ago};
use std::collections::BTreeMap;

impl Samples<'_> {
    fn event(&self, action: &str, refused: bool, values: &[(&str, &str)]) -> EventView {
        EventView {
            action: self.s(action),
            refused,
            values: values.iter().map(|(name, value)| ((*name).to_owned(), self.s(value))).collect::<BTreeMap<_, _>>(),
            at: ago(4000),
            ip: self.o("203.0.113.24"),
            browser: self.o("Firefox on Linux"),
            reference: self.s("req_ABCDEFGH"),
        }
    }

    pub(super) fn add_personal(&mut self) {
        let frame =
            || AccountFrame { email: self.s("ada@example.com"), csrf: self.s("c5rf"), admin: false, notice: None };
        let row = |event: EventView| ActivityRow {
            event,
            session: None,
            suspect: false,
            here: false,
            by_admin: false,
            when: self.s("2026-10-28T23:00:00Z"),
        };
        let rows = vec![
            ActivityRow { here: true, ..row(self.event("session.started", false, &[("with", "pwd otp")])) },
            ActivityRow { session: self.o("s2"), ..row(self.event("session.started", false, &[("with", "passkey")])) },
            ActivityRow { suspect: true, ..row(self.event("session.started", true, &[("with", "password")])) },
            ActivityRow {
                by_admin: true,
                ..row(self.event("user.role_changed", false, &[("from", "user"), ("to", "x")]))
            },
            row(self.event("consent.given", false, &[("app", "Acme Notes")])),
        ];
        let empty = ActivityView {
            frame: frame(),
            show: ActivityShow::SignIns,
            days: 90,
            rows: Vec::new(),
            newer: None,
            older: None,
        };
        let full = ActivityView {
            show: ActivityShow::All,
            rows,
            newer: self.o("n1.a"),
            older: self.o("o1.a"),
            ..empty.clone()
        };
        let data = DataView { frame: frame() };
        let delete = DeleteView { frame: frame(), sessions: 1, apps: 3, passkeys: 0, identities: 2, last_admin: false };
        self.add("account-activity-empty", &empty);
        self.add("account-activity", &full);
        self.add("account-data", &data);
        self.add("account-delete-last-admin", &DeleteView { last_admin: true, ..delete.clone() });
        self.add("account-delete", &delete);
        self.add("account-deleted", &DeletedView {});
    }
}
