//! Going on with what somebody came for, after each step: sign in, consent, code.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use gatepost_engine::clients::registry::Client;
use gatepost_engine::kernel::journey::Journey;
use gatepost_engine::oauth::authorize::AuthorizationRequest;
use gatepost_engine::oauth::consent::{Answer, NextStep, find_next_step, issue_code};
use gatepost_engine::people::account::end_session;
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::Started;
use gatepost_engine::{Error, Refused};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri::{self, Target};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::consent::view::HandOverView;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::visitor::Visitor;

/// A sealed request travels in the address of our pages, which is limited to 8 KiB.
const MAX_SEALED: usize = 7000;

/// How the browser came to this step; decides how it may be sent away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// by a link or redirect: a plain 303 will do
    ByGet,
    /// by a form of ours: `form-action 'self'` would block a redirect to the client, so a page hands over
    ByForm,
}

/// What somebody came for, as the browser brought it back, and the app that asked if one did.
pub(crate) struct Pending {
    /// as the browser brought it; sealed only when a page needs it
    sealed: Option<String>,
    pub(crate) journey: Journey,
    /// what is read in [`Journey::request`]
    request: Option<AuthorizationRequest>,
    /// the app that sent it
    client: Option<Arc<Client>>,
}

/// The app's request within a journey.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'p> {
    pub(crate) request: &'p AuthorizationRequest,
    pub(crate) client: &'p Arc<Client>,
}

impl Pending {
    /// The journey in `tx`, or one that begins here; a page if it is not this browser's or too old.
    pub(crate) async fn find(state: &State, visitor: &Visitor, params: &Params) -> Result<Self, HttpResponse> {
        let Some(sealed) = params.one("tx") else {
            return Ok(Self::new(Journey::begin(&visitor.call, visitor.browser_hash())));
        };
        let gone = || visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestTooOld));
        let journey = Journey::open(&visitor.call, sealed, &visitor.browser_hash()).ok_or_else(gone)?;
        let pending = Self::load(state, visitor, journey).await?;
        Ok(Self { sealed: Some(sealed.to_owned()), ..pending })
    }

    /// A journey that did not come as `tx`, with its app.
    pub(crate) async fn load(state: &State, visitor: &Visitor, journey: Journey) -> Result<Self, HttpResponse> {
        let gone = || visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestTooOld));
        let mut pending = Self::new(journey);
        if let Some(request) = AuthorizationRequest::of(&pending.journey).map_err(|_| gone())? {
            let found = state.find_client(&visitor.call, &request.client_id).await;
            let client = found.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
            pending.client = Some(client.filter(|client| !client.disabled).ok_or_else(gone)?);
            pending.request = Some(request);
        }
        Ok(pending)
    }

    fn new(journey: Journey) -> Self {
        Self { sealed: None, journey, request: None, client: None }
    }

    /// A request that has just been checked.
    pub(crate) fn for_request(
        visitor: &Visitor,
        request: AuthorizationRequest,
        client: Arc<Client>,
    ) -> Result<Self, Error> {
        let journey = request.begin_journey(visitor.browser_hash())?;
        Ok(Self { sealed: None, journey, request: Some(request), client: Some(client) })
    }

    /// The app's request, if an app asked.
    pub(crate) fn asked(&self) -> Option<Asked<'_>> {
        Some(Asked { request: self.request.as_ref()?, client: self.client.as_ref()? })
    }

    /// Name of the app that asked.
    pub(crate) fn app_name(&self) -> Option<String> {
        self.asked().map(|asked| asked.client.name.clone())
    }

    /// The address that the app suggests.
    pub(crate) fn login_hint(&self) -> String {
        self.asked().and_then(|asked| asked.request.login_hint.clone()).unwrap_or_default()
    }

    /// Changes the journey; the browser gets it anew.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Journey)) {
        change(&mut self.journey);
        self.sealed = None;
    }

    /// The form in which it goes to the next page; `None` where nothing could be lost.
    pub(crate) fn seal(&self, state: &State, visitor: &Visitor) -> Result<Option<String>, HttpResponse> {
        if self.journey.is_empty() {
            return Ok(None);
        }
        let sealed = self.sealed.clone().map_or_else(|| self.journey.seal(&visitor.call), Ok);
        sealed.map(Some).map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
    }

    /// Sends the browser to one of our pages with the journey, unless that would be too long an address.
    pub(crate) fn show_page(&self, state: &State, visitor: &Visitor, path: &str) -> HttpResponse {
        let sealed = match self.seal(state, visitor) {
            Ok(sealed) => sealed,
            Err(response) => return response,
        };
        let too_long = sealed.as_ref().is_some_and(|sealed| sealed.len() > MAX_SEALED);
        if let (true, Some(asked)) = (too_long, self.asked()) {
            let refused = Refused::new(ErrorCode::InvalidRequest, "The request is too large.");
            return visitor.greet(respond::see_other(&asked.request.refusal_url(&visitor.call, &refused)));
        }
        let pairs: Vec<_> = sealed.as_deref().map(|sealed| ("tx", sealed)).into_iter().collect();
        visitor.greet(respond::see_other(&redirect_uri::append_params(&visitor.own(path), &pairs)))
    }

    /// Lets somebody in who has just proven who they are: the cookie, and the next thing to do.
    pub(crate) async fn let_in(&self, state: &State, visitor: &Visitor, started: Started) -> HttpResponse {
        end_old_session(state, visitor).await;
        let Started { cookie, signed_in, pending } = started;
        let response = match pending {
            true => self.show_page(state, visitor, "/login/second"),
            false => match super::provider::link_offer(state, visitor, &self.journey, &signed_in).await {
                Some(page) => page,
                None => self.go_on(state, visitor, &signed_in, Arrived::ByForm).await,
            },
        };
        visitor.with_session(response, &cookie)
    }

    /// Does the next step for whoever is signed in.
    pub(crate) async fn go_on(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
        arrived: Arrived,
    ) -> HttpResponse {
        let Some(asked) = self.asked() else {
            return visitor.greet(respond::see_other(&visitor.own(self.journey.back.as_deref().unwrap_or("/account"))));
        };
        match asked.next_step(state, visitor, session).await {
            Ok(step) => self.take_step(state, visitor, step, Some(session), arrived).await,
            Err(response) => response,
        }
    }

    /// Does this step of the app's request.
    pub(crate) async fn take_step(
        &self,
        state: &State,
        visitor: &Visitor,
        step: NextStep,
        session: Option<&SignedIn>,
        arrived: Arrived,
    ) -> HttpResponse {
        match (step, session, self.asked()) {
            (NextStep::Issue, Some(session), Some(_)) => self.send_code(state, visitor, session, false, arrived).await,
            (NextStep::Refuse(refused), _, Some(asked)) => {
                let url = asked.request.refusal_url(&visitor.call, &refused);
                asked.send_away(state, visitor, url, arrived)
            }
            // the page knows what the account has: a means to confirm, or none yet
            (NextStep::SecondFactor, Some(_), _) => self.show_page(state, visitor, "/confirm"),
            (NextStep::Consent, Some(_), _) => self.show_page(state, visitor, "/consent"),
            _ => self.show_page(state, visitor, "/login"),
        }
    }

    /// Issues the code and sends the browser to the client with it. `consented`: the person has just said yes.
    pub(crate) async fn send_code(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
        consented: bool,
        arrived: Arrived,
    ) -> HttpResponse {
        let Some(asked) = self.asked() else { return self.show_page(state, visitor, "/login") };
        let (request, signed_in) = (asked.request.clone(), session.clone());
        let answer =
            state.write(&visitor.call, move |call, tx| issue_code(call, tx, &request, &signed_in, consented)).await;
        match answer {
            Ok(Answer::Redirect(url)) => asked.send_away(state, visitor, url, arrived),
            Ok(Answer::SignedOut) => self.show_page(state, visitor, "/login"),
            Ok(Answer::AlreadyAnswered) => {
                visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestUsed))
            }
            Err(Error::Refused(refused)) => {
                asked.send_away(state, visitor, asked.request.refusal_url(&visitor.call, &refused), arrived)
            }
            Err(error) => respond::engine_error_page(state, &visitor.call, &error),
        }
    }
}

impl Asked<'_> {
    /// What has to be asked next of this person.
    pub(crate) async fn next_step(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
    ) -> Result<NextStep, HttpResponse> {
        let (client, request, signed_in) = (Arc::clone(self.client), self.request.clone(), session.clone());
        let step =
            state.read(&visitor.call, move |call, db| find_next_step(call, db, &client, &request, Some(&signed_in)));
        step.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
    }

    /// Sends the browser to the client.
    pub(crate) fn send_away(&self, state: &State, visitor: &Visitor, url: String, arrived: Arrived) -> HttpResponse {
        // a browser may refuse to open an app without a click, so that there is always a page with a link (N-10)
        let opens_app =
            matches!(redirect_uri::describe_target(self.request.redirect.uri()), Target::PrivateScheme { .. });
        if arrived == Arrived::ByGet && !opens_app {
            return visitor.greet(respond::see_other(&url));
        }
        visitor.page(state, StatusCode::OK, &HandOverView::new(Some(self.client.name.clone()), url))
    }
}

/// The session that this browser had before is over: signing in never leaves an older one behind (LG4).
async fn end_old_session(state: &State, visitor: &Visitor) {
    let Some(old) = visitor.session.as_ref().or(visitor.half.as_ref()).cloned() else { return };
    let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &old, &old.session_id)).await;
    if let Err(error) = ended {
        crate::http::state::log_error(&visitor.call, &error);
    }
}
