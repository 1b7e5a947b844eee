//! Passkeys on other pages: options for the script, and what its forms bring back. The options are JSON; a ceremony ends with an
//! ordinary form, so that redirects, cookies and errors are those of every other way in.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::email::{Email, normalize_email};
use gatepost_engine::people::factors::passkeys::{
    Ceremony, Entered, Options, PasskeySignUp, Presented, begin_enrolment, begin_sign_in, begin_sign_up,
    begin_with_own, check_assertion, finish_second_step_with_passkey, finish_sign_in, finish_sign_up,
    finish_step_up_with_passkey, offer_passkey,
};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::Started;
use gatepost_engine::people::sign_up::NewUser;
use gatepost_engine::{Error, SignUpMode};
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::{State, log_error};
use crate::pages::kit::names::describe_browser;
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble, UnknownPasskey, Wish, json_refusal};
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::login::require_signup_mode;

fn json_trouble(visitor: &Visitor, error: &Error) -> HttpResponse {
    log_error(&visitor.call, error);
    match error {
        Error::Store(_) => respond::unavailable(2),
        _ => json_refusal(StatusCode::INTERNAL_SERVER_ERROR, "broken"),
    }
}

/// `POST /passkeys/options`
pub(crate) async fn options(request: HttpRequest, state: Data<State>) -> HttpResponse {
    make_options(&request, &state).await.unwrap_or_else(|response| response)
}

async fn make_options(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, wish) = Visitor::of_wish(state, request)?;
    let Some(ceremony) = Ceremony::parse(&wish.kind) else {
        return Err(json_refusal(StatusCode::BAD_REQUEST, "kind"));
    };
    let made = match ceremony {
        Ceremony::SignIn => {
            begin_sign_in(&visitor.call, &visitor.browser_hash()).map_err(|e| json_trouble(&visitor, &e))
        }
        Ceremony::SignUp => begin_new_account(state, &visitor, &wish).await,
        Ceremony::Enrol => begin_further(state, &visitor).await,
        Ceremony::Second => begin_own(state, &visitor, ceremony, visitor.half.as_ref()).await,
        Ceremony::Confirm => begin_own(state, &visitor, ceremony, visitor.session.as_ref()).await,
    }?;
    let options = made.ok_or_else(|| json_refusal(StatusCode::NOT_FOUND, "unavailable"))?;
    let body =
        serde_json::to_string(&options).map_err(|_| json_refusal(StatusCode::INTERNAL_SERVER_ERROR, "broken"))?;
    Ok(respond::json(StatusCode::OK, body))
}

type Made = Result<Option<Options>, HttpResponse>;

/// Whether an account can be made with a passkey alone. Not where letters are sent: there an account is made when its address is
/// proven, and until then nobody learns whether there is one. A passkey is offered afterwards.
pub(crate) fn offers_sign_up(visitor: &Visitor) -> bool {
    visitor.call.engine.has_passkeys() && !visitor.call.policy().mail
}

async fn begin_new_account(state: &State, visitor: &Visitor, wish: &Wish) -> Made {
    // the same refusal as on the page, and nothing about the address: whether it is taken shows at the end
    if require_signup_mode(state, visitor).await? == SignUpMode::Closed {
        return Err(json_refusal(StatusCode::FORBIDDEN, "closed"));
    }
    if !offers_sign_up(visitor) {
        return Ok(None);
    }
    let email = normalize_email(wish.email.trim());
    let email = email.map_err(|_| json_refusal(StatusCode::UNPROCESSABLE_ENTITY, "email"))?;
    let name: String = wish.name.trim().chars().take(100).collect();
    let made = begin_sign_up(&visitor.call, &visitor.browser_hash(), &email, &name, &state.settings.brand.name);
    made.map_err(|error| json_trouble(visitor, &error))
}

async fn begin_further(state: &State, visitor: &Visitor) -> Made {
    let Some(session) = visitor.session.clone() else {
        return Err(json_refusal(StatusCode::FORBIDDEN, "signed-out"));
    };
    let (browser, brand) = (visitor.browser_hash(), state.settings.brand.name.clone());
    let made = state.read(&visitor.call, move |call, db| begin_enrolment(call, db, &browser, &session, &brand));
    let made = made.await.map_err(|error| json_trouble(visitor, &error))?;
    // the sign-in got too old while the page was open: the script loads it again, and it asks
    made.map_err(|_| json_refusal(StatusCode::FORBIDDEN, "stale"))
}

async fn begin_own(state: &State, visitor: &Visitor, ceremony: Ceremony, session: Option<&SignedIn>) -> Made {
    let Some(session) = session.cloned() else {
        return Err(json_refusal(StatusCode::FORBIDDEN, "signed-out"));
    };
    let browser = visitor.browser_hash();
    let made = state.read(&visitor.call, move |call, db| begin_with_own(call, db, ceremony, &browser, &session));
    made.await.map_err(|error| json_trouble(visitor, &error))
}

/// What the form of a ceremony brought back.
pub(crate) fn read_presented(visitor: &Visitor, params: &Params) -> Presented {
    let field = |name| params.one(name).unwrap_or_default().to_owned();
    Presented { credential: field("credential"), state: field("state"), browser: visitor.browser_hash() }
}

/// What a form with a passkey came to.
pub(crate) enum Finished {
    /// proven
    In(Box<Started>),
    /// not proven: what the page with the button is to show
    Trouble(PasskeyOffer),
}

/// Ends a sign-in with a passkey.
pub(crate) async fn finish_login(state: &State, visitor: &Visitor, params: &Params) -> Result<Finished, HttpResponse> {
    finish(state, visitor, params, Ceremony::SignIn, None).await
}

/// Ends the second step of this half session with a passkey.
pub(crate) async fn finish_second(
    state: &State,
    visitor: &Visitor,
    half: &SignedIn,
    params: &Params,
) -> Result<Finished, HttpResponse> {
    finish(state, visitor, params, Ceremony::Second, Some(half.clone())).await
}

/// Confirms with a passkey that it is still the owner of this session.
pub(crate) async fn finish_confirm(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    params: &Params,
) -> Result<Finished, HttpResponse> {
    finish(state, visitor, params, Ceremony::Confirm, Some(session.clone())).await
}

/// Verify, decide: the signature is verified outside of any write transaction.
async fn finish(
    state: &State,
    visitor: &Visitor,
    params: &Params,
    ceremony: Ceremony,
    session: Option<SignedIn>,
) -> Result<Finished, HttpResponse> {
    let trouble = |error: Error| respond::engine_error_page(state, &visitor.call, &error);
    let (presented, asked) = (read_presented(visitor, params), session.clone());
    let checked = state
        .read(&visitor.call, move |call, db| check_assertion(call, db, ceremony, &presented, asked.as_ref()))
        .await
        .map_err(trouble)?;
    let entered = state.write(&visitor.call, move |call, tx| match (&session, ceremony) {
        (Some(half), Ceremony::Second) => finish_second_step_with_passkey(call, tx, half, &checked),
        (Some(session), _) => finish_step_up_with_passkey(call, tx, session, &checked),
        (None, _) => finish_sign_in(call, tx, &checked),
    });
    let mut offer = PasskeyOffer::new(visitor.call.engine.has_passkeys());
    match entered.await.map_err(trouble)? {
        Entered::Started(started) => return Ok(Finished::In(Box::new(started))),
        Entered::Refused => offer.trouble = Some(PasskeyTrouble::Failed),
        Entered::Unknown(credential) => {
            let rp_id = visitor.call.engine.issuer.host().to_owned();
            offer.trouble = Some(PasskeyTrouble::Unknown);
            offer.unknown = Some(UnknownPasskey { rp_id, credential });
        }
    }
    Ok(Finished::Trouble(offer))
}

/// Creates an account with a passkey and without a password.
pub(crate) async fn create_account(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    params: &Params,
    (email, name): (Email, String),
) -> Result<PasskeySignUp, HttpResponse> {
    let new = NewUser {
        email,
        name,
        email_verified: false,
        password_hash: None,
        role: gatepost_store::people::users::ROLE_USER,
    };
    let (presented, invite) = (read_presented(visitor, params), pending.journey.invite.clone());
    let otherwise = describe_browser(&visitor.call.origin.user_agent);
    let created = state.write(&visitor.call, move |call, tx| {
        finish_sign_up(call, tx, &presented, (&new, invite.as_deref()), &otherwise)
    });
    created.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
}

/// After a way in that a passkey would make easier: leads to the offer of one, where the browser said that it can, where the sign-in
/// would end at the account, and at most once in thirty days. Never on the way to an app.
pub(crate) async fn offer_after(
    state: &State,
    visitor: &Visitor,
    pending: &mut Pending,
    params: &Params,
    started: &Started,
) {
    if started.pending || !pending.journey.is_empty() || params.one("passkeys") != Some("1") {
        return;
    }
    let signed_in = started.signed_in.clone();
    match state.write(&visitor.call, move |call, tx| offer_passkey(call, tx, &signed_in)).await {
        Ok(true) => pending.change(|journey| journey.back = Some("/account/passkeys/new?offer=1".to_owned())),
        Ok(false) => {}
        // an offer that could not be made is none; the sign-in is good
        Err(error) => log_error(&visitor.call, &error),
    }
}
