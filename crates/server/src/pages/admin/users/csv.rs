//! The people of a filter as CSV (RFC 4180), piece by piece; nothing secret is in it (AD8).

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::users::note_export;
use gatepost_engine::{Call, Result};
use gatepost_store::people::directory::{self, UserFilter, WaysIn};
use gatepost_store::people::users::UserRow;

use crate::http::state::{State, log_error};
use crate::pages::admin::shared::{Page, either, find_back, refuse, trouble};
use crate::pages::admin::users::Asked;
use crate::pages::kit::guard::{Admin, require_fresh};
use crate::pages::kit::texts::write_machine_time;

/// People that one question to the database brings.
const PIECE: i64 = 500;
const HEAD: &str = "id,email,name,role,state,email_verified,created_at,last_sign_in_at,signs_in_with\r\n";

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(send(&request, &state).await)
}

async fn send(request: &HttpRequest, state: &Data<State>) -> Page {
    // whoever has to confirm first comes back to the list, not to a download
    let back = find_back("/admin/users", request);
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, &back).await?;
    let filter = Asked::read(request).filter;
    let actor = admin.session.user_id.clone();
    let noted = state.write(&admin.visitor.call, move |call, tx| note_export(call, tx, &actor, "users.exported")).await;
    if let Err(fault) = noted.map_err(|error| trouble(state, &admin, &error))? {
        return Err(refuse(state, &admin, &fault));
    }
    let begin = Some((Data::clone(state), admin.visitor.call.clone(), filter, String::new()));
    let pieces = stream::unfold(begin, |rest| async move {
        let (state, call, filter, after) = rest?;
        match read_piece(&state, &call, &filter, &after).await {
            Ok((text, next)) => Some((Ok(Bytes::from(text)), next.map(|after| (state, call, filter, after)))),
            // a file that breaks off must not look whole
            Err(error) => {
                log_error(&call, &error);
                Some((Err(actix_web::error::ErrorServiceUnavailable("the database did not answer")), None))
            }
        }
    });
    Ok(make_download("text/csv; charset=utf-8", "attachment; filename=\"users.csv\"").streaming(Box::pin(pieces)))
}

/// The head of a file that is not to be shown, guessed at or kept.
pub(crate) fn make_download(media_type: &'static str, disposition: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    for (name, value) in [
        ("content-type", media_type),
        ("content-disposition", disposition),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        response.insert_header((HeaderName::from_static(name), HeaderValue::from_static(value)));
    }
    response
}

/// The lines after an address, and the address to go on with.
async fn read_piece(state: &State, call: &Call, filter: &UserFilter, after: &str) -> Result<(String, Option<String>)> {
    let (wanted, from) = (filter.clone(), after.to_owned());
    let read = state.read(call, move |_, db| {
        let rows = directory::list_users_by_email(db, &wanted, &from, PIECE)?;
        let ways = directory::list_ways_in(db, &rows)?;
        Ok((rows, ways))
    });
    let (rows, ways) = read.await?;
    let mut text = if after.is_empty() { HEAD.to_owned() } else { String::new() };
    for (user, ways) in rows.iter().zip(&ways) {
        text.push_str(&write_line(user, ways));
    }
    let next = rows.last().filter(|_| rows.len() as i64 == PIECE).map(|user| user.email_key.clone());
    Ok((text, next))
}

fn write_line(user: &UserRow, ways: &WaysIn) -> String {
    let time = |at: Option<i64>| at.map(write_machine_time).unwrap_or_default();
    let state = if user.disabled_at.is_some() { "disabled" } else { "enabled" };
    let mut with: Vec<&str> = Vec::new();
    with.extend(ways.password.then_some("password"));
    with.extend((!ways.passkeys.is_empty()).then_some("passkey"));
    with.extend(ways.authenticator.then_some("app"));
    with.extend(ways.providers.iter().map(|(provider, _)| provider.as_str()));
    let verified = if user.email_verified { "yes" } else { "no" };
    let (made, seen, with) = (time(Some(user.created_at)), time(user.last_sign_in_at), with.join(" "));
    let cells = [&user.id, &user.email, &user.name, &user.role, state, verified, &made, &seen, &with];
    format!("{}\r\n", cells.map(write_cell).join(","))
}

/// A quoted cell. Spreadsheets run what begins with one of these signs, so an apostrophe goes first, which they take as "text".
fn write_cell(text: &str) -> String {
    let runs = text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '＝', '＋', '－', '＠'])
        || text.starts_with(char::is_whitespace);
    let guard = if runs { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::write_cell;

    #[test]
    fn ad_08_a_cell_never_runs() {
        for (text, cell) in [
            ("Ada", "\"Ada\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("a,b\"c\r\nd", "\"a,b\"\"c\r\nd\""),
            ("", "\"\""),
        ] {
            assert_eq!(write_cell(text), cell);
        }
    }
}
