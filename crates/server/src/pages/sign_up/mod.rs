//! Creating an account.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::email::{Email, normalize_email};
use gatepost_engine::people::factors::passkeys::PasskeySignUp;
use gatepost_engine::people::password::{PasswordFault, check_new_password_against};
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::people::sign_up::{NewUser, SignUpRefusal, sign_up};
use gatepost_engine::{Call, SignUpMode};
use gatepost_protocol::params::Params;

use crate::http::policy::Policy;
use crate::http::respond;
use crate::http::state::State;
use crate::pages::invitations::{ask_again, find_part, read_part};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble};
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::login::{find_signup_mode, require_signup_mode};
use crate::pages::sign_in::passkey::{create_account, offer_after, offers_sign_up};
use crate::pages::sign_in::provider;
use crate::pages::sign_in::verify;
use crate::pages::sign_up::view::{InvitePart, SignupView};

/// Longest name of a person, in characters.
const MAX_NAME: usize = 100;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let mut pending = Pending::find(state, &visitor, &params).await?;
    // what an invitation is worth stands in the database: without it nobody waits twice
    let mode = match pending.journey.invite {
        Some(_) => require_signup_mode(state, &visitor).await?,
        None => find_signup_mode(state, &visitor).await,
    };
    let mode = check_open(state, &visitor, mode)?;
    let part = find_part(state, &visitor, &mut pending, mode).await?;
    let person = Person { email: pending.login_hint(), ..Person::default() };
    let view = make_view(state, &visitor, &pending, (&person, part))?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

/// Who may create an account, unless nobody may.
pub(crate) fn check_open(state: &State, visitor: &Visitor, mode: SignUpMode) -> Result<SignUpMode, HttpResponse> {
    match mode {
        SignUpMode::Open | SignUpMode::Invite => Ok(mode),
        SignUpMode::Closed => Err(visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::SignupClosed))),
    }
}

/// What somebody typed who wants an account.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) faults: AccountFaults,
}

impl Person {
    /// Reads and checks the fields; the address is the normalised one.
    pub(crate) fn read(call: &Call, params: &Params, brand: &str) -> (Self, Option<Email>) {
        let field = |name| params.one(name).unwrap_or_default().trim().to_owned();
        let mut person = Self {
            email: field("email").chars().take(254).collect(),
            name: field("name").chars().take(300).collect(),
            password: params.one("password").unwrap_or_default().to_owned(),
            faults: AccountFaults::default(),
        };
        let email = normalize_email(&person.email).ok();
        person.faults.email = match (&email, person.email.is_empty()) {
            (_, true) => Some(Fault::EmailMissing),
            (None, false) => Some(Fault::EmailInvalid),
            (Some(_), false) => None,
        };
        person.faults.name = find_name_fault(&person.name);
        let words = [person.email.as_str(), person.name.as_str(), brand];
        person.faults.password = find_password_fault(call, &person.password, &words);
        (person, email)
    }
}

/// What is wrong with a name.
pub(crate) fn find_name_fault(name: &str) -> Option<Fault> {
    match name.chars().count() {
        0 => Some(Fault::NameMissing),
        1..=MAX_NAME => None,
        _ => Some(Fault::NameLong { max: MAX_NAME as u32 }),
    }
}

/// What is wrong with a new password.
pub(crate) fn find_password_fault(call: &Call, password: &str, words: &[&str]) -> Option<Fault> {
    if password.is_empty() {
        return Some(Fault::PasswordMissing);
    }
    check_new_password_against(&call.engine.policy.password, password, words).err().map(|fault| match fault {
        PasswordFault::TooShort { min, length } => Fault::PasswordShort { min: min as u32, n: length as u32 },
        PasswordFault::TooLong => Fault::PasswordLong { max: 256 },
        PasswordFault::Common => Fault::PasswordCommon,
        PasswordFault::Personal => Fault::PasswordGuessable,
    })
}

/// The page with what was typed and what is known of an invitation.
pub(crate) fn make_view(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    (person, invite): (&Person, InvitePart),
) -> Result<SignupView, HttpResponse> {
    Ok(SignupView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?,
        app: pending.app_name(),
        email: person.email.clone(),
        name: person.name.clone(),
        min_password: visitor.call.engine.policy.password.min_length as u32,
        invite,
        faults: person.faults,
        passkeys: PasskeyOffer::new(offers_sign_up(visitor)),
        providers: provider::list_buttons(state),
    })
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    create(&request, &state).await.unwrap_or_else(|response| response)
}

async fn create(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let mode = check_open(state, &visitor, require_signup_mode(state, &visitor).await?)?;
    let mut pending = Pending::find(state, &visitor, &params).await?;
    let (mut person, email) = Person::read(&visitor.call, &params, &state.settings.brand.name);
    let provider = params.one("with").and_then(|id| state.upstream.find(id));
    // an invitation is looked at before a trip, so that nobody makes it in vain; whose address it is will be seen afterwards
    let typed = email.as_ref().filter(|_| provider.is_none());
    let part = read_part(state, &visitor, &mut pending, (&params, typed, mode)).await?;
    let with_passkey = params.one("with") == Some("passkey") && offers_sign_up(&visitor);
    if provider.is_some() {
        // the provider says who it is
        person.faults = AccountFaults::default();
    } else if with_passkey {
        person.faults.password = None;
    }
    let ready = person.faults.is_empty() && part.fault.is_none();
    if let (true, Some(provider)) = (ready, provider) {
        return Ok(provider::start_sign_in(state, request, &visitor, provider, pending).await);
    }
    let (true, Some(email)) = (ready, email) else {
        let view = make_view(state, &visitor, &pending, (&person, part))?;
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    if let Err(wait) =
        state.limits.count(Policy::of(request).limit, &name_network(&visitor.call.origin.ip), visitor.call.now)
    {
        return Err(respond::wait_page(state, &visitor.call, wait.0));
    }
    let mut form = SignUpForm { pending, person, part };
    if with_passkey {
        return create_with_passkey(state, &visitor, form, &params, email).await;
    }
    let new = hash_person(state, &visitor, &form.person, email).await?;
    if visitor.call.policy().mail {
        return verify::ask_to_confirm(state, &visitor, &form.pending, new).await;
    }
    let invite = form.pending.journey.invite.clone();
    let created = state.write(&visitor.call, move |call, tx| sign_up(call, tx, &new, invite.as_deref())).await;
    match created.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        Ok(started) => {
            offer_after(state, &visitor, &mut form.pending, &params, &started).await;
            Ok(form.pending.let_in(state, &visitor, started).await)
        }
        Err(refusal) => form.show_refusal(state, &visitor, refusal),
    }
}

/// A form that was right as far as could be seen without trying.
struct SignUpForm {
    pending: Pending,
    person: Person,
    part: InvitePart,
}

impl SignUpForm {
    /// The page again, with what the database said.
    fn show_refusal(
        mut self,
        state: &State,
        visitor: &Visitor,
        refusal: SignUpRefusal,
    ) -> Result<HttpResponse, HttpResponse> {
        match refusal {
            SignUpRefusal::Taken => self.person.faults.email = Some(Fault::EmailUnavailable),
            SignUpRefusal::Invite(refusal) => {
                let code = self.pending.journey.invite.clone().unwrap_or_default();
                self.part = ask_again(&mut self.pending, self.part.needed, &code, refusal);
            }
            // the mode was switched since this page was asked for
            SignUpRefusal::InviteRequired => {
                self.part = InvitePart { asks: true, needed: true, fault: Some(Fault::InviteMissing), ..self.part };
            }
            SignUpRefusal::Closed => {
                return Err(respond::error_page(state, &visitor.call, ErrorKind::SignupClosed));
            }
        }
        let view = make_view(state, visitor, &self.pending, (&self.person, self.part))?;
        Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
    }
}

async fn create_with_passkey(
    state: &State,
    visitor: &Visitor,
    form: SignUpForm,
    params: &Params,
    email: Email,
) -> Result<HttpResponse, HttpResponse> {
    match create_account(state, visitor, &form.pending, params, (email, form.person.name.clone())).await? {
        PasskeySignUp::Started(started) => Ok(form.pending.let_in(state, visitor, started).await),
        PasskeySignUp::Refused(refusal) => form.show_refusal(state, visitor, refusal),
        PasskeySignUp::Failed => {
            let mut view = make_view(state, visitor, &form.pending, (&form.person, form.part))?;
            view.passkeys.trouble = Some(PasskeyTrouble::Failed);
            Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
    }
}

/// The person with the password hashed, in the pool for that.
pub(crate) async fn hash_person(
    state: &State,
    visitor: &Visitor,
    person: &Person,
    email: Email,
) -> Result<NewUser, HttpResponse> {
    let busy = || respond::error_page(state, &visitor.call, ErrorKind::Unavailable);
    let hashed = state.hashing.hash(person.password.clone()).await.map_err(|_| busy())?;
    let hash = hashed.ok_or_else(|| respond::error_page(state, &visitor.call, ErrorKind::Broken))?;
    Ok(NewUser {
        email,
        name: person.name.clone(),
        email_verified: false,
        password_hash: Some(hash),
        role: gatepost_store::people::users::ROLE_USER,
    })
}
