//! Managing APIs and their scopes.

use gatepost_protocol::resource::check_resource;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::clients::resource_servers::{self, ResourceServerRow, ScopeRow};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::{OFFLINE_ACCESS, catalogue_topic};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{ManageFault, Managed, invalid, not_found};

/// A scope as an operator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeSpec {
    /// the scope token
    pub name: String,
    /// what it allows
    pub description: String,
    /// it changes or deletes things
    pub sensitive: bool,
}

/// What an operator says about an API.
#[derive(Clone, Debug)]
pub struct ResourceServerSpec {
    /// what it authenticates with
    pub id: String,
    /// what people see
    pub name: String,
    /// the audience of its tokens
    pub resource: String,
    /// what can be asked for
    pub scopes: Vec<ScopeSpec>,
    /// JWTs (RFC 9068) instead of opaque tokens
    pub jwt: bool,
}

/// Everything about a spec that is wrong, in sentences.
pub fn check_resource_server_spec(spec: &ResourceServerSpec) -> Vec<String> {
    let mut faults = Vec::new();
    let id_ok = (1..=64).contains(&spec.id.len())
        && spec.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !id_ok {
        faults.push(format!("id {:?}: use 1 to 64 letters, digits, '-', '_' or '.'", spec.id));
    }
    if spec.name.trim().is_empty() || spec.name.chars().count() > 60 {
        faults.push("the name must have 1 to 60 characters".into());
    }
    if let Err(fault) = check_resource(&spec.resource) {
        faults.push(format!("resource {:?}: {fault}", spec.resource));
    }
    for scope in &spec.scopes {
        if ScopeSet::parse(&scope.name).map_or(true, |set| set.len() != 1) || scope.name.contains(' ') {
            faults.push(format!("scope {:?} is malformed", scope.name));
        }
        if scope.name == OFFLINE_ACCESS || scope.name == "openid" {
            faults.push(format!("scope {} belongs to the server", scope.name));
        }
        if scope.description.trim().is_empty() {
            faults.push(format!("scope {} needs the sentence that people are shown", scope.name));
        }
    }
    faults
}

fn make_row(call: &Call, spec: &ResourceServerSpec, secret: &TokenHash) -> ResourceServerRow {
    ResourceServerRow {
        id: spec.id.clone(),
        name: spec.name.trim().to_owned(),
        resource: spec.resource.clone(),
        secret_hash: secret.to_base64(),
        previous_secret_hash: None,
        previous_secret_expires_at: None,
        access_token_format: if spec.jwt { "jwt" } else { "opaque" }.to_owned(),
        declared: false,
        created_at: call.now,
        updated_at: call.now,
        disabled_at: None,
    }
}

/// The rows of the scopes of a spec.
pub(crate) fn scope_rows(spec: &ResourceServerSpec) -> Vec<ScopeRow> {
    let row = |scope: &ScopeSpec| ScopeRow {
        name: scope.name.clone(),
        resource_server_id: spec.id.clone(),
        description: scope.description.trim().to_owned(),
        sensitive: scope.sensitive,
    };
    spec.scopes.iter().map(row).collect()
}

/// Adds an API; its secret is shown once.
pub fn add_resource_server(call: &Call, tx: &mut Tx<'_>, spec: &ResourceServerSpec) -> Managed<Secret> {
    let faults = check_resource_server_spec(spec);
    if !faults.is_empty() {
        return invalid(faults.join("; "));
    }
    let secret = call.engine.make_secret(SecretKind::ClientSecret)?;
    if !resource_servers::insert_resource_server(tx, &make_row(call, spec, &TokenHash::of(&secret)))? {
        return invalid(format!("the id {:?} or the resource {:?} is taken", spec.id, spec.resource));
    }
    if let Some(taken) = resource_servers::update_scopes(tx, &spec.id, &scope_rows(spec))? {
        return invalid(format!("another API defines the scope {taken:?} already"));
    }
    note_change(call, tx, &spec.id, "resource_server.added")?;
    Ok(Outcome::Commit(Ok(secret)))
}

fn note_change(call: &Call, tx: &mut Tx<'_>, id: &str, action: &'static str) -> Result<()> {
    tx.touch(catalogue_topic());
    record_event(call, tx, Event::done(Actor::Operator, action, id), &json!(null))
}

/// All APIs and all scopes.
pub fn list_resource_servers(db: &mut Db) -> Result<(Vec<ResourceServerRow>, Vec<ScopeRow>)> {
    Ok((resource_servers::list_resource_servers(db)?, resource_servers::list_scopes(db)?))
}

fn find_own(tx: &mut Tx<'_>, id: &str) -> Result<std::result::Result<ResourceServerRow, ManageFault>> {
    Ok(match resource_servers::find_resource_server(tx, id)? {
        None => Err(ManageFault::NotFound(format!("there is no API {id:?}"))),
        Some(row) if row.declared => {
            Err(ManageFault::Forbidden(format!("{id} is declared in the settings file: change it there and restart")))
        }
        Some(row) => Ok(row),
    })
}

/// Replaces name, resource, format and scopes.
pub fn edit_resource_server(call: &Call, tx: &mut Tx<'_>, spec: &ResourceServerSpec) -> Managed<ResourceServerRow> {
    let row = match find_own(tx, &spec.id)? {
        Ok(row) => row,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    let faults = check_resource_server_spec(spec);
    if !faults.is_empty() {
        return invalid(faults.join("; "));
    }
    let changed = ResourceServerRow {
        secret_hash: row.secret_hash.clone(),
        previous_secret_hash: row.previous_secret_hash.clone(),
        previous_secret_expires_at: row.previous_secret_expires_at,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        ..make_row(call, spec, &TokenHash::of_text(""))
    };
    if !resource_servers::update_resource_server(tx, &changed)? {
        return invalid(format!("the resource {:?} is another API's", spec.resource));
    }
    if let Some(taken) = resource_servers::update_scopes(tx, &spec.id, &scope_rows(spec))? {
        return invalid(format!("another API defines the scope {taken:?} already"));
    }
    note_change(call, tx, &spec.id, "resource_server.changed")?;
    Ok(Outcome::Commit(Ok(changed)))
}

/// Gives an API a new secret; the old one works a while longer. The secret is shown once.
pub fn rotate_resource_server_secret(call: &Call, tx: &mut Tx<'_>, id: &str) -> Managed<Secret> {
    let mut row = match find_own(tx, id)? {
        Ok(row) => row,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    let secret = call.engine.make_secret(SecretKind::ClientSecret)?;
    row.previous_secret_hash = Some(std::mem::replace(&mut row.secret_hash, TokenHash::of(&secret).to_base64()));
    row.previous_secret_expires_at = Some(call.now + call.policy().secret_overlap);
    row.updated_at = call.now;
    resource_servers::update_resource_server(tx, &row)?;
    note_change(call, tx, id, "resource_server.secret_rotated")?;
    Ok(Outcome::Commit(Ok(secret)))
}

/// Disables or enables an API: a disabled one gets no answers, and no tokens are issued for it.
pub fn set_resource_server_disabled(
    call: &Call,
    tx: &mut Tx<'_>,
    id: &str,
    disabled: bool,
) -> Managed<ResourceServerRow> {
    let Some(mut row) = resource_servers::find_resource_server(tx, id)? else {
        return not_found(format!("there is no API {id:?}"));
    };
    row.disabled_at = disabled.then_some(call.now);
    row.updated_at = call.now;
    resource_servers::update_resource_server(tx, &row)?;
    note_change(call, tx, id, if disabled { "resource_server.disabled" } else { "resource_server.enabled" })?;
    Ok(Outcome::Commit(Ok(row)))
}

/// Removes an API and its scopes; tokens for it are good for nobody any more.
pub fn delete_resource_server(call: &Call, tx: &mut Tx<'_>, id: &str) -> Managed<()> {
    if let Err(fault) = find_own(tx, id)? {
        return Ok(Outcome::Rollback(Err(fault)));
    }
    resource_servers::delete_resource_server(tx, id)?;
    note_change(call, tx, id, "resource_server.deleted")?;
    Ok(Outcome::Commit(Ok(())))
}
