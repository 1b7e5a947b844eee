//! Samples of the pages under `/account`.

use crate::pages::account::apps::view::{AppRow, AppsView, EndAccessView};
use crate::pages::account::email::view::EmailState;
use crate::pages::account::password::view::PasswordView;
use crate::pages::account::profile::view::ProfileView;
use crate::pages::account::sessions::view::{SessionRow, SessionsView};
use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::render::tests::samples::{DAY, Samples, ago};

impl Samples<'_> {
    /// What stands around a page of the account.
    pub(crate) fn frame(&self, notice: Option<Notice>) -> AccountFrame {
        AccountFrame { email: self.s("ada@example.com"), csrf: self.s("c5rf"), admin: notice.is_some(), notice }
    }

    pub(super) fn add_account(&mut self) {
        let profile = ProfileView {
            frame: self.frame(None),
            name: self.s("Ada Lovelace"),
            created: ago(200 * DAY),
            editable: true,
            fault: None,
            address: EmailState { verified: true, mail: true, pending: None },
        };
        let address = EmailState { verified: false, mail: true, pending: self.o("ada@example.org") };
        self.add("account-profile-pending", &ProfileView { address, ..profile.clone() });
        let address = EmailState::default();
        self.add("account-profile-no-mail", &ProfileView { address, ..profile.clone() });
        self.add("account-profile", &profile);
        self.add("account-profile-fault", &ProfileView { fault: Some(Fault::NameMissing), ..profile.clone() });
        self.add("account-profile-fixed", &ProfileView { editable: false, ..profile });
        let password = PasswordView { frame: self.frame(None), min_password: 15, current_fault: None, new_fault: None };
        self.add("account-password", &password);
        let wrong = PasswordView {
            current_fault: Some(Fault::PasswordWrong),
            new_fault: Some(Fault::PasswordShort { min: 15, n: 1 }),
            ..password
        };
        self.add("account-password-faults", &wrong);
        self.add_sessions();
        self.add_apps();
        self.add_personal();
    }

    fn add_sessions(&mut self) {
        let session = SessionRow {
            id: self.s("s1"),
            browser: self.s("Firefox on Linux"),
            place: self.o("Paris, France"),
            ip: self.o("203.0.113.24"),
            last_used: ago(0),
            signed_in: ago(40 * DAY),
            methods: self.s("pwd otp"),
            new_place: false,
            current: true,
        };
        self.add("account-sessions-only", &SessionsView { frame: self.frame(None), sessions: vec![session.clone()] });
        let phone = SessionRow {
            current: false,
            new_place: true,
            methods: self.s("passkey"),
            browser: self.s("Safari on iPhone"),
            last_used: ago(240),
            ..session.clone()
        };
        let bare = SessionRow {
            place: None,
            ip: self.o("2001:db8:85a3:8d3:1319:8a2e:370:7348"),
            last_used: ago(3 * DAY),
            ..phone.clone()
        };
        let frame = self.frame(Some(Notice::SessionEnded));
        self.add("account-sessions", &SessionsView { frame, sessions: vec![phone, bare, session] });
    }

    fn add_apps(&mut self) {
        self.add("account-apps-empty", &AppsView { frame: self.frame(None), apps: Vec::new(), away_days: 30 });
        let app = AppRow {
            client_id: self.s("https://agents.example/client.json"),
            name: self.s("Field Agent"),
            host: self.o("agents.example"),
            scopes: vec![
                self.scope("notes:write", "Change and delete your notes", true),
                self.scope("notes:read", "Read your notes and notebooks", false),
            ],
            since: ago(90 * DAY),
            last_used: Some(ago(7300)),
            unverified: true,
        };
        let cli = AppRow {
            name: "W".repeat(60),
            host: None,
            last_used: None,
            unverified: false,
            since: ago(60),
            ..app.clone()
        };
        let frame = self.frame(Some(Notice::AccessEnded));
        self.add("account-apps", &AppsView { frame, apps: vec![app, cli], away_days: 30 });
        let end = EndAccessView { frame: self.frame(None), client_id: self.s("acme"), app: self.s("Field Agent") };
        self.add("account-end-access", &end);
    }
}
