//! The first administrator.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Journey;
use gatepost_engine::people::setup::{SetUp, check_setup_link, create_first_admin};
use gatepost_store::people::users::{ROLE_ADMIN, count_enabled_admins};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::visitor::Visitor;
use crate::pages::setup::view::{SetupGoneView, SetupView};
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_up::{Person, hash_person};

pub(crate) async fn get(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    show(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    check_link(state, &visitor, &token).await?;
    Ok(visitor.page(state, StatusCode::OK, &make_view(&visitor, token, &Person::default())))
}

/// Before anything else: whoever has no good link sees no form and costs no hash.
async fn check_link(state: &State, visitor: &Visitor, token: &str) -> Result<(), HttpResponse> {
    let presented = token.to_owned();
    let good = state.read(&visitor.call, move |call, db| check_setup_link(call, db, &presented)).await;
    match good.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        true => Ok(()),
        false => Err(show_gone(state, visitor).await),
    }
}

async fn show_gone(state: &State, visitor: &Visitor) -> HttpResponse {
    let admins = state.read(&visitor.call, |_, db| Ok(count_enabled_admins(db)?)).await;
    let has_administrator = admins.is_ok_and(|count| count > 0);
    visitor.page(state, StatusCode::NOT_FOUND, &SetupGoneView { has_administrator })
}

fn make_view(visitor: &Visitor, token: String, person: &Person) -> SetupView {
    SetupView {
        csrf: visitor.csrf(),
        token,
        email: person.email.clone(),
        name: person.name.clone(),
        min_password: visitor.call.engine.policy.password.min_length as u32,
        faults: person.faults,
    }
}

pub(crate) async fn post(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    create(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn create(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    check_link(state, &visitor, &token).await?;
    let (mut person, email) = Person::read(&visitor.call, &params, &state.settings.brand.name);
    let (true, Some(email)) = (person.faults.is_empty(), email) else {
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &make_view(&visitor, token, &person)));
    };
    let mut new = hash_person(state, &visitor, &person, email).await?;
    new.role = ROLE_ADMIN;
    let presented = token.clone();
    let made = state.write(&visitor.call, move |call, tx| create_first_admin(call, tx, &presented, &new)).await;
    match made.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        SetUp::Done(started) => {
            let mut journey = Journey::begin(&visitor.call, visitor.browser_hash());
            journey.back = Some("/account?done=setup-done".to_owned());
            Ok(Pending::load(state, &visitor, journey).await?.let_in(state, &visitor, *started).await)
        }
        SetUp::Gone => Ok(show_gone(state, &visitor).await),
        SetUp::Taken => {
            person.faults.email = Some(Fault::EmailUnavailable);
            Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &make_view(&visitor, token, &person)))
        }
    }
}
