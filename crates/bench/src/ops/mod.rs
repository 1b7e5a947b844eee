//! The measured operations, each through a standard endpoint.

mod code;
mod introspect;
mod measure;
mod sweep;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::ValueEnum;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::cli::LoadArgs;
use crate::figures::Figures;
use crate::http::get_once;
use crate::target::{Client, Target};
use crate::wire::{Header, encode};
use introspect::Question;
use measure::{Watched, measure};

/// An operation, in the order in which one needs what another left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Op {
    /// one token by client_credentials
    ClientCredentials,
    /// introspection of tokens that are good
    IntrospectActive,
    /// introspection of tokens that nobody issued
    IntrospectUnknown,
    /// authorization with a live session, and the token request with PKCE: together one
    CodeExchange,
    /// introspection of the tokens of people, each for the first time
    IntrospectUserFirst,
    /// introspection of the tokens of people, again and again
    IntrospectUser,
    /// userinfo with the tokens of people
    Userinfo,
    /// refresh, one chain of rotating tokens for each connection
    Refresh,
    /// refresh of tokens from all over the table, each once
    RefreshOld,
    /// one token by client_credentials, while the server deletes what has ended
    ClientCredentialsSweep,
}

impl Op {
    pub(crate) const ALL: [Self; 10] = [
        Self::ClientCredentials,
        Self::IntrospectActive,
        Self::IntrospectUnknown,
        Self::CodeExchange,
        Self::IntrospectUserFirst,
        Self::IntrospectUser,
        Self::Userinfo,
        Self::Refresh,
        Self::RefreshOld,
        Self::ClientCredentialsSweep,
    ];

    /// As it is written on the command line and in target files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::IntrospectActive => "introspect_active",
            Self::IntrospectUnknown => "introspect_unknown",
            Self::CodeExchange => "code_exchange",
            Self::IntrospectUserFirst => "introspect_user_first",
            Self::IntrospectUser => "introspect_user",
            Self::Userinfo => "userinfo",
            Self::Refresh => "refresh",
            Self::RefreshOld => "refresh_old",
            Self::ClientCredentialsSweep => "client_credentials_sweep",
        }
    }
}

/// How hard and how long each operation is driven.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) duration: Duration,
    pub(crate) warmup: Duration,
    pub(crate) connections: usize,
    pub(crate) tokens: usize,
    /// rows that have ended, for the server to delete
    pub(crate) expired: u64,
    pub(crate) repeat: usize,
    pub(crate) ops: Vec<Op>,
}

impl From<&LoadArgs> for Load {
    fn from(args: &LoadArgs) -> Self {
        Self {
            duration: Duration::from_secs_f64(args.duration),
            warmup: Duration::from_secs_f64(args.warmup),
            connections: usize::from(args.connections),
            tokens: args.tokens,
            expired: args.expired,
            repeat: args.repeat,
            ops: args.ops.clone(),
        }
    }
}

/// The server that is driven, and how.
pub(crate) struct Driven<'a> {
    pub(crate) target: &'a Target,
    pub(crate) load: &'a Load,
    /// the server's process, when it is known
    pub(crate) pid: Option<i32>,
}

impl Driven<'_> {
    fn token_count(&self) -> usize {
        let most = self.target.max_tokens;
        if most > 0 { most.min(self.load.tokens) } else { self.load.tokens }
    }

    /// The counter of commits, summed over its labels.
    fn read_commits(&self) -> Option<f64> {
        let counter = self.target.commits.as_ref()?;
        let response = get_once(&counter.url, &self.target.headers).ok()?;
        find_counter(&response.text(), &counter.name)
    }
}

/// The value of a counter in the text format of Prometheus, summed over its labels.
pub(crate) fn find_counter(text: &str, name: &str) -> Option<f64> {
    let values: Vec<f64> = text
        .lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| {
            rest.rsplit_once('}').map_or(rest, |(_, value)| value).split_whitespace().next()?.parse().ok()
        })
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Tokens that came, shared by the connections.
pub(super) type Tokens = Arc<Mutex<Vec<String>>>;

/// What the operations of one round hand on to the next.
#[derive(Default)]
pub(crate) struct Stock {
    issued: Tokens,
    user_tokens: Tokens,
    refresh_tokens: Tokens,
}

/// What came of one turn of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// a request was answered as it should be
    Done,
    /// there is nothing more to ask; the worker ends
    NothingLeft,
}

/// One request and the check of its answer, done again and again on one connection.
pub(super) type Worker = Box<dyn FnMut() -> Result<Progress, String> + Send>;

/// Most tokens that are asked about or refreshed once.
const MOST_ONCE: usize = 400_000;

/// The tokens that an operation asks about; empty for the others.
fn gather_tokens(op: Op, driven: &Driven<'_>, stock: &Stock) -> Vec<String> {
    let (filled, count) = (driven.target.filled.as_ref(), driven.token_count());
    let users = |most: usize| match filled {
        Some(filled) => filled.list_access_tokens(most),
        None => take_first(&stock.user_tokens, most),
    };
    match op {
        Op::IntrospectActive => {
            let issued = take_first(&stock.issued, count);
            if issued.is_empty() { driven.target.access_tokens.clone() } else { issued }
        }
        Op::IntrospectUnknown => (0..count).map(|_| draw_text(32)).collect(),
        Op::IntrospectUserFirst => users(MOST_ONCE),
        Op::IntrospectUser | Op::Userinfo => users(count),
        Op::RefreshOld => match filled {
            Some(filled) => filled.list_refresh_tokens(MOST_ONCE),
            None => std::mem::take(&mut *lock(&stock.refresh_tokens)),
        },
        Op::ClientCredentials | Op::CodeExchange | Op::Refresh | Op::ClientCredentialsSweep => Vec::new(),
    }
}

fn make_workers(op: Op, driven: &Driven<'_>, stock: &Stock, tokens: Vec<String>) -> Result<Vec<Worker>, String> {
    let ask = |active, once| Question { active, once };
    match op {
        Op::ClientCredentials | Op::ClientCredentialsSweep => token::issue_tokens(driven, &stock.issued),
        Op::IntrospectActive | Op::IntrospectUser => introspect::introspect_tokens(driven, tokens, ask(true, false)),
        Op::IntrospectUserFirst => introspect::introspect_tokens(driven, tokens, ask(true, true)),
        Op::IntrospectUnknown => introspect::introspect_tokens(driven, tokens, ask(false, false)),
        Op::CodeExchange => code::exchange_codes(driven, &stock.user_tokens, &stock.refresh_tokens),
        Op::Userinfo => introspect::ask_userinfo(driven, tokens),
        Op::Refresh => token::refresh_chains(driven, &stock.refresh_tokens),
        Op::RefreshOld => token::refresh_each(driven, tokens),
    }
}

/// Warms up, measures, and completes the stock of tokens outside the measurement.
pub(crate) fn run_op(op: Op, driven: &Driven<'_>, stock: &mut Stock) -> Result<Figures, String> {
    let load = driven.load;
    let mut tokens = gather_tokens(op, driven, stock);
    if !load.warmup.is_zero() {
        // what can be asked only once is not to be used up before it is measured
        let warm_tokens = match op {
            Op::IntrospectUserFirst | Op::RefreshOld => tokens.split_off(tokens.len() - tokens.len() / 10),
            _ => tokens.clone(),
        };
        let warm = measure(make_workers(op, driven, stock, warm_tokens)?, load.warmup, &Watched::default())?;
        if warm.requests == 0 {
            let sample = warm.error_samples.first().map_or("no answer in time", String::as_str);
            return Err(format!("nothing succeeded: {sample}"));
        }
    }
    let distinct = tokens.len();
    let workers = make_workers(op, driven, stock, tokens)?;
    if op == Op::ClientCredentialsSweep {
        sweep::start_sweeping(driven)?;
    }
    let before = driven.read_commits();
    let watched = Watched { server: driven.pid, database: driven.target.db_pid };
    let mut figures = measure(workers, load.duration, &watched)?;
    if let (Some(before), Some(after)) = (before, driven.read_commits())
        && figures.requests > 0
    {
        figures.commits_per_request = Some((after - before) / figures.requests as f64);
    }
    figures.distinct_tokens = (distinct > 0).then_some(distinct);
    match op {
        Op::ClientCredentials => complete_stock(driven, stock)?,
        Op::ClientCredentialsSweep => figures.swept = Some(sweep::count_swept(driven)?),
        _ => {}
    }
    Ok(figures)
}

fn complete_stock(driven: &Driven<'_>, stock: &Stock) -> Result<(), String> {
    let began = Instant::now();
    while lock(&stock.issued).len() < driven.token_count() && began.elapsed() < Duration::from_secs(30) {
        let workers = make_workers(Op::ClientCredentials, driven, stock, Vec::new())?;
        if measure(workers, Duration::from_secs(1), &Watched::default())?.requests == 0 {
            break;
        }
    }
    Ok(())
}

fn take_first(tokens: &Tokens, most: usize) -> Vec<String> {
    lock(tokens).iter().take(most).cloned().collect()
}

/// A list of texts stays usable when a thread that held it died.
pub(super) fn lock(tokens: &Tokens) -> MutexGuard<'_, Vec<String>> {
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The system's randomness.
#[expect(clippy::disallowed_methods, reason = "the benchmark decides nothing; it has no caller who could hand it in")]
pub(crate) fn open_random() -> SystemRandom {
    SystemRandom::new()
}

/// Random bytes as base64url.
pub(crate) fn draw_text(bytes: usize) -> String {
    let mut raw = vec![0; bytes];
    // without randomness there is no program: not even the standard library's maps work
    open_random().fill(&mut raw).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(raw)
}

/// Adds the client's authentication to headers or body (RFC 6749 §2.3.1).
pub(super) fn add_client(client: &Client, headers: &mut Vec<Header>, body: &mut String) {
    let (id, secret) = (encode(&client.id), encode(&client.secret));
    match client.auth.as_str() {
        "basic" => {
            let pair = STANDARD.encode(format!("{id}:{secret}"));
            headers.push(("Authorization".into(), format!("Basic {pair}")));
        }
        "post" => body.push_str(&format!("&client_id={id}&client_secret={secret}")),
        _ => body.push_str(&format!("&client_id={id}")),
    }
    if !client.extra.is_empty() {
        body.push_str(&format!("&{}", client.extra));
    }
}

#[cfg(test)]
mod tests {
    use super::find_counter;

    #[test]
    fn counters_are_summed_over_their_labels() {
        let text = "# TYPE commits_total counter\ncommits_total{kind=\"a b\"} 3\ncommits_total{kind=\"c\"} 4 1700\ncommits_total_x 9\n";
        assert_eq!(find_counter(text, "commits_total"), Some(7.0));
        assert_eq!(find_counter("commits_total 5\n", "commits_total"), Some(5.0));
        assert_eq!(find_counter(text, "commits"), None);
    }
}
