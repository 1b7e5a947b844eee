//! What the values mean together: one pass that gathers everything.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gatepost_protocol::issuer::Issuer;
use gatepost_store::DatabaseUrl;

use super::checker::Checker;
use super::schema::quote_text;
use super::sections::{
    DatabaseSettings, HttpSettings, LimitSettings, MetricsPlace, PasswordSettings, SecuritySettings, Settings,
    SignupMode, SweepSettings,
};
use super::types::{ByteSize, Seconds};

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Limits of time, for [`Checker::check_floor`] and [`Checker::check_range`].
const fn between(least: u64, most: u64) -> (Seconds, Seconds) {
    (Seconds::new(least), Seconds::new(most))
}

/// Checks every section and fills in what development leaves out.
pub(super) fn check_settings(checker: &mut Checker<'_>, settings: &mut Settings) {
    check_server(checker, settings);
    check_http(checker, &settings.http);
    check_database(checker, &settings.database);
    check_security(checker, &settings.security);
    check_password(checker, &settings.password);
    check_lifetimes(checker, settings);
    check_limits(checker, &settings.limits);
    if settings.signup.mode == SignupMode::Open && settings.mail.smtp_url.is_none() && !checker.dev {
        checker.warn(
            "signup.mode",
            "open without a mail server: addresses are not proven, and the sign-up page has to say when one is taken, so strangers can ask who has an account",
        );
    }
    check_sweep(checker, &settings.sweep);
    super::mail::check_mail(checker, &settings.mail);
    check_log_level(checker, &settings.log.level);
    check_metrics(checker, settings);
    for (key, problem) in settings.brand.list_faults() {
        checker.fault(key, problem);
    }
    super::check_declared::check_declared(checker, settings);
    super::providers::check_providers(checker, &mut settings.providers);
}

fn check_server(checker: &mut Checker<'_>, settings: &mut Settings) {
    let server = &mut settings.server;
    let listen = server.listen.0;
    if server.public_url.is_empty() && checker.dev {
        server.public_url = format!("http://localhost:{}", listen.port());
    }
    check_public_url(checker, &mut server.public_url);
    if !listen.ip().is_loopback() {
        if checker.dev {
            checker.fault("server.listen", "development is for this computer only: use 127.0.0.1 or [::1]");
        } else {
            checker.warn(
                "server.listen",
                format_args!("{listen} takes plain HTTP from other machines: let only your proxy reach it"),
            );
        }
    }
    if server.trusted_proxies.iter().any(|network| network.is_everything()) {
        let text = "every machine may say whom it speaks for, so no address can be believed";
        checker.below_floor("server.trusted_proxies", text);
    } else if server.trusted_proxies.is_empty() && server.public_url.starts_with("https:") {
        checker.warn(
            "server.trusted_proxies",
            "not set: behind your proxy all people look like one address to the limits",
        );
    }
    checker.check_range("server.shutdown_delay", server.shutdown_delay, between(0, 5 * MINUTE));
    checker.check_range("server.shutdown_timeout", server.shutdown_timeout, between(1, 10 * MINUTE));
}

/// Holds the address to what an issuer is, and writes it as everybody will compare it.
fn check_public_url(checker: &mut Checker<'_>, text: &mut String) {
    const KEY: &str = "server.public_url";
    if text.is_empty() {
        return checker.fault(KEY, "missing: the address people see, for example https://auth.example.com");
    }
    match Issuer::parse(text) {
        Err(problem) => checker.fault(KEY, format!("{}: {problem}", quote_text(text))),
        // RFC 8414 §2: an issuer is https; what never leaves this computer needs none
        Ok(issuer) if !issuer.is_https() && !issuer.is_loopback() => {
            checker.fault(KEY, format!("{}: it must be https; http is for this computer only", quote_text(text)));
        }
        Ok(issuer) => {
            if !issuer.is_https() && !checker.dev {
                checker.warn(KEY, "plain HTTP works on this computer only; people elsewhere need https");
            }
            issuer.as_str().clone_into(text);
        }
    }
}

fn check_http(checker: &mut Checker<'_>, http: &HttpSettings) {
    checker.check_range("http.workers", http.workers, (0, 1_024));
    checker.check_range("http.max_connections", http.max_connections, (16, 1_000_000));
    checker.check_range("http.form_limit", http.form_limit, (ByteSize::new(4 << 10), ByteSize::new(1 << 20)));
    checker.check_range("http.url_limit", http.url_limit, (ByteSize::new(2 << 10), ByteSize::new(64 << 10)));
    checker.check_range("http.header_timeout", http.header_timeout, between(1, MINUTE));
    checker.check_range("http.body_timeout", http.body_timeout, between(1, MINUTE));
    checker.check_range("http.handler_timeout", http.handler_timeout, between(1, MINUTE));
    checker.check_range("http.keep_alive", http.keep_alive, between(0, 10 * MINUTE));
}

fn check_database(checker: &mut Checker<'_>, database: &DatabaseSettings) {
    if *database.url.url() == DatabaseUrl::SqliteMemory {
        checker.below_floor("database.url", "everything is lost when the process ends");
    }
    checker.check_range("database.pool_size", database.pool_size, (1, 500));
    checker.check_range("database.pool_wait", database.pool_wait, between(1, 30));
    checker.check_range("database.statement_timeout", database.statement_timeout, between(1, 5 * MINUTE));
    checker.check_range("database.lock_timeout", database.lock_timeout, between(1, MINUTE));
}

fn check_security(checker: &mut Checker<'_>, security: &SecuritySettings) {
    const KEY: &str = "security.master_key";
    match security.master_key.expose() {
        None if security.master_key_path.is_empty() => {
            checker.fault("security.master_key_path", "missing, and there is no security.master_key")
        }
        None => {}
        Some(text) => match decode_key(text) {
            Err(problem) => checker.fault(KEY, format!("{problem}; leave it out and one is made")),
            // 32 random bytes have about 30 different values; fewer than 16 do not happen by chance
            Ok(key) if count_distinct(&key) < 16 => {
                checker.below_floor(KEY, "is not random; leave it out and one is made")
            }
            Ok(_) => {}
        },
    }
}

fn count_distinct(bytes: &[u8]) -> usize {
    bytes.iter().collect::<std::collections::BTreeSet<_>>().len()
}

/// Reads 32 bytes as hex, base64url or base64, with or without padding; the error is a sentence without the text.
pub(super) fn decode_key(text: &str) -> Result<[u8; 32], String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(text).ok();
    let bytes = decode_hex(text).or_else(|| decode(&alphabet::URL_SAFE)).or_else(|| decode(&alphabet::STANDARD));
    let bytes = bytes.ok_or("is not base64url, base64 or hex of 32 bytes")?;
    let length = bytes.len();
    bytes
        .try_into()
        .map_err(|_| if length == 1 { "1 byte, needs 32".into() } else { format!("{length} bytes, needs 32") })
}

/// Only the full length counts as hex: shorter texts of these signs may be base64.
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    (digits.len() == 64)
        .then(|| digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn check_password(checker: &mut Checker<'_>, password: &PasswordSettings) {
    let length = password.min_length;
    checker.check_range("password.min_length", length, (8, 64));
    if (8..12).contains(&length) {
        checker.below_floor("password.min_length", format_args!("{length} is too little; at least 12"));
    } else if (12..15).contains(&length) {
        checker.warn(
            "password.min_length",
            format_args!("{length} is weaker than the default of 15 while the password is the only factor"),
        );
    }
    let (memory, passes, lanes) = (password.argon2_memory_kib, password.argon2_passes, password.argon2_lanes);
    checker.check_range("password.argon2_lanes", lanes, (1, 16));
    checker.check_range("password.argon2_passes", passes, (1, 32));
    // RFC 9106 §3.1: at least 8 KiB for each lane; the most is what a mistyped unit would ask for
    checker.check_range("password.argon2_memory_kib", memory, (lanes.saturating_mul(8), 4 << 20));
    let strong = (memory >= 19_456 && passes >= 2) || memory >= 47_104;
    if !strong {
        let problem = format!(
            "{memory} with {passes} {} is too little; at least 19456 with 2, or 47104 with 1",
            if passes == 1 { "pass" } else { "passes" }
        );
        checker.below_floor("password.argon2_memory_kib", problem);
    }
    checker.check_range("password.hash_threads", password.hash_threads, (0, 1_024));
    checker.check_range("password.hash_queue", password.hash_queue, (1, 4_096));
    checker.check_range("password.hash_wait", password.hash_wait, between(1, 30));
}

fn check_lifetimes(checker: &mut Checker<'_>, settings: &Settings) {
    let (session, tokens) = (&settings.session, &settings.tokens);
    checker.check_floor("session.idle_ttl", session.idle_ttl, between(MINUTE, 90 * DAY));
    checker.check_floor("session.absolute_ttl", session.absolute_ttl, between(MINUTE, 365 * DAY));
    checker.check_advice("session.idle_ttl", session.idle_ttl, Seconds::new(7 * DAY));
    checker.check_advice("session.absolute_ttl", session.absolute_ttl, Seconds::new(30 * DAY));
    if session.idle_ttl > session.absolute_ttl {
        checker.fault(
            "session.idle_ttl",
            format!("{} is longer than session.absolute_ttl, {}", session.idle_ttl, session.absolute_ttl),
        );
    }
    check_access_ttl(checker, "tokens.access_ttl", tokens.access_ttl);
    checker.check_range("tokens.code_ttl", tokens.code_ttl, between(1, HOUR));
    checker.check_floor("tokens.code_ttl", tokens.code_ttl, between(SECOND, 10 * MINUTE));
    checker.check_advice("tokens.code_ttl", tokens.code_ttl, Seconds::new(MINUTE));
    check_refresh_ttls(checker, "tokens.", (tokens.refresh_idle_ttl, tokens.refresh_absolute_ttl));
    checker.check_floor("tokens.reuse_grace", tokens.reuse_grace, between(0, 30));
    checker.check_advice("tokens.reuse_grace", tokens.reuse_grace, Seconds::new(10));
    checker.check_range("tokens.sign_in_ttl", tokens.sign_in_ttl, between(MINUTE, 2 * HOUR));
}

/// at most an hour, because a revoked JWT lives that long.
pub(super) fn check_access_ttl(checker: &mut Checker<'_>, key: &str, ttl: Seconds) {
    checker.check_range(key, ttl, between(1, DAY));
    checker.check_floor(key, ttl, between(SECOND, HOUR));
    checker.check_advice(key, ttl, Seconds::new(10 * MINUTE));
}

/// R-8; `at` is the section with its dot.
pub(super) fn check_refresh_ttls(checker: &mut Checker<'_>, at: &str, (idle, absolute): (Seconds, Seconds)) {
    let (idle_key, absolute_key) = (format!("{at}refresh_idle_ttl"), format!("{at}refresh_absolute_ttl"));
    checker.check_floor(&idle_key, idle, between(SECOND, 365 * DAY));
    checker.check_floor(&absolute_key, absolute, between(SECOND, 365 * DAY));
    checker.check_advice(&idle_key, idle, Seconds::new(30 * DAY));
    checker.check_advice(&absolute_key, absolute, Seconds::new(90 * DAY));
    if idle > absolute {
        checker.fault(&idle_key, format!("{idle} is longer than {absolute_key}, {absolute}"));
    }
}

fn check_limits(checker: &mut Checker<'_>, limits: &LimitSettings) {
    for (key, value, most) in [
        ("limits.token_failures_per_minute", limits.token_failures_per_minute, 10_000),
        ("limits.introspection_failures_per_minute", limits.introspection_failures_per_minute, 10_000),
        ("limits.authorize_per_minute", limits.authorize_per_minute, 100_000),
        ("limits.signups_per_hour", limits.signups_per_hour, 10_000),
        ("limits.sign_in_failures_per_address", limits.sign_in_failures_per_address, 10_000),
        ("limits.sign_in_hard_stop", limits.sign_in_hard_stop, 1_000),
        ("limits.max_tracked", limits.max_tracked, 10_000_000),
    ] {
        checker.check_range(key, value, (1, most));
    }
    checker.check_floor("limits.sign_in_free_failures", limits.sign_in_free_failures, (0, 20));
    checker.check_floor("limits.sign_in_hard_stop", limits.sign_in_hard_stop, (1, 100));
    checker.check_floor("limits.sign_in_max_delay", limits.sign_in_max_delay, between(10, DAY));
    checker.check_advice("limits.sign_in_free_failures", limits.sign_in_free_failures, 5);
    checker.check_advice("limits.sign_in_failures_per_address", limits.sign_in_failures_per_address, 30);
    if limits.sign_in_free_failures >= limits.sign_in_hard_stop {
        checker.fault("limits.sign_in_free_failures", "must be less than limits.sign_in_hard_stop");
    }
}

fn check_sweep(checker: &mut Checker<'_>, sweep: &SweepSettings) {
    checker.check_range("sweep.interval", sweep.interval, between(1, DAY));
    checker.check_range("sweep.batch_size", sweep.batch_size, (1, 1_000));
    let ten_years = 10 * 366 * DAY;
    checker.check_range("sweep.keep_codes", sweep.keep_codes, between(0, ten_years));
    checker.check_range("sweep.keep_access_tokens", sweep.keep_access_tokens, between(0, ten_years));
    checker.check_range("sweep.keep_refresh_tokens", sweep.keep_refresh_tokens, between(0, ten_years));
    checker.check_range("sweep.keep_sessions", sweep.keep_sessions, between(0, ten_years));
    checker.check_range("sweep.keep_audit", sweep.keep_audit, between(DAY, ten_years));
    // a replay after the row is gone is only "not found": nothing that it bought is revoked
    checker.check_floor("sweep.keep_codes", sweep.keep_codes, between(10 * MINUTE, ten_years));
    checker.check_floor("sweep.keep_refresh_tokens", sweep.keep_refresh_tokens, between(DAY, ten_years));
}

/// Accepts what `tracing_subscriber::EnvFilter` reads in its plain form: `[target=]level`, separated by commas.
fn check_log_level(checker: &mut Checker<'_>, level: &str) {
    const KEY: &str = "log.level";
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for part in level.split(',').map(str::trim) {
        let (target, word) = part.rsplit_once('=').map_or((None, part), |(target, word)| (Some(target), word));
        if !LEVELS.contains(&word.to_lowercase().as_str()) {
            let close = super::faults::did_you_mean(word, LEVELS);
            return checker.fault(KEY, format!("{} is not error, warn, info, debug or trace{close}", quote_text(word)));
        }
        if target.is_some_and(|target| {
            target.is_empty() || !target.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c))
        }) {
            return checker.fault(KEY, format!("{} is not a part of the program", quote_text(part)));
        }
    }
}

fn check_metrics(checker: &mut Checker<'_>, settings: &Settings) {
    let observability = &settings.observability;
    match observability.metrics {
        MetricsPlace::Off => {}
        MetricsPlace::Own => {
            let (own, main) = (observability.metrics_listen.0, settings.server.listen.0);
            if own == main && own.port() != 0 {
                checker.fault(
                    "observability.metrics_listen",
                    "is the same as server.listen; for that, set observability.metrics = \"main\"",
                );
            }
        }
        MetricsPlace::Main if checker.dev => {}
        MetricsPlace::Main => checker.warn(
            "observability.metrics",
            "everybody who reaches the server can read /metrics; \"own\" gives it a listener of its own",
        ),
    }
}
