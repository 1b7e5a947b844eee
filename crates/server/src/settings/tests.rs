//! Each kind of fault, each layer, and that the documents are what the structs say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use gatepost_protocol::grant_type::GrantType;

use super::document::read_entries;
use super::*;

const URL: (&str, &str) = ("GATEPOST__SERVER__PUBLIC_URL", "https://auth.example.com");

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("gatepost-settings-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file for the test");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn owned(env: &[(&str, &str)]) -> Vec<(String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn load(file: &str, env: &[(&str, &str)], dev: bool) -> Result<Loaded, Faults> {
    let folder = Folder::new();
    load_settings(Sources { config_file: Some(folder.write("gatepost.toml", file)), env: owned(env), dev })
}

/// Loads with a public address, and gives the faults as `key: problem`.
pub(super) fn faults(file: &str, env: &[(&str, &str)], dev: bool) -> Vec<String> {
    let env = [&[URL][..], env].concat();
    let Err(faults) = load(file, &env, dev) else { return Vec::new() };
    let json = faults.to_json();
    let list = json.pointer("/error/settings").and_then(serde_json::Value::as_array).expect("a list").clone();
    let text = |fault: &serde_json::Value, field: &str| {
        fault.get(field).and_then(|text| text.as_str().map(str::to_owned)).expect("text")
    };
    list.iter().map(|fault| format!("{}: {}", text(fault, "key"), text(fault, "problem"))).collect()
}

pub(super) fn loaded(file: &str, env: &[(&str, &str)]) -> Loaded {
    load(file, &[&[URL][..], env].concat(), false).unwrap_or_else(|faults| panic!("{faults}"))
}

#[track_caller]
pub(super) fn assert_fault(file: &str, expected: &str) {
    assert_eq!(faults(file, &[], false), [expected], "{file}");
}

#[test]
fn an_empty_production_needs_only_the_public_address() {
    let faults = load_settings(Sources::default()).expect_err("no address");
    assert_eq!(
        faults.to_string(),
        "error: 1 setting needs you before Gatepost can start\n\n  \
           server.public_url  missing: the address people see, for example https://auth.example.com\n\n\
         Try: gatepost config check        Only having a look? gatepost serve --dev"
    );
}

#[test]
fn all_faults_are_reported_together_as_in_the_transcript() {
    let file = "[security]\nmaster_key = \"c2hvcnRrZXk\"\n[signup]\nmod = \"open\"\n";
    let faults = load(file, &[], false).expect_err("three faults");
    let transcript = faults.to_transcript("cargo run -q --");
    assert!(transcript.starts_with("error: 3 settings need you before Gatepost can start\n\n"), "{transcript}");
    for line in [
        "  signup.mod           unknown; did you mean signup.mode?\n",
        "  server.public_url    missing: the address people see, for example https://auth.example.com\n",
        "  security.master_key  8 bytes, needs 32; leave it out and one is made\n",
        "\n\nTry: cargo run -q -- config check        Only having a look? cargo run -q -- serve --dev",
    ] {
        assert!(transcript.contains(line), "{line:?} is not in\n{transcript}");
    }
    assert_eq!(faults.to_json().pointer("/error/code"), Some(&serde_json::json!("settings")));
}

#[test]
fn development_needs_nothing_and_changes_what_it_says() {
    let loaded = load_settings(Sources { dev: true, ..Sources::default() }).expect("development starts alone");
    assert_eq!(loaded.settings.server.public_url, "http://localhost:8480");
    assert_eq!(loaded.settings.database.url.to_string(), "sqlite:gatepost-dev/gatepost.db");
    assert_eq!(loaded.settings.signup.mode, SignupMode::Open);
    assert_eq!(loaded.settings.server.shutdown_delay.as_secs(), 0);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let other_port = load("", &[("GATEPOST__SERVER__LISTEN", "127.0.0.1:8490")], true).expect("another port");
    assert_eq!(other_port.settings.server.public_url, "http://localhost:8490");
    assert_eq!(
        faults("server.listen = \"0.0.0.0:8480\"", &[], true),
        ["server.listen: development is for this computer only: use 127.0.0.1 or [::1]"]
    );
}

#[test]
fn defaults_are_those_of_the_requirements() {
    let settings = loaded("", &[]).settings;
    assert_eq!(settings.tokens.access_ttl.as_secs(), 600, "R-7");
    assert_eq!(settings.tokens.code_ttl.as_secs(), 60, "R-5");
    assert_eq!(
        (settings.tokens.refresh_idle_ttl.as_secs(), settings.tokens.refresh_absolute_ttl.as_secs()),
        (30 * 86_400, 90 * 86_400),
        "R-8"
    );
    assert_eq!(settings.tokens.reuse_grace.as_secs(), 10, "R-8");
    assert_eq!(settings.password.min_length, 15, "R-18");
    assert_eq!(
        (settings.password.argon2_memory_kib, settings.password.argon2_passes, settings.password.argon2_lanes),
        (19_456, 2, 1),
        "R-20"
    );
    assert_eq!(
        (settings.session.idle_ttl.as_secs(), settings.session.absolute_ttl.as_secs()),
        (7 * 86_400, 30 * 86_400),
        "R-29"
    );
    assert_eq!((settings.http.form_limit.as_bytes(), settings.http.url_limit.as_bytes()), (16_384, 8_192), "R-44");
    assert_eq!(settings.http.body_timeout.as_duration().as_secs(), 10, "R-45");
    assert_eq!(settings.http.max_connections, 10_000, "R-46");
    assert_eq!(settings.server.shutdown_delay.as_secs(), 5, "R-55");
    assert_eq!(settings.signup.mode, SignupMode::Closed);
    assert_eq!(settings.observability.metrics, MetricsPlace::Off, "LO3");
}

#[test]
fn later_layers_win_and_each_value_knows_where_it_came_from() {
    let folder = Folder::new();
    let key = folder.write("key", &format!("{}\n", "00112233445566778899aabbccddeeff".repeat(2)));
    let file = "tokens.access_ttl = \"5m\"\ntokens.code_ttl = 30\nsignup.mode = \"open\"";
    let env = [
        ("GATEPOST__TOKENS__ACCESS_TTL", "120"),
        ("GATEPOST__SECURITY__MASTER_KEY", "overruled"),
        ("GATEPOST__SECURITY__MASTER_KEY_FILE", key.to_str().expect("UTF-8")),
        ("GATEPOST__SERVER__TRUSTED_PROXIES", "10.0.0.7, 192.168.0.0/16"),
        ("GATEPOST__HTTP__WORKERS", "3"),
        ("PATH", "/bin"),
    ];
    let loaded = loaded(file, &env);
    assert_eq!(loaded.settings.tokens.access_ttl.as_secs(), 120);
    assert_eq!(loaded.settings.tokens.code_ttl.as_secs(), 30);
    assert_eq!(loaded.settings.http.workers, 3);
    let key = loaded.settings.security.decode_master_key().expect("32 bytes");
    assert_eq!(key.first_chunk(), Some(&[0x00, 0x11, 0x22, 0x33]), "without the newline");
    let proxies = &loaded.settings.server.trusted_proxies;
    assert!(proxies.iter().any(|network| network.contains("::ffff:192.168.3.4".parse().expect("an address"))));
    let origin = |key: &str| loaded.origins.get(key).map(ToString::to_string);
    assert_eq!(origin("tokens.access_ttl").as_deref(), Some("GATEPOST__TOKENS__ACCESS_TTL"));
    assert!(origin("tokens.code_ttl").is_some_and(|file| file.ends_with("gatepost.toml")));
    assert_eq!(origin("security.master_key").as_deref(), Some("the file named by GATEPOST__SECURITY__MASTER_KEY_FILE"));
    assert_eq!(origin("tokens.reuse_grace").as_deref(), Some("default"));
}

#[test]
fn a_secret_may_come_from_a_file_that_the_file_names() {
    let folder = Folder::new();
    let secret = folder.write("secret", &"s".repeat(40));
    let client = |rest: &str| format!("[[clients]]\nclient_id = \"a.b\"\nname = \"A\"\nkind = \"service\"\n{rest}");
    let named = format!("secret_file = {:?}", secret.to_str().expect("UTF-8"));
    let loaded_once = loaded(&client(&named), &[]);
    let first = loaded_once.settings.clients.first().expect("declared");
    assert_eq!(first.secret.expose(), Some("s".repeat(40).as_str()));
    assert_eq!(
        (first.auth_method, first.grant_types.as_slice()),
        (Some(declared::AuthMethod::Basic), &[GrantType::ClientCredentials][..])
    );
    // the id in capitals, other signs as _
    let by_variable = loaded(&client(""), &[("GATEPOST__CLIENTS__A_B__SECRET", &"v".repeat(40))]);
    assert_eq!(by_variable.settings.clients.first().and_then(|client| client.secret.expose().map(str::len)), Some(40));
    let missing = faults(&client("secret_file = \"/nowhere/at/all\""), &[], false);
    assert!(
        missing
            .first()
            .is_some_and(|fault| fault.starts_with("clients.a.b.secret_file: /nowhere/at/all cannot be read: ")),
        "{missing:?}"
    );
    assert_eq!(
        faults(&client(&named), &[("GATEPOST__CLIENTS__OTHER__SECRET", "x")], false),
        [
            "GATEPOST__CLIENTS__OTHER__SECRET: names no entry of clients: an id is written in capitals, every other sign as _"
        ]
    );
    let plain = loaded(&client(&format!("secret = \"{}\"", "p".repeat(40))), &[]);
    assert!(
        plain.warnings.iter().any(|warning| warning.starts_with("clients.a.b.secret: stands readable in ")),
        "{:?}",
        plain.warnings
    );
    // in the same file the …_file key wins, whichever stands first
    let both = loaded(&client(&format!("secret = \"{}\"\n{named}", "p".repeat(40))), &[]);
    assert_eq!(both.settings.clients.first().and_then(|client| client.secret.expose()), Some("s".repeat(40).as_str()));
    let stronger = loaded(&client(&named), &[("GATEPOST__CLIENTS__A_B__SECRET", &"v".repeat(40))]);
    assert_eq!(
        stronger.settings.clients.first().and_then(|client| client.secret.expose()),
        Some("v".repeat(40).as_str())
    );
}

#[test]
fn unknown_keys_and_variables_are_faults_with_a_suggestion() {
    assert_fault("[server]\nlissten = \"x\"", "server.lissten: unknown; did you mean server.listen?");
    assert_fault("[sesion]\nidle_ttl = 1", "sesion: unknown; did you mean session?");
    assert_fault("public_url = \"https://x.example\"", "public_url: unknown; did you mean server.public_url?");
    assert_fault("[log]\nzzz = 1", "log.zzz: unknown");
    for (variable, expected) in [
        ("GATEPOST__SERVER__PUBLIC_ULR", "unknown; did you mean GATEPOST__SERVER__PUBLIC_URL?"),
        ("GATEPOST__SERVER", "unknown; did you mean GATEPOST__SERVER__LISTEN?"),
        ("GATEPOST__server__listen", "unknown; did you mean GATEPOST__SERVER__LISTEN?"),
        ("GATEPOST__SERVER__LISTEN_FILE", "unknown; did you mean GATEPOST__SERVER__LISTEN?"),
    ] {
        assert_eq!(faults("", &[(variable, "x")], false), [format!("{variable}: {expected}")]);
    }
}

#[test]
fn wrong_types_say_what_is_wanted() {
    assert_fault(
        "tokens.access_ttl = \"soon\"",
        "tokens.access_ttl: \"soon\" is not a duration; write seconds, or for example \"90s\", \"10m\", \"12h\", \"30d\"",
    );
    assert_fault("tokens.access_ttl = -1", "tokens.access_ttl: -1 must not be negative");
    assert_fault("http.workers = \"many\"", "http.workers: needs a whole number, not text");
    assert_fault("http.workers = 70000", "http.workers: 70000 is not between 0 and 65535");
    assert_fault(
        "http.form_limit = \"16 apples\"",
        "http.form_limit: \"16 apples\" is not a size; write bytes, or for example \"16KiB\", \"1MiB\"",
    );
    assert_fault(
        "signup.mode = \"opne\"",
        "signup.mode: \"opne\" is not \"open\" or \"invite\" or \"closed\"; did you mean open?",
    );
    assert_fault("server = 3", "server: is a section; write [server] and its settings below");
    assert_fault("clients = 3", "clients: is a list; write [[clients]] for each entry");
    assert_fault(
        "server.listen = \"8480\"",
        "server.listen: \"8480\" is not an address and port, for example \"127.0.0.1:8480\" or \"[::1]:8480\"",
    );
    assert_fault(
        "server.trusted_proxies = [\"10.0.0.7/8\"]",
        "server.trusted_proxies: \"10.0.0.7/8\" has bits set after its prefix; write the first address of the network",
    );
    assert_fault("server.trusted_proxies = \"10.0.0.7\"", "server.trusted_proxies: needs a list of networks, not text");
    assert_eq!(
        faults("", &[("GATEPOST__HTTP__WORKERS", "many"), ("GATEPOST__SIGNUP__MODE", "x")], false),
        [
            "http.workers: needs a whole number (GATEPOST__HTTP__WORKERS)",
            "signup.mode: \"x\" is not \"open\" or \"invite\" or \"closed\" (GATEPOST__SIGNUP__MODE)"
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault_beside_the_others() {
    let source = Sources {
        config_file: Some("/nowhere/gatepost.toml".into()),
        env: owned(&[("GATEPOST__HTTP__WORKERS", "x")]),
        dev: true,
    };
    let text = load_settings(source).expect_err("no such file").to_string();
    assert!(text.contains("2 settings") && text.contains("/nowhere/gatepost.toml  cannot be read: "), "{text}");
}

#[test]
fn r_62_no_message_and_no_output_holds_a_secret() {
    let canary = "canary-7f3a9";
    for file in [
        format!("[security]\nmaster_key = \"{canary}\"\n"),
        format!("[security]\nmaster_key = {canary}\n"),
        format!("[security]\nmaster_key = [\"{canary}\"]\n"),
        format!("[database]\nurl = \"postgers://ada:{canary}@db.example/gp\"\n"),
        format!("[[clients]]\nclient_id = \"a\"\nsecret = \"{canary}\"\nkind = \"web\"\n"),
        format!(
            "[[clients]]\nclient_id = \"a\"\nsecret_hash = \"{canary}\"\nkind = \"web\"\nname = \"A\"\nredirect_uris = [\"https://a.example/\"]\n"
        ),
    ] {
        let faults = load(&file, &[URL, ("GATEPOST__SECURITY__MASTER_KEI", canary)], false).expect_err("a fault");
        assert!(!faults.to_string().contains(canary) && !faults.to_json().to_string().contains(canary), "{faults}");
    }
    let key = "00112233445566778899aabbccddeeff".repeat(2);
    let set = [
        ("GATEPOST__SECURITY__MASTER_KEY", key.as_str()),
        ("GATEPOST__DATABASE__URL", "postgres://ada:canary-7f3a9@db.example/gp"),
    ];
    let loaded = loaded("", &set);
    let printed = format!("{loaded:?}");
    let written = serde_json::to_string(&loaded.settings).expect("JSON");
    assert!(
        !written.contains(canary) && !written.contains(&key) && written.contains("\"master_key\":\"(set)\""),
        "{written}"
    );
    assert!(!printed.contains(canary) && !printed.contains(&key), "{printed}");
}

#[test]
fn the_public_address_must_be_https_or_this_computer() {
    for bad in ["http://auth.example.com", "auth.example.com", "ftp://auth.example.com", "https://"] {
        let found = load("", &[("GATEPOST__SERVER__PUBLIC_URL", bad)], false).expect_err(bad).to_string();
        assert!(found.contains("\n  server.public_url  "), "{found}");
    }
    let with_path =
        load("", &[("GATEPOST__SERVER__PUBLIC_URL", "https://example.org/api/v1/auth/")], false).expect("a path");
    assert_eq!(with_path.settings.server.public_url, "https://example.org/api/v1/auth", "as it is compared");
    let local = load("", &[("GATEPOST__SERVER__PUBLIC_URL", "http://localhost:8480")], false).expect("this computer");
    assert_eq!(
        local.warnings,
        ["server.public_url: plain HTTP works on this computer only; people elsewhere need https"]
    );
}

#[test]
fn r_38_a_master_key_is_32_random_bytes_in_any_usual_form() {
    let hex = "00112233445566778899aabbccddeeff".repeat(2);
    for good in
        [hex.as_str(), "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", "ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8"]
    {
        let key = loaded("", &[("GATEPOST__SECURITY__MASTER_KEY", good)])
            .settings
            .security
            .decode_master_key()
            .expect("32 bytes");
        assert_eq!(key.get(..4), Some(&[0, 0x11, 0x22, 0x33][..]), "{good}");
    }
    for (bad, why) in [
        ("00".repeat(32), "is not random; leave it out and one is made"),
        ("change me!".into(), "is not base64url, base64 or hex of 32 bytes; leave it out and one is made"),
        ("00112233".into(), "6 bytes, needs 32; leave it out and one is made"),
    ] {
        assert_eq!(
            faults("", &[("GATEPOST__SECURITY__MASTER_KEY", &bad)], false),
            [format!("security.master_key: {why}")]
        );
    }
}

#[test]
fn floors_are_faults_in_production_and_warnings_in_development() {
    for (file, fault) in [
        ("tokens.access_ttl = \"2h\"", "tokens.access_ttl: 2h is too much; at most 1h"),
        ("tokens.code_ttl = \"11m\"", "tokens.code_ttl: 11m is too much; at most 10m"),
        ("tokens.reuse_grace = 31", "tokens.reuse_grace: 31s is too much; at most 30s"),
        ("password.min_length = 8", "password.min_length: 8 is too little; at least 12"),
        (
            "password.argon2_passes = 1",
            "password.argon2_memory_kib: 19456 with 1 pass is too little; at least 19456 with 2, or 47104 with 1",
        ),
        (
            "password.argon2_memory_kib = 8192",
            "password.argon2_memory_kib: 8192 with 2 passes is too little; at least 19456 with 2, or 47104 with 1",
        ),
        ("sweep.keep_codes = 60", "sweep.keep_codes: 1m is too little; at least 10m"),
        (
            "server.trusted_proxies = [\"0.0.0.0/0\"]",
            "server.trusted_proxies: every machine may say whom it speaks for, so no address can be believed",
        ),
        ("database.url = \"sqlite::memory:\"", "database.url: everything is lost when the process ends"),
    ] {
        assert_fault(file, fault);
        let loaded = load(file, &[], true).unwrap_or_else(|faults| panic!("{file}: {faults}"));
        assert_eq!(loaded.warnings, [format!("{fault}; production refuses this")], "{file}");
    }
    assert_eq!(
        faults("password = { argon2_memory_kib = 47104, argon2_passes = 1 }", &[], false),
        Vec::<String>::new(),
        "the other floor"
    );
}

#[test]
fn limits_of_sense_hold_in_development_too() {
    for (file, key) in [
        ("password.min_length = 7", "password.min_length"),
        ("session.idle_ttl = \"31d\"", "session.idle_ttl"),
        ("tokens.refresh_idle_ttl = \"91d\"", "tokens.refresh_idle_ttl"),
        ("database.pool_size = 0", "database.pool_size"),
        ("sweep.batch_size = 1001", "sweep.batch_size"),
        ("limits.max_tracked = 0", "limits.max_tracked"),
        ("log.level = \"info,gatepost_engine=debgu\"", "log.level"),
        ("observability = { metrics = \"own\", metrics_listen = \"127.0.0.1:8480\" }", "observability.metrics_listen"),
        ("brand.name = \"\"", "brand.name"),
        ("security.master_key_path = \"\"", "security.master_key_path"),
    ] {
        let found = faults(file, &[], true);
        assert!(
            found.len() == 1 && found.iter().all(|fault| fault.starts_with(&format!("{key}: "))),
            "{file}: {found:?}"
        );
    }
}

#[test]
fn an_open_sign_up_is_warned_of_without_a_mail_server_only() {
    let warned = |more: &str| {
        let file = format!("signup.mode = \"open\"\n{more}");
        loaded(&file, &[]).warnings.iter().any(|warning| warning.starts_with("signup.mode: "))
    };
    assert!(warned(""));
    assert!(!warned("mail.smtp_url = \"smtps://mail.example.com\"\nmail.from = \"id@example.com\""));
}

#[test]
fn weaker_choices_are_named() {
    let file = "observability.metrics = \"main\"\npassword.min_length = 12\ntokens.access_ttl = \"20m\"\nserver.listen = \"0.0.0.0:80\"";
    let warnings = loaded(file, &[]).warnings;
    for key in
        ["observability.metrics", "password.min_length", "tokens.access_ttl", "server.listen", "server.trusted_proxies"]
    {
        assert!(
            warnings.iter().any(|warning| warning.starts_with(&format!("{key}: "))),
            "{key} is not in {warnings:?}"
        );
    }
}

/// Dotted keys of the structs, and whether each is in a list of tables.
fn list_keys(kind: &schema::Kind) -> BTreeSet<(String, bool)> {
    let mut keys = BTreeSet::new();
    for (section, kind) in kind.fields() {
        let list = kind.element_table();
        for (key, _) in list.unwrap_or(kind).fields() {
            keys.insert((format!("{section}.{key}"), list.is_some()));
        }
    }
    keys
}

#[test]
fn default_toml_and_the_structs_have_exactly_the_same_keys() {
    let schema = trace_kind::<Settings>().expect("settings can be traced");
    let entries = read_entries(DEFAULTS);
    let documented: BTreeSet<_> =
        entries.iter().map(|entry| (format!("{}.{}", entry.section, entry.key), entry.example)).collect();
    assert_eq!(documented, list_keys(&schema));
    assert!(entries.iter().all(|entry| !entry.comment.is_empty()), "every key has its comment");
    // and by another way: what serde writes back has the sections and keys that were read
    let written = serde_json::to_value(loaded("", &[]).settings).expect("JSON");
    let parsed: toml::Table = DEFAULTS.parse().expect("TOML");
    for (section, keys) in &parsed {
        let back: BTreeSet<_> =
            written.get(section).and_then(|section| section.as_object()).expect("a section").keys().collect();
        assert_eq!(keys.as_table().expect("a table").keys().collect::<BTreeSet<_>>(), back, "{section}");
    }
}

#[test]
fn the_examples_of_default_toml_pass_every_check() {
    let lines = DEFAULTS.lines().skip_while(|line| !line.starts_with("# [[")).filter(|line| !line.starts_with("## "));
    let examples: String = lines.map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
    let loaded = loaded(&examples, &[]);
    assert_eq!((loaded.settings.clients.len(), loaded.settings.resource_servers.len()), (1, 1));
    assert_eq!(loaded.settings.providers.len(), 1);
    assert!(!loaded.warnings.iter().any(|warning| warning.starts_with("clients")), "{:?}", loaded.warnings);
}

#[test]
fn the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == write_configuration(), "run: gatepost config document > docs/configuration.md");
}
