//! The authorization-code operation: authorize in a session that is alive, then the token request with PKCE.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::{Driven, Progress, Tokens, Worker, add_client, draw_text, lock};
use crate::http::{Conn, Response};
use crate::jar::Jar;
use crate::target::{Client, Step, Target};
use crate::wire::{Header, decode, encode, find_member, origin_of, split_url, write_request};

/// Redirects on the server's own origin that are followed before the one to the client.
const MOST_REDIRECTS: usize = 8;

/// One connection for each session, at most as many as are asked for.
pub(super) fn exchange_codes(
    driven: &Driven<'_>,
    user_tokens: &Tokens,
    refresh_tokens: &Tokens,
) -> Result<Vec<Worker>, String> {
    let target = driven.target;
    let client = target.code.as_ref().ok_or("no authorization-code client")?;
    if target.sessions.is_empty() {
        return Err("there are no sessions".into());
    }
    let (host, _) = split_url(&target.endpoints.authorization).ok_or("no authorization endpoint")?;
    let make = |(index, session): (usize, &String)| {
        let mut headers = target.headers.clone();
        if target.forwarded {
            headers.push(("X-Forwarded-For".into(), format!("10.0.{}.{}", index / 250, index % 250 + 1)));
        }
        let mut flow = CodeFlow {
            target: target.clone(),
            client: client.clone(),
            conn: Conn::new(&host),
            jar: Jar::parse(session),
            headers,
        };
        let (user_tokens, refresh_tokens) = (user_tokens.clone(), refresh_tokens.clone());
        Box::new(move || {
            let (access, refresh) = flow.run()?;
            lock(&user_tokens).push(access);
            lock(&refresh_tokens).extend(refresh);
            Ok(Progress::Done)
        }) as Worker
    };
    Ok(target.sessions.iter().take(driven.load.connections).enumerate().map(make).collect())
}

/// One browser with its session.
struct CodeFlow {
    target: Target,
    client: Client,
    conn: Conn,
    jar: Jar,
    headers: Vec<Header>,
}

impl CodeFlow {
    /// Gives the access token and, if there is one, the refresh token.
    fn run(&mut self) -> Result<(String, Option<String>), String> {
        let verifier = draw_text(32);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let code =
            if self.target.steps.is_empty() { self.authorize(&challenge)? } else { self.take_steps(&challenge)? };
        let mut body = format!(
            "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={verifier}",
            encode(&code),
            encode(&self.client.redirect_uri)
        );
        let mut headers = self.target.headers.clone();
        add_client(&self.client, &mut headers, &mut body);
        let (host, path) = split_url(&self.target.endpoints.token).ok_or("no token endpoint")?;
        let request = write_request("POST", (&host, &path), &headers, Some(&body));
        let response = self.conn.send(&request).map_err(|error| error.to_string())?;
        let access = (response.status == 200).then(|| find_member(&response.body, "access_token")).flatten();
        let access = access.ok_or_else(|| format!("token: {}", response.clip()))?;
        Ok((access, find_member(&response.body, "refresh_token")))
    }

    fn send(&mut self, method: &str, url: &str, more: &[Header], body: Option<&str>) -> Result<Response, String> {
        let (host, path) = split_url(url).ok_or_else(|| format!("not an http:// address: {url:?}"))?;
        let mut headers = [more, &self.headers].concat();
        let cookies = self.jar.to_header();
        if !cookies.is_empty() {
            headers.push(("Cookie".into(), cookies));
        }
        let request = write_request(method, (&host, &path), &headers, body);
        let response = self.conn.send(&request).map_err(|error| error.to_string())?;
        self.jar.absorb(&response);
        Ok(response)
    }

    /// The code of a redirect to the client; nothing when the redirect goes elsewhere.
    fn find_code(&self, location: &str) -> Option<Result<String, String>> {
        let query = location.strip_prefix(&self.client.redirect_uri)?.split_once('?')?.1;
        let query = query.split('#').next().unwrap_or_default();
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        Some(code.map(decode).ok_or_else(|| format!("no code: {location}")))
    }

    /// Follows redirects on the server's own origin up to the one to the client.
    fn authorize(&mut self, challenge: &str) -> Result<String, String> {
        let (endpoint, client) = (&self.target.endpoints.authorization, &self.client);
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let mut url = format!(
            "{endpoint}{separator}response_type=code&client_id={}&redirect_uri={}&scope={}&state={}&nonce={}\
             &code_challenge={challenge}&code_challenge_method=S256",
            encode(&client.id),
            encode(&client.redirect_uri),
            encode(&client.scope),
            draw_text(12),
            draw_text(12),
        );
        if !client.extra.is_empty() {
            url.push_str(&format!("&{}", client.extra));
        }
        let origin = origin_of(&url).to_string();
        let more = self.target.authorize_headers.clone();
        for _ in 0..MOST_REDIRECTS {
            let response = self.send("GET", &url, &more, None)?;
            let location = response.header("location").ok_or_else(|| format!("authorize: {}", response.clip()))?;
            if let Some(code) = self.find_code(&location) {
                return code;
            }
            url = if location.starts_with('/') { format!("{origin}{location}") } else { location };
        }
        Err("authorize: too many redirects".into())
    }

    fn take_steps(&mut self, challenge: &str) -> Result<String, String> {
        let client = &self.client;
        let mut variables: Vec<(String, String)> = vec![
            ("state".into(), draw_text(12)),
            ("nonce".into(), draw_text(12)),
            ("challenge".into(), challenge.into()),
            ("client_id".into(), client.id.clone()),
            ("redirect_uri".into(), client.redirect_uri.clone()),
            ("scope".into(), client.scope.clone()),
        ];
        let mut code = None;
        for step in self.target.steps.clone() {
            let response = self.take_step(&step, &mut variables)?;
            match response.header("location") {
                Some(location) => code = self.find_code(&location).transpose()?.or(code),
                None if response.status >= 400 => return Err(format!("step {}: {}", step.url, response.clip())),
                None => {}
            }
        }
        code.ok_or_else(|| "no code after the last step".into())
    }

    fn take_step(&mut self, step: &Step, variables: &mut Vec<(String, String)>) -> Result<Response, String> {
        let fill = |text: &str| {
            variables.iter().fold(text.to_string(), |text, (name, value)| {
                text.replace(&format!("{{{name}:q}}"), &encode(value)).replace(&format!("{{{name}}}"), value)
            })
        };
        let headers: Vec<Header> = step.headers.iter().map(|(name, value)| (name.clone(), fill(value))).collect();
        let (url, body) = (fill(&step.url), step.body.as_deref().map(fill));
        let response = self.send(&step.method, &url, &headers, body.as_deref())?;
        let text = response.text();
        for (name, (before, after)) in &step.take {
            let found = text.split_once(before.as_str()).and_then(|(_, rest)| rest.split_once(after.as_str()));
            let (value, _) = found.ok_or_else(|| format!("step {}: no {name}: {}", step.url, response.clip()))?;
            variables.push((name.clone(), value.to_string()));
        }
        drop(text);
        Ok(response)
    }
}
