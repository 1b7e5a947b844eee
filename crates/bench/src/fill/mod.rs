//! A database with a million people: rows straight into the tables, because through the pages it would take days.
//!
//! The server makes and migrates the empty database first; what is written here is only rows, in columns that every version has.

mod command;
mod postgres;
mod rows;
mod sqlite;

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use gatepost_protocol::secret::SecretKind;
use serde::{Deserialize, Serialize};

pub(crate) use command::run_fill;
pub(crate) use rows::derive_session;
use rows::{Batch, add_expired, add_person, count_expired_sql, derive_token, kind_of};

/// The client whose people and tokens these are; the settings file declares it.
pub(crate) const APP: &str = "bench-app";
/// The API that the tokens are for.
pub(crate) const RESOURCE: &str = "http://127.0.0.1/bench";
/// The scope that the tokens carry.
pub(crate) const SCOPE: &str = "bench:read";

/// People whose rows are written together.
const PEOPLE_IN_A_BATCH: u64 = 1000;
/// Expired rows that are written together.
const EXPIRED_IN_A_BATCH: u64 = 5000;

/// How much there is: each person has a session and a family of tokens (a grant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Size {
    /// people; at least one
    pub(crate) users: u64,
    /// access and refresh tokens, shared evenly among the people
    pub(crate) tokens: u64,
}

/// A database, and what it was filled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filled {
    /// as in the setting `database.url`
    pub(crate) database: String,
    pub(crate) size: Size,
}

impl Filled {
    /// At most `most` access tokens, from all over the table.
    pub(crate) fn list_access_tokens(&self, most: usize) -> Vec<String> {
        self.list_tokens(SecretKind::AccessToken, most)
    }

    /// At most `most` refresh tokens that are good, from all over the table.
    pub(crate) fn list_refresh_tokens(&self, most: usize) -> Vec<String> {
        self.list_tokens(SecretKind::RefreshToken, most)
    }

    fn list_tokens(&self, kind: SecretKind, most: usize) -> Vec<String> {
        let Size { users, tokens } = self.size;
        // of the refresh tokens only the first of a family is good
        let all = if kind == SecretKind::RefreshToken { tokens.clamp(users, 2 * users) } else { tokens };
        let chosen = spread(all).filter(|token| kind_of(self.size, *token) == kind);
        chosen.take(most).map(|token| derive_token(kind, token).expose().to_string()).collect()
    }
}

/// Every number below `count` once, neighbours far apart.
fn spread(count: u64) -> impl Iterator<Item = u64> {
    // a step without a common divisor meets every number; near the golden section it never lingers
    let start = (count as f64 * 0.618) as u64;
    let step = (start.max(1)..).find(|step| find_common_divisor(*step, count) == 1).unwrap_or(1);
    (0..count).map(move |index| (u128::from(index) * u128::from(step) % u128::from(count)) as u64)
}

fn find_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { find_common_divisor(b, a % b) }
}

/// Where rows go.
trait Sink {
    /// Writes the rows; in bulk they may count only once all are written.
    fn write(&mut self, batch: &Batch) -> Result<(), String>;
    /// Makes the database what it would be after a while of use.
    fn finish(&mut self) -> Result<(), String>;
    /// The one number that a statement gives.
    fn count(&mut self, sql: &str) -> Result<i64, String>;
}

/// Opens the database of a setting `database.url`. `bulk`: nobody else uses it, and a crash may cost all of it.
fn open_sink(database: &str, bulk: bool) -> Result<Box<dyn Sink>, String> {
    match database.strip_prefix("sqlite:") {
        Some(path) => Ok(Box::new(sqlite::SqliteSink::open(&PathBuf::from(path), bulk)?)),
        None => Ok(Box::new(postgres::PostgresSink::open(database, bulk)?)),
    }
}

/// Fills a database that has its tables and no people yet.
pub(crate) fn fill_database(filled: &Filled) -> Result<(), String> {
    let Size { users, tokens } = filled.size;
    if users == 0 {
        return Err("there must be people: --users 0".into());
    }
    let (began, now) = (Instant::now(), read_clock());
    let mut sink = open_sink(&filled.database, true)?;
    let mut first = 0;
    while first < users {
        let end = users.min(first + PEOPLE_IN_A_BATCH);
        let mut batch = Batch::default();
        (first..end).for_each(|person| add_person(&mut batch, filled.size, person, now));
        sink.write(&batch)?;
        if end / 100_000 > first / 100_000 {
            eprintln!("  {end} of {users} people, {:.0} s", began.elapsed().as_secs_f64());
        }
        first = end;
    }
    sink.finish()?;
    eprintln!("  {users} people and {tokens} tokens in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Adds rows that ended long ago to a database that a server is using.
pub(crate) fn add_expired_rows(filled: &Filled, count: u64) -> Result<(), String> {
    let now = read_clock();
    let mut sink = open_sink(&filled.database, false)?;
    let mut first = 0;
    while first < count {
        let end = count.min(first + EXPIRED_IN_A_BATCH);
        let mut batch = Batch::default();
        (first..end).for_each(|number| add_expired(&mut batch, filled.size, number, now));
        sink.write(&batch)?;
        first = end;
    }
    Ok(())
}

/// How many of those are still there.
pub(crate) fn count_expired_rows(filled: &Filled) -> Result<u64, String> {
    let mut sink = open_sink(&filled.database, false)?;
    sink.count(&count_expired_sql(read_clock())).map(i64::unsigned_abs)
}

#[expect(
    clippy::disallowed_methods,
    reason = "rows must be good now, and the benchmark has no caller who could hand the time in"
)]
fn read_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Filled, Size, spread};

    #[test]
    fn a_spread_meets_every_number_once() {
        for count in [1, 2, 10, 97, 1000] {
            let mut met: Vec<u64> = spread(count).collect();
            assert!(count < 10 || met[1].abs_diff(met[0]) > count / 4, "{count}");
            met.sort_unstable();
            assert_eq!(met, (0..count).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn listed_tokens_are_good_and_distinct() {
        let filled = Filled { database: String::new(), size: Size { users: 10, tokens: 45 } };
        let distinct = |mut tokens: Vec<String>| {
            let count = tokens.len();
            tokens.sort_unstable();
            tokens.dedup();
            assert_eq!(tokens.len(), count);
            count
        };
        assert_eq!(distinct(filled.list_access_tokens(1000)), 25);
        assert_eq!(distinct(filled.list_access_tokens(7)), 7);
        // one for each family, although there are twenty
        assert_eq!(distinct(filled.list_refresh_tokens(1000)), 10);
        let few = Filled { size: Size { users: 10, tokens: 4 }, ..filled };
        assert_eq!(few.list_refresh_tokens(1000), Vec::<String>::new());
        assert_eq!(few.list_access_tokens(1000).len(), 4);
    }
}
