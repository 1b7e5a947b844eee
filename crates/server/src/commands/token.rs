//! `gatepost token introspect|revoke`: what an operator asks about a token, and does to it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gatepost_engine::oauth::introspect::{find_live_token, read_presented_token};
use gatepost_engine::oauth::revoke::{Revoked, revoke_as_operator};
use gatepost_protocol::introspect::{IntrospectionResponse, OneOrMany};
use gatepost_protocol::secret::{SecretKind, detect_kind};
use serde_json::json;

use super::admin::{Operator, finish, finish_change};
use super::output::{Output, OutputArgs, Problem, format_facts, format_span, format_time};
use super::prompt::read_secret;
use crate::pages::kit::names::clean_text;
use crate::settings::Settings;

/// `gatepost token introspect|revoke`
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum TokenCommand {
    /// Say what an access token is good for, whichever API it is meant for
    #[command(
        before_help = "Examples:\n  gatepost token introspect < token.txt\n  gatepost token introspect --file token.txt --json"
    )]
    Introspect(TokenSource),
    /// End an access token, or a refresh token with everything that came from the same sign-in
    #[command(before_help = "Examples:\n  gatepost token revoke < token.txt\n  gatepost token revoke --file token.txt")]
    Revoke(TokenSource),
}

/// Where the token is read from; never the command line, which everybody on this computer can see.
#[derive(Args, Clone, Debug)]
pub(crate) struct TokenSource {
    /// File with the token; without it, or with "-", stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    // `gatepost token` has options of the same names, which keeps those of the top from coming down to here
    #[command(flatten)]
    output: OutputArgs,
}

impl TokenSource {
    fn style(&self, style: &Output) -> Output {
        let own = Output::new(&self.output);
        Output {
            json: style.json || own.json,
            quiet: style.quiet || own.quiet,
            may_ask: style.may_ask && own.may_ask,
            ..own
        }
    }
}

/// Runs the command and gives the exit status: 0, 1 failed or nothing to revoke, 2 no token was given.
pub(crate) async fn run_operator_token(command: TokenCommand, settings: &Settings, style: &Output) -> i32 {
    match command {
        TokenCommand::Introspect(source) => {
            let style = source.style(style);
            finish(&style, introspect_token(settings, &style, &source).await)
        }
        TokenCommand::Revoke(source) => {
            let style = source.style(style);
            finish(&style, revoke_token(settings, &style, &source).await)
        }
    }
}

async fn introspect_token(settings: &Settings, style: &Output, source: &TokenSource) -> Result<i32, Problem> {
    let presented = read_secret(style, "token", source.file.as_deref()).await?;
    let answer = match read_presented_token(&presented) {
        None => IntrospectionResponse::default(),
        Some(hash) => {
            let operator = Operator::open(settings, style).await?;
            // what is kept of it ends with this command, so no change can be missed
            let found = operator.read(move |call, db| find_live_token(call, db, &hash)).await?;
            found.map(|known| known.answer.clone()).unwrap_or_default()
        }
    };
    if style.json {
        return Ok(style.print_json(&json!(answer)));
    }
    if !answer.active {
        style.note(&explain_inactive(&presented));
        return Ok(style.print(&format_facts(&[("active", "no".into())])));
    }
    Ok(style.print(&format_facts(&describe_answer(&answer, crate::process::clock::unix_now()))))
}

fn explain_inactive(presented: &str) -> &'static str {
    match detect_kind(presented) {
        Some(SecretKind::AccessToken) => "It has ended, was revoked, was mistyped, or comes from another installation.",
        Some(SecretKind::RefreshToken) => "This is a refresh token: it is good at the token endpoint only.",
        Some(_) => "This is a secret of Gatepost, but not an access token.",
        None if presented.starts_with("eyJ") => "A JWT that this installation did not issue, or that has ended.",
        None => "Nothing that Gatepost issues looks like this.",
    }
}

fn describe_answer(answer: &IntrospectionResponse, now: i64) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.as_deref().map(|value| clean_text(value, 200)).unwrap_or_default();
    let audience = match &answer.aud {
        Some(OneOrMany::One(one)) => one.clone(),
        Some(OneOrMany::Many(many)) => many.join("\n"),
        None => String::new(),
    };
    let time = |at: Option<i64>| at.map(format_time).unwrap_or_default();
    let ends = answer.exp.map(|at| format!("{} (in {})", format_time(at), format_span(at - now))).unwrap_or_default();
    let facts = [
        ("active", "yes".to_owned()),
        ("person", text(&answer.username)),
        ("subject", text(&answer.sub)),
        ("client_id", text(&answer.client_id)),
        ("may", text(&answer.scope)),
        ("audience", audience),
        ("issued", time(answer.iat)),
        ("ends", ends),
        ("signed in", time(answer.auth_time)),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

async fn revoke_token(settings: &Settings, style: &Output, source: &TokenSource) -> Result<i32, Problem> {
    let presented = read_secret(style, "token", source.file.as_deref()).await?;
    let operator = Operator::open(settings, style).await?;
    let revoked = operator.write(move |call, tx| revoke_as_operator(call, tx, &presented)).await?;
    match revoked {
        Revoked::AccessToken => Ok(finish_change(
            style,
            "The access token is revoked; what else came from the same sign-in still works",
            &json!({ "revoked": "access_token" }),
        )),
        Revoked::Family => Ok(finish_change(
            style,
            "The refresh token is revoked, with every token that came from the same sign-in",
            &json!({ "revoked": "family" }),
        )),
        Revoked::Nothing => Err(Problem::failed("nothing_to_revoke", "there was nothing to revoke")
            .because("the token is unknown here, has ended, or was revoked before")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_shows_only_what_it_says() {
        let answer = IntrospectionResponse {
            active: true,
            client_id: Some("acme\u{1b}[2J".into()),
            aud: Some(vec!["https://a.example".to_owned(), "https://b.example".to_owned()].into()),
            exp: Some(1_795_216_440),
            ..IntrospectionResponse::default()
        };
        let text = format_facts(&describe_answer(&answer, 1_795_216_440 - 600));
        assert_eq!(
            text,
            "  active     yes\n  client_id  acme[2J\n  audience   https://a.example\n             https://b.example\n  \
             ends       20 November 2026, 23:14 UTC (in 10 minutes)\n"
        );
    }

    #[test]
    fn the_reason_follows_the_look_of_the_token() {
        assert!(explain_inactive("gp_rt_x").contains("refresh"));
        assert!(explain_inactive("gp_cs_x").contains("not an access token"));
        assert!(explain_inactive("hello").contains("Nothing"));
    }
}
