//! `gatepost logout`: gives the tokens back and forgets them.

use clap::Args;
use gatepost_client::{LogoutOutcome, SessionError};
use serde_json::json;

use super::login::{AccountArgs, Failure, Symbol, print_line};

/// `gatepost logout`
#[derive(Args, Clone, Debug)]
#[command(before_help = "Examples:\n  gatepost logout\n  gatepost logout --issuer https://auth.example.com")]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    account: AccountArgs,
}

/// Runs the command and gives the exit status: 0, 1 failed, 3 not signed in, 5 forgotten here but the server could not be told.
pub(crate) async fn run_logout(args: LogoutArgs) -> i32 {
    let session = match args.account.open_session() {
        Ok(session) => session,
        Err(failure) => return failure.report(args.account.json),
    };
    let issuer = &session.account().issuer;
    let outcome = match session.logout().await {
        Ok(LogoutOutcome::NotSignedIn) => Err(SessionError::NotSignedIn),
        other => other,
    };
    let reason = match outcome {
        Ok(LogoutOutcome::HereOnly(error)) => Some(error.to_string()),
        Ok(_) => None,
        Err(error) => return Failure::from_session(error, session.account()).report(args.account.json),
    };
    if args.account.json {
        let printed =
            print_line(&json!({ "issuer": issuer, "signed_out": true, "revoked": reason.is_none(), "reason": reason }));
        return if reason.is_some() { 5 } else { printed };
    }
    match reason {
        Some(reason) => {
            eprintln!(
                "! Signed out here, but the server was not told: {reason}.\n  A copy of your tokens would work until they end."
            );
            5
        }
        None => {
            if !args.account.quiet {
                eprintln!("{} Signed out of {issuer}. The tokens no longer work.", Symbol::Done);
            }
            0
        }
    }
}
