//! Invitations as administrators make, see and end them.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::Actor;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::email::normalize_email;
use gatepost_engine::people::invites::{
    InviteEntry, InviteHistory, InviteSpec, MAX_NOTE, MAX_TTL, MAX_USES, Minted, find_invite_history, list_invites,
    mint_invite, revoke_invite,
};
use gatepost_protocol::params::Params;
use gatepost_store::people::invites::{InviteFilter, InviteState};
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::admin::invitations::view::{
    InviteLine, InviteMadeView, InviteNewView, InviteRevokeView, InviteStateWord, InviteUse, InviteView, InvitesView,
    NewInvite, NewInviteFaults,
};
use crate::pages::admin::shared::{Page, either, refuse};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::guard::{Admin, require_fresh};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::sign_in::login::find_signup_mode;

/// Rows of one page.
const PAGE: i64 = 50;
const DAY: i64 = 86_400;
const LIST: &str = "/admin/invites";
const NEW: &str = "/admin/invites/new";

const STATES: [(&str, InviteState); 5] = [
    ("open", InviteState::Open),
    ("used-up", InviteState::UsedUp),
    ("expired", InviteState::Expired),
    ("revoked", InviteState::Revoked),
    ("inviter-gone", InviteState::InviterGone),
];

fn name_state(state: InviteState) -> InviteStateWord {
    match state {
        InviteState::Open => InviteStateWord::Open,
        InviteState::UsedUp => InviteStateWord::UsedUp,
        InviteState::Expired => InviteStateWord::Expired,
        InviteState::Revoked => InviteStateWord::Revoked,
        InviteState::InviterGone => InviteStateWord::InviterGone,
    }
}

fn describe(entry: &InviteEntry, now: i64) -> InviteLine {
    let row = &entry.row;
    InviteLine {
        id: row.id.clone(),
        code_start: row.code_start.clone(),
        email: row.email.clone(),
        note: row.note.clone(),
        uses: row.uses,
        max_uses: row.max_uses,
        created: Moment::new(row.created_at, now),
        expires: Moment::new(row.expires_at, now),
        by: entry.inviter.as_ref().map(|person| person.name.clone()),
        by_operator: row.by_operator,
        admin: row.role == ROLE_ADMIN,
        state: name_state(entry.state),
    }
}

pub(crate) async fn list(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_list(&request, &state).await)
}

async fn show_list(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let call = &admin.visitor.call;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let word = params.one("state").unwrap_or_default();
    let wanted = STATES.iter().find(|(known, _)| *known == word);
    let mine = params.one("by") == Some("me");
    let q: String = params.one("q").unwrap_or_default().trim().chars().take(100).collect();
    let after = params.one("after").and_then(read_position);
    let filter = InviteFilter {
        state: wanted.map(|(_, state)| *state),
        created_by: mine.then(|| admin.session.user_id.clone()),
        search: q.clone(),
        after: after.clone(),
    };
    // one more than is shown, to know whether there are older ones
    let entries = state.read(call, move |call, db| list_invites(call, db, &filter, PAGE + 1)).await;
    let mut entries = entries.map_err(|error| respond::engine_error_page(state, call, &error))?;
    let more = entries.len() as i64 > PAGE;
    entries.truncate(PAGE as usize);
    let last = entries.last().filter(|_| more);
    let view = InvitesView {
        frame: admin.frame(read_notice(request)),
        mode: find_signup_mode(state, &admin.visitor).await,
        invites: entries.iter().map(|entry| describe(entry, call.now)).collect(),
        q,
        state: wanted.map(|(known, _)| (*known).to_owned()).unwrap_or_default(),
        mine,
        older: last.map(|entry| format!("{}.{}", entry.row.created_at, entry.row.id)),
        is_later_page: after.is_some(),
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

/// A place in the list; whatever is none begins it anew.
fn read_position(text: &str) -> Option<(i64, String)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.to_owned()))
}

pub(crate) async fn new(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_new(&request, &state).await)
}

async fn show_new(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, NEW).await?;
    let typed = NewInvite { role: "user".into(), uses: "1".into(), days: "7".into(), ..NewInvite::default() };
    Ok(ask_new(state, &admin, typed, NewInviteFaults::default()))
}

fn ask_new(state: &State, admin: &Admin, typed: NewInvite, faults: NewInviteFaults) -> HttpResponse {
    let status = match faults == NewInviteFaults::default() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = InviteNewView { frame: admin.frame(None), typed, mail: admin.visitor.call.policy().mail, faults };
    admin.visitor.page(state, status, &view)
}

/// Reads and checks the fields of a new invitation.
fn read_new(params: &Params) -> (NewInvite, Result<InviteSpec, NewInviteFaults>) {
    let field = |name| params.one(name).unwrap_or_default().trim().chars().take(300).collect::<String>();
    let typed = NewInvite {
        email: field("email"),
        role: field("role"),
        uses: field("uses"),
        days: field("days"),
        note: field("note"),
    };
    let mut faults = NewInviteFaults::default();
    let email = match typed.email.is_empty() {
        true => None,
        false => normalize_email(&typed.email).map_err(|_| faults.email = Some(Fault::EmailInvalid)).ok(),
    };
    let between = |text: &str, most: i64| text.parse().ok().filter(|number| (1..=most).contains(number));
    let uses = between(&typed.uses, MAX_USES);
    faults.uses = match uses {
        None => Some(Fault::InviteUses { max: MAX_USES as u32 }),
        Some(2..) if email.is_some() => Some(Fault::InviteUsesBound),
        Some(_) => None,
    };
    let days = between(&typed.days, MAX_TTL / DAY);
    faults.days = days.is_none().then_some(Fault::InviteDays { max: (MAX_TTL / DAY) as u32 });
    faults.note = (typed.note.chars().count() > MAX_NOTE).then_some(Fault::InviteNoteLong { max: MAX_NOTE as u32 });
    let role = if typed.role == "admin" { ROLE_ADMIN } else { ROLE_USER };
    let spec = match (faults == NewInviteFaults::default(), uses, days) {
        (true, Some(max_uses), Some(days)) => {
            let (note, ttl) = (typed.note.clone(), days * DAY);
            Ok(InviteSpec { note, email, role, max_uses, ttl, show_link: false })
        }
        _ => Err(faults),
    };
    (typed, spec)
}

pub(crate) async fn add(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_add(&request, &state).await)
}

async fn do_add(request: &HttpRequest, state: &State) -> Page {
    let (admin, params) = Admin::of_form(state, request, NEW).await?;
    let call = &admin.visitor.call;
    let (typed, spec) = read_new(&params);
    let spec = match spec {
        Ok(spec) => spec,
        Err(faults) => return Ok(ask_new(state, &admin, typed, faults)),
    };
    let id = admin.session.user_id.clone();
    let made = state.write(call, move |call, tx| mint_invite(call, tx, Actor::User(&id), &spec)).await;
    match made.map_err(|error| respond::engine_error_page(state, call, &error))? {
        Ok(Minted { row, link, mailed }) => {
            let entry = InviteEntry { row, inviter: None, state: InviteState::Open };
            let invite = describe(&entry, call.now);
            let view = InviteMadeView { frame: admin.frame(None), invite, link, mailed };
            Ok(admin.visitor.page(state, StatusCode::OK, &view))
        }
        Err(fault) => Err(refuse(state, &admin, &fault)),
    }
}

async fn find(state: &State, admin: &Admin, id: &str) -> Result<InviteHistory, HttpResponse> {
    let (call, id) = (&admin.visitor.call, id.to_owned());
    let found = state.read(call, move |call, db| find_invite_history(call, db, &id)).await;
    let found = found.map_err(|error| respond::engine_error_page(state, call, &error))?;
    found.ok_or_else(|| respond::error_page(state, call, ErrorKind::NotFound))
}

pub(crate) async fn show(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_one(&request, &id, &state).await)
}

async fn show_one(request: &HttpRequest, id: &str, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let now = admin.visitor.call.now;
    let InviteHistory { entry, uses } = find(state, &admin, id).await?;
    let uses = uses.into_iter().map(|(line, person)| InviteUse {
        number: line.number,
        email: person.as_ref().map(|person| person.email.clone()),
        name: person.map(|person| person.name).unwrap_or_default(),
        way: line.method,
        at: Moment::new(line.used_at, now),
    });
    let view = InviteView {
        frame: admin.frame(read_notice(request)),
        invite: describe(&entry, now),
        revoked: entry.row.revoked_at.map(|at| Moment::new(at, now)),
        mailed_only: entry.row.mailed_only,
        uses: uses.collect(),
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

/// A page of an invitation, for the way back; what is no id leads to the list.
fn own_path(id: &str, below: &str) -> String {
    match id.chars().all(|c| c.is_ascii_alphanumeric()) {
        true => format!("{LIST}/{id}{below}"),
        false => LIST.to_owned(),
    }
}

pub(crate) async fn ask_revoke(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_revoke(&request, &id, &state).await)
}

async fn show_revoke(request: &HttpRequest, id: &str, state: &State) -> Page {
    let back = own_path(id, "/revoke");
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, &back).await?;
    let history = find(state, &admin, id).await?;
    let view = InviteRevokeView { frame: admin.frame(None), invite: describe(&history.entry, admin.visitor.call.now) };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn revoke(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(do_revoke(&request, &id, &state).await)
}

async fn do_revoke(request: &HttpRequest, id: &str, state: &State) -> Page {
    let (admin, _) = Admin::of_form(state, request, &own_path(id, "/revoke")).await?;
    let (call, invite, user) = (&admin.visitor.call, id.to_owned(), admin.session.user_id.clone());
    let revoked = state.write(call, move |call, tx| revoke_invite(call, tx, Actor::User(&user), &invite)).await;
    match revoked.map_err(|error| respond::engine_error_page(state, call, &error))? {
        Ok(row) => Ok(respond::see_other(&admin.visitor.own(&own_path(&row.id, "?done=invite-revoked")))),
        Err(fault) => Err(refuse(state, &admin, &fault)),
    }
}
