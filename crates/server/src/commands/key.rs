//! `gatepost key`: the keys that sign.

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use gatepost_engine::kernel::signing::SigningAlg;
use gatepost_engine::signing_keys::{self, KeyState};
use serde_json::json;

use super::admin::{Operator, finish};
use super::output::{Output, Problem, format_facts, format_span, format_table, format_time};
use crate::settings::Settings;

/// `gatepost key …`
#[derive(Args, Debug)]
#[command(before_help = "Examples:\n  gatepost key list\n  gatepost key rotate --alg ES256")]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand, Debug)]
enum KeyCommand {
    /// List the signing keys and what each does now
    List,
    /// Make a new signing key in the place of the current one
    ///
    /// It is published at once and signs a day later, when every cache of the public keys has it. The old key then
    /// stops signing and stays published until what it signed has ended.
    Rotate {
        /// The algorithm whose key is replaced
        #[arg(long, value_enum, default_value_t = Alg::Es256, ignore_case = true)]
        alg: Alg,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Alg {
    #[value(name = "ES256")]
    Es256,
    #[value(name = "RS256")]
    Rs256,
}

/// Runs the command and gives the exit status: 0, 1 failed.
pub(crate) async fn run_key(args: KeyArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.command {
        KeyCommand::List => list_keys(settings, style).await,
        KeyCommand::Rotate { alg: Alg::Es256 } => rotate(settings, style, SigningAlg::Es256).await,
        KeyCommand::Rotate { alg: Alg::Rs256 } => rotate(settings, style, SigningAlg::Rs256).await,
    };
    finish(style, result)
}

async fn list_keys(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let states = operator.read(signing_keys::list_key_states).await?;
    if style.json {
        return Ok(style.print_json(&json!(states)));
    }
    let rows: Vec<_> = states.iter().map(describe_key).collect();
    Ok(style.print(&format_table(&["KEY ID", "ALG", "STATE", "SIGNS FROM", "UNTIL"], &rows)))
}

fn describe_key(key: &KeyState) -> Vec<String> {
    let until = key.retired_at.map_or_else(String::new, format_time);
    vec![key.kid.clone(), key.alg.clone(), key.state.to_owned(), format_time(key.active_from), until]
}

async fn rotate(settings: &Settings, style: &Output, alg: SigningAlg) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    if alg == SigningAlg::Rs256 {
        style.note(&"Looking for an RSA key; nothing is changed until it is found…");
    }
    // takes a while: before the transaction, not inside
    let key = Arc::new(signing_keys::make_key(&operator.call(), alg)?);
    let fresh = Arc::clone(&key);
    let kid = operator.write(move |call, tx| signing_keys::rotate_key(call, tx, &fresh)).await?;
    let call = operator.call();
    let ahead = call.policy().key_publish_ahead;
    let active_from = call.now + ahead;
    if style.json {
        return Ok(style.print_json(&json!({ "kid": kid, "alg": alg.as_str(), "active_from": active_from })));
    }
    style.tell_done(&format_args!("Made a new {} key", alg.as_str()));
    let from = format!("{} (in {})", format_time(active_from), format_span(ahead));
    Ok(style.print(&format_facts(&[
        ("key id", kid),
        ("published", "now".into()),
        ("signs from", from),
        ("old key", "signs until then, and stays published until what it signed has ended".into()),
    ])))
}
