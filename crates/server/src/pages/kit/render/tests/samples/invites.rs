//! Samples of the pages about invitations.

use crate::pages::admin::invitations::view::{
    InviteLine, InviteMadeView, InviteNewView, InviteRevokeView, InviteStateWord, InviteUse, InviteView, InvitesView,
    NewInvite, NewInviteFaults,
};
use crate::pages::admin::sign_up_mode::view::SignupModeView;
use crate::pages::invitations::view::InviteSignedInView;
use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::render::tests::samples::{DAY, Samples, ago};
use crate::pages::sign_up::view::{GivenInvite, InvitePart, SignupView};
use gatepost_engine::SignUpMode;

impl Samples<'_> {
    fn signup_with(&self, invite: InvitePart) -> SignupView {
        SignupView {
            csrf: self.s("c5rf"),
            tx: self.o("sealed.request"),
            app: None,
            email: String::new(),
            name: String::new(),
            min_password: 15,
            invite,
            providers: Vec::new(),
            faults: AccountFaults::default(),
            passkeys: PasskeyOffer::new(false),
        }
    }

    fn invite(&self) -> InviteLine {
        InviteLine {
            id: self.s("5f0c"),
            code_start: self.s("gp_inv_a1B2"),
            email: None,
            note: self.s("Berlin team"),
            uses: 3,
            max_uses: 10,
            created: ago(2 * DAY),
            expires: ago(-5 * DAY),
            by: self.o("Ada Lovelace"),
            by_operator: false,
            admin: false,
            state: InviteStateWord::Open,
        }
    }

    pub(super) fn add_invites(&mut self) {
        let given = |inviter, email| Some(GivenInvite { inviter, until: ago(-5 * DAY), email });
        let part = |given| InvitePart { given, needed: true, ..InvitePart::default() };
        let plain = self.signup_with(part(given(self.o("Ada Lovelace"), None)));
        self.add("signup-invited", &plain);
        let bound = self.signup_with(part(given(None, self.o("grace@example.com"))));
        self.add("signup-invited-bound", &bound);
        let asks = InvitePart { asks: true, needed: true, ..InvitePart::default() };
        self.add("signup-invite-asked", &self.signup_with(asks.clone()));
        for (name, fault) in [
            ("missing", Fault::InviteMissing),
            ("not-good", Fault::InviteNotGood),
            ("revoked", Fault::InviteRevoked),
            ("used-up", Fault::InviteUsedUp),
            ("expired", Fault::InviteExpired),
            ("other", Fault::InviteOtherAddress),
            ("unproven", Fault::InviteUnproven),
        ] {
            let part = InvitePart { code: self.s("gp_inv_x"), fault: Some(fault), needed: false, ..asks.clone() };
            self.add(&format!("signup-invite-{name}"), &self.signup_with(part));
        }
        let view = InviteSignedInView { csrf: self.s("c5rf"), tx: self.o("tx"), email: self.s("ada@example.com") };
        self.add("invite-signed-in", &view);
        self.add_invite_list();
        self.add_new_invite();
        self.add_one_invite();
        self.add_signup_mode();
    }

    fn add_invite_list(&mut self) {
        let empty = InvitesView {
            frame: self.admin_frame(None),
            mode: SignUpMode::Invite,
            invites: Vec::new(),
            q: String::new(),
            state: String::new(),
            mine: false,
            older: None,
            is_later_page: false,
        };
        self.add("admin-invites-empty", &empty);
        let nobody = InvitesView { q: self.s("grace"), mode: SignUpMode::Closed, ..empty.clone() };
        self.add("admin-invites-nobody", &nobody);
        let line = self.invite();
        let bound =
            InviteLine { email: self.o("grace@example.com"), max_uses: 1, uses: 0, admin: true, ..line.clone() };
        let mut invites = vec![line.clone(), bound.clone()];
        for state in
            [InviteStateWord::UsedUp, InviteStateWord::Expired, InviteStateWord::Revoked, InviteStateWord::InviterGone]
        {
            let by_operator = state == InviteStateWord::Expired;
            invites.push(InviteLine { state, by: None, by_operator, note: String::new(), ..line.clone() });
        }
        let full = InvitesView {
            invites,
            state: "open".into(),
            mine: true,
            mode: SignUpMode::Open,
            older: self.o("1793228400.5f0c"),
            is_later_page: true,
            ..empty
        };
        self.add("admin-invites", &full);
    }

    fn add_new_invite(&mut self) {
        let typed = NewInvite { role: "user".into(), uses: "1".into(), days: "7".into(), ..NewInvite::default() };
        let faults = NewInviteFaults::default();
        let view = InviteNewView { frame: self.admin_frame(None), typed, mail: true, faults };
        self.add("admin-invite-new", &view);
        let typed = NewInvite {
            email: self.s("grace"),
            role: "admin".into(),
            uses: self.s("5000"),
            days: self.s("x"),
            note: self.s("a note"),
        };
        let faults = NewInviteFaults {
            email: Some(Fault::EmailInvalid),
            uses: Some(Fault::InviteUses { max: 1000 }),
            days: Some(Fault::InviteDays { max: 30 }),
            note: Some(Fault::InviteNoteLong { max: 200 }),
        };
        self.add("admin-invite-new-faults", &InviteNewView { typed, mail: false, faults, ..view.clone() });
        let faults = NewInviteFaults { uses: Some(Fault::InviteUsesBound), ..NewInviteFaults::default() };
        self.add("admin-invite-new-fault", &InviteNewView { faults, ..view });
        let made = InviteMadeView {
            frame: self.admin_frame(None),
            invite: self.invite(),
            link: self.o("https://id.example/invite/gp_inv_a1B2"),
            mailed: false,
        };
        self.add("admin-invite-made", &made);
        let bound = InviteLine { email: self.o("grace@example.com"), max_uses: 1, uses: 0, ..made.invite.clone() };
        let too = InviteMadeView { invite: bound, mailed: true, ..made };
        self.add("admin-invite-made-mailed-too", &too);
        self.add("admin-invite-made-mailed", &InviteMadeView { link: None, ..too });
    }

    fn add_one_invite(&mut self) {
        let line = |number, email: Option<String>, way: &str| InviteUse {
            number,
            email,
            name: self.s("Grace Hopper"),
            way: way.to_owned(),
            at: ago(3600),
        };
        let uses = vec![
            line(1, self.o("grace@example.com"), "pwd"),
            line(2, None, "fed"),
            line(3, self.o("g@example.com"), &self.s("other")),
        ];
        let view = InviteView {
            frame: self.admin_frame(None),
            invite: self.invite(),
            revoked: None,
            mailed_only: false,
            uses,
        };
        self.add("admin-invite", &view);
        let revoked = InviteLine {
            state: InviteStateWord::Revoked,
            uses: 0,
            email: self.o("grace@example.com"),
            note: String::new(),
            by: None,
            by_operator: true,
            admin: true,
            ..self.invite()
        };
        let frame = self.admin_frame(Some(Notice::InviteRevoked));
        let ended = InviteView {
            frame: frame.clone(),
            invite: revoked.clone(),
            revoked: Some(ago(60)),
            mailed_only: true,
            uses: Vec::new(),
        };
        self.add("admin-invite-revoked", &ended);
        self.add("admin-invite-revoke", &InviteRevokeView { frame: self.admin_frame(None), invite: self.invite() });
        self.add("admin-invite-revoke-unused", &InviteRevokeView { frame, invite: revoked });
    }

    fn add_signup_mode(&mut self) {
        let view = SignupModeView {
            frame: self.admin_frame(None),
            mode: SignUpMode::Closed,
            settings: SignUpMode::Closed,
            chosen: None,
            mail: true,
        };
        self.add("admin-signup-mode", &view);
        let frame = self.admin_frame(Some(Notice::SignupModeChanged));
        let chosen = SignupModeView { frame, mode: SignUpMode::Open, chosen: Some(ago(60)), mail: false, ..view };
        self.add("admin-signup-mode-chosen", &chosen);
    }
}
