//! The authorization endpoint (OAuth 2.1 §3.1).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::oauth::authorize::{
    AuthorizationRequest, Fault, FaultyClient, Incoming, SetupFault, SetupRule, check_authorization,
};
use gatepost_engine::oauth::consent::find_next_step;
use gatepost_engine::people::sessions::find_session;
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::{Call, Error, Refused};
use gatepost_protocol::params::{Params, ParamsFault};
use gatepost_protocol::redirect_uri::append_params;

use crate::http::extract::read_form;
use crate::http::policy::Policy;
use crate::http::respond;
use crate::http::state::{State, log_error};
use crate::pages::kit::errors::view::{DeveloperErrorView, ErrorKind, Occasion, Rule};
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::{Visitor, has_browser_cookie};
use crate::pages::sign_in::continue_request::{Arrived, Pending};

/// Parameters in the query.
pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let params = Params::parse(request.query_string().as_bytes());
    answer(&state, &request, params).await
}

/// Parameters in the body; those in the query are not looked at.
pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    match read_form(&state, &request, payload).await {
        Ok(params) if has_browser_cookie(&state, &request) => answer(&state, &request, Ok(params)).await,
        // A form of another site comes without our cookies; the same by GET comes with them, and no cookie that is there
        // already is overwritten by a new one.
        Ok(params) => {
            let pairs: Vec<(&str, &str)> = params.iter().collect();
            let endpoint = state.installation.engine.issuer.url("/oauth2/authorize");
            respond::see_other(&append_params(&endpoint, &pairs))
        }
        Err(fault) => {
            let mut response = respond::error_page(&state, &state.call(&request), ErrorKind::BadRequest);
            *response.status_mut() = fault.status();
            response
        }
    }
}

async fn answer(state: &State, request: &HttpRequest, params: Result<Params, ParamsFault>) -> HttpResponse {
    let call = state.call(request);
    if let Err(wait) = state.limits.count(Policy::of(request).limit, &name_network(&call.origin.ip), call.now) {
        return respond::wait_page(state, &call, wait.0);
    }
    let Ok(params) = params else { return respond::error_page(state, &call, ErrorKind::BadRequest) };
    match check_and_go_on(state, request, call.clone(), &params).await {
        Ok(response) => response,
        Err(error) => respond::engine_error_page(state, &call, &error),
    }
}

async fn check_and_go_on(
    state: &State,
    request: &HttpRequest,
    call: Call,
    params: &Params,
) -> Result<HttpResponse, Error> {
    let catalogue = state.find_catalogue(&call).await?;
    let client = match params.one("client_id") {
        Some(client_id) => state.find_client(&call, client_id).await?,
        None => None,
    };
    let (mut visitor, cookie) = Visitor::without_session(call, request).map_err(|(_, error)| error)?;
    let incoming = Incoming { params, client: client.as_deref(), catalogue: &catalogue };
    let checked = match (check_authorization(&visitor.call, &incoming), client) {
        (Ok(checked), Some(client)) => (checked, client),
        (Ok(_), None) => return Err(Error::Internal("a request without a client passed".into())),
        (Err(Fault::Internal(error)), _) => return Err(error),
        (Err(Fault::Redirect(redirect, refused)), _) => {
            log_error(&visitor.call, &refused.clone().into());
            let url = redirect.with_error(visitor.call.engine.issuer.as_str(), &refused);
            return Ok(respond::see_other(&url));
        }
        (Err(Fault::Page(fault)), _) => return Ok(show_setup_fault(state, &visitor.call, &fault)),
    };
    let (asked, client) = checked;
    let step = {
        let (asked, client): (AuthorizationRequest, _) = (asked.clone(), client.clone());
        let read = move |call: &Call, db: &mut gatepost_store::Db| {
            let session = match &cookie {
                Some(cookie) => find_session(call, db, cookie)?,
                None => None,
            };
            let step = find_next_step(call, db, &client, &asked, session.as_ref())?;
            Ok((session, step))
        };
        state.read(&visitor.call, read).await?
    };
    let (session, step) = step;
    visitor.session = session;
    visitor.note_use(state).await;
    let pending = Pending::for_request(&visitor, asked, client)?;
    Ok(pending.take_step(state, &visitor, step, visitor.session.as_ref(), Arrived::ByGet).await)
}

/// A mistake of the app: people read what it means for them, developers what to change (ux: error-redirect).
fn show_setup_fault(state: &State, call: &Call, fault: &SetupFault) -> HttpResponse {
    log_setup_fault(call, fault);
    let occasion = Occasion { reference: call.origin.request_id.clone(), at: Moment::new(call.now, call.now) };
    let show = |client: &FaultyClient| state.dev || client.show_setup_errors;
    let (sent, code, parameter) = (fault.sent.as_deref(), fault.rule.refused().code, fault.rule.parameter());
    let rule = match fault.rule {
        SetupRule::ClientMissing => Rule::ClientMissing,
        SetupRule::ClientUnknown => Rule::ClientUnknown,
        SetupRule::ClientRepeated | SetupRule::RedirectRepeated => Rule::Repeated,
        // what exactly differs is found out by comparing
        SetupRule::RedirectMissing | SetupRule::RedirectMismatch => Rule::RedirectMissing,
    };
    let view = match &fault.client {
        Some(client) if fault.rule == SetupRule::RedirectMismatch => {
            DeveloperErrorView::for_redirect(sent, &client.redirect_uris, show(client), occasion).about_client(
                &client.client_id,
                Some(&client.name),
                show(client),
            )
        }
        Some(client) => DeveloperErrorView::new(code.as_str(), parameter, None, rule, occasion).about_client(
            &client.client_id,
            Some(&client.name),
            false,
        ),
        None => DeveloperErrorView::new(code.as_str(), parameter, sent, rule, occasion),
    };
    respond::page(state, StatusCode::BAD_REQUEST, &view)
}

fn log_setup_fault(call: &Call, fault: &SetupFault) {
    let registered = fault.client.as_ref().map(|client| client.redirect_uris.join(" ")).unwrap_or_default();
    let sent = fault.sent.as_deref().unwrap_or_default();
    // without the query, which may carry what is nobody's business
    let sent: String = sent.split('?').next().unwrap_or_default().chars().take(200).collect();
    let detail = format!("{} sent {sent:?}, registered {registered:?}", fault.rule.parameter());
    let refused: Refused = fault.rule.refused().with_detail(detail);
    log_error(call, &refused.into());
}
