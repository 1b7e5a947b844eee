//! `gatepost signup-mode`: who may create an account, changed while the server runs.

use clap::{Args, ValueEnum};
use gatepost_engine::SignUpMode;
use gatepost_engine::audit::Actor;
use gatepost_engine::people::sign_up::mode::{self, SignUpChoice};
use serde_json::{Value, json};

use super::admin::{Operator, finish, finish_change};
use super::output::{Output, Problem, format_facts, format_time};
use crate::settings::Settings;

/// `gatepost signup-mode`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost signup-mode\n  gatepost signup-mode invite\n  gatepost signup-mode default"
)]
pub(crate) struct SignupModeArgs {
    /// What shall hold from now on; without it, what holds now is printed
    #[arg(value_name = "MODE")]
    mode: Option<Wanted>,
}

/// What can be chosen.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wanted {
    /// everybody may create an account
    Open,
    /// whoever has an invitation
    Invite,
    /// nobody
    Closed,
    /// as the settings file says
    Default,
}

impl Wanted {
    fn mode(self) -> Option<SignUpMode> {
        match self {
            Self::Open => Some(SignUpMode::Open),
            Self::Invite => Some(SignUpMode::Invite),
            Self::Closed => Some(SignUpMode::Closed),
            Self::Default => None,
        }
    }
}

/// Runs the command and gives the exit status: 0, 1 failed.
pub(crate) async fn run_signup_mode(args: SignupModeArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.mode {
        Some(wanted) => set(wanted, settings, style).await,
        None => show(settings, style).await,
    };
    finish(style, result)
}

async fn show(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let choice = Operator::open(settings, style).await?.read(mode::find).await?;
    match style.json {
        true => Ok(style.print_json(&show_json(&choice))),
        false => Ok(style.print(&format_facts(&describe(&choice)))),
    }
}

async fn set(wanted: Wanted, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let mode = wanted.mode();
    let choice = operator.manage(move |call, tx| mode::set(call, tx, Actor::Operator, mode)).await?;
    let sentence = match choice.mode {
        SignUpMode::Open => "Everybody can create an account now",
        SignUpMode::Invite => "Whoever has an invitation can create an account now",
        SignUpMode::Closed => "Nobody can create an account now",
    };
    Ok(finish_change(style, sentence, &show_json(&choice)))
}

fn describe(choice: &SignUpChoice) -> Vec<(&'static str, String)> {
    let from = match &choice.chosen {
        None => "the settings (signup.mode)".to_owned(),
        Some((at, by)) if by.is_empty() => format!("chosen by a command on {}", format_time(*at)),
        Some((at, by)) => format!("chosen by an administrator ({by}) on {}", format_time(*at)),
    };
    vec![
        ("sign-up", choice.mode.as_str().to_owned()),
        ("from", from),
        ("settings", choice.settings.as_str().to_owned()),
    ]
}

fn show_json(choice: &SignUpChoice) -> Value {
    json!({
        "mode": choice.mode.as_str(),
        "settings": choice.settings.as_str(),
        "chosen_at": choice.chosen.as_ref().map(|(at, _)| at),
        "chosen_by": choice.chosen.as_ref().map(|(_, by)| by).filter(|by| !by.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_the_mode_comes_from() {
        let mut choice = SignUpChoice { mode: SignUpMode::Invite, settings: SignUpMode::Closed, chosen: None };
        assert!(format_facts(&describe(&choice)).contains("the settings (signup.mode)"));
        choice.chosen = Some((0, String::new()));
        assert!(format_facts(&describe(&choice)).contains("by a command on 1 January 1970"));
        choice.chosen = Some((0, "u1".into()));
        assert!(format_facts(&describe(&choice)).contains("by an administrator (u1)"));
        assert_eq!(show_json(&choice)["chosen_by"], "u1");
    }
}
