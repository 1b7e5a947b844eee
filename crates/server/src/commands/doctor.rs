//! `gatepost doctor`: looks at everything that an installation stands on, and changes nothing of it.

mod mail;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use gatepost_client::{ServerError, discover};
use gatepost_engine::kernel::seal::MasterKey;
use gatepost_engine::signing_keys::{self, KeyState};
use gatepost_store::health::{Health, inspect_database};
use gatepost_store::people::users;
use gatepost_store::{DatabaseUrl, OpenError, Role, StoreConfig};
use serde_json::{Value, json};

use super::output::{DONE, FAILED, Mark, Output, format_count, format_span, format_time, program_name};
use crate::process::clock::unix_now;
use crate::process::startup::{Installation, StartFault, open_installation};
use crate::settings::{Loaded, Origin, Settings};

/// How long the public address may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// A commit that takes longer is felt by everybody who signs in.
const SLOW_WRITE: Duration = Duration::from_millis(200);
/// Seconds that two clocks may differ before lifetimes of a minute suffer.
const CLOCK_TOLERANCE: i64 = 5;

/// `gatepost doctor`
#[derive(Args, Debug)]
#[command(before_help = "Examples:\n  gatepost doctor\n  gatepost doctor --mail you@example.com")]
pub(crate) struct DoctorArgs {
    /// Send a test letter to this address
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
}

/// What one look found.
struct Check {
    name: &'static str,
    mark: Mark,
    text: String,
    more: Vec<String>,
    hint: Option<String>,
}

impl Check {
    fn new(name: &'static str, mark: Mark, text: impl Into<String>) -> Self {
        Self { name, mark, text: text.into(), more: Vec::new(), hint: None }
    }

    fn good(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Mark::Done, text)
    }

    fn warning(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Mark::Warning, text)
    }

    fn problem(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Mark::Failed, text)
    }

    fn more(mut self, line: impl Into<String>) -> Self {
        self.more.push(line.into());
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Runs the command and gives the exit status: 0, also with warnings; 1 with problems.
pub(crate) async fn run_doctor(args: DoctorArgs, loaded: &Loaded, style: &Output) -> i32 {
    let settings = &loaded.settings;
    if !style.json && !style.quiet {
        style.print(&format!("Gatepost {} at {}\n", env!("CARGO_PKG_VERSION"), settings.server.public_url));
    }
    let mut found = Vec::new();
    let mut add = |check: Check| {
        if !style.json && (!style.quiet || check.mark != Mark::Done) {
            style.print(&format_check(style, &check));
        }
        found.push(check);
    };
    add(check_settings(loaded));
    let health = look_at_database(settings);
    add(check_database(settings, &health));
    let key = read_key(settings);
    add(check_key(settings, &key, &health));
    // opening migrates and makes what is missing: only where nothing is left to migrate or make
    let ready = key.is_ok() && matches!(&health, Ok(health) if health.pending == 0 && health.unknown.is_empty());
    let installation = if ready { Some(open_installation(settings, Role::Command).await) } else { None };
    match &installation {
        None => add(Check::warning("signing keys", "not looked at: database and master key come first")),
        Some(Err(fault)) => add(explain_keys(fault)),
        Some(Ok((installation, _))) => add(check_signing_keys(installation).await),
    }
    add(check_address(&settings.server.public_url).await);
    add(mail::check_mail(settings, args.mail.as_deref()).await);
    if let Ok(health) = &health {
        add(check_clock(health, unix_now()));
    }
    if let Some(Ok((installation, _))) = &installation {
        add(check_admins(installation).await);
    }
    summarize(style, settings, &found)
}

fn check_settings(loaded: &Loaded) -> Check {
    let set = loaded.origins.values().filter(|origin| !matches!(origin, Origin::Default | Origin::Development)).count();
    let text = format!("{set} set, 0 unknown");
    if loaded.warnings.is_empty() {
        return Check::good("settings", text);
    }
    let check = Check::warning("settings", text);
    let check = loaded.warnings.iter().fold(check, |check, warning| check.more(warning));
    check.hint(format!("{} config check", program_name()))
}

/// What is known about the database, or the sentence that says why nothing is.
type Looked = Result<Health, Check>;

fn look_at_database(settings: &Settings) -> Looked {
    let url = settings.database.url.url();
    match url {
        DatabaseUrl::SqliteMemory => {
            return Err(Check::warning("database", "in memory: everything is gone when the server stops"));
        }
        DatabaseUrl::SqliteFile(path) if !path.exists() => {
            let check = Check::warning("database", format!("{} is not there yet", path.display()));
            return Err(check.more("It is made at the first start").hint(format!("{} serve", program_name())));
        }
        _ => {}
    }
    let config = StoreConfig {
        statement_timeout: settings.database.statement_timeout.as_duration(),
        lock_timeout: settings.database.lock_timeout.as_duration(),
        ..StoreConfig::new(url.clone(), Role::Command)
    };
    inspect_database(&config).map_err(|error| explain_database(settings, &error))
}

fn explain_database(settings: &Settings, error: &OpenError) -> Check {
    let error = error.to_string();
    let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
    let check = Check::problem("database", format!("{} cannot be used", settings.database.url));
    let check = check.more(lines.next().unwrap_or_default());
    let check = lines.fold(check, |check, line| check.more(line));
    let damaged = error.contains("malformed") || error.contains("not a database");
    let hint = match settings.database.url.url() {
        DatabaseUrl::SqliteFile(_) if damaged => "stop the server, keep a copy of the file, and restore a backup",
        DatabaseUrl::Postgres(_) => "see that it runs, and that database.url names the right host, user and password",
        _ => "see that database.url is right, and that this user may read and write that file and its folder",
    };
    check.hint(hint)
}

fn check_database(settings: &Settings, looked: &Looked) -> Check {
    let health = match looked {
        Ok(health) => health,
        Err(check) => {
            return Check {
                more: check.more.clone(),
                hint: check.hint.clone(),
                ..Check::new(check.name, check.mark, &check.text)
            };
        }
    };
    let size = format_size(health.bytes);
    let facts = format!("{}, schema {}, {size}", health.version, health.applied + health.unknown.len());
    if !health.unknown.is_empty() {
        return Check::problem("database", format!("{facts}: made by a newer Gatepost"))
            .more(format!("It has {}, which this version does not know", health.unknown.join(", ")))
            .hint("start the newer version, or restore a backup made before the upgrade");
    }
    if !health.damage.is_empty() {
        let check = Check::problem("database", format!("{facts}: damaged"));
        let check = health.damage.iter().fold(check, |check, line| check.more(line));
        return check.hint("stop the server, keep a copy of the file, and restore a backup");
    }
    let write = match &health.write {
        Ok(time) => *time,
        Err(error) => {
            return Check::problem("database", format!("{facts}: cannot be written to"))
                .more(error.to_string())
                .hint("see that the disk is neither full nor read-only, and that this user may write there");
        }
    };
    if health.applied == 0 {
        let check = Check::warning("database", format!("{}, empty", health.version));
        return check.more("The first start makes its tables").hint(format!("{} serve", program_name()));
    }
    if health.pending > 0 {
        let check =
            Check::warning("database", format!("{facts}, {} to come", format_count(health.pending, "migration")));
        return check
            .more("The next start applies them; make a backup first")
            .hint(format!("{} serve", program_name()));
    }
    // PostgreSQL checks its pages whenever it reads them; what was looked at are its indexes
    let looked_at = if health.version.starts_with("SQLite") { "integrity" } else { "indexes" };
    let facts = format!("{facts}, write {} ms, {looked_at} ok", write.as_millis().max(1));
    if write > SLOW_WRITE {
        return Check::warning("database", facts)
            .more(format!("Every sign-in waits for such a write: {}", settings.database.url));
    }
    Check::good("database", facts)
}

/// Decimal, as disks are sold and `ls -h --si` shows them.
fn format_size(bytes: i64) -> String {
    match bytes {
        b if b >= 10_000_000_000 => format!("{} GB", b / 1_000_000_000),
        b if b >= 1_000_000 => format!("{} MB", b / 1_000_000),
        b => format!("{} kB", (b / 1000).max(1)),
    }
}

/// Where the master key comes from: `None` is the setting, else the mode of the file. Or why there is none.
type KeyFound = Result<Option<u32>, KeyFault>;

#[derive(Debug, PartialEq, Eq)]
enum KeyFault {
    Missing,
    Unusable(String),
}

fn read_key(settings: &Settings) -> KeyFound {
    if settings.security.decode_master_key().is_some() {
        return Ok(None);
    }
    read_key_file(Path::new(&settings.security.master_key_path))
}

fn read_key_file(path: &Path) -> KeyFound {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => KeyFault::Missing,
        _ => KeyFault::Unusable(error.to_string()),
    })?;
    MasterKey::parse(text.trim()).map_err(|fault| KeyFault::Unusable(fault.to_string()))?;
    Ok(Some(read_mode(path)))
}

#[cfg(unix)]
fn read_mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn read_mode(_path: &Path) -> u32 {
    0o600
}

fn check_key(settings: &Settings, key: &KeyFound, looked: &Looked) -> Check {
    const NAME: &str = "master key";
    let path = &settings.security.master_key_path;
    let has_data = matches!(looked, Ok(health) if health.applied > 0);
    match key {
        Ok(None) => Check::good(NAME, "from security.master_key"),
        Ok(Some(mode)) if mode & 0o077 == 0 => Check::good(NAME, format!("readable, {mode:04o}")),
        Ok(Some(mode)) => Check::problem(NAME, format!("{path} is open to others ({mode:04o})"))
            .more("Whoever has it and a copy of the database can sign tokens")
            .hint(format!("chmod 600 {path}")),
        Err(KeyFault::Missing) if has_data => Check::problem(NAME, format!("{path} is not there, but the database is"))
            .more("Without it the stored signing keys cannot be read")
            .hint(format!("put the backup of the file at {path}, or set security.master_key_path")),
        Err(KeyFault::Missing) => Check::warning(NAME, format!("{path} is not there yet"))
            .more("It is made at the first start; back it up then")
            .hint(format!("{} serve", program_name())),
        Err(KeyFault::Unusable(why)) => Check::problem(NAME, format!("{path} cannot be used"))
            .more(why)
            .hint("put the backup of the file there, and make it readable for this user only"),
    }
}

fn explain_keys(fault: &StartFault) -> Check {
    let check = Check::problem("signing keys", "cannot be loaded").more(fault.to_string());
    check.hint("put back the master key that belongs to this database")
}

async fn check_signing_keys(installation: &Installation) -> Check {
    // they were opened with the installation: what is left is to say what they do
    let call = installation.call();
    let now = call.now;
    match installation.store.read(move |db| signing_keys::list_key_states(&call, db)).await {
        Ok(states) => describe_keys(&states, now),
        Err(error) => Check::problem("signing keys", error.to_string()),
    }
}

fn describe_keys(states: &[KeyState], now: i64) -> Check {
    const NAME: &str = "signing keys";
    let current: Vec<_> = states.iter().filter(|key| key.state == "current").collect();
    if !current.iter().any(|key| key.alg == "ES256") {
        let check = Check::problem(NAME, "no ES256 key signs now");
        return check.hint(format!("{} key rotate", program_name()));
    }
    let describe = |key: &&KeyState| {
        let next = states.iter().find(|other| other.state == "next" && other.alg == key.alg);
        let next = next.map(|next| format!(" (the next one signs in {})", format_span(next.active_from - now)));
        format!("{} current{}", key.alg, next.unwrap_or_default())
    };
    let mut words: Vec<_> = current.iter().map(describe).collect();
    words.sort();
    words.dedup();
    Check::good(NAME, words.join(", "))
}

async fn check_admins(installation: &Installation) -> Check {
    const NAME: &str = "first admin";
    match installation.store.read(users::count_enabled_admins).await {
        Ok(0) => {
            Check::warning(NAME, "there is no administrator yet").hint(format!("{} admin setup-link", program_name()))
        }
        Ok(count) => Check::good(NAME, format_count(usize::try_from(count).unwrap_or_default(), "administrator")),
        Err(error) => Check::problem(NAME, error.to_string()),
    }
}

/// Asks as every client does first: no redirects, and the issuer must be equal byte for byte (RFC 8414 §3.3).
async fn check_address(public_url: &str) -> Check {
    const NAME: &str = "public address";
    let silent = || ServerError::Unreachable {
        server: public_url.to_owned(),
        reason: format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()),
    };
    let found = tokio::time::timeout(ANSWER_TIMEOUT, discover(public_url)).await;
    match found.unwrap_or_else(|_| Err(silent())) {
        Ok(_) => Check::good(NAME, "reached from here; discovery names the same issuer"),
        Err(ServerError::Unreachable { reason, .. }) => {
            Check::warning(NAME, format!("not reached from here: {reason}"))
                .more("Is Gatepost running, and does your proxy send this address to it?")
                .hint(format!("{} serve", program_name()))
        }
        Err(ServerError::IssuerMismatch { answered, .. }) => Check::problem(NAME, format!("answers as {answered}"))
            .more("Clients compare it with server.public_url byte for byte, and stop")
            .hint(format!("server.public_url = \"{answered}\", if that is the address people see")),
        Err(error) => Check::problem(NAME, "does not answer as an authorization server")
            .more(error.to_string())
            .hint("let your proxy send every path below this address to Gatepost, also those of /.well-known/"),
    }
}

fn check_clock(health: &Health, now: i64) -> Check {
    const NAME: &str = "clock";
    let apart = (health.clock - now).abs();
    let behind = health.newest_event.map_or(0, |newest| newest - now);
    if behind > CLOCK_TOLERANCE {
        return Check::problem(NAME, format!("{} behind the newest entry in the audit log", format_span(behind)))
            .more("Tokens would come from the future, and those that ended would work again")
            .hint("set this computer's clock, for example with NTP");
    }
    if apart > CLOCK_TOLERANCE {
        return Check::problem(NAME, format!("{} from the database", format_span(apart)))
            .more(format!("Here it is {}, there {}", format_time(now), format_time(health.clock)))
            .hint("set both clocks, for example with NTP");
    }
    Check::good(
        NAME,
        if apart <= 1 {
            "agrees with the database".to_owned()
        } else {
            format!("{} from the database", format_span(apart))
        },
    )
}

fn format_check(style: &Output, check: &Check) -> String {
    // the sign may be two letters wide in ASCII, and colour has no width
    let gap = if style.ascii && check.mark == Mark::Done {
        " "
    } else if style.ascii {
        "  "
    } else {
        " "
    };
    let indent = " ".repeat(if style.ascii { 20 } else { 19 });
    let mut text = format!("  {}{gap}{:<14} {}\n", style.mark(check.mark), check.name, check.text);
    for line in &check.more {
        text.push_str(&format!("{indent}{line}\n"));
    }
    if let Some(hint) = &check.hint {
        text.push_str(&format!("{indent}Try: {hint}\n"));
    }
    text
}

fn summarize(style: &Output, settings: &Settings, found: &[Check]) -> i32 {
    let count = |mark| found.iter().filter(|check| check.mark == mark).count();
    let (problems, warnings) = (count(Mark::Failed), count(Mark::Warning));
    let status = if problems > 0 { FAILED } else { DONE };
    if style.json {
        let checks: Vec<Value> = found.iter().map(describe_json).collect();
        let printed = style.print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "issuer": settings.server.public_url,
            "checks": checks,
            "problems": problems,
            "warnings": warnings,
        }));
        return status.max(printed);
    }
    let words = match (problems, warnings) {
        (0, 0) => "All good".to_owned(),
        (0, warnings) => format_count(warnings, "warning"),
        (problems, 0) => format_count(problems, "problem"),
        (problems, warnings) => format!("{}, {}", format_count(problems, "problem"), format_count(warnings, "warning")),
    };
    if !style.quiet {
        style.print(&format!("{words}\n"));
    }
    status
}

fn describe_json(check: &Check) -> Value {
    let state = match check.mark {
        Mark::Done => "ok",
        Mark::Warning => "warning",
        Mark::Failed => "problem",
    };
    json!({ "name": check.name, "state": state, "text": check.text, "more": check.more, "hint": check.hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health {
            version: "SQLite 3.50.4".into(),
            bytes: 41_500_000,
            applied: 14,
            pending: 0,
            unknown: Vec::new(),
            clock: 1000,
            newest_event: Some(990),
            write: Ok(Duration::from_millis(3)),
            damage: Vec::new(),
        }
    }

    fn settings() -> Settings {
        let sources = crate::settings::Sources { dev: true, ..Default::default() };
        crate::settings::load_settings(sources).expect("development settings").settings
    }

    #[test]
    fn a_database_is_described_in_one_line() {
        let settings = settings();
        let check = |change: fn(&mut Health)| {
            let mut health = health();
            change(&mut health);
            check_database(&settings, &Ok(health))
        };
        let good = check(|_| ());
        assert_eq!(good.text, "SQLite 3.50.4, schema 14, 41 MB, write 3 ms, integrity ok");
        assert_eq!(good.mark, Mark::Done);
        let newer = check(|health| health.unknown = vec!["2030".into()]);
        assert!(newer.mark == Mark::Failed && newer.more[0].contains("2030"));
        assert_eq!(check(|health| health.damage = vec!["row 1 missing".into()]).mark, Mark::Failed);
        assert_eq!(check(|health| health.pending = 1).mark, Mark::Warning);
        assert_eq!(check(|health| health.write = Ok(Duration::from_secs(1))).mark, Mark::Warning);
    }

    #[test]
    fn a_clock_that_was_set_back_is_a_problem() {
        assert_eq!(check_clock(&health(), 1000).text, "agrees with the database");
        assert_eq!(check_clock(&health(), 997).text, "3 seconds from the database");
        assert_eq!(check_clock(&health(), 1100).mark, Mark::Failed);
        assert!(check_clock(&health(), 900).text.contains("behind"));
    }

    #[test]
    fn keys_that_sign_are_named() {
        let key = |alg: &str, state, active_from| KeyState {
            kid: "k".into(),
            alg: alg.into(),
            state,
            created_at: 0,
            active_from,
            retired_at: None,
        };
        let states = [key("RS256", "current", 0), key("ES256", "current", 0), key("ES256", "next", 90_000)];
        let check = describe_keys(&states, 3600);
        assert_eq!(check.text, "ES256 current (the next one signs in 24 hours), RS256 current");
        assert_eq!(describe_keys(&states[..1], 0).mark, Mark::Failed);
    }

    #[test]
    fn lines_of_a_check_stand_below_each_other() {
        let style = Output { json: false, quiet: false, color: false, ascii: false, may_ask: false };
        let check = Check::warning("proxy", "text").more("more").hint("do");
        assert_eq!(
            format_check(&style, &check),
            "  ! proxy          text\n                   more\n                   Try: do\n"
        );
        let ascii = Output { ascii: true, ..style };
        assert_eq!(format_check(&ascii, &Check::good("clock", "fine")), "  ok clock          fine\n");
        assert_eq!(format_check(&ascii, &Check::problem("clock", "off")), "  x  clock          off\n");
    }
}
