//! `gatepost client edit`.

use clap::{ArgAction, Args};
use gatepost_engine::Call;
use gatepost_engine::clients::manage::{self, ClientSpec};
use gatepost_engine::kernel::manage::{ManageFault, Managed};
use gatepost_store::clients::ClientRow;
use gatepost_store::{Outcome, Tx};

use super::add::read_span;
use super::{read_list, show_json, warn_unknown_scopes};
use crate::commands::admin::{Operator, finish_change};
use crate::commands::output::{Output, Problem};
use crate::settings::Settings;

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EditArgs {
    /// The client's id
    client_id: String,
    #[command(flatten)]
    change: Change,
}

/// What changes; everything else stays.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    /// Name that people see
    #[arg(long)]
    name: Option<String>,
    /// A redirect address to add; repeat for more
    #[arg(long, value_name = "URI")]
    add_redirect_uri: Vec<String>,
    /// A redirect address to take away; repeat for more
    #[arg(long, value_name = "URI")]
    remove_redirect_uri: Vec<String>,
    /// A scope to add to what it may ask for; repeat for more
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    add_scope: Vec<String>,
    /// A scope to take away; repeat for more
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    remove_scope: Vec<String>,
    /// An API to add to those it may ask for, by its resource; repeat for more
    #[arg(long, value_name = "URI")]
    add_resource: Vec<String>,
    /// An API to take away; repeat for more
    #[arg(long, value_name = "URI")]
    remove_resource: Vec<String>,
    /// true: never ask people whether they allow it; whoever signs in gives it everything it asks for. For your own apps only
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    first_party: Option<bool>,
    /// true: show its registered values on error pages, to everybody who causes an error. For development only
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    show_setup_errors: Option<bool>,
    /// Life of its access tokens, such as 5m; "default" for the setting
    #[arg(long, value_name = "TIME", value_parser = read_ttl)]
    access_ttl: Option<Ttl>,
    /// Life of its refresh tokens without use, such as 30d; "default" for the setting
    #[arg(long, value_name = "TIME", value_parser = read_ttl)]
    refresh_idle_ttl: Option<Ttl>,
    /// Life of a sign-in, however much it is used; "default" for the setting
    #[arg(long, value_name = "TIME", value_parser = read_ttl)]
    refresh_absolute_ttl: Option<Ttl>,
    /// true: leave its refresh token as it is when it is used; only for clients with a secret
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    keep_refresh_token: Option<bool>,
    /// true: repeat the answer to a refresh that comes twice within seconds
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    refresh_replay: Option<bool>,
    /// true: people must have signed in with two factors
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    require_second_factor: Option<bool>,
}

/// Seconds of its own, or none and so the setting's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ttl(Option<i64>);

fn read_ttl(text: &str) -> Result<Ttl, String> {
    if text == "default" { Ok(Ttl(None)) } else { read_span(text).map(|seconds| Ttl(Some(seconds))) }
}

pub(super) async fn edit_client(args: EditArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let EditArgs { client_id, change } = args;
    if change == Change::default() {
        return Err(Problem::usage("nothing_to_change", "say what to change").try_command("client edit --help"));
    }
    let operator = Operator::open(settings, style).await?;
    let row = operator.manage(move |call, tx| apply_change(call, tx, &client_id, &change)).await?;
    warn_unknown_scopes(&operator, style, &row).await?;
    Ok(finish_change(style, &format!("Changed {}", row.name), &show_json(&row)))
}

fn apply_change(call: &Call, tx: &mut Tx<'_>, client_id: &str, change: &Change) -> Managed<ClientRow> {
    let rows = manage::list_clients(tx)?;
    if let Some(row) = rows.iter().find(|row| row.client_id == client_id)
        && let Some(fault) = find_not_there(row, change)
    {
        return Ok(Outcome::Rollback(Err(ManageFault::Invalid(fault))));
    }
    manage::edit_client(call, tx, client_id, &|spec| change.apply(spec))
}

/// What is to be taken away and is not there is a typing error, and the right one would stay.
fn find_not_there(row: &ClientRow, change: &Change) -> Option<String> {
    let scopes: Vec<String> = row.scopes.split_whitespace().map(str::to_owned).collect();
    let lists = [
        ("redirect address", read_list(&row.redirect_uris), &change.remove_redirect_uri),
        ("scope", scopes, &change.remove_scope),
        ("resource", read_list(&row.resources), &change.remove_resource),
    ];
    lists.iter().find_map(|(what, there, removed)| {
        let missing = removed.iter().find(|text| !there.contains(text))?;
        let known = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        Some(format!("it has no {what} {missing:?}; it has {known}"))
    })
}

impl Change {
    fn apply(&self, spec: &mut ClientSpec) {
        if let Some(name) = &self.name {
            spec.name.clone_from(name);
        }
        change_list(&mut spec.redirect_uris, &self.add_redirect_uri, &self.remove_redirect_uri);
        change_list(&mut spec.scopes, &self.add_scope, &self.remove_scope);
        change_list(&mut spec.resources, &self.add_resource, &self.remove_resource);
        for (value, wanted) in [
            (&mut spec.first_party, self.first_party),
            (&mut spec.show_setup_errors, self.show_setup_errors),
            (&mut spec.keep_refresh_token, self.keep_refresh_token),
            (&mut spec.refresh_replay, self.refresh_replay),
            (&mut spec.require_second_factor, self.require_second_factor),
        ] {
            *value = wanted.unwrap_or(*value);
        }
        for (value, wanted) in [
            (&mut spec.access_ttl, self.access_ttl),
            (&mut spec.refresh_idle_ttl, self.refresh_idle_ttl),
            (&mut spec.refresh_absolute_ttl, self.refresh_absolute_ttl),
        ] {
            *value = wanted.map_or(*value, |Ttl(seconds)| seconds);
        }
    }
}

fn change_list(list: &mut Vec<String>, added: &[String], removed: &[String]) {
    list.retain(|text| !removed.contains(text));
    for text in added.iter().filter(|text| !text.is_empty()) {
        if !list.contains(text) {
            list.push(text.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use gatepost_engine::clients::registry::ClientKind;

    use super::*;

    #[test]
    fn only_what_was_named_changes() {
        let mut spec = ClientSpec::new("Acme", ClientKind::Web);
        spec.scopes = vec!["a".into(), "b".into()];
        spec.access_ttl = Some(60);
        spec.first_party = true;
        let change = Change {
            add_scope: vec!["c".into(), "b".into()],
            remove_scope: vec!["a".into()],
            access_ttl: Some(Ttl(None)),
            ..Change::default()
        };
        change.apply(&mut spec);
        assert_eq!(spec.scopes, ["b", "c"]);
        assert_eq!((spec.access_ttl, spec.first_party, spec.name.as_str()), (None, true, "Acme"));
        assert_eq!(read_ttl("5m"), Ok(Ttl(Some(300))));
        assert!(read_ttl("soon").is_err());
    }
}
