//! `gatepost resource-server`: the APIs that ask about tokens, and what can be allowed at them.

use clap::{Args, Subcommand, ValueEnum};
use gatepost_engine::clients::resource_servers::{
    self, ResourceServerSpec, ScopeSpec, add_resource_server, check_resource_server_spec, delete_resource_server,
    edit_resource_server, rotate_resource_server_secret, set_resource_server_disabled,
};
use gatepost_engine::kernel::manage::{ManageFault, Managed};
use gatepost_engine::{Call, Error};
use gatepost_protocol::resource::check_resource;
use gatepost_protocol::secret::Secret;
use gatepost_store::clients::resource_servers::{ResourceServerRow, ScopeRow};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::{Value, json};

use super::admin::{Operator, finish, finish_change};
use super::client::make_id;
use super::output::{DONE, Output, Problem, format_facts, format_span, format_table, format_time};
use super::prompt::{ask_until, confirm_delete};
use crate::settings::Settings;

/// `gatepost resource-server …`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost resource-server add --id notes --name Notes --resource https://notes.example/api --scope \"notes:read=Read your notes\"\n  gatepost resource-server rotate-secret notes"
)]
pub(crate) struct ResourceServerArgs {
    #[command(subcommand)]
    command: ResourceServerCommand,
}

#[derive(Subcommand, Debug)]
enum ResourceServerCommand {
    /// Add an API; asks for what is not given
    Add(AddArgs),
    /// List all APIs
    List,
    /// Show an API and its scopes
    Show(IdArgs),
    /// Change an API
    Edit(EditArgs),
    /// Make a new secret; the old one works one more day
    RotateSecret(IdArgs),
    /// Answer this API no more, and issue no tokens for it
    Disable(IdArgs),
    /// Answer a disabled API again
    Enable(IdArgs),
    /// Delete an API and its scopes; tokens for it are good for nobody any more
    Delete(DeleteArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Asked about by introspection: revocation is noticed at once
    Opaque,
    /// RFC 9068: checked by the API itself, good until they end
    Jwt,
}

#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost resource-server add --name Notes --resource https://notes.example/api --scope \"notes:read=Read your notes\"\n  gatepost resource-server add --name Notes --resource https://notes.example/api --sensitive-scope \"notes:write=Change and delete your notes\""
)]
struct AddArgs {
    /// What the API authenticates with; made from the name if left out
    #[arg(long)]
    id: Option<String>,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// The API's own address: tokens are for it and for nothing else (RFC 8707)
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    #[command(flatten)]
    scopes: ScopeArgs,
    /// What its access tokens look like
    #[arg(long, value_enum, default_value_t = Format::Opaque)]
    format: Format,
}

#[derive(Args, Debug)]
struct ScopeArgs {
    /// Something that can be allowed, and the sentence that people read when they are asked; repeat for more
    #[arg(long, value_name = "NAME=SENTENCE", value_parser = read_scope)]
    scope: Vec<ScopeSpec>,
    /// The same for what changes or deletes things: shown last and marked
    #[arg(long, value_name = "NAME=SENTENCE", value_parser = read_scope)]
    sensitive_scope: Vec<ScopeSpec>,
}

#[derive(Args, Debug)]
struct IdArgs {
    /// The API's id
    id: String,
}

#[derive(Args, Debug)]
struct DeleteArgs {
    /// The API's id
    id: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct EditArgs {
    /// The API's id
    id: String,
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// The API's own address; tokens for the old one are good for nobody any more
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// What its new access tokens look like
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Scopes to add, or to give another sentence
    #[command(flatten)]
    scopes: ScopeArgs,
    /// A scope to take away; repeat for more
    #[arg(long, value_name = "NAME")]
    remove_scope: Vec<String>,
}

fn read_scope(text: &str) -> Result<ScopeSpec, String> {
    let example = "write NAME=SENTENCE, for example \"notes:read=Read your notes\"";
    let (name, description) = text.split_once('=').ok_or(example)?;
    let (name, description) = (name.trim(), description.trim());
    if name.is_empty() || description.is_empty() {
        return Err(example.into());
    }
    Ok(ScopeSpec { name: name.to_owned(), description: description.to_owned(), sensitive: false })
}

impl ScopeArgs {
    fn into_specs(self) -> Vec<ScopeSpec> {
        let sensitive = self.sensitive_scope.into_iter().map(|scope| ScopeSpec { sensitive: true, ..scope });
        self.scope.into_iter().chain(sensitive).collect()
    }
}

/// Runs the command and gives the exit status: 0, 1 failed, 2 wrong values, 4 not allowed.
pub(crate) async fn run_resource_server(args: ResourceServerArgs, settings: &Settings, style: &Output) -> i32 {
    use ResourceServerCommand as Command;
    let result = match args.command {
        Command::Add(args) => add(args, settings, style).await,
        Command::List => list(settings, style).await,
        Command::Show(args) => show(&args.id, settings, style).await,
        Command::Edit(args) => edit(args, settings, style).await,
        Command::RotateSecret(args) => rotate_secret(args.id, settings, style).await,
        Command::Disable(args) => set_disabled(args.id, settings, style, true).await,
        Command::Enable(args) => set_disabled(args.id, settings, style, false).await,
        Command::Delete(args) => delete(args, settings, style).await,
    };
    finish(style, result)
}

async fn add(args: AddArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let name = match args.name {
        Some(name) => name,
        None if style.may_ask => ask_until(style, "Name that people see: ", super::client::read_name).await?,
        None => return Err(Problem::missing("--name", "the name that people see")),
    };
    let resource = match args.resource {
        Some(resource) => resource,
        None if style.may_ask => ask_until(style, "Its own address: ", read_resource).await?,
        None => return Err(Problem::missing("--resource", "the API's own address, which tokens are meant for")),
    };
    let scopes = args.scopes.into_specs();
    let scopes = if scopes.is_empty() && style.may_ask { ask_scopes(style).await? } else { scopes };
    let id = args.id.unwrap_or_else(|| make_id(&name));
    let spec = ResourceServerSpec { id, name, resource, scopes, jwt: args.format == Format::Jwt };
    let faults = check_resource_server_spec(&spec);
    if !faults.is_empty() {
        let problem = Problem::usage("invalid", "this API cannot be added");
        return Err(faults.into_iter().fold(problem, Problem::because));
    }
    let operator = Operator::open(settings, style).await?;
    let new = spec.clone();
    let secret = operator.manage(move |call, tx| add_resource_server(call, tx, &new)).await?;
    let (row, scopes) = find(&operator, &spec.id).await?;
    let engine = operator.call().engine;
    let introspection = engine.issuer.url("/oauth2/introspect");
    if style.json {
        let mut document = show_json(&row, &scopes);
        document["secret"] = json!(secret.expose());
        document["introspection_endpoint"] = json!(introspection);
        return Ok(style.print_json(&document));
    }
    style.tell_done(&format_args!("Added {}", row.name));
    let status = style.print(&format_facts(&[
        ("id", row.id.clone()),
        ("secret", show_once(&secret)),
        ("resource", row.resource.clone()),
        ("introspection", introspection),
    ]));
    if scopes.is_empty() {
        style.warn(&"It has no scopes, so nothing can be allowed at it.");
        style.note(&format_args!(
            "Try: {} resource-server edit {} --scope \"name=What it allows\"",
            super::output::program_name(),
            row.id
        ));
    }
    Ok(status)
}

fn read_resource(text: &str) -> Result<String, String> {
    check_resource(text).map(|()| text.to_owned()).map_err(|fault| fault.to_string())
}

async fn ask_scopes(style: &Output) -> Result<Vec<ScopeSpec>, Problem> {
    let mut scopes = Vec::new();
    style.note(&"What can be allowed, as NAME=SENTENCE: notes:read=Read your notes");
    loop {
        let check = |text: &str| if text.is_empty() { Ok(None) } else { read_scope(text).map(Some) };
        match ask_until(style, "Scope (Enter when done): ", check).await? {
            Some(scope) => scopes.push(scope),
            None => return Ok(scopes),
        }
    }
}

fn show_once(secret: &Secret) -> String {
    format!("{}      shown once; only its hash is kept", secret.expose())
}

/// An API and what can be allowed at it.
type Found = (ResourceServerRow, Vec<ScopeRow>);

fn read_one(db: &mut Db, id: &str) -> Result<Option<Found>, Error> {
    let (rows, mut scopes) = resource_servers::list_resource_servers(db)?;
    scopes.retain(|scope| scope.resource_server_id == id);
    Ok(rows.into_iter().find(|row| row.id == id).map(|row| (row, scopes)))
}

async fn find(operator: &Operator, id: &str) -> Result<Found, Problem> {
    let wanted = id.to_owned();
    let found = operator.read(move |_, db| read_one(db, &wanted)).await?;
    found.ok_or_else(|| {
        Problem::failed("not_found", format!("there is no API {id:?}")).try_command("resource-server list")
    })
}

async fn list(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let (rows, scopes) = operator.read(|_, db| resource_servers::list_resource_servers(db)).await?;
    let scopes_of = |row: &ResourceServerRow| -> Vec<ScopeRow> {
        scopes.iter().filter(|scope| scope.resource_server_id == row.id).cloned().collect()
    };
    if style.json {
        return Ok(style.print_json(&rows.iter().map(|row| show_json(row, &scopes_of(row))).collect()));
    }
    if rows.is_empty() {
        style.note(&format_args!("No APIs yet. Try: {} resource-server add", super::output::program_name()));
        return Ok(DONE);
    }
    let cells = |row: &ResourceServerRow| {
        let names: Vec<_> = scopes_of(row).into_iter().map(|scope| scope.name).collect();
        let state = if row.disabled_at.is_some() { "disabled" } else { "" };
        vec![row.id.clone(), row.name.clone(), row.resource.clone(), names.join(" "), state.to_owned()]
    };
    let table: Vec<_> = rows.iter().map(cells).collect();
    Ok(style.print(&format_table(&["ID", "NAME", "RESOURCE", "SCOPES", "STATE"], &table)))
}

async fn show(id: &str, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let (row, scopes) = find(&operator, id).await?;
    if style.json {
        return Ok(style.print_json(&show_json(&row, &scopes)));
    }
    Ok(style.print(&format_facts(&describe(&row, &scopes, operator.call().now))))
}

async fn edit(args: EditArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let (id, added) = (args.id.clone(), args.scopes.into_specs());
    let nothing = args.name.is_none() && args.resource.is_none() && args.format.is_none();
    if nothing && added.is_empty() && args.remove_scope.is_empty() {
        return Err(
            Problem::usage("nothing_to_change", "say what to change").try_command("resource-server edit --help")
        );
    }
    let change =
        Change { name: args.name, resource: args.resource, format: args.format, added, removed: args.remove_scope };
    let row = operator.manage(move |call, tx| apply_change(call, tx, &id, &change)).await?;
    let (_, scopes) = find(&operator, &row.id).await?;
    Ok(finish_change(style, &format!("Changed {}", row.name), &show_json(&row, &scopes)))
}

struct Change {
    name: Option<String>,
    resource: Option<String>,
    format: Option<Format>,
    added: Vec<ScopeSpec>,
    removed: Vec<String>,
}

/// Read and written in one transaction, so that two operators do not undo each other's work.
fn apply_change(call: &Call, tx: &mut Tx<'_>, id: &str, change: &Change) -> Managed<ResourceServerRow> {
    let Some((row, scopes)) = read_one(tx, id)? else {
        return Ok(Outcome::Rollback(Err(ManageFault::NotFound(format!("there is no API {id:?}")))));
    };
    let mut specs: Vec<ScopeSpec> = scopes
        .into_iter()
        .map(|scope| ScopeSpec { name: scope.name, description: scope.description, sensitive: scope.sensitive })
        .collect();
    if let Err(fault) = change_scopes(&mut specs, change) {
        return Ok(Outcome::Rollback(Err(ManageFault::Invalid(fault))));
    }
    let spec = ResourceServerSpec {
        id: row.id,
        name: change.name.clone().unwrap_or(row.name),
        resource: change.resource.clone().unwrap_or(row.resource),
        scopes: specs,
        jwt: change.format.map_or(row.access_token_format == "jwt", |format| format == Format::Jwt),
    };
    edit_resource_server(call, tx, &spec)
}

fn change_scopes(specs: &mut Vec<ScopeSpec>, change: &Change) -> Result<(), String> {
    for name in &change.removed {
        let before = specs.len();
        specs.retain(|scope| scope.name != *name);
        if specs.len() == before {
            return Err(format!("it has no scope {name:?}"));
        }
    }
    for scope in &change.added {
        specs.retain(|known| known.name != scope.name);
        specs.push(scope.clone());
    }
    Ok(())
}

async fn rotate_secret(id: String, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let wanted = id.clone();
    let secret = operator.manage(move |call, tx| rotate_resource_server_secret(call, tx, &wanted)).await?;
    let call = operator.call();
    let overlap = call.policy().secret_overlap;
    if style.json {
        let until = call.now + overlap;
        return Ok(
            style.print_json(&json!({ "id": id, "secret": secret.expose(), "previous_secret_expires_at": until }))
        );
    }
    style.tell_done(&format_args!("{id} has a new secret; the old one works for {} more", format_span(overlap)));
    Ok(style.print(&format_facts(&[("secret", show_once(&secret))])))
}

async fn set_disabled(id: String, settings: &Settings, style: &Output, disabled: bool) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let row = operator.manage(move |call, tx| set_resource_server_disabled(call, tx, &id, disabled)).await?;
    let (row, scopes) = find(&operator, &row.id).await?;
    let sentence = if disabled {
        format!("{} is disabled: it gets no answers, and no tokens are issued for it", row.id)
    } else {
        format!("{} gets answers again", row.id)
    };
    if row.declared {
        style.warn(&"The settings file declares this API: the next start of the server decides again.");
    }
    Ok(finish_change(style, &sentence, &show_json(&row, &scopes)))
}

async fn delete(args: DeleteArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let (row, _) = find(&operator, &args.id).await?;
    confirm_delete(style, "id", &row.id, args.yes).await?;
    let id = row.id.clone();
    operator.manage(move |call, tx| delete_resource_server(call, tx, &id)).await?;
    let sentence = format!("Deleted {}; tokens for it are good for nobody any more", row.id);
    Ok(finish_change(style, &sentence, &json!({ "id": row.id, "deleted": true })))
}

fn describe(row: &ResourceServerRow, scopes: &[ScopeRow], now: i64) -> Vec<(&'static str, String)> {
    let scope = |scope: &ScopeRow| {
        let mark = if scope.sensitive { "  (sensitive)" } else { "" };
        format!("{}  {}{mark}", scope.name, scope.description)
    };
    let scopes: Vec<_> = scopes.iter().map(scope).collect();
    let old = row.previous_secret_expires_at.filter(|until| now < *until);
    let secret =
        old.map_or_else(|| "set".to_owned(), |until| format!("set; the one before works until {}", format_time(until)));
    let state =
        row.disabled_at.map_or_else(|| "enabled".to_owned(), |at| format!("disabled since {}", format_time(at)));
    vec![
        ("id", row.id.clone()),
        ("name", row.name.clone()),
        ("resource", row.resource.clone()),
        ("secret", secret),
        ("scopes", if scopes.is_empty() { "none".to_owned() } else { scopes.join("\n") }),
        ("tokens", row.access_token_format.clone()),
        ("from", if row.declared { "the settings file" } else { "a command" }.to_owned()),
        ("since", format_time(row.created_at)),
        ("state", state),
    ]
}

fn show_json(row: &ResourceServerRow, scopes: &[ScopeRow]) -> Value {
    let scope = |scope: &ScopeRow| json!({ "name": scope.name, "description": scope.description, "sensitive": scope.sensitive });
    json!({
        "id": row.id,
        "name": row.name,
        "resource": row.resource,
        "scopes": scopes.iter().map(scope).collect::<Vec<_>>(),
        "access_token_format": row.access_token_format,
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
    fn a_scope_is_a_name_and_a_sentence() {
        let scope = read_scope("notes:read = Read a = b").expect("a scope");
        assert_eq!((scope.name.as_str(), scope.description.as_str()), ("notes:read", "Read a = b"));
        assert!(read_scope("notes:read").is_err() && read_scope("=x").is_err() && read_scope("x=").is_err());
    }

    #[test]
    fn scopes_are_replaced_by_name() {
        let scope = |text: &str| read_scope(text).expect("a scope");
        let mut specs = vec![scope("a=old"), scope("b=B")];
        let change = |added: Vec<ScopeSpec>, removed: &[&str]| Change {
            name: None,
            resource: None,
            format: None,
            added,
            removed: removed.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(change_scopes(&mut specs, &change(vec![scope("a=new")], &["b"])), Ok(()));
        assert_eq!(specs, [scope("a=new")]);
        assert!(change_scopes(&mut specs, &change(vec![], &["zzz"])).is_err());
    }
}
