//! What a page asks of its visitor beyond being signed in: a fresh sign-in, the role of an administrator.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use gatepost_engine::Call;
use gatepost_engine::kernel::journey::{Act, Journey};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::fresh::{FreshSession, hold_fresh_session, is_fresh, is_stale_for_admin};
use gatepost_protocol::params::Params;
use gatepost_store::{Outcome, Tx};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;

/// Lets a session do `act` if its sign-in is young and strong enough; else the way to the page that asks for it again, from which
/// the person comes back to `back`, a path of ours.
pub(crate) async fn require_fresh(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    act: Act,
    back: &str,
) -> Result<(), HttpResponse> {
    let signed_in = session.clone();
    let fresh = state.read(&visitor.call, move |call, db| is_fresh(call, db, &signed_in)).await;
    match fresh.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        true => Ok(()),
        false => Err(ask_again(state, visitor, act, back).await),
    }
}

/// Writes what changes how somebody signs in. The sign-in is looked at once more in the transaction that writes; where it is not
/// fresh any more, or the session over, nothing is written and the person is asked again.
pub(crate) async fn write_fresh<T, F>(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    (act, back): (Act, &str),
    mut write: F,
) -> Result<T, HttpResponse>
where
    T: Send + 'static,
    F: FnMut(&Call, &mut Tx<'_>, &FreshSession<'_>) -> gatepost_engine::Result<Outcome<T>> + Send + 'static,
{
    let signed_in = session.clone();
    let written = state.write(&visitor.call, move |call, tx| {
        let Ok(fresh) = hold_fresh_session(call, tx, &signed_in)? else { return Ok(Outcome::Rollback(None)) };
        Ok(match write(call, tx, &fresh)? {
            Outcome::Commit(answer) => Outcome::Commit(Some(answer)),
            Outcome::Rollback(answer) => Outcome::Rollback(Some(answer)),
        })
    });
    match written.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        Some(answer) => Ok(answer),
        None => Err(ask_again(state, visitor, act, back).await),
    }
}

/// The way to "Confirm that it's you", and from there to `back`.
async fn ask_again(state: &State, visitor: &Visitor, act: Act, back: &str) -> HttpResponse {
    match journey_to(state, visitor, Some(act), back).await {
        Ok(pending) => pending.show_page(state, visitor, "/confirm"),
        Err(response) => response,
    }
}

async fn journey_to(state: &State, visitor: &Visitor, act: Option<Act>, back: &str) -> Result<Pending, HttpResponse> {
    let mut journey = Journey::begin(&visitor.call, visitor.browser_hash());
    journey.back = Some(back.to_owned());
    journey.act = act;
    Pending::load(state, visitor, journey).await
}

/// An administrator at work.
pub(crate) struct Admin {
    pub(crate) visitor: Visitor,
    pub(crate) session: SignedIn,
}

impl Admin {
    /// The administrator who was let through to this page.
    pub(crate) fn of(state: &State, request: &HttpRequest) -> Result<Self, HttpResponse> {
        Self::from_visitor(state, Visitor::of(state, request)?)
    }

    /// The administrator who was let through, and the form. `back` is the page with the form, for whoever has to confirm first: every
    /// change asks for a fresh sign-in.
    pub(crate) async fn of_form(
        state: &State,
        request: &HttpRequest,
        back: &str,
    ) -> Result<(Self, Params), HttpResponse> {
        let (visitor, params) = Visitor::of_form(state, request)?;
        let admin = Self::from_visitor(state, visitor)?;
        require_fresh(state, &admin.visitor, &admin.session, Act::Administer, back).await?;
        Ok((admin, params))
    }

    fn from_visitor(state: &State, visitor: Visitor) -> Result<Self, HttpResponse> {
        match visitor.session.clone().filter(|session| session.is_admin) {
            Some(session) => Ok(Self { visitor, session }),
            None => Err(refuse_page(state, &visitor)),
        }
    }

    /// What stands around every page of the administration.
    pub(crate) fn frame(&self, notice: Option<Notice>) -> AdminFrame {
        AdminFrame { email: self.session.email.clone(), csrf: self.visitor.csrf(), notice }
    }
}

fn refuse_page(state: &State, visitor: &Visitor) -> HttpResponse {
    visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::Forbidden))
}

/// Lets administrators through; everybody else gets the page that helps them on, and comes back to `back`, a path of ours.
pub(super) async fn check_admin(state: &State, visitor: &Visitor, back: &str) -> Result<(), HttpResponse> {
    let Some(session) = &visitor.session else {
        return Err(journey_to(state, visitor, None, back).await?.show_page(state, visitor, "/login"));
    };
    if !session.is_admin {
        return Err(refuse_page(state, visitor));
    }
    let stale = is_stale_for_admin(&visitor.call, session);
    let weak = visitor.call.policy().admin_second_factor && session.strength < 2;
    if stale || weak {
        let act = if weak { Act::UseSecondFactor } else { Act::Administer };
        return Err(ask_again(state, visitor, act, back).await);
    }
    Ok(())
}
