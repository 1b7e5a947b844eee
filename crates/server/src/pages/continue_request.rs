//! Going on with an authorization request after each step: sign in, consent, code.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use gatepost_engine::authorize::AuthorizationRequest;
use gatepost_engine::consent::{Answer, NextStep, find_next_step, issue_code};
use gatepost_engine::registry::Client;
use gatepost_engine::sign_in::SignedIn;
use gatepost_engine::{Error, Refused};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri::{self, Target};

use crate::pages::views::{ErrorKind, HandOverView};
use crate::pages::visitor::Visitor;
use crate::respond;
use crate::state::State;

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

/// An authorization request that the browser brought back, and its client.
pub(crate) struct Pending {
    /// as the browser brought it; sealed only when a page needs it
    sealed: Option<String>,
    pub(crate) request: AuthorizationRequest,
    pub(crate) client: Arc<Client>,
}

impl Pending {
    /// The request in `tx`: `Ok(None)` if there is none, a page if it is not this browser's or too old.
    pub(crate) async fn find(state: &State, visitor: &Visitor, params: &Params) -> Result<Option<Self>, HttpResponse> {
        let Some(sealed) = params.one("tx") else { return Ok(None) };
        let gone = || visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestTooOld));
        let request = AuthorizationRequest::open(&visitor.call, sealed, &visitor.browser_hash()).ok_or_else(gone)?;
        let found = state.find_client(&visitor.call, &request.client_id).await;
        let client = found.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
        let client = client.filter(|client| !client.disabled).ok_or_else(gone)?;
        Ok(Some(Self { sealed: Some(sealed.to_owned()), request, client }))
    }

    /// A request that has just been checked.
    pub(crate) fn new(request: AuthorizationRequest, client: Arc<Client>) -> Self {
        Self { sealed: None, request, client }
    }

    /// The form in which the browser brought it, for the next page.
    pub(crate) fn sealed(&self) -> Option<String> {
        self.sealed.clone()
    }

    fn seal(&self, visitor: &Visitor) -> Result<String, Error> {
        self.sealed.clone().map_or_else(|| self.request.seal(&visitor.call), Ok)
    }

    /// Sends the browser to one of our pages with the request, unless that would be too long an address.
    fn show_page(&self, state: &State, visitor: &Visitor, path: &str) -> HttpResponse {
        match self.seal(visitor) {
            Ok(sealed) if sealed.len() > MAX_SEALED => {
                let refused = Refused::new(ErrorCode::InvalidRequest, "The request is too large.");
                visitor.greet(respond::see_other(&self.request.refusal_url(&visitor.call, &refused)))
            }
            Ok(sealed) => {
                visitor.greet(respond::see_other(&redirect_uri::append_params(&visitor.own(path), &[("tx", &sealed)])))
            }
            Err(error) => respond::engine_error_page(state, &visitor.call, &error),
        }
    }

    /// What has to be asked next of this person.
    pub(crate) async fn next_step(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
    ) -> Result<NextStep, HttpResponse> {
        let (client, request, signed_in) = (Arc::clone(&self.client), self.request.clone(), session.clone());
        let step =
            state.read(&visitor.call, move |call, db| find_next_step(call, db, &client, &request, Some(&signed_in)));
        step.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
    }

    /// Does the next step for whoever has just signed in.
    pub(crate) async fn go_on(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
        arrived: Arrived,
    ) -> HttpResponse {
        match self.next_step(state, visitor, session).await {
            Ok(step) => self.take_step(state, visitor, step, Some(session), arrived).await,
            Err(response) => response,
        }
    }

    /// Does this step.
    pub(crate) async fn take_step(
        &self,
        state: &State,
        visitor: &Visitor,
        step: NextStep,
        session: Option<&SignedIn>,
        arrived: Arrived,
    ) -> HttpResponse {
        match (step, session) {
            (NextStep::Issue, Some(session)) => self.send_code(state, visitor, session, false, arrived).await,
            (NextStep::Refuse(refused), _) => {
                let url = self.request.refusal_url(&visitor.call, &refused);
                self.send_away(state, visitor, url, arrived)
            }
            (NextStep::Consent, Some(_)) => self.show_page(state, visitor, "/consent"),
            (NextStep::SignIn | NextStep::Consent | NextStep::Issue, _) => self.show_page(state, visitor, "/login"),
        }
    }

    /// Issues the code and sends the browser to the client with it. `asked`: the person has just said yes.
    pub(crate) async fn send_code(
        &self,
        state: &State,
        visitor: &Visitor,
        session: &SignedIn,
        asked: bool,
        arrived: Arrived,
    ) -> HttpResponse {
        let (request, signed_in) = (self.request.clone(), session.clone());
        let answer =
            state.write(&visitor.call, move |call, tx| issue_code(call, tx, &request, &signed_in, asked)).await;
        match answer {
            Ok(Answer::Redirect(url)) => self.send_away(state, visitor, url, arrived),
            Ok(Answer::SignedOut) => self.show_page(state, visitor, "/login"),
            Ok(Answer::AlreadyAnswered) => {
                visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestUsed))
            }
            Err(Error::Refused(refused)) => {
                self.send_away(state, visitor, self.request.refusal_url(&visitor.call, &refused), arrived)
            }
            Err(error) => respond::engine_error_page(state, &visitor.call, &error),
        }
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
