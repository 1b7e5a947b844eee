//! `gatepost client add`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gatepost_engine::clients::manage::{self, ClientSpec, check_client_spec};
use gatepost_engine::clients::registry::{AuthMethod, ClientKind};
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::redirect_uri::check_registration;
use gatepost_protocol::secret::Secret;
use gatepost_store::clients::ClientRow;
use serde_json::json;

use super::{read_name, show_json, warn_unknown_scopes};
use crate::commands::admin::Operator;
use crate::commands::output::{Output, Problem, format_facts, program_name};
use crate::commands::prompt::ask_until;
use crate::settings::Settings;
use crate::settings::types::{FromSetting, Seconds};

/// What a client is, in the order and the words of the question.
const KINDS: [(&str, ClientKind); 4] = [
    ("web app with a server", ClientKind::Web),
    ("CLI or desktop program", ClientKind::Native),
    ("phone or browser app", ClientKind::Browser),
    ("service without people", ClientKind::Service),
];

/// Any port of this computer (RFC 8252 §7.3), in both of its spellings.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1/callback", "http://[::1]/callback"];

#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost client add --kind web --name \"Acme Notes\" --redirect-uri https://notes.example/callback --scope notes:read\n  gatepost client add --kind native --name \"Acme CLI\" --redirect-uri http://127.0.0.1/callback"
)]
pub(super) struct AddArgs {
    /// What it is: web (app with a server), native (CLI or desktop program), browser (phone or browser app), service (without people)
    #[arg(long, value_parser = PossibleValuesParser::new(["web", "native", "browser", "service"]))]
    kind: Option<String>,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// The client_id; made from the name if left out
    #[arg(long)]
    id: Option<String>,
    /// Where people are sent back to; compared byte for byte, but a loopback address may use any port; repeat for more
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// What it may ask for; repeat for more
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    scope: Vec<String>,
    /// An API it may ask for, by its resource; without any, those that define its scopes
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// A grant it may use; without any, what its kind suggests
    #[arg(long, value_name = "GRANT", value_parser = PossibleValuesParser::new(GrantType::ALL.map(GrantType::as_str))
        .try_map(|word| GrantType::parse(&word).ok_or("no grant")))]
    grant: Vec<GrantType>,
    /// Never ask people whether they allow it: whoever signs in gives it everything it asks for. For your own apps only
    #[arg(long)]
    first_party: bool,
    /// Show its registered values on error pages, to everybody who causes an error. For development only
    #[arg(long)]
    show_setup_errors: bool,
    /// How it sends its secret; without it, what its kind suggests
    #[arg(long, value_name = "METHOD", value_parser = PossibleValuesParser::new(AuthMethod::ALL.map(|(name, _)| name)))]
    auth_method: Option<String>,
    #[command(flatten)]
    ttls: TtlArgs,
    /// Leave its refresh token as it is when it is used; only for clients with a secret
    #[arg(long)]
    keep_refresh_token: bool,
    /// Repeat the answer to a refresh that comes twice within seconds, for clients that lose answers
    #[arg(long)]
    refresh_replay: bool,
    /// People must have signed in with two factors: a passkey, or a code beside their password
    #[arg(long)]
    require_second_factor: bool,
}

#[derive(Args, Debug)]
struct TtlArgs {
    /// Life of its access tokens, such as 5m; the setting where left out
    #[arg(long, value_name = "TIME", value_parser = read_span)]
    access_ttl: Option<i64>,
    /// Life of its refresh tokens without use, such as 30d
    #[arg(long, value_name = "TIME", value_parser = read_span)]
    refresh_idle_ttl: Option<i64>,
    /// Life of a sign-in, however much it is used
    #[arg(long, value_name = "TIME", value_parser = read_span)]
    refresh_absolute_ttl: Option<i64>,
}

/// Reads `90s`, `10m`, `12h` or `30d` into seconds.
pub(super) fn read_span(text: &str) -> Result<i64, String> {
    Seconds::from_text(text).map(Seconds::as_secs)
}

pub(super) async fn add_client(args: AddArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let spec = complete_spec(args, style).await?;
    let faults = check_client_spec(&spec);
    if !faults.is_empty() {
        let problem = Problem::usage("invalid", "this client cannot be added");
        return Err(faults.into_iter().fold(problem, Problem::because));
    }
    let operator = Operator::open(settings, style).await?;
    let added = operator.manage(move |call, tx| manage::add_client(call, tx, &spec)).await?;
    warn_unknown_scopes(&operator, style, &added.row).await?;
    let issuer = &operator.call().engine.issuer;
    let discovery = format!("{}{}", issuer.origin(), issuer.well_known("openid-configuration").1);
    Ok(print_added(style, &added.row, added.secret.as_ref(), &discovery))
}

/// Asks for what must be said and was not; where nobody can be asked, names the option.
async fn complete_spec(args: AddArgs, style: &Output) -> Result<ClientSpec, Problem> {
    let kind = match args.kind.as_deref().and_then(ClientKind::parse) {
        Some(kind) => kind,
        None if style.may_ask => ask_kind(style).await?,
        None => return Err(missing("--kind", "what the client is: web, native, browser or service")),
    };
    let name = match args.name {
        Some(name) => name,
        None if style.may_ask => ask_until(style, "Name that people see: ", read_name).await?,
        None => return Err(missing("--name", "the name that people see")),
    };
    let signs_people_in = if args.grant.is_empty() {
        kind != ClientKind::Service
    } else {
        args.grant.contains(&GrantType::AuthorizationCode)
    };
    let redirect_uris = if args.redirect_uri.is_empty() && signs_people_in {
        ask_redirect(style, kind).await?
    } else {
        args.redirect_uri
    };
    Ok(ClientSpec {
        client_id: args.id,
        auth_method: args.auth_method.as_deref().and_then(AuthMethod::parse),
        redirect_uris,
        scopes: args.scope.into_iter().filter(|scope| !scope.is_empty()).collect(),
        resources: args.resource,
        grant_types: args.grant,
        first_party: args.first_party,
        show_setup_errors: args.show_setup_errors,
        access_ttl: args.ttls.access_ttl,
        refresh_idle_ttl: args.ttls.refresh_idle_ttl,
        refresh_absolute_ttl: args.ttls.refresh_absolute_ttl,
        keep_refresh_token: args.keep_refresh_token,
        refresh_replay: args.refresh_replay,
        require_second_factor: args.require_second_factor,
        ..ClientSpec::new(&name, kind)
    })
}

fn missing(flag: &str, what: &str) -> Problem {
    let example = "client add --kind web --name \"Acme Notes\" --redirect-uri https://notes.example/callback";
    Problem::missing(flag, what).try_command(example)
}

async fn ask_kind(style: &Output) -> Result<ClientKind, Problem> {
    let choices: Vec<_> = KINDS.iter().enumerate().map(|(at, (words, _))| format!("{} {words}", at + 1)).collect();
    eprintln!("What is it?  {}", choices.join("  "));
    ask_until(style, "> ", read_kind).await
}

/// A number of the question, or the word that the option takes.
fn read_kind(text: &str) -> Result<ClientKind, String> {
    let by_number = text.parse::<usize>().ok().and_then(|number| KINDS.get(number.checked_sub(1)?));
    let kind = by_number.map(|(_, kind)| *kind).or_else(|| ClientKind::parse(text));
    kind.ok_or_else(|| "Type a number from 1 to 4.".to_owned())
}

async fn ask_redirect(style: &Output, kind: ClientKind) -> Result<Vec<String>, Problem> {
    if !style.may_ask {
        return Err(missing("--redirect-uri", "the address where people are sent back to"));
    }
    if kind == ClientKind::Native {
        let question = "Redirect address (Enter: any port of this computer, at /callback): ";
        return ask_until(style, question, |text| match text {
            "" => Ok(LOOPBACK.map(str::to_owned).to_vec()),
            text => read_redirect(text),
        })
        .await;
    }
    ask_until(style, "Redirect address: ", read_redirect).await
}

fn read_redirect(text: &str) -> Result<Vec<String>, String> {
    check_registration(text).map(|()| vec![text.to_owned()]).map_err(|fault| fault.to_string())
}

fn print_added(style: &Output, row: &ClientRow, secret: Option<&Secret>, discovery: &str) -> i32 {
    if style.json {
        let mut document = show_json(row);
        document["client_secret"] = json!(secret.map(Secret::expose));
        document["discovery"] = json!(discovery);
        return style.print_json(&document);
    }
    style.tell_done(&format_args!("Added {}", row.name));
    let mut facts = vec![("client_id", row.client_id.clone())];
    if let Some(secret) = secret {
        facts.push(("client_secret", format!("{}      shown once; only its hash is kept", secret.expose())));
    }
    facts.push(("discovery", discovery.to_owned()));
    let status = style.print(&format_facts(&facts));
    let (program, id) = (program_name(), &row.client_id);
    if row.scopes.is_empty() {
        style.note(&format_args!("  It may ask for nothing yet: {program} client edit {id} --add-scope SCOPE"));
    }
    let pkce = if row.kind == "service" { "" } else { "PKCE (S256) is required. " };
    style.note(&format_args!("  {pkce}Snippets: {program} client show {id} --snippet node|python|rust"));
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_number_or_a_word() {
        assert_eq!(read_kind("1"), Ok(ClientKind::Web));
        assert_eq!(read_kind("4"), Ok(ClientKind::Service));
        assert_eq!(read_kind("native"), Ok(ClientKind::Native));
        for bad in ["", "0", "5", "-1", "webapp"] {
            assert!(read_kind(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_redirect_address_is_explained() {
        let fault = read_redirect("http://notes.example/callback").expect_err("plain http");
        assert!(fault.contains("Use https"), "{fault}");
        assert!(LOOPBACK.iter().all(|uri| read_redirect(uri).is_ok()));
    }
}
