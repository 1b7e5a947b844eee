//! Invitations: what they are worth, to whom, and until when (R-34, IV1–IV8).

use gatepost_protocol::secret::{SecretKind, TokenHash};
use gatepost_store::people::invites::{InviteFilter, InviteState, insert_invite};
use gatepost_store::people::users;
use gatepost_store::people::users::{
    ROLE_ADMIN, ROLE_USER, count_enabled_admins, update_user_disabled, update_user_role,
};
use gatepost_store::{Outcome, audit};

use super::World;
use crate::audit::Actor;
use crate::kernel::manage::ManageFault;
use crate::people::email::normalize_email;
use crate::people::invites::*;
use crate::people::sign_up::mode;
use crate::people::sign_up::{NewUser, SignUpRefusal, make_user_row, sign_up};
use crate::{Policy, SignUpMode};

const DAY: i64 = 86_400;

fn invite_only(adjust: impl FnOnce(&mut Policy)) -> World {
    World::new(|policy| {
        policy.sign_up = SignUpMode::Invite;
        policy.mail = false;
        adjust(policy);
    })
}

fn person(email: &str, proven: bool) -> NewUser {
    NewUser {
        email: normalize_email(email).expect("an address"),
        name: "Grace".into(),
        email_verified: proven,
        password_hash: Some("a hash".into()),
        role: ROLE_USER,
    }
}

impl World {
    /// Invites as this person, or as a command; the invitation, and its code from the link.
    fn invite_as(&self, by: Option<&str>, spec: &InviteSpec) -> Result<(Minted, String), ManageFault> {
        let (by, spec) = (by.map(str::to_owned), spec.clone());
        let minted = self.write(move |call, tx| {
            let actor = by.as_deref().map_or(Actor::Operator, Actor::User);
            mint_invite(call, tx, actor, &spec)
        })?;
        let code = minted.link.as_deref().and_then(|link| link.rsplit('/').next()).unwrap_or_default().to_owned();
        Ok((minted, code))
    }

    fn invite(&self, spec: &InviteSpec) -> (Minted, String) {
        self.invite_as(None, spec).expect("an invitation")
    }

    /// Who signs up with a code; the role that came of it.
    fn accept(&self, new: &NewUser, code: Option<&str>) -> Result<String, SignUpRefusal> {
        let (new, code) = (new.clone(), code.map(str::to_owned));
        let id = self.write(move |call, tx| sign_up(call, tx, &new, code.as_deref()))?.signed_in.user_id;
        Ok(self.read(move |_, db| Ok(users::find_user(db, &id)?)).expect("the person").role)
    }

    fn look(&self, code: &str, email: Option<&str>) -> Result<InviteFacts, InviteRefusal> {
        let (code, email) = (code.to_owned(), email.map(|email| normalize_email(email).expect("an address")));
        self.read(move |call, db| check_invite(call, db, &code, email.as_ref())).map_err(UncountedRefusal::peek)
    }

    fn history(&self, id: &str) -> InviteHistory {
        let id = id.to_owned();
        self.read(move |call, db| find_invite_history(call, db, &id)).expect("the invitation")
    }

    fn add_admin(&self, email: &str) -> String {
        let new = NewUser { role: ROLE_ADMIN, ..person(email, false) };
        let row = self.write(move |call, tx| {
            let row = make_user_row(call, &new)?;
            users::insert_user(tx, &row)?;
            Ok(Outcome::Commit(row))
        });
        row.id
    }

    /// What [`mint_invite`] writes where only the mailbox gets the code; the code, as the letter has it.
    fn give_to_mailbox(&self, email: &str) -> String {
        let email = normalize_email(email).expect("an address");
        let (mut minted, _) = self.invite(&InviteSpec { email: Some(email), ..InviteSpec::default() });
        let secret = self.engine.make_secret(SecretKind::Invite).expect("randomness");
        minted.row.code_hash = TokenHash::of(&secret).to_base64();
        minted.row.id.push('2');
        let row = minted.row;
        self.write(move |_, tx| {
            insert_invite(tx, &row)?;
            Ok(Outcome::Commit(()))
        });
        secret.expose().to_owned()
    }

    fn count_people(&self) -> usize {
        self.read(|_, db| Ok(users::list_users(db, "", 1000)?)).len()
    }
}

const BAD: Result<String, SignUpRefusal> = Err(SignUpRefusal::Invite(InviteRefusal::NotGood(None)));

#[test]
fn r_34_an_invitation_is_good_for_exactly_its_uses() {
    let world = invite_only(|_| {});
    let (minted, code) = world.invite(&InviteSpec { max_uses: 2, ..InviteSpec::default() });
    assert_eq!(world.accept(&person("a@example.com", false), None), Err(SignUpRefusal::InviteRequired));
    assert_eq!(world.accept(&person("a@example.com", false), Some(" ")), Err(SignUpRefusal::InviteRequired));
    assert_eq!(world.accept(&person("a@example.com", false), Some(&code)).as_deref(), Ok(ROLE_USER));
    // a whole link with spaces and line breaks will do
    let link = format!(" {}\r\n ", minted.link.expect("a link").replace("/gp_inv_", "/ gp_inv_"));
    assert_eq!(world.accept(&person("b@example.com", false), Some(&link)).as_deref(), Ok(ROLE_USER));
    assert_eq!(world.accept(&person("c@example.com", false), Some(&code)), BAD);
    assert_eq!(world.look(&code, None), Err(InviteRefusal::NotGood(None)));
    let history = world.history(&minted.row.id);
    assert_eq!((history.entry.state, history.entry.row.uses), (InviteState::UsedUp, 2));
    let ledger: Vec<_> = history
        .uses
        .iter()
        .map(|(line, who)| (line.number, line.method.as_str(), who.as_ref().expect("an account").email.as_str()))
        .collect();
    assert_eq!(ledger, [(1, "pwd", "a@example.com"), (2, "pwd", "b@example.com")]);
    assert_eq!(world.count_people(), 2);
}

#[test]
fn r_34_it_ends_to_the_second_and_at_once_when_revoked() {
    let mut world = invite_only(|_| {});
    let (_, code) = world.invite(&InviteSpec { max_uses: 9, ..InviteSpec::default() });
    world.now += 7 * DAY - 1;
    assert!(world.look(&code, None).is_ok());
    assert!(world.accept(&person("a@example.com", false), Some(&code)).is_ok());
    world.now += 1;
    assert_eq!(world.look(&code, None), Err(InviteRefusal::NotGood(None)));
    assert_eq!(world.accept(&person("b@example.com", false), Some(&code)), BAD);
    let (minted, code) = world.invite(&InviteSpec::default());
    let id = minted.row.id.clone();
    let revoked = world.write(move |call, tx| revoke_invite(call, tx, Actor::Operator, &id)).expect("revoked");
    assert_eq!(revoked.revoked_at, Some(world.now));
    assert_eq!(world.accept(&person("b@example.com", false), Some(&code)), BAD);
    let gone = world.write(|call, tx| revoke_invite(call, tx, Actor::Operator, "no such id"));
    assert!(matches!(gone, Err(ManageFault::NotFound(_))));
}

#[test]
fn r_34_limits_of_what_can_be_made() {
    let world = invite_only(|_| {});
    let good = InviteSpec::default;
    let email = normalize_email("a@example.com").ok();
    for bad in [
        InviteSpec { max_uses: 0, ..good() },
        InviteSpec { max_uses: 1001, ..good() },
        InviteSpec { ttl: 30 * DAY + 1, ..good() },
        InviteSpec { ttl: 0, ..good() },
        InviteSpec { note: "n".repeat(201), ..good() },
        InviteSpec { email, max_uses: 2, ..good() },
    ] {
        assert!(matches!(world.invite_as(None, &bad), Err(ManageFault::Invalid(_))), "{bad:?}");
    }
    let most = InviteSpec { max_uses: 1000, ttl: 30 * DAY, note: "n".repeat(200), ..good() };
    assert!(world.invite_as(None, &most).is_ok());
}

#[test]
fn iv4_a_bound_invitation_needs_its_proven_address() {
    let world = invite_only(|_| {});
    let email = normalize_email("Grace+x@Example.com").ok();
    let (_, code) = world.invite(&InviteSpec { email, ..InviteSpec::default() });
    let other = Err(SignUpRefusal::Invite(InviteRefusal::OtherAddress));
    for email in ["grace@example.com", "grace+y@example.com", "grace+x@example.org", "gräce+x@example.com"] {
        assert_eq!(world.accept(&person(email, true), Some(&code)), other, "{email}");
        assert_eq!(world.look(&code, Some(email)), Err(InviteRefusal::OtherAddress));
    }
    let unproven = Err(SignUpRefusal::Invite(InviteRefusal::Unproven));
    assert_eq!(world.accept(&person("grace+x@example.com", false), Some(&code)), unproven);
    let facts = world.look(&code, Some("GRACE+X@EXAMPLE.COM")).expect("a good one");
    assert_eq!((facts.email.as_deref(), facts.proves_email), (Some("Grace+x@example.com"), false));
    // fullwidth letters are the same address after NFKC
    assert!(world.accept(&person("ＧＲＡＣＥ+x@EXAMPLE.com", true), Some(&code)).is_ok());
    // the proven owner is told why; a stranger is not
    let used_up = Err(SignUpRefusal::Invite(InviteRefusal::NotGood(Some(InviteEnd::UsedUp))));
    assert_eq!(world.accept(&person("grace+x@example.com", true), Some(&code)), used_up);
    assert_eq!(world.accept(&person("grace+x@example.com", false), Some(&code)), BAD);
    assert_eq!(world.accept(&person("grace@example.com", true), Some(&code)), BAD);
}

#[test]
fn iv4_a_code_that_only_the_mailbox_got_proves_the_address() {
    let world = invite_only(|policy| policy.mail = true);
    let email = normalize_email("grace@example.com").ok();
    let (minted, code) = world.invite(&InviteSpec { email: email.clone(), ..InviteSpec::default() });
    assert!(minted.mailed && minted.row.mailed_only && code.is_empty(), "nobody but the mailbox gets it");
    let code = world.give_to_mailbox("hopper@example.com");
    assert!(world.look(&code, None).expect("a good one").proves_email);
    let other = Err(SignUpRefusal::Invite(InviteRefusal::OtherAddress));
    assert_eq!(world.accept(&person("grace@example.com", true), Some(&code)), other);
    assert!(world.accept(&person("hopper@example.com", false), Some(&code)).is_ok());
    let verified = world.read(|_, db| Ok(users::find_user_by_email(db, "hopper@example.com")?));
    assert!(verified.expect("the person").email_verified);
    // shown on a screen as well, it proves nothing
    let (minted, code) = world.invite(&InviteSpec { email, show_link: true, ..InviteSpec::default() });
    assert!(minted.mailed && !minted.row.mailed_only);
    let unproven = Err(SignUpRefusal::Invite(InviteRefusal::Unproven));
    assert_eq!(world.accept(&person("grace@example.com", false), Some(&code)), unproven);
}

#[test]
fn iv5_only_administrators_invite_and_the_role_comes_from_the_invitation() {
    let world = invite_only(|_| {});
    let admin = world.add_admin("root@example.com");
    let spec = InviteSpec { role: ROLE_ADMIN, ..InviteSpec::default() };
    let (_, code) = world.invite_as(Some(&admin), &spec).expect("an invitation");
    // what the form says about a role does not count
    let asked = NewUser { role: ROLE_ADMIN, ..person("a@example.com", false) };
    let (_, plain) = world.invite_as(Some(&admin), &InviteSpec::default()).expect("an invitation");
    assert_eq!(world.accept(&asked, Some(&plain)).as_deref(), Ok(ROLE_USER));
    assert_eq!(world.accept(&person("b@example.com", false), Some(&code)).as_deref(), Ok(ROLE_ADMIN));
    let user = world.read(|_, db| Ok(users::find_user_by_email(db, "a@example.com")?)).expect("the person");
    for spec in [spec, InviteSpec::default()] {
        assert!(matches!(world.invite_as(Some(&user.id), &spec), Err(ManageFault::Forbidden(_))));
        assert!(matches!(world.invite_as(Some("nobody"), &spec), Err(ManageFault::Forbidden(_))));
    }
    assert_eq!(world.read(|_, db| Ok(count_enabled_admins(db)?)), 2);
}

#[test]
fn iv6_an_invitation_ends_with_the_rights_of_whoever_made_it() {
    let world = invite_only(|_| {});
    let admin = world.add_admin("root@example.com");
    let (minted, code) = world.invite_as(Some(&admin), &InviteSpec::default()).expect("an invitation");
    let (_, by_command) = world.invite(&InviteSpec::default());
    let change = |disabled: Option<i64>, role: &'static str| {
        let id = admin.clone();
        world.write(move |call, tx| {
            update_user_disabled(tx, &id, disabled, call.now)?;
            update_user_role(tx, &id, role, call.now)?;
            Ok(Outcome::Commit(()))
        });
    };
    for (disabled, role) in [(Some(1), ROLE_ADMIN), (None, ROLE_USER)] {
        change(disabled, role);
        assert_eq!(world.look(&code, None), Err(InviteRefusal::NotGood(None)));
        assert_eq!(world.accept(&person("a@example.com", false), Some(&code)), BAD);
        assert_eq!(world.history(&minted.row.id).entry.state, InviteState::InviterGone);
    }
    let gone = InviteFilter { state: Some(InviteState::InviterGone), ..InviteFilter::default() };
    assert_eq!(world.read(move |call, db| list_invites(call, db, &gone, 10)).len(), 1);
    assert!(world.accept(&person("b@example.com", false), Some(&by_command)).is_ok());
    change(None, ROLE_ADMIN);
    assert!(world.accept(&person("a@example.com", false), Some(&code)).is_ok());
}

#[test]
fn iv2_codes_are_counted_before_they_are_looked_at() {
    let mut world = invite_only(|_| {});
    let (_, code) = world.invite(&InviteSpec { max_uses: 5, ..InviteSpec::default() });
    for number in 0..10 {
        assert_eq!(world.accept(&person("a@example.com", false), Some(&format!("wrong {number}"))), BAD);
    }
    // the eleventh gets the same answer, however good it is
    assert_eq!(world.accept(&person("a@example.com", false), Some(&code)), BAD);
    assert_eq!(world.look(&code, None), Err(InviteRefusal::NotGood(None)));
    world.now += 600;
    assert!(world.look(&code, None).is_ok());
    assert!(world.accept(&person("a@example.com", false), Some(&code)).is_ok());
    // a good one costs nothing
    let failures = world.read(|call, db| {
        let bucket = TokenHash::of_text(&format!("invite:{}", call.origin.ip)).to_base64();
        Ok(gatepost_store::people::throttles::find_throttle(db, &bucket)?.map(|row| row.failures))
    });
    assert_eq!(failures, Some(0));
}

#[test]
fn r_28_a_taken_address_gives_the_use_back_and_is_not_told_to_strangers() {
    let world = invite_only(|_| {});
    let (minted, code) = world.invite(&InviteSpec::default());
    world.add_admin("taken@example.com");
    assert_eq!(world.accept(&person("taken@example.com", false), Some("no code")), BAD);
    assert_eq!(world.accept(&person("taken@example.com", false), Some(&code)), Err(SignUpRefusal::Taken));
    let history = world.history(&minted.row.id);
    assert_eq!((history.entry.row.uses, history.uses.len()), (0, 0));
    assert!(world.accept(&person("new@example.com", false), Some(&code)).is_ok());
}

#[test]
fn the_mode_is_switched_while_running_and_written_down() {
    let world = invite_only(|_| {});
    let (_, code) = world.invite(&InviteSpec { max_uses: 5, ..InviteSpec::default() });
    let set = |mode| world.write(move |call, tx| mode::set(call, tx, Actor::Operator, mode)).expect("set");
    let choice = set(Some(SignUpMode::Closed));
    assert_eq!((choice.mode, choice.settings, choice.chosen.is_some()), (SignUpMode::Closed, SignUpMode::Invite, true));
    assert_eq!(world.accept(&person("a@example.com", false), Some(&code)), Err(SignUpRefusal::Closed));
    set(Some(SignUpMode::Open));
    assert!(world.accept(&person("a@example.com", false), None).is_ok());
    assert!(world.accept(&person("b@example.com", false), Some(&code)).is_ok(), "a code may come along");
    assert_eq!(world.accept(&person("c@example.com", false), Some("a bad one")), BAD);
    let choice = set(None);
    assert_eq!((choice.mode, choice.chosen), (SignUpMode::Invite, None));
    let events = world.read(|_, db| Ok(audit::list_audit_events(db, 100)?));
    assert_eq!(events.iter().filter(|event| event.action == "settings.changed").count(), 3);
}

#[test]
fn the_list_is_filtered_searched_and_paged() {
    let mut world = invite_only(|_| {});
    let admin = world.add_admin("root@example.com");
    let mut ids = Vec::new();
    for number in 0..7 {
        world.now += i64::from(number % 2);
        let spec = InviteSpec { note: format!("Team {number} 100%_!"), max_uses: 2, ..InviteSpec::default() };
        let by = (number < 3).then_some(admin.as_str());
        ids.push(world.invite_as(by, &spec).expect("an invitation").0.row.id);
    }
    let list = |filter: InviteFilter, limit| {
        let rows = world.read(move |call, db| list_invites(call, db, &filter, limit));
        rows.into_iter().map(|entry| (entry.row.created_at, entry.row.id)).collect::<Vec<_>>()
    };
    let all = list(InviteFilter::default(), 100);
    assert_eq!(all.len(), 7);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]), "newest first, without doubt");
    let mut paged = Vec::new();
    while let Some(last) = list(InviteFilter { after: paged.last().cloned(), ..InviteFilter::default() }, 2).pop() {
        let page = list(InviteFilter { after: paged.last().cloned(), ..InviteFilter::default() }, 2);
        assert_eq!(page.last(), Some(&last));
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let search = |text: &str| list(InviteFilter { search: text.into(), ..InviteFilter::default() }, 100).len();
    assert_eq!((search("team 3"), search("100%_!"), search("100_%"), search("GP_INV_")), (1, 7, 0, 7));
    let mine = InviteFilter { created_by: Some(admin), ..InviteFilter::default() };
    assert_eq!(list(mine, 100).len(), 3);
    world
        .write({
            let id = ids[0].clone();
            move |call, tx| revoke_invite(call, tx, Actor::Operator, &id)
        })
        .expect("revoked");
    let of = |state| list(InviteFilter { state: Some(state), ..InviteFilter::default() }, 100).len();
    assert_eq!((of(InviteState::Open), of(InviteState::Revoked), of(InviteState::UsedUp)), (6, 1, 0));
}

#[test]
fn ad_1_who_was_demoted_meanwhile_ends_no_invitation_and_opens_no_door() {
    let world = invite_only(|_| {});
    let (first, second) = (world.add_admin("ada@example.com"), world.add_admin("grace@example.com"));
    let (minted, _) = world.invite_as(Some(&first), &InviteSpec::default()).expect("an invitation");
    for (role, allowed) in [(ROLE_USER, false), (ROLE_ADMIN, true)] {
        let id = second.clone();
        world.write(move |call, tx| Ok(Outcome::Commit(update_user_role(tx, &id, role, call.now)?)));
        let (by, id) = (second.clone(), minted.row.id.clone());
        let mode = world.write(move |call, tx| mode::set(call, tx, Actor::User(&by), Some(SignUpMode::Open)));
        assert_eq!(mode.is_ok(), allowed, "{role}");
        let by = second.clone();
        let revoked = world.write(move |call, tx| revoke_invite(call, tx, Actor::User(&by), &id));
        assert_eq!(revoked.is_ok(), allowed, "{role}");
    }
}
