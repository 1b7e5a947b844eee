//! The list of people: the address is the state, so that it can be shared.

pub(crate) mod csv;
pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::sign_up::find_sign_up_mode;
use gatepost_protocol::params::Params;
use gatepost_store::people::directory::{self, UserFilter, UserPage, UserPlace, UserStatus};
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER, UserRow};

use super::shared::{Page, count, describe_ways, either, find_status, trouble};
use crate::http::state::State;
use crate::pages::admin::users::view::{PersonRow, UsersView};
use crate::pages::kit::guard::Admin;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;

/// Rows of a page; nobody can ask for more (DO9).
const PAGE: usize = 50;

/// What was asked for, read strictly: an unknown word counts as no filter.
pub(super) struct Asked {
    pub(super) filter: UserFilter,
    status: Option<&'static str>,
    role: Option<&'static str>,
    page: UserPage,
}

impl Asked {
    pub(super) fn read(request: &HttpRequest) -> Self {
        let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
        let text: String = params.one("q").unwrap_or_default().trim().chars().take(100).collect();
        let statuses = [
            ("active", UserStatus::Active),
            ("unverified", UserStatus::Unverified),
            ("disabled", UserStatus::Disabled),
        ];
        let status = statuses.into_iter().find(|(word, _)| params.one("status") == Some(word));
        let roles = [("admin", ROLE_ADMIN), ("user", ROLE_USER)];
        let role = roles.into_iter().find(|(word, _)| params.one("role") == Some(word));
        let page = match (params.one("older").and_then(read_place), params.one("newer").and_then(read_place)) {
            (Some(place), _) => UserPage::Older(place),
            (None, Some(place)) => UserPage::Newer(place),
            (None, None) => UserPage::First,
        };
        let filter =
            UserFilter { text, status: status.map(|(_, status)| status), role: role.map(|(_, role)| role.to_owned()) };
        Self { filter, status: status.map(|(word, _)| word), role: role.map(|(word, _)| word), page }
    }
}

/// `seconds.id`, as [`write_place`] made it; anything else is no place (AD6).
fn read_place(text: &str) -> Option<UserPlace> {
    let (seen, id) = text.split_once('.')?;
    let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let seen = seen.parse().ok().filter(|seen: &i64| *seen >= 0)?;
    is_id.then(|| UserPlace { seen, id: id.to_owned() })
}

fn write_place(user: &UserRow) -> String {
    let place = UserPlace::of(user);
    format!("{}.{}", place.seen, place.id)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show(&request, &state).await)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let Asked { filter, status, role, page } = Asked::read(request);
    let (wanted, from) = (filter.clone(), page.clone());
    let read = state.read(&admin.visitor.call, move |call, db| {
        // one more than is shown says whether there is another page
        let rows = directory::list_users_page(db, &wanted, &from, PAGE as i64 + 1)?;
        let ways = directory::list_ways_in(db, &rows)?;
        Ok((rows, ways, directory::count_users(db, &wanted)?, find_sign_up_mode(call, db)?))
    });
    let (rows, ways, total, mode) = read.await.map_err(|error| trouble(state, &admin, &error))?;
    let more = rows.len() > PAGE;
    let mut people: Vec<_> = rows.into_iter().zip(ways).collect();
    match page {
        UserPage::Newer(_) if more => drop(people.remove(0)),
        _ => people.truncate(PAGE),
    }
    let (has_newer, has_older) = match page {
        UserPage::First => (false, more),
        UserPage::Older(_) => (true, more),
        UserPage::Newer(_) => (more, true),
    };
    let now = admin.visitor.call.now;
    let view = UsersView {
        frame: admin.frame(read_notice(request)),
        q: filter.text,
        status,
        role,
        total: count(total),
        signup: mode.as_str(),
        newer: people.first().filter(|_| has_newer).map(|(user, _)| write_place(user)),
        older: people.last().filter(|_| has_older).map(|(user, _)| write_place(user)),
        people: people
            .into_iter()
            .map(|(user, ways)| PersonRow {
                status: find_status(&user),
                admin: user.role == ROLE_ADMIN,
                seen: user.last_sign_in_at.map(|at| Moment::new(at, now)),
                id: user.id,
                name: user.name,
                email: user.email,
                ways: describe_ways(ways),
            })
            .collect(),
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_a_place() {
        assert_eq!(read_place("12.ab-3"), Some(UserPlace { seen: 12, id: "ab-3".into() }));
        for bad in ["", "12", "12.", ".a", "-1.a", "x.a", "1.a'b", "1.a b", "9999999999999999999.a", "1.%00"] {
            assert_eq!(read_place(bad), None, "{bad:?}");
        }
    }
}
