//! A mailed link. GET and HEAD change nothing, whoever sends them (ML1).

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Journey;
use gatepost_engine::people::mailed_links::{Found, Kind, Opened, find_link, refuse_link, request_again, use_link};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::names::describe_browser;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::link::view::{LinkEnd, LinkEndedView, LinkKind, LinkView};
use crate::pages::sign_in::mailed::{asking, finish, go_check, need_mail, show_gone, trouble, wants_passkey};

pub(crate) async fn get(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    show(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    need_mail(state, &visitor)?;
    match look_up(state, &visitor, &token).await? {
        Found::Live(opened) if opened.kind == Kind::Reset && opened.code.is_none() => {
            Ok(visitor.greet(respond::see_other(&visitor.own(&format!("/reset/{token}")))))
        }
        Found::Live(opened) => Ok(show_link(state, &visitor, token, *opened)),
        Found::Gone(again) => show_gone(state, &visitor, again.map(|check| (token, check))).await,
    }
}

/// What is behind a token.
pub(super) async fn look_up(state: &State, visitor: &Visitor, token: &str) -> Result<Found, HttpResponse> {
    let (token, browser) = (token.to_owned(), visitor.browser_hash());
    let found = state.read(&visitor.call, move |call, db| find_link(call, db, &token, &browser)).await;
    found.map_err(trouble(state, visitor))
}

/// The page with the button, or with the code where another browser asked.
pub(super) fn show_link(state: &State, visitor: &Visitor, token: String, opened: Opened) -> HttpResponse {
    let view = LinkView {
        csrf: visitor.csrf(),
        token,
        kind: match opened.kind {
            Kind::SignIn => LinkKind::SignIn,
            Kind::SignUp => LinkKind::SignUp,
            Kind::Confirm => LinkKind::Confirm,
            Kind::Verify => LinkKind::Verify,
            Kind::Reset => LinkKind::Reset,
            Kind::ChangeEmail => LinkKind::ChangeEmail,
            Kind::StopChange => LinkKind::StopChange,
        },
        email: opened.email,
        asked: Moment::new(opened.asked.at, visitor.call.now),
        browser: describe_browser(&opened.asked.user_agent),
        place: opened.asked.ip,
        code: opened.code,
        passkeys: wants_passkey(visitor, opened.kind),
    };
    visitor.page(state, StatusCode::OK, &view)
}

pub(crate) async fn post(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    act(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn act(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    need_mail(state, &visitor)?;
    match params.one("with") {
        Some("disown") => {
            let refused = state.write(&visitor.call, move |call, tx| refuse_link(call, tx, &token)).await;
            match refused.map_err(trouble(state, &visitor))? {
                true => Ok(visitor.page(state, StatusCode::OK, &LinkEndedView { end: LinkEnd::Disowned })),
                false => show_gone(state, &visitor, None).await,
            }
        }
        Some("again") => send_again(state, &visitor, token).await,
        _ => {
            let (browser, session) = (visitor.browser_hash(), visitor.session.clone());
            let used = state
                .write(&visitor.call, move |call, tx| use_link(call, tx, &token, &browser, session.as_ref()))
                .await;
            finish(state, &visitor, &params, used.map_err(trouble(state, &visitor))?).await
        }
    }
}

/// A new link for whoever holds one that no longer works.
async fn send_again(state: &State, visitor: &Visitor, token: String) -> Result<HttpResponse, HttpResponse> {
    let Found::Gone(Some(check)) = look_up(state, visitor, &token).await? else {
        return Ok(respond::see_other(&visitor.own(&format!("/link/{token}"))));
    };
    let journey = Journey::begin(&visitor.call, visitor.browser_hash());
    let (old, asking) = (check.clone(), asking(visitor, &journey));
    let newer = state.write(&visitor.call, move |call, tx| request_again(call, tx, &old, &asking, None)).await;
    match newer.map_err(trouble(state, visitor))? {
        Some(newer) => {
            let pending = Pending::load(state, visitor, journey).await?;
            go_check(state, visitor, &pending, &newer)
        }
        None => show_gone(state, visitor, Some((token, check))).await,
    }
}
