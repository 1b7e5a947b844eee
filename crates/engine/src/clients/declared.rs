//! What the settings file declares, brought into the database at start: added, changed, and disabled when it is gone.

use gatepost_protocol::secret::TokenHash;
use gatepost_store::clients::resource_servers::{self, ResourceServerRow, ScopeRow};
use gatepost_store::clients::{self, ClientRow};
use gatepost_store::sweep::take_global_lock;
use gatepost_store::{Outcome, Topic, Tx};

use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::manage::{ClientSpec, check_client_spec, make_client_row};
use crate::clients::registry::catalogue_topic;
use crate::clients::resource_servers::{ResourceServerSpec, check_resource_server_spec, scope_rows};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{Managed, invalid};

/// A declared client; `secret` is the hash of what the operator chose.
#[derive(Clone, Debug)]
pub struct DeclaredClient {
    /// everything about it; the id must be there
    pub spec: ClientSpec,
    /// SHA-256 of its secret
    pub secret: Option<TokenHash>,
}

/// A declared API.
#[derive(Clone, Debug)]
pub struct DeclaredResourceServer {
    /// everything about it
    pub spec: ResourceServerSpec,
    /// SHA-256 of its secret
    pub secret: TokenHash,
}

/// Everything that the settings file declares.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// clients
    pub clients: Vec<DeclaredClient>,
    /// APIs
    pub resource_servers: Vec<DeclaredResourceServer>,
}

/// Makes the database agree with the file. What was declared once and is not any more is disabled, not deleted.
pub fn reconcile_declared(call: &Call, tx: &mut Tx<'_>, declared: &Declared) -> Managed<()> {
    // of several nodes that start at once one reconciles and the others find it done
    take_global_lock(tx)?;
    for server in &declared.resource_servers {
        let faults = check_resource_server_spec(&server.spec);
        if !faults.is_empty() {
            return invalid(format!("resource server {}: {}", server.spec.id, faults.join("; ")));
        }
        if let Some(fault) = put_resource_server(call, tx, server)? {
            return invalid(fault);
        }
    }
    for client in &declared.clients {
        let faults = check_client_spec(&client.spec);
        let Some(id) = client.spec.client_id.clone() else { return invalid("a declared client needs a client_id") };
        if !faults.is_empty() {
            return invalid(format!("client {id}: {}", faults.join("; ")));
        }
        if let Some(fault) = put_client(call, tx, id, client)? {
            return invalid(fault);
        }
    }
    disable_missing(call, tx, declared)?;
    Ok(Outcome::Commit(Ok(())))
}

fn put_client(call: &Call, tx: &mut Tx<'_>, id: String, client: &DeclaredClient) -> Result<Option<String>> {
    let row = ClientRow { declared: true, ..make_client_row(call, id, &client.spec, client.secret.as_ref()) };
    let Some(old) = clients::find_client(tx, &row.client_id)? else {
        let inserted = clients::insert_client(tx, &row)?;
        note(call, tx, "client.declared", &row.client_id)?;
        return Ok(
            (!inserted).then(|| format!("client {}: the id belonged to a client that was deleted", row.client_id))
        );
    };
    let row = ClientRow { created_at: old.created_at, ..row };
    let same = ClientRow { updated_at: old.updated_at, ..row.clone() };
    if !is_same_client(&old, &same) {
        clients::update_client(tx, &row)?;
        note(call, tx, "client.declared", &row.client_id)?;
        tx.touch(Topic::Client(row.client_id));
    }
    Ok(None)
}

fn is_same_client(a: &ClientRow, b: &ClientRow) -> bool {
    let key = |row: &ClientRow| {
        let text = [
            &row.name,
            &row.kind,
            &row.auth_method,
            &row.redirect_uris,
            &row.scopes,
            &row.resources,
            &row.grant_types,
            &row.refresh_rotation,
        ]
        .map(String::clone);
        let flags = [
            row.first_party,
            row.verified,
            row.show_setup_errors,
            row.refresh_replay,
            row.declared,
            row.require_second_factor,
        ];
        let times = [row.access_ttl, row.refresh_idle_ttl, row.refresh_absolute_ttl, row.disabled_at];
        (text, flags, times, row.secret_hash.clone())
    };
    key(a) == key(b)
}

fn put_resource_server(call: &Call, tx: &mut Tx<'_>, server: &DeclaredResourceServer) -> Result<Option<String>> {
    let spec = &server.spec;
    let old = resource_servers::find_resource_server(tx, &spec.id)?;
    let row = ResourceServerRow {
        id: spec.id.clone(),
        name: spec.name.trim().to_owned(),
        resource: spec.resource.clone(),
        secret_hash: server.secret.to_base64(),
        previous_secret_hash: None,
        previous_secret_expires_at: None,
        access_token_format: if spec.jwt { "jwt" } else { "opaque" }.to_owned(),
        declared: true,
        created_at: old.as_ref().map_or(call.now, |old| old.created_at),
        updated_at: call.now,
        disabled_at: None,
    };
    let scopes = scope_rows(spec);
    if let Some(old) = &old
        && is_same_server(old, &row)
        && resource_servers::list_scopes(tx)?
            .into_iter()
            .filter(|s| s.resource_server_id == spec.id)
            .eq(sorted(&scopes))
    {
        return Ok(None);
    }
    let stored = match old {
        None => resource_servers::insert_resource_server(tx, &row)?,
        Some(_) => resource_servers::update_resource_server(tx, &row)?,
    };
    if !stored {
        return Ok(Some(format!("resource server {}: the resource {:?} is taken", spec.id, spec.resource)));
    }
    if let Some(taken) = resource_servers::update_scopes(tx, &spec.id, &scopes)? {
        return Ok(Some(format!("resource server {}: another API defines the scope {taken:?} already", spec.id)));
    }
    note(call, tx, "resource_server.declared", &spec.id)?;
    tx.touch(catalogue_topic());
    Ok(None)
}

fn sorted(scopes: &[ScopeRow]) -> Vec<ScopeRow> {
    let mut scopes = scopes.to_vec();
    scopes.sort_by(|a, b| a.name.cmp(&b.name));
    scopes
}

fn is_same_server(a: &ResourceServerRow, b: &ResourceServerRow) -> bool {
    let key = |row: &ResourceServerRow| {
        let text = [&row.name, &row.resource, &row.secret_hash, &row.access_token_format].map(String::clone);
        (text, row.declared, row.disabled_at, row.previous_secret_hash.clone())
    };
    key(a) == key(b)
}

/// The settings file is the operator's word, and leaves a trace like every other.
fn note(call: &Call, tx: &mut Tx<'_>, action: &'static str, id: &str) -> Result<()> {
    record_event(call, tx, Event::done(Actor::Operator, action, id), &json!({"by": "settings"}))
}

fn disable_missing(call: &Call, tx: &mut Tx<'_>, declared: &Declared) -> Result<()> {
    for row in clients::list_clients(tx)? {
        let named = declared.clients.iter().any(|client| client.spec.client_id.as_ref() == Some(&row.client_id));
        if row.declared && !named && row.disabled_at.is_none() {
            note(call, tx, "client.disabled", &row.client_id)?;
            tx.touch(Topic::Client(row.client_id.clone()));
            clients::update_client(tx, &ClientRow { disabled_at: Some(call.now), updated_at: call.now, ..row })?;
        }
    }
    for row in resource_servers::list_resource_servers(tx)? {
        let named = declared.resource_servers.iter().any(|server| server.spec.id == row.id);
        if row.declared && !named && row.disabled_at.is_none() {
            note(call, tx, "resource_server.disabled", &row.id)?;
            tx.touch(catalogue_topic());
            let row = ResourceServerRow { disabled_at: Some(call.now), updated_at: call.now, ..row };
            resource_servers::update_resource_server(tx, &row)?;
        }
    }
    Ok(())
}
