//! What is done by a mailed link or its code. A link's GET changes nothing; its form, or the code, uses it up.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use gatepost_engine::Error;
use gatepost_engine::kernel::journey::Journey;
use gatepost_engine::people::invites::InviteRefusal;
use gatepost_engine::people::mailed_links::{Asking, Check, Kind, Used, find_wait};
use gatepost_engine::people::sign_up::SignUpRefusal;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri::append_params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::invitations::show_bad_invite;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::link::view::{LinkEnd, LinkEndedView, LinkGoneView};
use crate::pages::sign_in::passkey::offer_after;
use crate::pages::sign_in::verify::view::CheckMailView;

/// The longest address that "Check your email" may have; a longer journey stays behind, since the link has it too.
const MAX_ADDRESS: usize = 7000;

pub(in crate::pages) fn trouble<'v>(state: &'v State, visitor: &'v Visitor) -> impl Fn(Error) -> HttpResponse + 'v {
    |error| respond::engine_error_page(state, &visitor.call, &error)
}

/// Who asks for a link now, for this journey.
pub(in crate::pages) fn asking(visitor: &Visitor, journey: &Journey) -> Asking {
    Asking { browser: visitor.browser_hash(), journey: journey.clone() }
}

/// Without a mail server none of these pages is there.
pub(in crate::pages) fn need_mail(state: &State, visitor: &Visitor) -> Result<(), HttpResponse> {
    match visitor.call.policy().mail {
        true => Ok(()),
        false => Err(visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::NotFound))),
    }
}

/// Sends the browser to "Check your email".
pub(in crate::pages) fn go_check(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    check: &Check,
) -> Result<HttpResponse, HttpResponse> {
    let sealed = check.seal(&visitor.call).map_err(trouble(state, visitor))?;
    let tx = pending.seal(state, visitor)?;
    let mut pairs = vec![("check", sealed.as_str())];
    pairs.extend(tx.as_deref().filter(|tx| tx.len() + sealed.len() < MAX_ADDRESS).map(|tx| ("tx", tx)));
    Ok(visitor.greet(respond::see_other(&append_params(&visitor.own("/verify"), &pairs))))
}

/// "Check your email".
pub(in crate::pages) async fn show_check(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    check: &Check,
    fault: Option<Fault>,
) -> Result<HttpResponse, HttpResponse> {
    let view = CheckMailView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?,
        check: check.seal(&visitor.call).map_err(trouble(state, visitor))?,
        email: check.email().to_owned(),
        wait: read_wait(state, visitor, check).await?,
        back: match check.kind() {
            Kind::SignIn => "/login",
            Kind::SignUp => "/signup",
            Kind::Reset => "/reset",
            Kind::Confirm => "/confirm",
            Kind::Verify | Kind::ChangeEmail | Kind::StopChange => "/account/email",
        },
        fault,
        passkeys: wants_passkey(visitor, check.kind()),
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(visitor.page(state, status, &view))
}

/// How long until a letter can be sent again.
pub(in crate::pages) async fn read_wait(
    state: &State,
    visitor: &Visitor,
    check: &Check,
) -> Result<Option<u64>, HttpResponse> {
    let check = check.clone();
    let wait = state.read(&visitor.call, move |call, db| find_wait(call, db, &check)).await;
    Ok(u64::try_from(wait.map_err(trouble(state, visitor))?).ok().filter(|wait| *wait > 0))
}

/// "This link no longer works". `again`: the link's token, and by what a new one can be asked for.
pub(in crate::pages) async fn show_gone(
    state: &State,
    visitor: &Visitor,
    again: Option<(String, Check)>,
) -> Result<HttpResponse, HttpResponse> {
    let (token, wait) = match again {
        Some((token, check)) => (Some(token), read_wait(state, visitor, &check).await?),
        None => (None, None),
    };
    let view = LinkGoneView { csrf: visitor.csrf(), token, wait };
    Ok(visitor.page(state, StatusCode::GONE, &view))
}

/// Whether a passkey may be offered after this link.
pub(in crate::pages) fn wants_passkey(visitor: &Visitor, kind: Kind) -> bool {
    matches!(kind, Kind::SignIn | Kind::SignUp) && visitor.call.engine.has_passkeys()
}

/// Goes on after a link was used by a form with these fields.
pub(in crate::pages) async fn finish(
    state: &State,
    visitor: &Visitor,
    params: &Params,
    used: Used,
) -> Result<HttpResponse, HttpResponse> {
    match used {
        Used::Entered { started, journey } => {
            let mut pending = match Pending::load(state, visitor, *journey).await {
                Ok(pending) => pending,
                // the app is gone, and the person is in all the same
                Err(_) => {
                    let journey = Journey::begin(&visitor.call, visitor.browser_hash());
                    Pending::load(state, visitor, journey).await?
                }
            };
            offer_after(state, visitor, &mut pending, params, &started).await;
            Ok(pending.let_in(state, visitor, *started).await)
        }
        Used::Refused(SignUpRefusal::Taken) => Ok(visitor.greet(respond::see_other(&visitor.own("/login")))),
        Used::Refused(SignUpRefusal::Closed) => {
            Err(visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::SignupClosed)))
        }
        // the invitation was good when the letter was written: somebody else took its last use, or it ended
        Used::Refused(refusal @ (SignUpRefusal::Invite(_) | SignUpRefusal::InviteRequired)) => {
            let why = if let SignUpRefusal::Invite(why) = refusal { why } else { InviteRefusal::NotGood(None) };
            let journey = Journey::begin(&visitor.call, visitor.browser_hash());
            let pending = Pending::load(state, visitor, journey).await?;
            Ok(show_bad_invite(state, visitor, pending, why).await)
        }
        Used::Verified => Ok(visitor.greet(respond::see_other(&visitor.own("/account?done=email-confirmed")))),
        Used::Changed(Some(started)) => {
            let response = respond::see_other(&visitor.own("/account?done=email-changed"));
            Ok(visitor.with_session(response, &started.cookie))
        }
        Used::Changed(None) => Ok(visitor.greet(respond::see_other(&visitor.own("/login?done=email-changed")))),
        Used::Stopped { restored } => {
            let end = if restored { LinkEnd::Stopped } else { LinkEnd::NotRestored };
            Ok(visitor.page(state, StatusCode::OK, &LinkEndedView { end }))
        }
        Used::Gone => show_gone(state, visitor, None).await,
    }
}
