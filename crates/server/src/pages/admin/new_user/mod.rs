//! Adding a person by hand.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::Actor;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::kernel::manage::ManageFault;
use gatepost_engine::people::email::{Email, normalize_email};
use gatepost_engine::people::sign_up::NewUser;
use gatepost_engine::people::users::{add_user, make_password};
use gatepost_protocol::params::Params;
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER};

use super::shared::{Page, either, refuse, trouble};
use crate::http::respond;
use crate::http::state::State;
use crate::pages::admin::new_user::view::{NewUserView, UserAddedView};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::guard::{Admin, require_fresh};
use crate::pages::sign_up::find_name_fault;

const PATH: &str = "/admin/users/new";

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show(&request, &state).await)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, PATH).await?;
    Ok(admin.visitor.page(state, StatusCode::OK, &make_view(&admin, &Typed::default())))
}

/// What was typed; these fields and no others.
#[derive(Default)]
struct Typed {
    name: String,
    email: String,
    admin: bool,
    faults: AccountFaults,
}

impl Typed {
    fn read(params: &Params) -> (Self, Option<Email>) {
        let field = |name| params.one(name).unwrap_or_default().trim().to_owned();
        let mut typed = Self {
            name: field("name").chars().take(300).collect(),
            email: field("email").chars().take(254).collect(),
            admin: field("role") == "admin",
            faults: AccountFaults::default(),
        };
        let email = normalize_email(&typed.email).ok();
        typed.faults.name = find_name_fault(&typed.name);
        typed.faults.email = match (&email, typed.email.is_empty()) {
            (_, true) => Some(Fault::EmailMissing),
            (None, false) => Some(Fault::EmailInvalid),
            (Some(_), false) => None,
        };
        (typed, email)
    }
}

fn make_view(admin: &Admin, typed: &Typed) -> NewUserView {
    NewUserView {
        frame: admin.frame(None),
        name: typed.name.clone(),
        email: typed.email.clone(),
        admin: typed.admin,
        faults: typed.faults,
        mail: admin.visitor.call.policy().mail,
    }
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(add(&request, &state).await)
}

/// A password for somebody, and its hash.
async fn choose_password(state: &State, admin: &Admin) -> Result<(String, String), HttpResponse> {
    let password = make_password(&admin.visitor.call).map_err(|error| trouble(state, admin, &error))?;
    let hashed = state.hashing.hash(password.clone()).await;
    let hashed = hashed.map_err(|_| respond::error_page(state, &admin.visitor.call, ErrorKind::Unavailable))?;
    let hash = hashed.ok_or_else(|| respond::error_page(state, &admin.visitor.call, ErrorKind::Broken))?;
    Ok((password, hash))
}

async fn add(request: &HttpRequest, state: &State) -> Page {
    let (admin, params) = Admin::of_form(state, request, PATH).await?;
    let (mut typed, email) = Typed::read(&params);
    let (true, Some(email)) = (typed.faults.is_empty(), email) else {
        return Ok(admin.visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &make_view(&admin, &typed)));
    };
    // whoever can be mailed chooses a password themselves, and nobody else has seen it
    let (password, password_hash) = match admin.visitor.call.policy().mail {
        true => (None, None),
        false => choose_password(state, &admin).await.map(|(password, hash)| (Some(password), Some(hash)))?,
    };
    let role = if typed.admin { ROLE_ADMIN } else { ROLE_USER };
    let new = NewUser { email, name: typed.name.clone(), email_verified: false, password_hash, role };
    let actor = admin.session.user_id.clone();
    let added = state.write(&admin.visitor.call, move |call, tx| add_user(call, tx, Actor::User(&actor), &new)).await;
    match added.map_err(|error| trouble(state, &admin, &error))? {
        Ok(user) => {
            let view = UserAddedView {
                frame: admin.frame(None),
                id: user.id,
                name: user.name,
                email: user.email,
                password,
                sign_in: admin.visitor.own("/login"),
            };
            Ok(admin.visitor.page(state, StatusCode::OK, &view))
        }
        Err(ManageFault::Invalid(_)) => {
            typed.faults.email = Some(Fault::EmailTaken);
            Ok(admin.visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &make_view(&admin, &typed)))
        }
        Err(fault) => Err(refuse(state, &admin, &fault)),
    }
}
