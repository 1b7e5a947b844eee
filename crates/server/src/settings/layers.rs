//! From default.toml, a file and variables to one table of values, each with the place it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use super::faults::{Faults, did_you_mean};
use super::mail::MailServer;
use super::schema::{Kind, check_value};
use super::types::{Database, FromSetting};

/// Prefix of every variable that is a setting.
pub(crate) const ENV_PREFIX: &str = "GATEPOST__";

/// Largest file of one secret in bytes: a slip that names a huge file must not fill the memory.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `config/default.toml`
    Default,
    /// what `--dev` changes
    Development,
    /// the file of `--config`
    File(String),
    /// a variable, by name
    Variable(String),
    /// a file that a variable or a `…_file` key names
    SecretFile(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Development => f.write_str("development"),
            Self::File(name) | Self::Variable(name) => f.write_str(name),
            Self::SecretFile(name) => write!(f, "the file named by {name}"),
        }
    }
}

/// Origin of every key, dotted; elements of lists of tables are named by their id.
pub(crate) type Origins = BTreeMap<String, Origin>;

/// The layers so far.
pub(crate) struct Layers<'a> {
    schema: &'a Kind,
    /// The strongest value of each key; every one has the type that the schema asks for.
    pub(crate) values: Table,
    /// Where each came from.
    pub(crate) origins: Origins,
    /// What was wrong on the way; wrong values are left out.
    pub(crate) faults: Faults,
}

impl<'a> Layers<'a> {
    /// No layer yet.
    pub(crate) fn new(schema: &'a Kind) -> Self {
        Self { schema, values: Table::new(), origins: Origins::new(), faults: Faults::default() }
    }

    /// Adds a TOML text; `name` stands for it in messages.
    pub(crate) fn add_text(&mut self, name: &str, text: &str, origin: &Origin) {
        match text.parse::<Table>() {
            Ok(table) => {
                let mut values = std::mem::take(&mut self.values);
                self.merge_table(&mut values, self.schema, table, "", origin);
                self.values = values;
            }
            // only the message: the error's own Display quotes the line, which may hold a secret
            Err(error) => {
                let line =
                    error.span().map_or(0, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
                self.faults.push(
                    format!("{name}, line {line}"),
                    format!("is not TOML: {}", error.message().replace('\n', ", ")),
                );
            }
        }
    }

    /// Adds the file of `--config`.
    pub(crate) fn add_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(&name, &text, &Origin::File(name.clone())),
            Err(error) => self.faults.push(name, format!("cannot be read: {error}")),
        }
    }

    fn merge_table(&mut self, target: &mut Table, kind: &Kind, source: Table, at: &str, origin: &Origin) {
        for (name, value) in source {
            let key = join_key(at, &name);
            match kind.field(&name) {
                Some(field) => self.merge_value(target, (name, field), value, &key, origin),
                None => match secret_file_field(kind, &name, "_file") {
                    Some((base, field)) => {
                        let content = match check_value(&Kind::Text, &value) {
                            Ok(()) => read_secret_file(value.as_str().unwrap_or_default()),
                            Err(problem) => Err(problem),
                        };
                        match content {
                            // a …_file key beats the plain one, whichever stands first
                            Ok(content) => self.put_leaf(
                                target,
                                (base, field),
                                Value::String(content),
                                (&join_key(at, base), &Origin::SecretFile(key.clone())),
                            ),
                            Err(problem) => self.faults.push(key, problem),
                        }
                    }
                    None => self.push_unknown(kind, at, &name),
                },
            }
        }
    }

    fn merge_value(
        &mut self,
        target: &mut Table,
        (name, field): (String, &Kind),
        value: Value,
        key: &str,
        origin: &Origin,
    ) {
        match (field.required(), value) {
            (table @ Kind::Table(_), Value::Table(inner)) => {
                let slot = target.entry(name).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(slot) = slot {
                    self.merge_table(slot, table, inner, key, origin);
                }
            }
            (Kind::Table(_), _) => self.faults.push(key, format!("is a section; write [{key}] and its settings below")),
            (list, Value::Array(elements)) if list.element_table().is_some() => {
                let element_kind = list.element_table().unwrap_or(list);
                self.origins
                    .retain(|known, _| !known.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '['])));
                let merged = elements
                    .into_iter()
                    .enumerate()
                    .map(|(index, element)| self.merge_element(element_kind, element, (key, index), origin));
                let merged: Vec<Value> = merged.collect();
                target.insert(name, Value::Array(merged));
            }
            (list, _) if list.element_table().is_some() => {
                self.faults.push(key, format!("is a list; write [[{key}]] for each entry"))
            }
            (_, value) => {
                // the file's own …_file key beats the plain one, whichever stands first
                let overruled = matches!(self.origins.get(key), Some(Origin::SecretFile(_)));
                if !overruled {
                    self.put_leaf(target, (&name, field), value, (key, origin));
                }
            }
        }
    }

    fn merge_element(&mut self, kind: &Kind, element: Value, (list, index): (&str, usize), origin: &Origin) -> Value {
        let mut merged = Table::new();
        if let Value::Table(element) = element {
            let id =
                kind.fields().first().and_then(|(id, _)| element.get(*id)).and_then(Value::as_str).unwrap_or_default();
            let label = name_element(list, index, id);
            self.merge_table(&mut merged, kind, element, &label, origin);
        } else {
            self.faults.push(name_element(list, index, ""), "needs a table");
        }
        Value::Table(merged)
    }

    fn put_leaf(
        &mut self,
        target: &mut Table,
        (name, kind): (&str, &Kind),
        value: Value,
        (key, origin): (&str, &Origin),
    ) {
        match check_value(kind, &value) {
            Ok(()) => {
                target.insert(name.to_owned(), value);
                self.origins.insert(key.to_owned(), origin.clone());
            }
            Err(problem) => match origin {
                Origin::Variable(_) | Origin::SecretFile(_) => self.faults.push(key, format!("{problem} ({origin})")),
                _ => self.faults.push(key, problem),
            },
        }
    }

    fn push_unknown(&mut self, kind: &Kind, at: &str, name: &str) {
        let known: Vec<String> = kind.fields().iter().map(|(field, _)| join_key(at, field)).collect();
        let key = join_key(at, name);
        let close =
            did_you_mean(&key, known.iter().map(String::as_str).filter(|candidate| is_close(name, candidate, at)));
        let home = kind.fields().iter().find(|(_, section)| at.is_empty() && section.field(name).is_some());
        let home = home.map(|(section, _)| format!("; did you mean {section}.{name}?"));
        self.faults.push(key, format!("unknown{}", home.unwrap_or(close)));
    }

    /// Adds the variables: plain ones first, then those that name files, which are stronger.
    pub(crate) fn add_variables(&mut self, variables: &[(String, String)]) {
        let mut found: Vec<(Vec<&str>, &str, &str)> = variables
            .iter()
            .filter_map(|(name, value)| {
                name.strip_prefix(ENV_PREFIX).map(|rest| (rest.split("__").collect(), name.as_str(), value.as_str()))
            })
            .collect();
        // whole lists before single entries of them
        found.sort_by_key(|(segments, name, _)| (name.ends_with("_FILE"), segments.len()));
        for (segments, name, value) in found {
            if value.contains(char::REPLACEMENT_CHARACTER) {
                self.faults.push(name, "is not valid UTF-8");
            } else {
                self.add_variable(&segments, name, value);
            }
        }
    }

    fn add_variable(&mut self, segments: &[&str], name: &str, raw: &str) {
        let schema = self.schema;
        let mut values = std::mem::take(&mut self.values);
        match segments {
            [list] => match find_field(schema, list).filter(|(_, kind)| kind.element_table().is_some()) {
                Some((key, kind)) => match parse_raw(kind, raw) {
                    Ok(value) => self.merge_value(
                        &mut values,
                        (key.to_owned(), kind),
                        value,
                        key,
                        &Origin::Variable(name.to_owned()),
                    ),
                    Err(problem) => self.faults.push(key, format!("{problem} ({name})")),
                },
                None => self.push_unknown_variable(name),
            },
            [section, key] => match find_field(schema, section).filter(|(_, kind)| matches!(kind, Kind::Table(_))) {
                Some((section, kind)) => {
                    let slot = values.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(slot) = slot {
                        self.add_field_variable(slot, kind, (section, key), (name, raw));
                    }
                }
                None => self.push_unknown_variable(name),
            },
            [list, id, key] => {
                match find_field(schema, list).and_then(|(list, kind)| Some((list, kind.element_table()?))) {
                    Some((list, kind)) => match find_element(&mut values, (list, kind), id) {
                        Some((label, slot)) => self.add_field_variable(slot, kind, (&label, key), (name, raw)),
                        None => self.faults.push(
                            name,
                            format!("names no entry of {list}: an id is written in capitals, every other sign as _"),
                        ),
                    },
                    None => self.push_unknown_variable(name),
                }
            }
            _ => self.push_unknown_variable(name),
        }
        self.values = values;
    }

    fn add_field_variable(
        &mut self,
        slot: &mut Table,
        kind: &Kind,
        (at, key): (&str, &str),
        (name, raw): (&str, &str),
    ) {
        if let Some((field, field_kind)) = find_field(kind, key) {
            let origin = Origin::Variable(name.to_owned());
            match parse_raw(field_kind, raw) {
                Ok(value) => self.put_leaf(slot, (field, field_kind), value, (&join_key(at, field), &origin)),
                Err(problem) => self.faults.push(join_key(at, field), format!("{problem} ({name})")),
            }
        } else if let Some((field, field_kind)) = secret_file_field(kind, key, "_FILE") {
            match read_secret_file(raw) {
                Ok(content) => {
                    let origin = Origin::SecretFile(name.to_owned());
                    self.put_leaf(slot, (field, field_kind), Value::String(content), (&join_key(at, field), &origin));
                }
                Err(problem) => self.faults.push(join_key(at, field), format!("{problem} ({name})")),
            }
        } else {
            self.push_unknown_variable(name);
        }
    }

    fn push_unknown_variable(&mut self, name: &str) {
        let sections = self.schema.fields().iter();
        let known =
            sections.flat_map(|(section, kind)| kind.fields().iter().map(move |(key, _)| name_variable(section, key)));
        let known: Vec<String> = known.collect();
        // the prefix is equal in all of them and would make any two look close
        let rest = name.strip_prefix(ENV_PREFIX).unwrap_or(name).to_uppercase();
        let close = did_you_mean(&rest, known.iter().filter_map(|known| known.strip_prefix(ENV_PREFIX)));
        self.faults.push(name, format!("unknown{}", close.replace("mean ", &format!("mean {ENV_PREFIX}"))));
    }
}

/// `section.key`, or the bare key at the top.
pub(crate) fn join_key(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// The variable of a key.
pub(crate) fn name_variable(section: &str, key: &str) -> String {
    format!("{ENV_PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

/// An entry of a list of tables: `clients.acme-notes`, or `clients[0]` while it has no usable id.
pub(crate) fn name_element(list: &str, index: usize, id: &str) -> String {
    if super::declared::is_plain_id(id) { format!("{list}.{id}") } else { format!("{list}[{index}]") }
}

/// Whether the last parts alone are alike; long equal sections would make any two keys look close.
fn is_close(name: &str, candidate: &str, at: &str) -> bool {
    let last = candidate.get(at.len()..).unwrap_or(candidate).trim_start_matches('.');
    strsim::jaro_winkler(name, last) >= 0.8
}

/// An id as a part of a variable's name.
fn variable_form(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn find_field<'k>(kind: &'k Kind, variable_part: &str) -> Option<(&'static str, &'k Kind)> {
    kind.fields().iter().find(|(name, _)| name.to_uppercase() == variable_part).map(|(name, kind)| (*name, kind))
}

/// The secret that `X_file` is about.
fn secret_file_field<'k>(kind: &'k Kind, name: &str, suffix: &str) -> Option<(&'static str, &'k Kind)> {
    let base = name.strip_suffix(suffix)?.to_lowercase();
    let (field, kind) = kind.fields().iter().find(|(field, _)| *field == base)?;
    may_come_from_file(kind).then_some((*field, kind))
}

/// Secrets, and the addresses of database and mail server, because they can hold a password.
pub(crate) fn may_come_from_file(kind: &Kind) -> bool {
    kind.is_secret() || matches!(*kind.required(), Kind::Named(Database::KIND | MailServer::KIND))
}

fn find_element<'v>(
    values: &'v mut Table,
    (list, kind): (&str, &Kind),
    variable_part: &str,
) -> Option<(String, &'v mut Table)> {
    let (id_field, _) = kind.fields().first()?;
    let elements = values.get_mut(list)?.as_array_mut()?.iter_mut().enumerate();
    let mut named = elements.filter_map(|(index, element)| {
        let element = element.as_table_mut()?;
        let id = element.get(*id_field)?.as_str()?.to_owned();
        (variable_form(&id) == variable_part).then(|| (name_element(list, index, &id), element))
    });
    let first = named.next();
    // two ids that look the same in capitals: neither gets the other's secret
    if named.next().is_some() { None } else { first }
}

/// Reads a variable as the kind of value that its key holds; never quotes it, because it may be a secret.
fn parse_raw(kind: &Kind, raw: &str) -> Result<Value, String> {
    match kind.required() {
        _ if raw.is_empty() && matches!(kind, Kind::Optional(_)) => Ok(Value::String(String::new())),
        Kind::Bool => raw.to_lowercase().parse().map(Value::Boolean).map_err(|_| "needs true or false".into()),
        Kind::Integer(_) => raw.parse().map(Value::Integer).map_err(|_| "needs a whole number".into()),
        Kind::List(element) if !raw.trim_start().starts_with('[') && !matches!(**element, Kind::Table(_)) => {
            let parts = raw.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| parse_raw(element, part)).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Kind::List(_) | Kind::Table(_) => {
            let parsed = format!("value = {raw}").parse::<Table>().ok().filter(|table| table.len() == 1);
            parsed.and_then(|mut table| table.remove("value")).ok_or_else(|| "needs a list as in TOML: [ … ]".into())
        }
        _ => Ok(Value::String(raw.to_owned())),
    }
}

/// The content of a secret's file without the newline at its end.
fn read_secret_file(path: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("{path} cannot be read: {error}");
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_SECRET_FILE {
        return Err(format!("{path} is larger than 64 KiB, so it is no secret"));
    }
    let content = std::fs::read_to_string(path).map_err(unreadable)?;
    let content = content.strip_suffix('\n').unwrap_or(&content);
    let content = content.strip_suffix('\r').unwrap_or(content);
    if content.is_empty() { Err(format!("{path} is empty")) } else { Ok(content.to_owned()) }
}
