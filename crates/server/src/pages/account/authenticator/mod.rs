//! Adding and removing an authenticator app.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::factors::totp::{
    Enrolled, Enrolment, confirm_authenticator, offer_authenticator, read_enrolment, remove_authenticator,
};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::fresh::is_fresh;
use gatepost_engine::people::ways_in::Removal;
use gatepost_protocol::params::Params;
use qrcode::{Color, EcLevel, QrCode};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::authenticator::view::{AuthenticatorGoneView, AuthenticatorView};
use crate::pages::account::recovery_codes::show_codes;
use crate::pages::account::security::load_factors;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::{Arrived, Pending};

type Page = Result<HttpResponse, HttpResponse>;

const NEW: &str = "/account/authenticator/new";
const REMOVE: &str = "/account/authenticator/remove";
/// Light squares around the picture that readers need (ISO/IEC 18004).
const QUIET: usize = 4;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let mut pending = Pending::find(state, &visitor, &params).await?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh_here(state, &visitor, session, &mut pending).await?;
    if load_factors(state, &visitor, session).await?.authenticator.is_some() {
        return Ok(pending.go_on(state, &visitor, session, Arrived::ByGet).await);
    }
    let offer = offer_authenticator(&visitor.call, session);
    let offer = offer.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let view = make_view(state, &visitor, frame, &pending, &offer)?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

/// A fresh sign-in, without losing what somebody came here for.
async fn require_fresh_here(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    pending: &mut Pending,
) -> Result<(), HttpResponse> {
    let signed_in = session.clone();
    let fresh = state.read(&visitor.call, move |call, db| is_fresh(call, db, &signed_in)).await;
    if fresh.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        return Ok(());
    }
    pending.change(|journey| {
        journey.act = Some(Act::ChangeSecondStep);
        // an app's request or a page that led here leads here again
        if journey.request.is_none() && journey.back.is_none() {
            journey.back = Some(NEW.to_owned());
        }
    });
    Err(pending.show_page(state, visitor, "/confirm"))
}

fn make_view(
    state: &State,
    visitor: &Visitor,
    frame: AccountFrame,
    pending: &Pending,
    offer: &Enrolment,
) -> Result<AuthenticatorView, HttpResponse> {
    let uri = offer.make_uri(&state.settings.brand.name, &frame.email);
    let broken = || respond::error_page(state, &visitor.call, ErrorKind::Broken);
    let (qr_path, qr_size) = draw_qr(&uri).ok_or_else(broken)?;
    let groups: Vec<_> = offer.key.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    Ok(AuthenticatorView {
        tx: pending.seal(state, visitor)?,
        enrolment: offer.sealed.clone(),
        key: groups.join(" "),
        qr_path,
        qr_size,
        fault: None,
        frame,
    })
}

/// The dark squares as the path of an SVG, and how many squares are in a row.
fn draw_qr(text: &str) -> Option<(String, usize)> {
    // the lowest level: it is read from a screen, and the fewer squares the larger each of them
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        while column < width {
            let run = colors[column..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{},{}h{run}v1h-{run}z", column + QUIET, row + QUIET));
            }
            column += run.max(1);
        }
    }
    Some((path, width + 2 * QUIET))
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    enrol(&request, &state).await.unwrap_or_else(|response| response)
}

async fn enrol(request: &HttpRequest, state: &State) -> Page {
    let (mut visitor, params) = Visitor::of_form(state, request)?;
    let mut pending = Pending::find(state, &visitor, &params).await?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh_here(state, &visitor, session, &mut pending).await?;
    let sealed = params.one("enrolment").unwrap_or_default().to_owned();
    let code: String = params.one("code").unwrap_or_default().chars().take(64).collect();
    let offered = sealed.clone();
    let enrolled = write_fresh(state, &visitor, session, (Act::ChangeSecondStep, NEW), move |call, tx, fresh| {
        confirm_authenticator(call, tx, fresh, &offered, &code)
    });
    match enrolled.await? {
        Enrolled::Done { started, codes } => {
            // the forms of the next page belong to the new session
            visitor.session = Some(started.signed_in.clone());
            let (_, frame) = visitor.frame(None)?;
            let tx = pending.seal(state, &visitor)?;
            Ok(visitor.with_session(show_codes(state, &visitor, frame, tx, &codes, "second-step-on"), &started.cookie))
        }
        Enrolled::WrongCode => match read_enrolment(&visitor.call, session, &sealed) {
            Some(offer) => {
                let view = make_view(state, &visitor, frame, &pending, &offer)?;
                let view = AuthenticatorView { fault: Some(Fault::CodeWrong), ..view };
                Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            None => Ok(pending.show_page(state, &visitor, NEW)),
        },
        Enrolled::Gone => Ok(pending.show_page(state, &visitor, NEW)),
    }
}

pub(crate) async fn ask_remove(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show_remove(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show_remove(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, REMOVE).await?;
    let factors = load_factors(state, &visitor, session).await?;
    if factors.authenticator.is_none() {
        return Err(respond::see_other(&visitor.own("/account/security")));
    }
    let view = AuthenticatorGoneView { frame, passkey: factors.passkey, last_admin: false };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn remove(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_remove(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_remove(request: &HttpRequest, state: &State) -> Page {
    let (visitor, _) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, REMOVE).await?;
    let signed_in = session.clone();
    let removed = state.write(&visitor.call, move |call, tx| remove_authenticator(call, tx, &signed_in)).await;
    let removed = removed.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let factors = load_factors(state, &visitor, session).await?;
    if removed == Removal::LastAdministrator {
        let view = AuthenticatorGoneView { frame, passkey: factors.passkey, last_admin: true };
        return Ok(visitor.page(state, StatusCode::CONFLICT, &view));
    }
    let done = if factors.second_step { "authenticator-removed" } else { "second-step-off" };
    Ok(respond::see_other(&visitor.own(&format!("/account/security?done={done}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_its_quiet_zone() {
        let (path, size) = draw_qr("otpauth://totp/Gatepost:ada%40example.com?secret=ABCD").expect("it fits");
        let code =
            QrCode::with_error_correction_level("otpauth://totp/Gatepost:ada%40example.com?secret=ABCD", EcLevel::L);
        assert_eq!(size, code.expect("it fits").width() + 8);
        // the finder pattern in the corner: seven squares
        assert!(path.starts_with("M4,4h7v1h-7z"), "{path}");
        assert!(!path.contains("M0,") && !path.contains("M3,") && !path.contains(' '));
    }
}
