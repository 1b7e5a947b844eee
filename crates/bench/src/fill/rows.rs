//! What a filled database holds. Everything follows from a number, so that the benchmark knows every token without keeping it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use ring::digest::{Context, SHA256};

use super::{APP, RESOURCE, SCOPE, Size};

/// Expired rows are numbered from here, beyond every row that is good.
const EXPIRED_FROM: u64 = 1 << 40;

const DAY: i64 = 86_400;
/// Expired rows ended this long ago: longer than any default of `[sweep]` keeps what has ended.
const EXPIRED_FOR: i64 = 60 * DAY;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    Null,
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// A table and the columns that are filled; each other column keeps its default.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
}

/// The tables that grow with people and tokens, parents first.
pub(super) const TABLES: [Table; 5] = [
    Table {
        name: "users",
        columns: &[
            "id",
            "email",
            "email_key",
            "email_verified",
            "name",
            "password_hash",
            "role",
            "created_at",
            "updated_at",
        ],
    },
    Table {
        name: "sessions",
        columns: &[
            "id",
            "token_hash",
            "user_id",
            "auth_time",
            "created_at",
            "last_used_at",
            "idle_expires_at",
            "expires_at",
            "ip",
            "user_agent",
        ],
    },
    Table {
        name: "grants",
        columns: &[
            "id",
            "client_id",
            "user_id",
            "session_id",
            "scopes",
            "resources",
            "auth_time",
            "created_at",
            "last_used_at",
            "expires_at",
        ],
    },
    Table {
        name: "access_tokens",
        columns: &["token_hash", "grant_id", "client_id", "scopes", "audience", "issued_at", "expires_at"],
    },
    Table { name: "refresh_tokens", columns: &["token_hash", "grant_id", "issued_at", "expires_at", "used_at"] },
];

const USERS: usize = 0;
const SESSIONS: usize = 1;
const GRANTS: usize = 2;
const ACCESS_TOKENS: usize = 3;
const REFRESH_TOKENS: usize = 4;

/// Rows that go into the database together, in the order of [`TABLES`].
#[derive(Debug, Default)]
pub(super) struct Batch(pub(super) [Vec<Vec<Cell>>; 5]);

impl Batch {
    fn add<const N: usize>(&mut self, table: usize, row: [Cell; N]) {
        self.0[table].push(row.into());
    }
}

/// 32 bytes that look random and are the same for the same purpose and number.
fn derive_bytes(purpose: &str, number: u64) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"gatepost-bench ");
    context.update(purpose.as_bytes());
    context.update(&number.to_be_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

/// A number from 0 to below `most`.
fn derive_below(purpose: &str, number: u64, most: i64) -> i64 {
    let bytes = derive_bytes(purpose, number);
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    (u64::from_be_bytes(eight) % most.unsigned_abs()).cast_signed()
}

/// An id as the server makes them: 128 bits in hexadecimal.
fn derive_id(purpose: &str, number: u64) -> String {
    derive_bytes(purpose, number)[..16].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The access or refresh token of this number, in the clear.
pub(crate) fn derive_token(kind: SecretKind, number: u64) -> Secret {
    Secret::from_random(kind, derive_bytes(kind.prefix(), number))
}

fn hash_of(kind: SecretKind, number: u64) -> Cell {
    TokenHash::of(&derive_token(kind, number)).to_base64().into()
}

/// The cookie's value of the session of this person.
pub(crate) fn derive_session(person: u64) -> Secret {
    derive_token(SecretKind::Session, person)
}

/// A password hash that is as long as a real one; nobody knows a password for it.
fn derive_password_hash(person: u64) -> String {
    let salt = STANDARD_NO_PAD.encode(&derive_bytes("salt", person)[..16]);
    let tag = STANDARD_NO_PAD.encode(derive_bytes("password", person));
    format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${tag}")
}

/// The kind of a token: every family has access tokens and refresh tokens in turn.
pub(super) fn kind_of(size: Size, token: u64) -> SecretKind {
    if (token / size.users).is_multiple_of(2) { SecretKind::AccessToken } else { SecretKind::RefreshToken }
}

/// The person with a session and a family, and the family's tokens.
pub(super) fn add_person(batch: &mut Batch, size: Size, person: u64, now: i64) {
    let (user, session, grant) = (derive_id("user", person), derive_id("session", person), derive_id("grant", person));
    let created = now - DAY - derive_below("created", person, 300 * DAY);
    // the last visit of some is weeks ago: what is asked for is not what was written last
    let used = (now - DAY - derive_below("used", person, 12 * DAY)).max(created);
    let email = format!("person{person}@filled.example");
    batch.add(
        USERS,
        [
            user.as_str().into(),
            email.as_str().into(),
            email.as_str().into(),
            Cell::Boolean(true),
            format!("Person {person}").into(),
            derive_password_hash(person).into(),
            "user".into(),
            created.into(),
            created.into(),
        ],
    );
    batch.add(
        SESSIONS,
        [
            session.as_str().into(),
            hash_of(SecretKind::Session, person),
            user.as_str().into(),
            used.into(),
            used.into(),
            used.into(),
            (now + 30 * DAY).into(),
            (now + 30 * DAY + derive_below("session ends", person, 30 * DAY)).into(),
            format!("10.{}.{}.{}", person / 65_536 % 256, person / 256 % 256, person % 256).into(),
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
        ],
    );
    add_grant(batch, (&grant, &user, &session), (used, now + 60 * DAY + derive_below("grant ends", person, 30 * DAY)));
    let mut token = person;
    while token < size.tokens {
        add_token(batch, size, token, &grant, now);
        token += size.users;
    }
}

fn add_grant(batch: &mut Batch, (grant, user, session): (&str, &str, &str), (used, expires_at): (i64, i64)) {
    batch.add(
        GRANTS,
        [
            grant.into(),
            APP.into(),
            user.into(),
            session.into(),
            format!("{SCOPE} offline_access").into(),
            format!("[\"{RESOURCE}\"]").into(),
            used.into(),
            used.into(),
            used.into(),
            expires_at.into(),
        ],
    );
}

fn add_token(batch: &mut Batch, size: Size, token: u64, grant: &str, now: i64) {
    let layer = token / size.users;
    // the sweep must leave it alone while something is measured
    let expires_at = now + DAY + derive_below("token ends", token, 29 * DAY);
    // the older, the further back
    let issued_at = now - 60 - layer.cast_signed() * 3600 - derive_below("issued", token, DAY / 2);
    match kind_of(size, token) {
        SecretKind::RefreshToken => {
            // a family's first is good, the others are what rotation left
            let used_at = if layer == 1 { Cell::Null } else { (issued_at + 1800).into() };
            let hash = hash_of(SecretKind::RefreshToken, token);
            batch.add(REFRESH_TOKENS, [hash, grant.into(), issued_at.into(), expires_at.into(), used_at]);
        }
        kind => add_access_token(batch, hash_of(kind, token), grant.into(), (issued_at, expires_at)),
    }
}

fn add_access_token(batch: &mut Batch, hash: Cell, grant: Cell, (issued_at, expires_at): (i64, i64)) {
    batch.add(
        ACCESS_TOKENS,
        [
            hash,
            grant,
            APP.into(),
            format!("{SCOPE} offline_access").into(),
            format!("[\"{RESOURCE}\"]").into(),
            issued_at.into(),
            expires_at.into(),
        ],
    );
}

/// Expired row number `number`: an access token, a refresh token or a grant, of somebody who is there.
pub(super) fn add_expired(batch: &mut Batch, size: Size, number: u64, now: i64) {
    let (person, number) = (number % size.users, EXPIRED_FROM + number);
    let (user, session, grant) = (derive_id("user", person), derive_id("session", person), derive_id("grant", person));
    let expires_at = now - EXPIRED_FOR - derive_below("expired", number, DAY);
    let issued_at = expires_at - 3600;
    match number % 3 {
        0 => add_access_token(batch, hash_of(SecretKind::AccessToken, number), grant.into(), (issued_at, expires_at)),
        1 => {
            let hash = hash_of(SecretKind::RefreshToken, number);
            batch.add(REFRESH_TOKENS, [hash, grant.into(), issued_at.into(), expires_at.into(), Cell::Null]);
        }
        _ => add_grant(batch, (&derive_id("grant", number), &user, &session), (issued_at, expires_at)),
    }
}

/// Counts the expired rows that are left, as one statement for either database.
pub(super) fn count_expired_sql(now: i64) -> String {
    let before = now - EXPIRED_FOR + DAY;
    let counts = [GRANTS, ACCESS_TOKENS, REFRESH_TOKENS]
        .map(|table| format!("(SELECT count(*) FROM {} WHERE expires_at < {before})", TABLES[table].name));
    format!("SELECT {} AS number", counts.join(" + "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { users: 10, tokens: 45 };
    const NOW: i64 = 1_800_000_000;

    fn fill() -> Batch {
        let mut batch = Batch::default();
        (0..SIZE.users).for_each(|person| add_person(&mut batch, SIZE, person, NOW));
        batch
    }

    #[test]
    fn every_row_has_a_value_for_every_column() {
        let mut batch = fill();
        (0..6).for_each(|number| add_expired(&mut batch, SIZE, number, NOW));
        for (table, rows) in TABLES.iter().zip(&batch.0) {
            assert!(!rows.is_empty(), "{}", table.name);
            assert!(rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
        }
    }

    #[test]
    fn there_are_as_many_people_and_tokens_as_were_asked_for() {
        let counts = fill().0.map(|rows| rows.len());
        // layers 0, 2 and half of 4 are access tokens, 1 and 3 refresh tokens
        assert_eq!(counts, [10, 10, 10, 25, 20]);
    }

    #[test]
    fn what_is_stored_is_the_hash_of_a_token_that_the_server_accepts() {
        let batch = fill();
        for (kind, table) in [(SecretKind::AccessToken, ACCESS_TOKENS), (SecretKind::RefreshToken, REFRESH_TOKENS)] {
            let stored: std::collections::HashSet<&Cell> = batch.0[table].iter().map(|row| &row[0]).collect();
            let expected = (0..SIZE.tokens).filter(|token| kind_of(SIZE, *token) == kind);
            let mut count = 0;
            for token in expected {
                let secret = derive_token(kind, token);
                assert!(Secret::parse(kind, secret.expose()).is_some());
                let hash = Cell::Text(TokenHash::of_text(secret.expose()).to_base64());
                assert!(stored.contains(&hash), "token {token}");
                count += 1;
            }
            assert_eq!(count, stored.len(), "no two tokens are the same");
        }
    }

    #[test]
    fn a_family_has_one_refresh_token_that_is_good() {
        let batch = fill();
        let live: Vec<&Cell> =
            batch.0[REFRESH_TOKENS].iter().filter(|row| row[4] == Cell::Null).map(|row| &row[1]).collect();
        let grants: Vec<&Cell> = batch.0[GRANTS].iter().map(|row| &row[0]).collect();
        assert_eq!(live, grants);
    }

    #[test]
    fn only_expired_rows_have_ended() {
        let ends = |batch: &Batch, table: usize, column: usize| -> Vec<i64> {
            let number = |cell: &Cell| if let Cell::Integer(number) = cell { *number } else { 0 };
            batch.0[table].iter().map(|row| number(&row[column])).collect()
        };
        let mut expired = Batch::default();
        (0..300).for_each(|number| add_expired(&mut expired, SIZE, number, NOW));
        for (table, column) in [(GRANTS, 9), (ACCESS_TOKENS, 6), (REFRESH_TOKENS, 3)] {
            assert!(ends(&fill(), table, column).iter().all(|end| *end > NOW));
            let gone = ends(&expired, table, column);
            assert_eq!(gone.len(), 100);
            assert!(gone.iter().all(|end| *end < NOW - EXPIRED_FOR + DAY));
        }
    }
}
