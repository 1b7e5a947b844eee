//! What is done to a person: a page that names what will happen, then the act.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::Call;
use gatepost_engine::audit::Actor;
use gatepost_engine::kernel::journey;
use gatepost_engine::kernel::manage::{ManageFault, Managed};
use gatepost_engine::people::factors::reset::reset_factors;
use gatepost_engine::people::last_admin::{is_last_admin, needs_factors};
use gatepost_engine::people::users::{
    delete_user, end_user_sessions, mail_reset_link, set_user_disabled, set_user_role,
};
use gatepost_store::people::directory;
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER, find_user};
use gatepost_store::{Outcome, Tx};

use super::shared::{Page, count, either, not_found, refuse, trouble};
use crate::http::respond;
use crate::http::state::State;
use crate::pages::admin::acts::view::{PersonAct, PersonActView};
use crate::pages::kit::guard::{Admin, require_fresh};

fn find_act(word: &str) -> Option<PersonAct> {
    PersonAct::ALL.into_iter().find(|act| act.as_str() == word)
}

pub(crate) async fn get(request: HttpRequest, path: Path<(String, String)>, state: Data<State>) -> HttpResponse {
    let (id, word) = path.into_inner();
    either(ask(&request, &id, &word, &state).await)
}

async fn ask(request: &HttpRequest, id: &str, word: &str, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let mail = admin.visitor.call.policy().mail;
    let act = find_act(word).filter(|act| mail || *act != PersonAct::SendReset);
    let act = act.ok_or_else(|| not_found(state, &admin))?;
    let wanted = id.to_owned();
    let read = state.read(&admin.visitor.call, move |call, db| {
        let Some(user) = find_user(db, &wanted)? else { return Ok(None) };
        let sessions = directory::count_live_sessions(db, Some(&user.id), call.now)?;
        let apps = directory::count_live_apps(db, &user.id, call.now)?;
        let refused = match act {
            PersonAct::Demote | PersonAct::Disable | PersonAct::Delete => is_last_admin(call, db, &user)?,
            PersonAct::ResetFactors => needs_factors(call, db, &user)?,
            PersonAct::SendReset | PersonAct::EndSessions | PersonAct::Promote | PersonAct::Enable => false,
        };
        Ok(Some((user, sessions, apps, refused)))
    });
    let found = read.await.map_err(|error| trouble(state, &admin, &error))?;
    let Some((user, sessions, apps, refused)) = found else { return Err(not_found(state, &admin)) };
    let back = format!("/admin/users/{}/{}", user.id, act.as_str());
    require_fresh(state, &admin.visitor, &admin.session, journey::Act::Administer, &back).await?;
    let keeps_apps = matches!(act, PersonAct::Promote | PersonAct::Demote);
    let view = PersonActView {
        frame: admin.frame(None),
        act,
        dangerous: act.is_dangerous(),
        own: user.id == admin.session.user_id,
        id: user.id,
        name: user.name,
        email: user.email,
        sessions: count(sessions),
        apps: (!keeps_apps).then(|| count(apps)),
        refused,
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn post(request: HttpRequest, path: Path<(String, String)>, state: Data<State>) -> HttpResponse {
    let (id, word) = path.into_inner();
    either(act_on(&request, &id, &word, &state).await)
}

async fn act_on(request: &HttpRequest, id: &str, word: &str, state: &State) -> Page {
    // the page to come back to is made of what we know, never of what was sent
    let known = find_act(word);
    let is_id = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    let back = match known {
        Some(act) if is_id => format!("/admin/users/{id}/{}", act.as_str()),
        _ => "/admin/users".to_owned(),
    };
    let (admin, _) = Admin::of_form(state, request, &back).await?;
    let act = known.ok_or_else(|| not_found(state, &admin))?;
    let (actor, target) = (admin.session.user_id.clone(), id.to_owned());
    let done = state.write(&admin.visitor.call, move |call, tx| do_act(call, tx, Actor::User(&actor), &target, act));
    match done.await.map_err(|error| trouble(state, &admin, &error))? {
        // pressed twice: it is gone, as was asked for
        Err(ManageFault::NotFound(_)) if act == PersonAct::Delete => {
            Ok(go_to(&admin, "/admin/users?done=user-deleted"))
        }
        Err(ManageFault::LastAdministrator(_)) => {
            Ok(go_to(&admin, &format!("/admin/users/{id}?done=last-administrator")))
        }
        Err(ManageFault::TooMany(_)) => Ok(go_to(&admin, &format!("/admin/users/{id}?done=reset-link-limit"))),
        Err(fault) => Err(refuse(state, &admin, &fault)),
        // whoever does this to the own account is signed out by it
        Ok(()) if id == admin.session.user_id && act.ends_sessions() => {
            Ok(admin.visitor.without_cookie(go_to(&admin, "/login?done=sign-in-again")))
        }
        Ok(()) => Ok(go_to(&admin, &find_next(id, act))),
    }
}

fn go_to(admin: &Admin, path: &str) -> HttpResponse {
    respond::see_other(&admin.visitor.own(path))
}

fn find_next(id: &str, act: PersonAct) -> String {
    let done = match act {
        PersonAct::Delete => return "/admin/users?done=user-deleted".to_owned(),
        PersonAct::SendReset => "reset-link-sent",
        PersonAct::EndSessions => "user-sessions-ended",
        PersonAct::ResetFactors => "factors-reset",
        PersonAct::Promote | PersonAct::Demote => "role-changed",
        PersonAct::Disable => "user-disabled",
        PersonAct::Enable => "user-enabled",
    };
    format!("/admin/users/{id}?done={done}")
}

fn do_act(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, id: &str, act: PersonAct) -> Managed<()> {
    fn forget<T>(managed: Outcome<Result<T, ManageFault>>) -> Outcome<Result<(), ManageFault>> {
        match managed {
            Outcome::Commit(value) => Outcome::Commit(value.map(drop)),
            Outcome::Rollback(value) => Outcome::Rollback(value.map(drop)),
        }
    }
    // an address is no id here: a page is about the account that it showed
    if id.contains('@') {
        return Ok(Outcome::Rollback(Err(ManageFault::NotFound(String::new()))));
    }
    Ok(match act {
        PersonAct::SendReset => forget(mail_reset_link(call, tx, actor, id)?),
        PersonAct::EndSessions => forget(end_user_sessions(call, tx, actor, id)?),
        PersonAct::ResetFactors => forget(reset_factors(call, tx, actor, id)?),
        PersonAct::Promote => forget(set_user_role(call, tx, actor, id, ROLE_ADMIN)?),
        PersonAct::Demote => forget(set_user_role(call, tx, actor, id, ROLE_USER)?),
        PersonAct::Disable => forget(set_user_disabled(call, tx, actor, id, true)?),
        PersonAct::Enable => forget(set_user_disabled(call, tx, actor, id, false)?),
        PersonAct::Delete => forget(delete_user(call, tx, actor, id)?),
    })
}
