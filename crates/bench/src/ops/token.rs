//! Operations of the token endpoint: client_credentials and refresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Driven, Progress, Tokens, Worker, add_client, lock};
use crate::http::Conn;
use crate::wire::{Header, encode, find_member, split_url, write_request};

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
            Ok(Progress::Done)
        }) as Worker
    };
    Ok((0..driven.load.connections).map(make).collect())
}

/// Refreshes, one chain for each connection: each answer's token is the next request's.
pub(super) fn refresh_chains(driven: &Driven<'_>, stock: &Tokens) -> Result<Vec<Worker>, String> {
    let chains: Vec<String> = {
        let mut stock = lock(stock);
        let left = stock.len().saturating_sub(driven.load.connections);
        stock.split_off(left)
    };
    if chains.len() < driven.load.connections {
        return Err(format!("only {} refresh tokens are left", chains.len()));
    }
    let make = |(mut refresher, mut token): (Refresher, String)| {
        Box::new(move || {
            token = refresher.refresh(&token)?;
            Ok(Progress::Done)
        }) as Worker
    };
    Ok(make_refreshers(driven)?.into_iter().zip(chains).map(make).collect())
}

/// Refreshes each of these tokens once, in their order.
pub(super) fn refresh_each(driven: &Driven<'_>, tokens: Vec<String>) -> Result<Vec<Worker>, String> {
    if tokens.is_empty() {
        return Err("there are no old refresh tokens".into());
    }
    let (tokens, next) = (Arc::new(tokens), Arc::new(AtomicUsize::new(0)));
    let make = |mut refresher: Refresher| {
        let (tokens, next) = (tokens.clone(), next.clone());
        Box::new(move || {
            let Some(token) = tokens.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(Progress::NothingLeft);
            };
            refresher.refresh(token).map(|_| Progress::Done)
        }) as Worker
    };
    Ok(make_refreshers(driven)?.into_iter().map(make).collect())
}

/// A connection on which tokens are refreshed.
struct Refresher {
    conn: Conn,
    host: String,
    path: String,
    headers: Vec<Header>,
    tail: String,
}

fn make_refreshers(driven: &Driven<'_>) -> Result<Vec<Refresher>, String> {
    let target = driven.target;
    let client = target.code.as_ref().ok_or("no client with refresh tokens")?;
    let (host, path) = split_url(&target.endpoints.token).ok_or("no token endpoint")?;
    let mut headers = target.headers.clone();
    let mut tail = String::new();
    add_client(client, &mut headers, &mut tail);
    let make = |_| Refresher {
        conn: Conn::new(&host),
        host: host.clone(),
        path: path.clone(),
        headers: headers.clone(),
        tail: tail.clone(),
    };
    Ok((0..driven.load.connections).map(make).collect())
}

impl Refresher {
    /// Gives the token that takes the place of this one.
    fn refresh(&mut self, token: &str) -> Result<String, String> {
        let body = format!("grant_type=refresh_token&refresh_token={}{}", encode(token), self.tail);
        let request = write_request("POST", (&self.host, &self.path), &self.headers, Some(&body));
        let response = self.conn.send(&request).map_err(|error| error.to_string())?;
        if response.status != 200 {
            return Err(response.clip());
        }
        let next = find_member(&response.body, "refresh_token");
        next.ok_or_else(|| format!("no new refresh token: {}", response.clip()))
    }
}
