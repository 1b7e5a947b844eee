//! An invitation on its way to an account: the link, the field for its code, and what the sign-up page says of it.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::SignUpMode;
use gatepost_engine::people::account::end_session;
use gatepost_engine::people::email::Email;
use gatepost_engine::people::invites::{InviteEnd, InviteFacts, InviteRefusal, check_invite, count_refusal};
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::invitations::view::InviteSignedInView;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::login::{find_signup_mode, require_signup_mode};
use crate::pages::sign_up::view::{GivenInvite, InvitePart};
use crate::pages::sign_up::{Person, check_open, make_view};

/// Most characters of a typed code or pasted link that go back to the page.
const MAX_TYPED: usize = 2000;

pub(crate) async fn get(request: HttpRequest, code: Path<String>, state: Data<State>) -> HttpResponse {
    open(&request, code.into_inner(), &state).await.unwrap_or_else(|response| response)
}

/// Looking uses nothing up, so that a program that follows links in letters does no harm.
async fn open(request: &HttpRequest, code: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let mode = check_open(state, &visitor, require_signup_mode(state, &visitor).await?)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let mut pending = Pending::find(state, &visitor, &params).await?;
    pending.change(|journey| journey.invite = Some(code));
    if let Some(session) = &visitor.session {
        // whoever is signed in has an account; it is theirs to say that they want another (IV8)
        let email = session.email.clone();
        let view = InviteSignedInView { csrf: visitor.csrf(), tx: pending.seal(state, &visitor)?, email };
        return Ok(visitor.page(state, StatusCode::OK, &view));
    }
    let part = find_part(state, &visitor, &mut pending, mode).await?;
    let status = if part.given.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let person = Person { email: pending.login_hint(), ..Person::default() };
    Ok(visitor.page(state, status, &make_view(state, &visitor, &pending, (&person, part))?))
}

pub(crate) async fn sign_out(request: HttpRequest, state: Data<State>) -> HttpResponse {
    switch(&request, &state).await.unwrap_or_else(|response| response)
}

/// Ends the session of whoever wants another account, and goes on to the sign-up page with the invitation.
async fn switch(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let pending = Pending::find(state, &visitor, &params).await?;
    if let Some(session) = visitor.session.clone() {
        let id = session.session_id.clone();
        let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &session, &id)).await;
        ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    }
    Ok(visitor.without_cookie(pending.show_page(state, &visitor, "/signup")))
}

/// What the sign-up page says of the invitation of this journey. One that is not good is dropped from it, so that it does not come
/// back on every page.
pub(crate) async fn find_part(
    state: &State,
    visitor: &Visitor,
    pending: &mut Pending,
    mode: SignUpMode,
) -> Result<InvitePart, HttpResponse> {
    let needed = mode == SignUpMode::Invite;
    let Some(code) = pending.journey.invite.clone() else {
        return Ok(InvitePart { asks: needed, needed, ..InvitePart::default() });
    };
    match look(state, visitor, &code, None).await? {
        Ok(facts) => {
            let until = Moment::new(facts.until, visitor.call.now);
            let given = Some(GivenInvite { inviter: facts.inviter, until, email: facts.email });
            Ok(InvitePart { given, needed, ..InvitePart::default() })
        }
        Err(refusal) => Ok(ask_again(pending, needed, &code, refusal)),
    }
}

/// The part of a form that came back: the field if it was there, else what the journey brought. A refusal is told at the field, before
/// anything is said about the address.
pub(crate) async fn read_part(
    state: &State,
    visitor: &Visitor,
    pending: &mut Pending,
    (params, email, mode): (&Params, Option<&Email>, SignUpMode),
) -> Result<InvitePart, HttpResponse> {
    if let Some(typed) = params.one("invite") {
        let typed: String = typed.trim().chars().take(MAX_TYPED).collect();
        pending.change(|journey| journey.invite = Some(typed).filter(|typed| !typed.is_empty()));
    }
    let needed = mode == SignUpMode::Invite;
    let mut part = find_part(state, visitor, pending, mode).await?;
    match (&pending.journey.invite, email) {
        (None, _) if needed && part.fault.is_none() => part.fault = Some(Fault::InviteMissing),
        (Some(code), Some(email)) => {
            let code = code.clone();
            if let Err(refusal) = look(state, visitor, &code, Some(email.clone())).await? {
                part = ask_again(pending, needed, &code, refusal);
            }
        }
        _ => {}
    }
    Ok(part)
}

/// The part of a page that tells why an invitation cannot be used; the journey goes on without it.
pub(crate) fn ask_again(pending: &mut Pending, needed: bool, code: &str, refusal: InviteRefusal) -> InvitePart {
    pending.change(|journey| journey.invite = None);
    let code = code.chars().take(MAX_TYPED).collect();
    InvitePart { given: None, asks: true, needed, code, fault: Some(name_fault(refusal)) }
}

/// The sign-up page, which says why the invitation cannot be used and asks for another.
pub(crate) async fn show_bad_invite(
    state: &State,
    visitor: &Visitor,
    mut pending: Pending,
    refusal: InviteRefusal,
) -> HttpResponse {
    let mode = match check_open(state, visitor, find_signup_mode(state, visitor).await) {
        Ok(mode) => mode,
        Err(response) => return response,
    };
    let code = pending.journey.invite.clone().unwrap_or_default();
    let part = ask_again(&mut pending, mode == SignUpMode::Invite, &code, refusal);
    match make_view(state, visitor, &pending, (&Person::default(), part)) {
        Ok(view) => visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view),
        Err(response) => response,
    }
}

/// One text for all reasons to strangers; the reason to the proven owner of the address that the invitation is for.
pub(crate) fn name_fault(refusal: InviteRefusal) -> Fault {
    match refusal {
        InviteRefusal::NotGood(None) => Fault::InviteNotGood,
        InviteRefusal::NotGood(Some(InviteEnd::Revoked)) => Fault::InviteRevoked,
        InviteRefusal::NotGood(Some(InviteEnd::UsedUp)) => Fault::InviteUsedUp,
        InviteRefusal::NotGood(Some(InviteEnd::Expired)) => Fault::InviteExpired,
        InviteRefusal::OtherAddress => Fault::InviteOtherAddress,
        InviteRefusal::Unproven => Fault::InviteUnproven,
    }
}

/// Looks at a code; one that is not good is counted against the network.
async fn look(
    state: &State,
    visitor: &Visitor,
    code: &str,
    email: Option<Email>,
) -> Result<Result<InviteFacts, InviteRefusal>, HttpResponse> {
    let typed = code.to_owned();
    let found = state.read(&visitor.call, move |call, db| check_invite(call, db, &typed, email.as_ref())).await;
    let trouble = |error: gatepost_engine::Error| respond::engine_error_page(state, &visitor.call, &error);
    match found.map_err(trouble)? {
        Ok(facts) => Ok(Ok(facts)),
        Err(refused) => {
            let told = state.write(&visitor.call, move |call, tx| count_refusal(call, tx, refused)).await;
            Ok(Err(told.map_err(trouble)?))
        }
    }
}
