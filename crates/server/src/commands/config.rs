//! `gatepost config`: what is set, where it came from, and what it all means.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::settings::schema::{Kind, trace_kind};
use crate::settings::{
    Loaded, Origin, Settings, Sources, layers, load_settings, read_environment, write_configuration,
};

/// `gatepost config …`
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Show the effective settings, secrets hidden, and where each came from
    Check {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Print docs/configuration.md
    Document,
}

/// Runs the command and gives the exit status: 0, or 2 when settings are wrong.
pub(crate) fn run_config(args: ConfigArgs, config_file: Option<PathBuf>, dev: bool) -> i32 {
    match args.command {
        ConfigCommand::Document => print_text(&write_configuration()),
        ConfigCommand::Check { json } => check_config(config_file, dev, json),
    }
}

fn check_config(config_file: Option<PathBuf>, dev: bool, json: bool) -> i32 {
    match load_settings(Sources { config_file, env: read_environment(), dev }) {
        Ok(loaded) if json => print_text(&format!("{}\n", describe_json(&loaded))),
        Ok(loaded) => {
            let status = print_text(&describe_text(&loaded));
            eprint!("{}", describe_findings(&loaded));
            status
        }
        Err(faults) => {
            if json {
                eprintln!("{}", faults.to_json());
            } else {
                // without the hint to run this very command
                eprintln!("{}\nOnly having a look? gatepost serve --dev", faults.to_list());
            }
            2
        }
    }
}

/// Prints to stdout; a reader that went away, such as `head`, is no failure of ours but no success either.
fn print_text(text: &str) -> i32 {
    let mut out = std::io::stdout().lock();
    i32::from(out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err())
}

/// One effective value.
struct Row {
    key: String,
    value: Value,
    origin: Option<Origin>,
}

/// Every value in the order of the structs; secrets are hidden by their own way of being written.
fn list_rows(loaded: &Loaded) -> Vec<Row> {
    let schema = trace_kind::<Settings>().unwrap_or(Kind::Text);
    let values = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let mut rows = Vec::new();
    collect_rows(&schema, &values, "", loaded, &mut rows);
    rows
}

fn collect_rows(kind: &Kind, value: &Value, at: &str, loaded: &Loaded, rows: &mut Vec<Row>) {
    for (name, field) in kind.fields() {
        let key = layers::join_key(at, name);
        let value = value.get(*name).cloned().unwrap_or_default();
        if let (Some(element_kind), Value::Array(elements)) = (field.element_table(), &value) {
            let id_field = element_kind.fields().first().map_or("", |(id, _)| *id);
            for (index, element) in elements.iter().enumerate() {
                let id = element.get(id_field).and_then(Value::as_str).unwrap_or_default();
                collect_rows(element_kind, element, &layers::name_element(&key, index, id), loaded, rows);
            }
        } else if field.fields().is_empty() {
            let origin = loaded.origins.get(&key).filter(|origin| **origin != Origin::Default).cloned();
            rows.push(Row { key, value, origin });
        } else {
            collect_rows(field, &value, &key, loaded, rows);
        }
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".into(),
        Value::String(text) if text.is_empty() => "(not set)".into(),
        // it goes to a terminal, so no control characters
        Value::String(text) => text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        Value::Array(values) if values.is_empty() => "(none)".into(),
        Value::Array(values) => values.iter().map(show_value).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn describe_text(loaded: &Loaded) -> String {
    let rows: Vec<_> = list_rows(loaded).into_iter().map(|row| (row.key, show_value(&row.value), row.origin)).collect();
    let width = |len: fn(&(String, String, Option<Origin>)) -> usize| rows.iter().map(len).max().unwrap_or(0).min(48);
    let (keys, values) = (width(|row| row.0.chars().count()), width(|row| row.1.chars().count()));
    let lines = rows.iter().map(|(key, value, origin)| {
        let origin = origin.as_ref().map(|origin| format!("  {origin}")).unwrap_or_default();
        format!("{}\n", format!("{key:keys$}  {value:values$}{origin}").trim_end())
    });
    lines.collect()
}

fn describe_findings(loaded: &Loaded) -> String {
    let set = loaded.origins.values().filter(|origin| !matches!(origin, Origin::Default | Origin::Development)).count();
    let warnings: String = loaded.warnings.iter().map(|warning| format!("warning  {warning}\n")).collect();
    let count = match loaded.warnings.len() {
        0 => "no warning".into(),
        1 => "1 warning".into(),
        n => format!("{n} warnings"),
    };
    format!("\n{warnings}{set} set, 0 unknown, {count}\n")
}

fn describe_json(loaded: &Loaded) -> Value {
    let rows = list_rows(loaded).into_iter().map(|row| {
        let origin = row.origin.map_or_else(|| "default".to_owned(), |origin| origin.to_string());
        (row.key, json!({ "value": row.value, "from": origin }))
    });
    json!({ "settings": rows.collect::<Map<_, _>>(), "warnings": loaded.warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_shows_origins_and_hides_secrets() {
        let key = "00112233445566778899aabbccddeeff".repeat(2);
        let env = [
            ("GATEPOST__SECURITY__MASTER_KEY", key.as_str()),
            ("GATEPOST__DATABASE__URL", "postgres://ada:opensesame@db.example/gp"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let loaded = load_settings(Sources { config_file: None, env, dev: true }).expect("good settings");
        let (text, json) = (describe_text(&loaded), describe_json(&loaded).to_string());
        for printed in [&text, &json] {
            assert!(!printed.contains(&key) && !printed.contains("opensesame"), "{printed}");
            assert!(printed.contains("(set)") && printed.contains("postgres://db.example/gp"), "{printed}");
        }
        let line = text.lines().find(|line| line.starts_with("security.master_key ")).expect("a line");
        assert!(line.ends_with("  GATEPOST__SECURITY__MASTER_KEY"), "{line}");
        assert!(text.lines().any(|line| line.starts_with("signup.mode ") && line.ends_with("  development")), "{text}");
        assert!(describe_findings(&loaded).contains("2 set, 0 unknown, no warning"), "{}", describe_findings(&loaded));
    }
}
