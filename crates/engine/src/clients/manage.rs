//! Managing clients.

use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::redirect_uri;
use gatepost_protocol::resource::check_resource;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::clients::{self, ClientRow};
use gatepost_store::oauth::grants;
use gatepost_store::{Db, Outcome, Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::{AuthMethod, ClientKind};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{ManageFault, Managed, invalid, not_found};

/// More addresses than this are a mistake.
const MAX_REDIRECT_URIS: usize = 10;

/// What an operator says about a client.
#[derive(Clone, Debug)]
pub struct ClientSpec {
    /// its id; made from the name where absent
    pub client_id: Option<String>,
    /// what people see
    pub name: String,
    /// what kind of program it is
    pub kind: ClientKind,
    /// how it authenticates; what its kind suggests where absent
    pub auth_method: Option<AuthMethod>,
    /// where answers may be sent
    pub redirect_uris: Vec<String>,
    /// what it may ask for
    pub scopes: Vec<String>,
    /// where it may ask for
    pub resources: Vec<String>,
    /// which grants it may use; what its kind suggests where empty
    pub grant_types: Vec<GrantType>,
    /// skips consent
    pub first_party: bool,
    /// its developers are shown registered values
    pub show_setup_errors: bool,
    /// seconds
    pub access_ttl: Option<i64>,
    /// seconds
    pub refresh_idle_ttl: Option<i64>,
    /// seconds
    pub refresh_absolute_ttl: Option<i64>,
    /// a confidential client keeps its refresh token
    pub keep_refresh_token: bool,
    /// repeats the answer to a refresh once within the grace
    pub refresh_replay: bool,
    /// people must have signed in with two factors
    pub require_second_factor: bool,
}

impl ClientSpec {
    /// A client of this kind with nothing else said.
    pub fn new(name: &str, kind: ClientKind) -> Self {
        Self {
            client_id: None,
            name: name.to_owned(),
            kind,
            auth_method: None,
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            resources: Vec::new(),
            grant_types: Vec::new(),
            first_party: false,
            show_setup_errors: false,
            access_ttl: None,
            refresh_idle_ttl: None,
            refresh_absolute_ttl: None,
            keep_refresh_token: false,
            refresh_replay: false,
            require_second_factor: false,
        }
    }

    fn auth_method(&self) -> AuthMethod {
        self.auth_method.unwrap_or(match self.kind {
            ClientKind::Web | ClientKind::Service => AuthMethod::Basic,
            ClientKind::Native | ClientKind::Browser => AuthMethod::None,
        })
    }

    fn grant_types(&self) -> Vec<GrantType> {
        if !self.grant_types.is_empty() {
            return self.grant_types.clone();
        }
        match self.kind {
            ClientKind::Service => vec![GrantType::ClientCredentials],
            ClientKind::Web | ClientKind::Native | ClientKind::Browser => {
                vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
            }
        }
    }
}

/// Everything about a spec that is wrong, in sentences.
pub fn check_client_spec(spec: &ClientSpec) -> Vec<String> {
    let mut faults = Vec::new();
    let grants = spec.grant_types();
    if spec.name.trim().is_empty() || spec.name.chars().count() > 60 {
        faults.push("the name must have 1 to 60 characters".into());
    }
    if let Some(id) = &spec.client_id
        && !is_client_id(id)
    {
        faults.push(format!("client_id {id:?}: use 1 to 64 letters, digits, '-', '_' or '.'"));
    }
    if grants.contains(&GrantType::AuthorizationCode) && spec.redirect_uris.is_empty() {
        faults.push("a client that signs people in needs at least one redirect address".into());
    }
    if spec.redirect_uris.len() > MAX_REDIRECT_URIS {
        faults.push(format!("at most {MAX_REDIRECT_URIS} redirect addresses"));
    }
    for uri in &spec.redirect_uris {
        if let Err(fault) = redirect_uri::check_registration(uri) {
            faults.push(format!("redirect address {uri:?}: {fault}"));
        }
    }
    for scope in &spec.scopes {
        if scope.contains(' ') || ScopeSet::parse(scope).map_or(true, |set| set.len() != 1) {
            faults.push(format!("scope {scope:?} is malformed"));
        }
    }
    for resource in &spec.resources {
        if let Err(fault) = check_resource(resource) {
            faults.push(format!("resource {resource:?}: {fault}"));
        }
    }
    if grants.contains(&GrantType::ClientCredentials) && spec.auth_method() == AuthMethod::None {
        faults.push("client_credentials needs a client with a secret".into());
    }
    if spec.keep_refresh_token && spec.auth_method() == AuthMethod::None {
        faults.push("a client without a secret must rotate its refresh tokens (OAuth 2.1 §4.3.1)".into());
    }
    for (what, ttl, max) in [
        ("access_ttl", spec.access_ttl, 3600),
        ("refresh_idle_ttl", spec.refresh_idle_ttl, 365 * 86_400),
        ("refresh_absolute_ttl", spec.refresh_absolute_ttl, 365 * 86_400),
    ] {
        if ttl.is_some_and(|ttl| !(1..=max).contains(&ttl)) {
            faults.push(format!("{what} must be 1 to {max} seconds"));
        }
    }
    faults
}

fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A readable id from a name: `Acme Notes` becomes `acme-notes`.
fn make_slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(48);
    slug.trim_matches('-').to_owned()
}

/// The row that a spec describes.
pub(crate) fn make_client_row(
    call: &Call,
    client_id: String,
    spec: &ClientSpec,
    secret: Option<&TokenHash>,
) -> ClientRow {
    ClientRow {
        client_id,
        name: spec.name.trim().to_owned(),
        kind: spec.kind.as_str().to_owned(),
        auth_method: spec.auth_method().as_str().to_owned(),
        secret_hash: secret.map(TokenHash::to_base64),
        previous_secret_hash: None,
        previous_secret_expires_at: None,
        redirect_uris: json!(spec.redirect_uris).to_string(),
        scopes: spec.scopes.iter().cloned().collect::<ScopeSet>().to_string(),
        resources: json!(spec.resources).to_string(),
        grant_types: json!(spec.grant_types()).to_string(),
        first_party: spec.first_party,
        // whatever an operator registers, the operator vouches for; dynamic registration will not
        verified: true,
        show_setup_errors: spec.show_setup_errors,
        access_ttl: spec.access_ttl,
        refresh_idle_ttl: spec.refresh_idle_ttl,
        refresh_absolute_ttl: spec.refresh_absolute_ttl,
        refresh_rotation: if spec.keep_refresh_token { "keep" } else { "rotate" }.to_owned(),
        refresh_replay: spec.refresh_replay,
        declared: false,
        created_at: call.now,
        updated_at: call.now,
        disabled_at: None,
        deleted_at: None,
        require_second_factor: spec.require_second_factor,
    }
}

/// A client that was added, with its secret, which is shown once.
pub struct AddedClient {
    /// the row
    pub row: ClientRow,
    /// only its hash is kept
    pub secret: Option<Secret>,
}

impl std::fmt::Debug for AddedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AddedClient({})", self.row.client_id)
    }
}

/// Adds a client. Ids of deleted clients stay taken.
pub fn add_client(call: &Call, tx: &mut Tx<'_>, spec: &ClientSpec) -> Managed<AddedClient> {
    let faults = check_client_spec(spec);
    if !faults.is_empty() {
        return invalid(faults.join("; "));
    }
    let secret = match spec.auth_method() {
        AuthMethod::None => None,
        _ => Some(call.engine.make_secret(SecretKind::ClientSecret)?),
    };
    let hash = secret.as_ref().map(TokenHash::of);
    for attempt in 0..10 {
        let client_id = match (&spec.client_id, attempt) {
            (Some(id), _) => id.clone(),
            (None, 0) => make_slug(&spec.name),
            (None, _) => format!("{}-{}", make_slug(&spec.name), &call.engine.make_id()?[..6]),
        };
        let row = make_client_row(call, client_id, spec, hash.as_ref());
        if !row.client_id.is_empty() && clients::insert_client(tx, &row)? {
            tx.touch(Topic::Client(row.client_id.clone()));
            record_event(call, tx, Event::done(Actor::Operator, "client.added", &row.client_id), &json!(null))?;
            return Ok(Outcome::Commit(Ok(AddedClient { row, secret })));
        }
        if let Some(id) = &spec.client_id {
            return invalid(format!("client_id {id:?} is taken, or was once"));
        }
    }
    invalid("no free client_id could be made from this name: choose one with --id")
}

/// All clients.
pub fn list_clients(db: &mut Db) -> Result<Vec<ClientRow>> {
    Ok(clients::list_clients(db)?)
}

/// Changes a client as `edit` says; what comes out is checked like a new one.
pub fn edit_client(
    call: &Call,
    tx: &mut Tx<'_>,
    client_id: &str,
    edit: &dyn Fn(&mut ClientSpec),
) -> Managed<ClientRow> {
    let Some(row) = clients::find_client(tx, client_id)? else { return no_client(client_id) };
    if row.declared {
        return Ok(Outcome::Rollback(Err(declared_fault(client_id))));
    }
    let mut spec = read_spec(&row);
    edit(&mut spec);
    let faults = check_client_spec(&spec);
    if !faults.is_empty() {
        return invalid(faults.join("; "));
    }
    let changed = ClientRow {
        secret_hash: row.secret_hash.clone(),
        previous_secret_hash: row.previous_secret_hash.clone(),
        previous_secret_expires_at: row.previous_secret_expires_at,
        verified: row.verified,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        ..make_client_row(call, row.client_id, &spec, None)
    };
    save_client(call, tx, changed, "client.changed")
}

fn read_spec(row: &ClientRow) -> ClientSpec {
    let list = |text: &str| serde_json::from_str(text).unwrap_or_default();
    ClientSpec {
        client_id: Some(row.client_id.clone()),
        name: row.name.clone(),
        kind: ClientKind::parse(&row.kind).unwrap_or(ClientKind::Web),
        auth_method: AuthMethod::parse(&row.auth_method),
        redirect_uris: list(&row.redirect_uris),
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        resources: list(&row.resources),
        grant_types: serde_json::from_str(&row.grant_types).unwrap_or_default(),
        first_party: row.first_party,
        show_setup_errors: row.show_setup_errors,
        access_ttl: row.access_ttl,
        refresh_idle_ttl: row.refresh_idle_ttl,
        refresh_absolute_ttl: row.refresh_absolute_ttl,
        keep_refresh_token: row.refresh_rotation == "keep",
        refresh_replay: row.refresh_replay,
        require_second_factor: row.require_second_factor,
    }
}

fn no_client<T>(client_id: &str) -> Managed<T> {
    not_found(format!("there is no client {client_id:?}"))
}

fn declared_fault(client_id: &str) -> ManageFault {
    ManageFault::Forbidden(format!("{client_id} is declared in the settings file: change it there and restart"))
}

fn save_client(call: &Call, tx: &mut Tx<'_>, row: ClientRow, action: &'static str) -> Managed<ClientRow> {
    clients::update_client(tx, &row)?;
    tx.touch(Topic::Client(row.client_id.clone()));
    record_event(call, tx, Event::done(Actor::Operator, action, &row.client_id), &json!(null))?;
    Ok(Outcome::Commit(Ok(row)))
}

/// Gives a client a new secret; the old one works a while longer. The secret is shown once.
pub fn rotate_client_secret(call: &Call, tx: &mut Tx<'_>, client_id: &str) -> Managed<Secret> {
    let Some(mut row) = clients::find_client(tx, client_id)? else { return no_client(client_id) };
    if row.declared {
        return Ok(Outcome::Rollback(Err(declared_fault(client_id))));
    }
    if row.secret_hash.is_none() {
        return invalid(format!("{client_id} has no secret: it is a public client"));
    }
    let secret = call.engine.make_secret(SecretKind::ClientSecret)?;
    row.previous_secret_hash = row.secret_hash.replace(TokenHash::of(&secret).to_base64());
    row.previous_secret_expires_at = Some(call.now + call.policy().secret_overlap);
    row.updated_at = call.now;
    let saved = save_client(call, tx, row, "client.secret_rotated")?;
    Ok(match saved {
        Outcome::Commit(Ok(_)) => Outcome::Commit(Ok(secret)),
        Outcome::Commit(Err(fault)) | Outcome::Rollback(Err(fault)) => Outcome::Rollback(Err(fault)),
        Outcome::Rollback(Ok(_)) => Outcome::Rollback(Ok(secret)),
    })
}

/// Disables or enables a client: nothing of a disabled one works, from now on.
pub fn set_client_disabled(call: &Call, tx: &mut Tx<'_>, client_id: &str, disabled: bool) -> Managed<ClientRow> {
    let Some(mut row) = clients::find_client(tx, client_id)? else { return no_client(client_id) };
    row.disabled_at = disabled.then_some(call.now);
    row.updated_at = call.now;
    save_client(call, tx, row, if disabled { "client.disabled" } else { "client.enabled" })
}

/// Deletes a client and revokes everything that it was given. The id stays taken.
pub fn delete_client(call: &Call, tx: &mut Tx<'_>, client_id: &str) -> Managed<ClientRow> {
    let Some(mut row) = clients::find_client(tx, client_id)? else { return no_client(client_id) };
    if row.declared {
        return Ok(Outcome::Rollback(Err(declared_fault(client_id))));
    }
    row.deleted_at = Some(call.now);
    row.disabled_at = Some(row.disabled_at.unwrap_or(call.now));
    row.secret_hash = None;
    row.previous_secret_hash = None;
    row.updated_at = call.now;
    grants::revoke_client_grants(tx, client_id, "client deleted", call.now)?;
    save_client(call, tx, row, "client.deleted")
}
