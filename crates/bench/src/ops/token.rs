//! Operations of the token endpoint: client_credentials and refresh.

use std::sync::Arc;

use super::{Driven, Tokens, Worker, add_client, lock};
use crate::http::Conn;
use crate::wire::{encode, find_member, split_url, write_request};

/// Issues tokens and keeps them.
pub(super) fn issue_tokens(driven: &Driven<'_>, issued: &Tokens) -> Result<Vec<Worker>, String> {
    let target = driven.target;
    let client = target.cc.as_ref().ok_or("no client for client_credentials")?;
    let (host, path) = split_url(&target.endpoints.token).ok_or("no token endpoint")?;
    let mut headers = target.headers.clone();
    let mut body = "grant_type=client_credentials".to_string();
    if !client.scope.is_empty() {
        body.push_str(&format!("&scope={}", encode(&client.scope)));
    }
    add_client(client, &mut headers, &mut body);
    let request = Arc::new(write_request("POST", (&host, &path), &headers, Some(&body)));
    let make = |_| {
        let (mut conn, request, issued) = (Conn::new(&host), request.clone(), issued.clone());
        Box::new(move || {
            let response = conn.send(&request).map_err(|error| error.to_string())?;
            let token = (response.status == 200).then(|| find_member(&response.body, "access_token")).flatten();
            lock(&issued).push(token.ok_or_else(|| response.clip())?);
            Ok(())
        }) as Worker
    };
    Ok((0..driven.load.connections).map(make).collect())
}

/// Refreshes, one chain for each connection: each answer's token is the next request's.
pub(super) fn refresh_tokens(driven: &Driven<'_>, stock: &Tokens) -> Result<Vec<Worker>, String> {
    let target = driven.target;
    let client = target.code.as_ref().ok_or("no client with refresh tokens")?;
    let (host, path) = split_url(&target.endpoints.token).ok_or("no token endpoint")?;
    let mut headers = target.headers.clone();
    let mut tail = String::new();
    add_client(client, &mut headers, &mut tail);
    let chains: Vec<String> = {
        let mut stock = lock(stock);
        let left = stock.len().saturating_sub(driven.load.connections);
        stock.split_off(left)
    };
    if chains.len() < driven.load.connections {
        return Err(format!("only {} refresh tokens are left", chains.len()));
    }
    let make = |mut token: String| {
        let (mut conn, host, path) = (Conn::new(&host), host.clone(), path.clone());
        let (headers, tail) = (headers.clone(), tail.clone());
        Box::new(move || {
            let body = format!("grant_type=refresh_token&refresh_token={}{tail}", encode(&token));
            let request = write_request("POST", (&host, &path), &headers, Some(&body));
            let response = conn.send(&request).map_err(|error| error.to_string())?;
            if response.status != 200 {
                return Err(response.clip());
            }
            let next = find_member(&response.body, "refresh_token");
            token = next.ok_or_else(|| format!("no new refresh token: {}", response.clip()))?;
            Ok(())
        }) as Worker
    };
    Ok(chains.into_iter().map(make).collect())
}
