//! `gatepost login`: signs a person in and keeps the tokens for `whoami`, `token` and `logout`, which share what is here.

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use super::output::program_name;
use clap::Args;
use gatepost_client::{
    Account, ClientIdentity, LoginError, LoginEvent, LoginOptions, Place, ServerError, Session, SessionError,
    StoreError, TokenStore, Tokens, Wanted, WhoAmI, is_remote_session, log_in,
};
use serde_json::{Value, json};

const DEFAULT_ISSUER: &str = "http://localhost:8480";

/// Which sign-in is meant, and how to talk about it.
#[derive(Args, Clone, Debug)]
pub(crate) struct AccountArgs {
    /// Address of the server, as its public_url says; by default the one you are signed in to, else http://localhost:8480
    #[arg(long, short = 's', env = "GATEPOST_ISSUER", value_name = "URL")]
    issuer: Option<String>,
    /// The client_id to act as
    #[arg(long, env = "GATEPOST_CLIENT_ID", default_value = "gatepost-cli", value_name = "ID")]
    client_id: String,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only what was asked for
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Never ask in the terminal
    #[arg(long)]
    no_input: bool,
}

/// `gatepost login`
#[derive(Args, Clone, Debug)]
#[command(
    before_help = "Examples:\n  gatepost login\n  gatepost login --issuer https://auth.example.com --scope notes:read"
)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    account: AccountArgs,
    /// What the sign-in shall allow; by default what the server chooses
    #[arg(long, value_name = "SCOPES", value_delimiter = ' ')]
    scope: Vec<String>,
    /// The API that the token is for, if the server knows several
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// Do not open a browser, print the address
    #[arg(long)]
    no_browser: bool,
    /// Keep the tokens in a 0600 file, even if there is a system keyring
    #[arg(long)]
    no_keyring: bool,
    /// Seconds to wait for you
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    timeout: u64,
}

/// Runs the command and gives the exit status: 0, 1 failed, 2 wrong address, 4 denied, 5 server not reachable, 130 interrupted.
pub(crate) async fn run_login(args: LoginArgs) -> i32 {
    if args.account.no_input && !args.no_browser {
        return refuse_without_person().report(args.account.json);
    }
    let store = match TokenStore::for_app("gatepost") {
        Ok(store) if args.no_keyring => store.without_keyring(),
        Ok(store) => store,
        Err(error) => return Failure::from(SessionError::Store(error)).report(args.account.json),
    };
    let quiet = args.account.quiet;
    let options = args.build_options();
    let signing_in = log_in(&options, |event| tell_person(&event, &options.issuer, quiet));
    let tokens = tokio::select! {
        result = signing_in => result,
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nStopped. Nothing was stored.");
            return 130;
        }
    };
    let tokens = match tokens {
        Ok(tokens) => tokens,
        Err(error) => return Failure::from(error).report(args.account.json),
    };
    let session = Session::new(&options.issuer, options.client.clone(), store);
    let place = match session.keep(tokens.clone()).await {
        Ok(place) => place,
        Err(error) => return Failure::from(error).report(args.account.json),
    };
    // signed in is signed in, also at a server that does not say as whom
    let who = session.whoami().await.ok();
    print_signed_in(&args, session.account(), &tokens, &place, who.as_ref())
}

/// `--no-input` promises that nobody is asked, and a browser window asks.
fn refuse_without_person() -> Failure {
    Failure {
        code: "input_needed",
        message: "Signing in needs a person in a browser.".to_owned(),
        hint: Some(format!("{} login --no-browser", program_name())),
        exit: 2,
    }
}

impl LoginArgs {
    fn build_options(&self) -> LoginOptions {
        let issuer = self.account.issuer.as_deref().map_or(DEFAULT_ISSUER, trim_address);
        let mut options = LoginOptions::new(issuer, ClientIdentity::public(&self.account.client_id));
        let scopes = self.scope.iter().filter(|scope| !scope.is_empty()).cloned().collect();
        options.wanted = Wanted { scopes, resources: self.resource.clone(), login_hint: None };
        options.open_browser = !self.no_browser && !is_remote_session();
        options.timeout = Duration::from_secs(self.timeout);
        options
    }
}

fn tell_person(event: &LoginEvent<'_>, issuer: &str, quiet: bool) {
    match event {
        LoginEvent::BrowserOpened { .. } if quiet => return,
        LoginEvent::BrowserOpened { url } => {
            eprintln!("Opening your browser to sign in at {issuer}\nNo window? Open this:  {url}");
        }
        LoginEvent::BrowserNotOpened { url, reason } => {
            eprintln!("! Could not open a browser ({reason})\nOpen this on this computer:  {url}");
        }
        LoginEvent::OpenYourself { url, port } if is_remote_session() => {
            eprintln!(
                "No browser here (SSH session). Bring the answer back through a tunnel:\n  \
                 1. On the computer in front of you, run   ssh -N -L {port}:127.0.0.1:{port} {}\n  \
                 2. In its browser, open                   {url}",
                name_this_host()
            );
        }
        LoginEvent::OpenYourself { url, .. } => eprintln!("Open this on this computer:  {url}"),
        _ => {}
    }
    if !quiet {
        eprintln!("Waiting (Ctrl-C to stop)…");
    }
}

/// `user@address` as the other end of this SSH session knows it.
fn name_this_host() -> String {
    // client address, client port, server address, server port
    let connection = env::var("SSH_CONNECTION").unwrap_or_default();
    let host = connection.split(' ').nth(2).filter(|host| !host.is_empty()).unwrap_or("<this host>");
    match env::var("USER") {
        Ok(user) if !user.is_empty() => format!("{user}@{host}"),
        _ => host.to_owned(),
    }
}

fn print_signed_in(args: &LoginArgs, account: &Account, tokens: &Tokens, place: &Place, who: Option<&WhoAmI>) -> i32 {
    if args.account.json {
        let kept = match place {
            Place::SystemKeyring => json!({"in": "keyring"}),
            Place::File(path) => json!({"in": "file", "path": path}),
            Place::Memory => Value::Null,
        };
        return print_line(&json!({
            "issuer": account.issuer,
            "client_id": account.client_id,
            "sub": who.map(|who| &who.sub),
            "email": who.and_then(|who| who.email.as_ref()),
            "name": who.and_then(|who| who.name.as_ref()),
            "scopes": tokens.scopes,
            "expires_in": tokens.time_left().map(|left| left.as_secs()),
            "renews_itself": tokens.refresh_token.is_some(),
            "kept": kept,
        }));
    }
    if args.account.quiet {
        return 0;
    }
    let whom = who.map_or_else(|| format!("at {}", account.issuer), |who| format!("as {}", clean(who.label())));
    let note = match place {
        Place::File(_) if args.no_keyring => " (0600)",
        Place::File(_) => " (0600; no keyring here)",
        _ => "",
    };
    eprintln!(
        "{} Signed in {whom}\n  may: {} · kept in {place}{note} · {}",
        Symbol::Done,
        describe_scopes(&tokens.scopes),
        describe_life(tokens)
    );
    0
}

/// Everything but `offline_access`, which "renews itself" says better.
pub(crate) fn describe_scopes(scopes: &[String]) -> String {
    let shown: Vec<_> = scopes.iter().filter(|scope| *scope != "offline_access").map(|scope| clean(scope)).collect();
    if shown.is_empty() { "nothing by name".to_owned() } else { shown.join(" ") }
}

/// How long it goes on, in words.
pub(crate) fn describe_life(tokens: &Tokens) -> String {
    if tokens.refresh_token.is_some() {
        return "renews itself".to_owned();
    }
    match tokens.time_left().map(|left| left.as_secs()) {
        None => "no end known".to_owned(),
        Some(seconds) if seconds < 120 => format!("good for {seconds} seconds"),
        Some(seconds) => format!("good for {} minutes", seconds / 60),
    }
}

impl AccountArgs {
    /// The sign-in that is meant: the named server, else the default one, else the only one there is.
    pub(crate) fn open_session(&self) -> Result<Session, Failure> {
        let store = TokenStore::for_app("gatepost").map_err(SessionError::Store)?;
        let issuer = match &self.issuer {
            Some(issuer) => trim_address(issuer).to_owned(),
            None => self.choose_issuer(&store)?,
        };
        Ok(Session::new(issuer, ClientIdentity::public(&self.client_id), store))
    }

    fn choose_issuer(&self, store: &TokenStore) -> Result<String, Failure> {
        let accounts = store.list_accounts().map_err(SessionError::Store)?;
        let mut issuers: Vec<String> = accounts
            .into_iter()
            .filter(|account| account.client_id == self.client_id)
            .map(|account| account.issuer)
            .collect();
        if issuers.len() > 1 && !issuers.iter().any(|issuer| issuer == DEFAULT_ISSUER) {
            return Err(Failure {
                code: "several_servers",
                message: format!("You are signed in at several servers: {}.", issuers.join(", ")),
                hint: Some(format!("{} whoami --issuer {}", program_name(), issuers[0])),
                exit: 2,
            });
        }
        Ok(if issuers.len() == 1 { issuers.remove(0) } else { DEFAULT_ISSUER.to_owned() })
    }
}

/// People paste addresses with a slash at the end; an issuer of Gatepost has none.
fn trim_address(address: &str) -> &str {
    address.trim().trim_end_matches('/')
}

/// What went wrong, for a person and for a program.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    message: String,
    /// a command that can be pasted
    hint: Option<String>,
    exit: i32,
}

impl Failure {
    /// Says it on stderr and gives the exit status.
    pub(crate) fn report(&self, as_json: bool) -> i32 {
        if as_json {
            eprintln!("{}", json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}}));
        } else {
            let hint = self.hint.as_ref().map(|hint| format!(" Try: {hint}")).unwrap_or_default();
            eprintln!("{} {}{hint}", Symbol::Failed, self.message);
        }
        self.exit
    }

    /// Nobody is signed in there, so say where.
    pub(crate) fn from_session(error: SessionError, account: &Account) -> Self {
        match error {
            SessionError::NotSignedIn => Self {
                code: "not_signed_in",
                message: format!("Not signed in at {}.", account.issuer),
                hint: Some(suggest_login(&account.issuer)),
                exit: 3,
            },
            SessionError::Ended { .. } => Self { hint: Some(suggest_login(&account.issuer)), ..Self::from(error) },
            other => Self::from(other),
        }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = end_sentence(&error);
        match error {
            SessionError::NotSignedIn => {
                Self { code: "not_signed_in", message, hint: Some(suggest_login(DEFAULT_ISSUER)), exit: 3 }
            }
            SessionError::Ended { .. } => {
                Self { code: "sign_in_ended", message, hint: Some(suggest_login(DEFAULT_ISSUER)), exit: 3 }
            }
            SessionError::Server(error) => Self::from(error),
            SessionError::Store(StoreError::Keyring(_)) => Self { code: "keyring", message, hint: None, exit: 1 },
            _ => Self { code: "store", message, hint: None, exit: 1 },
        }
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let message = end_sentence(&error);
        let (code, exit) = match error {
            LoginError::Server(error) => return Self::from(error),
            LoginError::Denied => ("denied", 4),
            LoginError::Refused { .. } => ("refused", 4),
            LoginError::TimedOut(_) => {
                return Self { code: "timed_out", message, hint: Some(format!("{} login", program_name())), exit: 1 };
            }
            LoginError::IssuerMismatch { .. } => ("issuer_mismatch", 1),
            _ => ("failed", 1),
        };
        Self { code, message, hint: None, exit }
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        let message = end_sentence(&error);
        let (code, exit) = match error {
            ServerError::Unreachable { .. } => {
                let message = format!("{message} Is it running?");
                return Self {
                    code: "unreachable",
                    message,
                    hint: Some(format!("{} doctor", program_name())),
                    exit: 5,
                };
            }
            ServerError::InvalidAddress { .. } => ("invalid_address", 2),
            ServerError::Insecure { .. } => ("insecure_address", 2),
            ServerError::IssuerMismatch { .. } => ("issuer_mismatch", 1),
            ServerError::Refused { .. } => ("refused", 4),
            _ => ("failed", 1),
        };
        Self { code, message, hint: None, exit }
    }
}

fn suggest_login(issuer: &str) -> String {
    let program = program_name();
    if issuer == DEFAULT_ISSUER { format!("{program} login") } else { format!("{program} login --issuer {issuer}") }
}

/// The words of an error as a sentence.
fn end_sentence(error: &dyn Display) -> String {
    let mut text = error.to_string();
    if !text.ends_with(['.', '?', '!']) {
        text.push('.');
    }
    text
}

/// Names from a server, made fit for a terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Marks of a line, in ASCII where the locale has no UTF-8.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Symbol {
    Done,
    Failed,
}

impl Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self, has_utf8()) {
            (Self::Done, true) => "✓",
            (Self::Done, false) => "ok",
            (Self::Failed, true) => "✗",
            (Self::Failed, false) => "x",
        })
    }
}

fn has_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

/// One line of data on stdout; the exit status says whether it arrived.
pub(crate) fn print_line(line: &dyn Display) -> i32 {
    let mut out = stdout().lock();
    i32::from(writeln!(out, "{line}").and_then(|()| out.flush()).is_err())
}

/// Whether somebody reads stdout, rather than a program.
pub(crate) fn is_read_by_person() -> bool {
    stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_fail_has_its_exit_status() {
        let unreachable =
            || ServerError::Unreachable { server: "https://h".to_owned(), reason: "connection refused".to_owned() };
        assert_eq!(Failure::from(LoginError::Denied).exit, 4);
        assert_eq!(Failure::from(LoginError::TimedOut(Duration::from_secs(300))).exit, 1);
        assert_eq!(Failure::from(LoginError::Server(unreachable())).exit, 5);
        assert_eq!(Failure::from(SessionError::NotSignedIn).exit, 3);
        assert_eq!(Failure::from(SessionError::Ended { description: None }).exit, 3);
        assert_eq!(Failure::from(ServerError::Insecure { address: "http://h".to_owned() }).exit, 2);
        assert_eq!(
            Failure::from(unreachable()).message,
            "https://h does not answer (connection refused). Is it running?"
        );
    }

    #[test]
    fn scopes_read_without_the_technical_one() {
        let scopes = ["notes:read".to_owned(), "offline_access".to_owned()];
        assert_eq!(describe_scopes(&scopes), "notes:read");
        assert_eq!(describe_scopes(&[]), "nothing by name");
    }

    #[test]
    fn a_slash_that_was_pasted_along_is_dropped() {
        assert_eq!(trim_address(" https://auth.example.com/ "), "https://auth.example.com");
    }
}
