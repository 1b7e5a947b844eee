//! What is wrong with the settings, gathered so that one look is enough.

use std::fmt;

/// One setting that keeps Gatepost from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Dotted key such as `server.public_url`, or the name of a variable or file that is itself wrong.
    pub(crate) key: String,
    /// A sentence without the values of secrets.
    pub(crate) problem: String,
}

/// Everything that is wrong; its `Display` is what the person at the terminal reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault, unless the key (or the table that holds it) has one: the first is the cause.
    pub(crate) fn push(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        let key = key.into();
        if !self.covers(&key) {
            self.0.push(Fault { key, problem: problem.into() });
        }
    }

    /// Whether this key, or a table around it, is known to be wrong.
    pub(crate) fn covers(&self, key: &str) -> bool {
        self.0.iter().any(|fault| {
            key.strip_prefix(fault.key.as_str())
                .is_some_and(|rest| matches!(rest.chars().next(), None | Some('.' | '[')))
        })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first line, without `error:`.
    pub(crate) fn headline(&self) -> String {
        match self.0.len() {
            1 => "1 setting needs you before Gatepost can start".into(),
            n => format!("{n} settings need you before Gatepost can start"),
        }
    }

    /// The headline, and one line for each fault.
    pub(crate) fn to_list(&self) -> String {
        let width = self.0.iter().map(|fault| fault.key.chars().count()).max().unwrap_or(0);
        let lines = self.0.iter().map(|fault| format!("  {:width$}  {}\n", fault.key, fault.problem));
        format!("error: {}\n\n{}", self.headline(), lines.collect::<String>())
    }

    /// What a refused start says; `program` is how the command was called, so that its hints can be pasted.
    pub(crate) fn to_transcript(&self, program: &str) -> String {
        let list = self.to_list();
        format!("{list}\nTry: {program} config check        Only having a look? {program} serve --dev")
    }

    /// The document that `--json` prints on stderr.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let list: Vec<_> =
            self.0.iter().map(|fault| serde_json::json!({ "key": fault.key, "problem": fault.problem })).collect();
        serde_json::json!({
            "error": { "code": "settings", "message": self.headline(), "hint": "gatepost config check", "settings": list }
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_transcript("gatepost"))
    }
}

impl std::error::Error for Faults {}

/// `; did you mean X?` when a known word is close, else nothing.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let scored = known.into_iter().map(|candidate| (strsim::jaro_winkler(word, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score >= 0.8)
        .map(|(_, candidate)| format!("; did you mean {candidate}?"))
        .unwrap_or_default()
}
