//! Operations that ask about a token: introspection and userinfo.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Driven, Progress, Worker, add_client};
use crate::http::Conn;
use crate::wire::{find_member, says_active, split_url, write_request};

/// What is asked about tokens.
#[derive(Clone, Copy)]
pub(super) struct Question {
    /// whether they are good
    pub(super) active: bool,
    /// each is asked about once, and when there are no more of them it is over; otherwise in turn for ever
    pub(super) once: bool,
}

/// Introspects the tokens (RFC 7662 §2.1); an answer counts only if it says what it should.
pub(super) fn introspect_tokens(
    driven: &Driven<'_>,
    tokens: Vec<String>,
    Question { active, once }: Question,
) -> Result<Vec<Worker>, String> {
    let target = driven.target;
    let (host, path) = split_url(&target.endpoints.introspection).ok_or("no introspection endpoint")?;
    if tokens.is_empty() {
        return Err("there are no tokens".into());
    }
    let mut headers = target.headers.clone();
    let mut tail = String::new();
    if let Some(authorization) = &target.introspect_authorization {
        headers.push(("Authorization".into(), authorization.clone()));
    } else if let Some(client) = target.resource.as_ref().or(target.cc.as_ref()) {
        add_client(client, &mut headers, &mut tail);
    }
    let (tokens, next) = (Arc::new(tokens), Arc::new(AtomicUsize::new(0)));
    let make = |_| {
        let (mut conn, host, path) = (Conn::new(&host), host.clone(), path.clone());
        let (headers, tail, tokens, next) = (headers.clone(), tail.clone(), tokens.clone(), next.clone());
        Box::new(move || {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if once && turn >= tokens.len() {
                return Ok(Progress::NothingLeft);
            }
            let token = &tokens[turn % tokens.len()];
            let body = format!("token={token}&token_type_hint=access_token{tail}");
            let request = write_request("POST", (&host, &path), &headers, Some(&body));
            let response = conn.send(&request).map_err(|error| error.to_string())?;
            let right = response.status == 200 && says_active(&response.body, active);
            if right { Ok(Progress::Done) } else { Err(response.clip()) }
        }) as Worker
    };
    Ok((0..driven.load.connections).map(make).collect())
}

/// Asks userinfo with the tokens in turn (OpenID Connect Core §5.3).
pub(super) fn ask_userinfo(driven: &Driven<'_>, tokens: Vec<String>) -> Result<Vec<Worker>, String> {
    let target = driven.target;
    let (host, path) = split_url(&target.endpoints.userinfo).ok_or("no userinfo endpoint")?;
    if tokens.is_empty() {
        return Err("there are no tokens of people".into());
    }
    let (tokens, next) = (Arc::new(tokens), Arc::new(AtomicUsize::new(0)));
    let make = |_| {
        let (mut conn, host, path) = (Conn::new(&host), host.clone(), path.clone());
        let (base, tokens, next) = (target.headers.clone(), tokens.clone(), next.clone());
        Box::new(move || {
            let token = &tokens[next.fetch_add(1, Ordering::Relaxed) % tokens.len()];
            let mut headers = base.clone();
            headers.push(("Authorization".into(), format!("Bearer {token}")));
            let request = write_request("GET", (&host, &path), &headers, None);
            let response = conn.send(&request).map_err(|error| error.to_string())?;
            let right = response.status == 200 && find_member(&response.body, "sub").is_some();
            if right { Ok(Progress::Done) } else { Err(response.clip()) }
        }) as Worker
    };
    Ok((0..driven.load.connections).map(make).collect())
}
