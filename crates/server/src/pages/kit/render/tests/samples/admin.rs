//! Samples of the administration.

use std::collections::BTreeMap;

use crate::pages::account::sessions::view::SessionRow;
use crate::pages::admin::acts::view::{PersonAct, PersonActView};
use crate::pages::admin::audit::view::{AuditView, ChainState, LogRow, Party};
use crate::pages::admin::new_user::view::{NewUserView, UserAddedView};
use crate::pages::admin::overview::view::{FirstStep, OverviewView, ToDo};
use crate::pages::admin::shared::{PersonStatus, ProviderView, WaysView};
use crate::pages::admin::user::view::{PersonApp, PersonView};
use crate::pages::admin::users::view::{PersonRow, UsersView};
use crate::pages::kit::events::EventView;
use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::render::tests::samples::{DAY, NOW, Samples, ago};
use crate::pages::kit::view::Moment;

impl Samples<'_> {
    /// What stands around a page of the administration.
    pub(crate) fn admin_frame(&self, notice: Option<Notice>) -> AdminFrame {
        AdminFrame { email: self.s("ada@example.com"), csrf: self.s("c5rf"), notice }
    }

    fn log_row(&self, action: &str, actor: Party, subject: Option<Party>) -> LogRow {
        let values = BTreeMap::from([("with".to_owned(), self.s("pwd otp")), ("from".to_owned(), self.s("user"))]);
        let event = EventView {
            action: action.to_owned(),
            refused: action == "session.started",
            values,
            at: ago(300),
            ip: self.o("203.0.113.24"),
            browser: self.o("Firefox on Linux"),
            reference: self.s("req_7HQ2K9"),
        };
        let detail = vec![(self.s("with"), self.s("pwd otp"))];
        LogRow { event, actor, subject, id: self.s("e1"), detail, seal: Some(3) }
    }

    fn log_rows(&self) -> Vec<LogRow> {
        let ada = Party::Person { id: self.s("u1"), email: self.s("ada@example.com") };
        let gone = Party::Id { id: self.s("u2") };
        vec![
            self.log_row("user.role_changed", ada.clone(), Some(gone.clone())),
            self.log_row("session.started", Party::Nobody, Some(ada.clone())),
            self.log_row("key.made", Party::Operator, None),
            self.log_row("something.else", gone, None),
        ]
    }

    fn ways(&self) -> WaysView {
        WaysView {
            password: true,
            passkeys: vec![self.s("iCloud Keychain")],
            authenticator: true,
            recovery_codes: 1,
            providers: vec![ProviderView { name: self.s("google"), email: self.s("ada@mail.example") }],
        }
    }

    fn no_ways(&self) -> WaysView {
        WaysView { password: false, passkeys: vec![], authenticator: false, recovery_codes: 0, providers: vec![] }
    }

    pub(super) fn add_administration(&mut self) {
        self.add_overview();
        self.add_people();
        self.add_person();
        self.add_log();
    }

    fn add_overview(&mut self) {
        let overview = OverviewView {
            frame: self.admin_frame(None),
            to_do: vec![ToDo::KeyEnds { n: 2 }, ToDo::OneFactor { n: 2 }, ToDo::OneAdministrator, ToDo::NoMail],
            steps: vec![FirstStep::Brand, FirstStep::Mail, FirstStep::App, FirstStep::People],
            people: 1284,
            sign_ins: 311,
            sessions: 902,
            failed: 17,
            failed_usual: 12,
            events: self.log_rows(),
        };
        self.add("admin-overview", &overview);
        let quiet = OverviewView { to_do: vec![], steps: vec![], events: vec![], ..overview.clone() };
        self.add("admin-overview-quiet", &quiet);
        let one = OverviewView { to_do: vec![ToDo::OneFactor { n: 1 }, ToDo::KeyEnds { n: 1 }], ..overview };
        self.add("admin-overview-one", &one);
    }

    fn add_people(&mut self) {
        let ada = PersonRow {
            id: self.s("u1"),
            name: self.s("Ada Lovelace"),
            email: self.s("ada@example.com"),
            status: PersonStatus::Active,
            admin: true,
            ways: self.ways(),
            seen: Some(ago(240)),
        };
        let new = PersonRow {
            status: PersonStatus::Unverified,
            admin: false,
            seen: None,
            ways: self.no_ways(),
            ..ada.clone()
        };
        let long = PersonRow { name: "W".repeat(60), status: PersonStatus::Disabled, ..new.clone() };
        let users = UsersView {
            frame: self.admin_frame(None),
            q: String::new(),
            status: None,
            role: None,
            total: 3,
            signup: "invite",
            people: vec![ada, new, long],
            newer: None,
            older: None,
        };
        self.add("admin-users", &users);
        let filtered = UsersView {
            q: self.s("ada"),
            status: Some("active"),
            role: Some("admin"),
            newer: self.o("1.a"),
            older: self.o("2.b"),
            signup: "open",
            ..users.clone()
        };
        self.add("admin-users-filtered", &filtered);
        self.add("admin-users-nobody", &UsersView { people: vec![], total: 0, ..filtered });
        let nobody = UsersView { people: vec![], total: 0, status: Some("disabled"), signup: "closed", ..users };
        self.add("admin-users-none", &nobody);
        let new = NewUserView {
            frame: self.admin_frame(None),
            name: String::new(),
            email: String::new(),
            admin: false,
            faults: AccountFaults::default(),
            mail: true,
        };
        self.add("admin-user-new", &new);
        let faults = AccountFaults { email: Some(Fault::EmailTaken), ..AccountFaults::default() };
        let taken =
            NewUserView { faults, admin: true, name: self.s("Ada"), email: self.s("a@b.example"), ..new.clone() };
        self.add("admin-user-new-taken", &taken);
        let faults = AccountFaults { email: Some(Fault::EmailInvalid), name: Some(Fault::NameMissing), password: None };
        self.add("admin-user-new-faults", &NewUserView { faults, email: self.s("ada"), mail: false, ..new });
        let added = UserAddedView {
            frame: self.admin_frame(None),
            id: self.s("u1"),
            name: self.s("Ada Lovelace"),
            email: self.s("ada@example.com"),
            password: self.o("abcde-fghjk-mnpqr-stuvw"),
            sign_in: self.s("https://id.example/login"),
        };
        self.add("admin-user-added", &added);
        self.add("admin-user-added-mail", &UserAddedView { password: None, ..added });
    }

    fn add_person(&mut self) {
        let session = SessionRow {
            methods: self.s("pwd otp"),
            new_place: false,
            id: self.s("s1"),
            browser: self.s("Firefox on Linux"),
            place: self.o("Paris, France"),
            ip: self.o("203.0.113.24"),
            last_used: ago(0),
            signed_in: ago(4 * DAY),
            current: true,
        };
        let app = PersonApp {
            name: self.s("Acme Notes"),
            client_id: self.s("acme-notes"),
            since: ago(9 * DAY),
            last_used: ago(600),
        };
        let person = PersonView {
            frame: self.admin_frame(Some(Notice::LastAdministrator)),
            id: self.s("u1"),
            name: self.s("Ada Lovelace"),
            email: self.s("ada@example.com"),
            verified: true,
            status: PersonStatus::Active,
            admin: true,
            own: true,
            created: ago(200 * DAY),
            seen: Some(ago(60)),
            disabled: None,
            ways: self.ways(),
            sessions: vec![session],
            apps: vec![app],
            last_administrator: true,
            needs_factors: true,
            has_factors: true,
            mail: true,
            events: self.log_rows(),
        };
        self.add("admin-user", &person);
        let other = PersonView { last_administrator: false, needs_factors: false, ..person.clone() };
        self.add("admin-user-administrator", &other);
        let disabled = PersonView {
            frame: self.admin_frame(Some(Notice::UserDisabled)),
            verified: false,
            status: PersonStatus::Disabled,
            disabled: Some(ago(2 * DAY)),
            admin: false,
            seen: None,
            ways: self.no_ways(),
            sessions: vec![],
            apps: vec![],
            has_factors: false,
            mail: false,
            events: vec![],
            name: "W".repeat(60),
            ..other
        };
        self.add("admin-user-disabled", &disabled);
        for act in PersonAct::ALL {
            let keeps_apps = matches!(act, PersonAct::Promote | PersonAct::Demote);
            let view = PersonActView {
                frame: self.admin_frame(None),
                act,
                dangerous: act.is_dangerous(),
                id: self.s("u1"),
                name: self.s("Grace Hopper"),
                email: self.s("grace@example.com"),
                sessions: 3,
                apps: (!keeps_apps).then_some(1),
                own: false,
                refused: false,
            };
            self.add(&format!("admin-user-{}", act.as_str()), &view);
            self.add(&format!("admin-user-{}-own", act.as_str()), &PersonActView { own: true, ..view.clone() });
            self.add(&format!("admin-user-{}-refused", act.as_str()), &PersonActView { refused: true, ..view });
        }
    }

    fn add_log(&mut self) {
        let log = AuditView {
            frame: self.admin_frame(None),
            person: String::new(),
            nobody: false,
            kind: None,
            kinds: &["session", "user"],
            result: None,
            since: String::new(),
            until: String::new(),
            reference: String::new(),
            query: String::new(),
            events: self.log_rows(),
            newer: None,
            older: self.o("o1.a"),
            chain: ChainState::Intact { seal: 12, until: Moment::new(NOW - 90, NOW) },
        };
        self.add("admin-audit", &log);
        let filtered = AuditView {
            person: self.s("ada@example.com"),
            kind: Some("user"),
            result: Some("done"),
            since: "2026-03-01".into(),
            until: "2026-03-02".into(),
            reference: self.s("req_7HQ2K9"),
            query: "person=ada%40example.com&kind=user".into(),
            newer: self.o("n1.a"),
            chain: ChainState::None,
            ..log.clone()
        };
        self.add("admin-audit-filtered", &filtered);
        self.add("admin-audit-nothing", &AuditView { events: vec![], ..filtered.clone() });
        self.add("admin-audit-nobody", &AuditView { events: vec![], nobody: true, ..filtered });
        self.add("admin-audit-broken", &AuditView { chain: ChainState::Broken { seal: 9 }, ..log.clone() });
        self.add("admin-audit-empty", &AuditView { events: vec![], ..log });
    }
}
