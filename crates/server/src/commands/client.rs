//! `gatepost client`: the programs that ask for tokens.

mod add;
mod edit;
mod snippet;

use clap::{Args, Subcommand};
use gatepost_engine::clients::manage;
use gatepost_engine::clients::registry::OFFLINE_ACCESS;
use gatepost_engine::clients::resource_servers::list_resource_servers;
use gatepost_store::clients::ClientRow;
use serde_json::{Value, json};

use super::admin::{Operator, finish, finish_change};
use super::output::{DONE, Output, Problem, format_facts, format_span, format_table, format_time, program_name};
use super::prompt::confirm_delete;
use crate::settings::Settings;
use snippet::{Language, write_snippet};

/// `gatepost client …`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost client add\n  gatepost client add --kind web --name \"Acme Notes\" --redirect-uri https://notes.example/callback --scope notes:read --json"
)]
pub(crate) struct ClientArgs {
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Subcommand, Debug)]
enum ClientCommand {
    /// Add a client; asks for what is not given
    Add(Box<add::AddArgs>),
    /// List all clients
    List,
    /// Show a client, or code that uses it
    Show(ShowArgs),
    /// Change a client
    Edit(Box<edit::EditArgs>),
    /// Make a new secret; the old one works one more day
    RotateSecret(IdArgs),
    /// Let nothing of this client work, from now on
    Disable(IdArgs),
    /// Let a disabled client work again
    Enable(IdArgs),
    /// Delete a client and revoke everything that it was given; its id is never used again
    Delete(DeleteArgs),
}

#[derive(Args, Debug)]
struct IdArgs {
    /// The client's id
    client_id: String,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// The client's id
    client_id: String,
    /// Print code that uses this client instead
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    snippet: Option<Language>,
}

#[derive(Args, Debug)]
struct DeleteArgs {
    /// The client's id
    client_id: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command and gives the exit status: 0, 1 failed, 2 wrong values, 4 not allowed.
pub(crate) async fn run_client(args: ClientArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.command {
        ClientCommand::Add(args) => add::add_client(*args, settings, style).await,
        ClientCommand::List => list(settings, style).await,
        ClientCommand::Show(args) => show(args, settings, style).await,
        ClientCommand::Edit(args) => edit::edit_client(*args, settings, style).await,
        ClientCommand::RotateSecret(args) => rotate_secret(args.client_id, settings, style).await,
        ClientCommand::Disable(args) => set_disabled(args.client_id, settings, style, true).await,
        ClientCommand::Enable(args) => set_disabled(args.client_id, settings, style, false).await,
        ClientCommand::Delete(args) => delete(args, settings, style).await,
    };
    finish(style, result)
}

/// Reads a name that people will see.
pub(super) fn read_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if (1..=60).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err("The name must have 1 to 60 characters.".into())
    }
}

/// A readable id from a name: `Acme Notes` becomes `acme-notes`; nothing where the name has no such letters.
pub(super) fn make_id(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = words.collect::<Vec<_>>().join("-");
    id.truncate(48);
    id.trim_end_matches('-').to_owned()
}

async fn list(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let rows = operator.read(|_, db| manage::list_clients(db)).await?;
    if style.json {
        return Ok(style.print_json(&rows.iter().map(show_json).collect()));
    }
    if rows.is_empty() {
        style.note(&format_args!("No clients yet. Try: {} client add", program_name()));
        return Ok(DONE);
    }
    let cells = |row: &ClientRow| {
        let state = if row.disabled_at.is_some() { "disabled" } else { "" };
        let from = if row.declared { "settings" } else { "command" };
        vec![
            row.client_id.clone(),
            row.name.clone(),
            row.kind.clone(),
            row.scopes.clone(),
            from.to_owned(),
            state.to_owned(),
        ]
    };
    let table: Vec<_> = rows.iter().map(cells).collect();
    Ok(style.print(&format_table(&["CLIENT ID", "NAME", "KIND", "MAY ASK FOR", "FROM", "STATE"], &table)))
}

async fn find(operator: &Operator, client_id: &str) -> Result<ClientRow, Problem> {
    let rows = operator.read(|_, db| manage::list_clients(db)).await?;
    rows.into_iter().find(|row| row.client_id == client_id).ok_or_else(|| {
        Problem::failed("not_found", format!("there is no client {client_id:?}")).try_command("client list")
    })
}

async fn show(args: ShowArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let row = find(&operator, &args.client_id).await?;
    if let Some(language) = args.snippet {
        let code = write_snippet(&row, operator.call().engine.issuer.as_str(), language);
        return Ok(if style.json { style.print_json(&json!({ "code": code })) } else { style.print(&code) });
    }
    if style.json {
        return Ok(style.print_json(&show_json(&row)));
    }
    let call = operator.call();
    Ok(style.print(&format_facts(&describe_client(&row, call.policy().access_ttl, call.now))))
}

async fn rotate_secret(client_id: String, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let wanted = client_id.clone();
    let secret = operator.manage(move |call, tx| manage::rotate_client_secret(call, tx, &wanted)).await?;
    let call = operator.call();
    let overlap = call.policy().secret_overlap;
    if style.json {
        let until = call.now + overlap;
        return Ok(style.print_json(&json!({
            "client_id": client_id,
            "client_secret": secret.expose(),
            "previous_secret_expires_at": until,
        })));
    }
    style.tell_done(&format_args!("{client_id} has a new secret; the old one works for {} more", format_span(overlap)));
    let line = format!("{}      shown once; only its hash is kept", secret.expose());
    Ok(style.print(&format_facts(&[("client_secret", line)])))
}

async fn set_disabled(client_id: String, settings: &Settings, style: &Output, disabled: bool) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let row = operator.manage(move |call, tx| manage::set_client_disabled(call, tx, &client_id, disabled)).await?;
    let sentence = if disabled {
        format!("{} is disabled: nothing of it works any more", row.client_id)
    } else {
        format!("{} works again", row.client_id)
    };
    if row.declared {
        style.warn(&"The settings file declares this client: the next start of the server decides again.");
    }
    Ok(finish_change(style, &sentence, &show_json(&row)))
}

async fn delete(args: DeleteArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let row = find(&operator, &args.client_id).await?;
    confirm_delete(style, "client id", &row.client_id, args.yes).await?;
    let id = row.client_id.clone();
    operator.manage(move |call, tx| manage::delete_client(call, tx, &id)).await?;
    let sentence = format!("Deleted {}; everything that it was given is revoked", row.client_id);
    Ok(finish_change(style, &sentence, &json!({ "client_id": row.client_id, "deleted": true })))
}

/// Names the scopes that no API defines: they can never be granted, and are most likely typing errors.
async fn warn_unknown_scopes(operator: &Operator, style: &Output, row: &ClientRow) -> Result<(), Problem> {
    let (_, known) = operator.read(|_, db| list_resource_servers(db)).await?;
    let is_known = |name: &str| name == OFFLINE_ACCESS || known.iter().any(|scope| scope.name == name);
    let unknown: Vec<_> = row.scopes.split_whitespace().filter(|name| !is_known(name)).collect();
    if !unknown.is_empty() {
        style.warn(&format_args!("No API defines {}: it cannot be granted until one does.", unknown.join(", ")));
    }
    Ok(())
}

fn read_list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

fn describe_client(row: &ClientRow, access_ttl: i64, now: i64) -> Vec<(&'static str, String)> {
    let or_none = |lines: Vec<String>| if lines.is_empty() { "none".to_owned() } else { lines.join("\n") };
    let old = row.previous_secret_expires_at.filter(|until| row.previous_secret_hash.is_some() && now < *until);
    let secret = match (&row.secret_hash, old) {
        (None, _) => "none: a public client".to_owned(),
        (Some(_), None) => format!("set, sent as {}", row.auth_method),
        (Some(_), Some(until)) => {
            format!("set, sent as {}; the one before works until {}", row.auth_method, format_time(until))
        }
    };
    let state =
        row.disabled_at.map_or_else(|| "enabled".to_owned(), |at| format!("disabled since {}", format_time(at)));
    let resources = read_list(&row.resources);
    let refresh = if row.refresh_rotation == "keep" { "kept" } else { "replaced at each use" };
    vec![
        ("client_id", row.client_id.clone()),
        ("name", row.name.clone()),
        ("kind", row.kind.clone()),
        ("secret", secret),
        ("redirect", or_none(read_list(&row.redirect_uris))),
        ("may ask for", if row.scopes.is_empty() { "nothing".to_owned() } else { row.scopes.clone() }),
        ("at", if resources.is_empty() { "the APIs that define its scopes".to_owned() } else { resources.join("\n") }),
        ("grants", read_list(&row.grant_types).join(" ")),
        ("factors", if row.require_second_factor { "two" } else { "one" }.to_owned()),
        ("consent", if row.first_party { "never asked: first party" } else { "asked" }.to_owned()),
        ("access tokens", format!("good for {}", format_span(row.access_ttl.unwrap_or(access_ttl)))),
        ("refresh tokens", refresh.to_owned()),
        ("from", if row.declared { "the settings file" } else { "a command" }.to_owned()),
        ("since", format_time(row.created_at)),
        ("state", state),
    ]
}

/// A client for programs; no hash of a secret is in it.
fn show_json(row: &ClientRow) -> Value {
    json!({
        "client_id": row.client_id,
        "name": row.name,
        "kind": row.kind,
        "auth_method": row.auth_method,
        "redirect_uris": read_list(&row.redirect_uris),
        "scopes": row.scopes.split_whitespace().collect::<Vec<_>>(),
        "resources": read_list(&row.resources),
        "grant_types": read_list(&row.grant_types),
        "first_party": row.first_party,
        "show_setup_errors": row.show_setup_errors,
        "access_ttl": row.access_ttl,
        "refresh_idle_ttl": row.refresh_idle_ttl,
        "refresh_absolute_ttl": row.refresh_absolute_ttl,
        "refresh_rotation": row.refresh_rotation,
        "refresh_replay": row.refresh_replay,
        "require_second_factor": row.require_second_factor,
        "previous_secret_expires_at": row.previous_secret_expires_at,
        "declared": row.declared,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "disabled_at": row.disabled_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_from_a_name() {
        assert_eq!(make_id("Acme Notes"), "acme-notes");
        assert_eq!(make_id("  Café & Co. "), "caf-co");
        assert_eq!(make_id("日本"), "");
        assert!(make_id(&"a b ".repeat(40)).len() <= 48);
    }
}
