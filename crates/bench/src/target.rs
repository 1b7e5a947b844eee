//! The description of one server under test: read from a JSON file by `drive`, made by `run`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fill::Filled;
use crate::ops::Op;
use crate::wire::Header;

/// A client of the server under test.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// `basic`, `post`, or anything else for a public client
    pub(crate) auth: String,
    pub(crate) scope: String,
    pub(crate) redirect_uri: String,
    /// further form or query parameters, already encoded, such as `resource=…`
    pub(crate) extra: String,
}

/// A program to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Program {
    pub(crate) cmd: Vec<String>,
    pub(crate) cwd: String,
    pub(crate) env: BTreeMap<String, String>,
}

/// One request of a login that redirects alone do not finish.
///
/// `{name}` in address, headers and body stands for `state`, `nonce`, `challenge`, `client_id`, `redirect_uri`,
/// `scope`, and what an earlier step took; `{name:q}` is the same, percent-encoded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Option<String>,
    /// name to (text before, text after) in the body of the answer
    pub(crate) take: BTreeMap<String, (String, String)>,
}

/// Where the operations go; what is empty comes from the discovery document.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoints {
    pub(crate) token: String,
    pub(crate) introspection: String,
    pub(crate) authorization: String,
    pub(crate) userinfo: String,
}

/// A counter in the text format of Prometheus.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Counter {
    pub(crate) url: String,
    pub(crate) name: String,
}

/// One server under test.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) about: String,
    /// resets the server's data, before each round
    pub(crate) prepare: Option<Program>,
    /// the server; absent when somebody else started it, whose pid may then be in `PID_<name>`
    pub(crate) start: Option<Program>,
    /// asked again and again until it answers 200
    pub(crate) ready_url: String,
    /// true: `ready_url` is a discovery document that names the endpoints (RFC 8414)
    pub(crate) discovery: bool,
    pub(crate) endpoints: Endpoints,
    /// prints a JSON object with any of the keys that [`Target::absorb`] takes
    pub(crate) setup: Option<Program>,
    /// issues tokens by client_credentials
    pub(crate) cc: Option<Client>,
    /// authenticates introspection; `cc` where absent
    pub(crate) resource: Option<Client>,
    /// the authorization-code client
    pub(crate) code: Option<Client>,
    /// introspection is authenticated by this Authorization header instead
    pub(crate) introspect_authorization: Option<String>,
    /// Cookie headers of signed-in people, one for each connection
    pub(crate) sessions: Vec<String>,
    pub(crate) access_tokens: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) authorize_headers: Vec<Header>,
    /// each connection of an authorization says in X-Forwarded-For that it is another address, as behind a proxy
    pub(crate) forwarded: bool,
    /// sent with every request
    pub(crate) headers: Vec<Header>,
    /// a file whose first line is the pid of a database server that counts beside the server itself
    pub(crate) db_pid_file: Option<String>,
    /// counts the commits that reached the disk
    pub(crate) commits: Option<Counter>,
    /// only these operations; empty: all
    pub(crate) ops: Vec<Op>,
    /// the database was filled by this program, which therefore knows its tokens
    pub(crate) filled: Option<Filled>,
    /// most distinct tokens to gather, for a slow issuer; 0: as many as the command line says
    pub(crate) max_tokens: usize,
    #[serde(skip)]
    pub(crate) db_pid: Option<i32>,
}

impl Target {
    /// Completes the description by what a set-up printed.
    pub(crate) fn absorb(&mut self, printed: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(printed.trim()).map_err(|error| format!("set-up output: {error}"))?;
        let Value::Object(members) = value else { return Err("the set-up did not print an object".into()) };
        for (key, value) in members {
            let taken = match key.as_str() {
                "sessions" => serde_json::from_value(value).map(|value| self.sessions = value),
                "access_tokens" => serde_json::from_value(value).map(|value| self.access_tokens = value),
                "cc" => serde_json::from_value(value).map(|value| self.cc = value),
                "resource" => serde_json::from_value(value).map(|value| self.resource = value),
                "code" => serde_json::from_value(value).map(|value| self.code = value),
                "endpoints" => serde_json::from_value(value).map(|value| self.endpoints = value),
                "steps" => serde_json::from_value(value).map(|value| self.steps = value),
                "introspect_authorization" => {
                    serde_json::from_value(value).map(|value| self.introspect_authorization = value)
                }
                _ => return Err(format!("the set-up printed an unknown key {key:?}")),
            };
            taken.map_err(|error| format!("{key} of the set-up: {error}"))?;
        }
        Ok(())
    }

    /// The pid of a server that somebody else started, from the environment.
    pub(crate) fn find_foreign_pid(&self) -> Option<i32> {
        std::env::var(format!("PID_{}", self.name.replace('-', "_"))).ok()?.parse().ok()
    }
}
