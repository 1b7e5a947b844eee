//! Settings: `config/default.toml` < what `--dev` changes < `--config FILE` < variables < files that variables name.
//!
//! Every fault is found in one pass and reported together. What is weaker than the default is a warning with its name; what is
//! weaker than the floor is a fault outside development.

mod check_declared;
mod checker;
pub(crate) mod declared;
pub(crate) mod document;
pub(crate) mod faults;
pub(crate) mod layers;
pub(crate) mod mail;
pub(crate) mod schema;
pub(crate) mod sections;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_declared;
pub(crate) mod types;
mod validate;

use std::path::PathBuf;

pub(crate) use faults::Faults;
pub(crate) use layers::{Origin, Origins};
pub(crate) use sections::*;

use layers::Layers;
use schema::{Kind, trace_kind};

/// Every key with its default and meaning.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// What `--dev` changes: its own data folder, anybody may sign up, metrics at hand, letters on the terminal, and no waiting at the end.
const DEVELOPMENT: &str = r#"
server.shutdown_delay = 0
database.url = "sqlite:gatepost-dev/gatepost.db"
security.master_key_path = "gatepost-dev/master.key"
signup.mode = "open"
observability.metrics = "main"
mail.smtp_url = "print:"
"#;

/// Where settings are read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `--config FILE`
    pub(crate) config_file: Option<PathBuf>,
    /// variables by name; those without the prefix are ignored
    pub(crate) env: Vec<(String, String)>,
    /// development mode: loopback only, floors are warnings
    pub(crate) dev: bool,
}

/// Settings that passed every check.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// the effective values
    pub(crate) settings: Settings,
    /// what is weaker than it could be, each beginning with its key; none keeps Gatepost from starting
    pub(crate) warnings: Vec<String>,
    /// where each value came from
    pub(crate) origins: Origins,
}

/// The variables of this process that are settings; text that is not UTF-8 becomes a fault later, not a panic.
pub(crate) fn read_environment() -> Vec<(String, String)> {
    let all = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
    all.filter(|(name, _)| name.starts_with(layers::ENV_PREFIX)).collect()
}

/// Reads and checks all settings; the error has every fault at once.
pub(crate) fn load_settings(source: Sources) -> Result<Loaded, Faults> {
    let mut setup = Faults::default();
    let schema = trace_kind::<Settings>().map_err(|error| {
        setup.push("settings", error.to_string());
        setup
    })?;
    let mut layers = Layers::new(&schema);
    layers.add_text("config/default.toml", DEFAULTS, &Origin::Default);
    if source.dev {
        layers.add_text("development", DEVELOPMENT, &Origin::Development);
    }
    if let Some(path) = &source.config_file {
        layers.add_file(path);
    }
    layers.add_variables(&source.env);
    let Layers { mut values, origins, mut faults, .. } = layers;
    drop_unset(&mut values, &schema);
    let mut settings: Settings = match toml::Value::Table(values).try_into() {
        Ok(settings) => settings,
        Err(error) => {
            faults.push("settings", error.message());
            return Err(faults);
        }
    };
    let mut checker = checker::Checker { dev: source.dev, origins: &origins, faults, warnings: Vec::new() };
    validate::check_settings(&mut checker, &mut settings);
    let checker::Checker { faults, warnings, .. } = checker;
    if faults.is_empty() { Ok(Loaded { settings, warnings, origins }) } else { Err(faults) }
}

/// `docs/configuration.md` as it must be.
pub(crate) fn write_configuration() -> String {
    document::write_document(DEFAULTS, DEVELOPMENT)
}

/// Takes out optional keys that are `""`, so that they are read as `None`.
fn drop_unset(values: &mut toml::Table, kind: &Kind) {
    values.retain(|name, value| {
        let field = kind.field(name);
        !(matches!(field, Some(Kind::Optional(_))) && value.as_str() == Some(""))
    });
    for (name, value) in values.iter_mut() {
        let Some(field) = kind.field(name) else { continue };
        match value {
            toml::Value::Table(inner) => drop_unset(inner, field),
            toml::Value::Array(elements) => {
                let Some(element_kind) = field.element_table() else { continue };
                for inner in elements.iter_mut().filter_map(toml::Value::as_table_mut) {
                    drop_unset(inner, element_kind);
                }
            }
            _ => {}
        }
    }
}
