//! "Check your email": the code beside a link, and the link once more.

pub(crate) mod view;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::email::normalize_email;
use gatepost_engine::people::mailed_links::{
    Check, Tried, request_again, request_confirm, request_sign_in, request_sign_up, try_code,
};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_up::NewUser;
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::mailed::{asking, finish, go_check, need_mail, show_check, show_gone, trouble};

/// What is wrong with a typed address, or the address.
pub(crate) fn read_address(typed: &str) -> Result<gatepost_engine::people::email::Email, Fault> {
    match typed.trim() {
        "" => Err(Fault::EmailMissing),
        typed => normalize_email(typed).map_err(|_| Fault::EmailInvalid),
    }
}

/// Mails a sign-in link to whoever typed an address on the sign-in page.
pub(crate) async fn send_sign_in_link(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    typed: &str,
) -> Result<Result<HttpResponse, Fault>, HttpResponse> {
    need_mail(state, visitor)?;
    let email = match read_address(typed) {
        Ok(email) => email,
        Err(fault) => return Ok(Err(fault)),
    };
    let asking = asking(visitor, &pending.journey);
    let check = state.write(&visitor.call, move |call, tx| request_sign_in(call, tx, &asking, &email)).await;
    let check = check.map_err(trouble(state, visitor))?;
    Ok(Ok(go_check(state, visitor, pending, &check)?))
}

/// Mails a code to whoever confirms that it is still them and has nothing better.
pub(crate) async fn send_code(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    session: &SignedIn,
) -> Result<HttpResponse, HttpResponse> {
    need_mail(state, visitor)?;
    let (asking, session) = (asking(visitor, &pending.journey), session.clone());
    let check = state.write(&visitor.call, move |call, tx| request_confirm(call, tx, &asking, &session)).await;
    match check.map_err(trouble(state, visitor))? {
        Some(check) => go_check(state, visitor, pending, &check),
        // the account has something better by now, and that page asks for it
        None => Ok(pending.show_page(state, visitor, "/confirm")),
    }
}

/// Mails the link that makes an account.
pub(crate) async fn ask_to_confirm(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    new: NewUser,
) -> Result<HttpResponse, HttpResponse> {
    let asking = asking(visitor, &pending.journey);
    let check = state.write(&visitor.call, move |call, tx| request_sign_up(call, tx, &asking, &new)).await;
    go_check(state, visitor, pending, &check.map_err(trouble(state, visitor))?)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

fn open_check(visitor: &Visitor, params: &Params) -> Option<Check> {
    Check::open(&visitor.call, params.one("check")?, &visitor.browser_hash())
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    need_mail(state, &visitor)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let Some(check) = open_check(&visitor, &params) else { return show_gone(state, &visitor, None).await };
    let pending = Pending::find(state, &visitor, &params).await?;
    show_check(state, &visitor, &pending, &check, None).await
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    act(&request, &state).await.unwrap_or_else(|response| response)
}

async fn act(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    need_mail(state, &visitor)?;
    let Some(check) = open_check(&visitor, &params) else { return show_gone(state, &visitor, None).await };
    let pending = Pending::find(state, &visitor, &params).await?;
    if params.one("with") == Some("again") {
        let newer = send_again(state, &visitor, &pending, &check).await?;
        return go_check(state, &visitor, &pending, newer.as_ref().unwrap_or(&check));
    }
    let (tried, code, session) =
        (check.clone(), params.one("code").unwrap_or_default().to_owned(), visitor.session.clone());
    let tried = state.write(&visitor.call, move |call, tx| try_code(call, tx, &tried, &code, session.as_ref())).await;
    match tried.map_err(trouble(state, &visitor))? {
        Tried::Used(used) => finish(state, &visitor, &params, used).await,
        Tried::Proved(proved) => {
            let sealed = proved.seal(&visitor.call).map_err(trouble(state, &visitor))?;
            Ok(respond::see_other(&visitor.own(&format!("/reset/{sealed}"))))
        }
        Tried::Wrong { left } => {
            let fault = Fault::MailedCodeWrong { n: u32::try_from(left).unwrap_or_default() };
            show_check(state, &visitor, &pending, &check, Some(fault)).await
        }
        Tried::Stale => match send_again(state, &visitor, &pending, &check).await? {
            Some(newer) => show_check(state, &visitor, &pending, &newer, Some(Fault::CodeRenewed)).await,
            None => show_check(state, &visitor, &pending, &check, Some(Fault::CodeOld)).await,
        },
        Tried::Gone => show_check(state, &visitor, &pending, &check, Some(Fault::CodeOld)).await,
    }
}

/// Mails the letter once more, if it is time.
async fn send_again(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    check: &Check,
) -> Result<Option<Check>, HttpResponse> {
    let (check, asking, session) = (check.clone(), asking(visitor, &pending.journey), visitor.session.clone());
    let newer =
        state.write(&visitor.call, move |call, tx| request_again(call, tx, &check, &asking, session.as_ref())).await;
    newer.map_err(trouble(state, visitor))
}
