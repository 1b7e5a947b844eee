//! Client authentication: the same rules at token, introspection and revocation (OAuth 2.1 §2.4, CA-01 … CA-09).

use std::sync::Arc;

use gatepost_protocol::client_auth::Presented;
use gatepost_protocol::error::ErrorCode;

use crate::clients::registry::{AuthMethod, Catalogue, Client, ResourceServer};
use crate::kernel::error::Refused;

fn refuse(detail: &'static str) -> Refused {
    // one sentence for every reason: whether the client exists is not said (TI4)
    Refused::new(ErrorCode::InvalidClient, "Client authentication failed.").with_detail(detail)
}

/// The client, proven to be the one it says it is; a public client is only identified.
pub fn authenticate_client(
    presented: &Presented,
    client: Option<Arc<Client>>,
    now: i64,
) -> Result<Arc<Client>, Refused> {
    let Some(client) = client else { return Err(refuse("unknown client")) };
    let (method, secret) = match presented {
        Presented::None { .. } => (AuthMethod::None, None),
        Presented::Basic { secret, .. } => (AuthMethod::Basic, Some(secret)),
        Presented::Post { secret, .. } => (AuthMethod::Post, Some(secret)),
    };
    // CA-05: the method must be the registered one
    let allowed = client.auth_method == method
        || (client.auth_method == AuthMethod::AnySecret && matches!(method, AuthMethod::Basic | AuthMethod::Post));
    if !allowed {
        return Err(refuse("not the registered authentication method"));
    }
    if let Some(secret) = secret
        && !client.secret.verify(secret.expose(), now)
    {
        return Err(refuse("wrong client secret"));
    }
    if client.disabled {
        return Err(refuse("the client is disabled"));
    }
    Ok(client)
}

/// The API, proven to be the one it says it is; both ways of sending a secret are fine for it.
pub fn authenticate_resource_server<'c>(
    presented: &Presented,
    catalogue: &'c Catalogue,
    now: i64,
) -> Result<&'c ResourceServer, Refused> {
    let (id, secret) = match presented {
        Presented::None { .. } => return Err(refuse("a public client may not introspect")),
        Presented::Basic { client_id, secret } | Presented::Post { client_id, secret } => (client_id, secret),
    };
    match catalogue.find_by_id(id) {
        None => Err(refuse("not a resource server")),
        Some(server) if !server.secret.verify(secret.expose(), now) => Err(refuse("wrong secret")),
        Some(server) if server.disabled => Err(refuse("the resource server is disabled")),
        Some(server) => Ok(server),
    }
}
