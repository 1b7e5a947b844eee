//! `gatepost token`: the access token for `$(…)`, renewed first if it would end soon.

use clap::Args;
use serde_json::json;

use super::login::{AccountArgs, Failure, is_read_by_person, print_line};

/// `gatepost token`
#[derive(Args, Clone, Debug)]
#[command(
    before_help = "Examples:\n  curl -H \"Authorization: Bearer $(gatepost token)\" http://localhost:8482/notes\n  gatepost token --json"
)]
pub(crate) struct TokenPrintArgs {
    #[command(flatten)]
    account: AccountArgs,
    /// Renew it, even if it is good for long
    #[arg(long)]
    renew: bool,
}

/// Runs the command and gives the exit status: 0, 1 failed, 3 not signed in or sign-in ended, 5 server not reachable.
pub(crate) async fn run_token_print(args: TokenPrintArgs) -> i32 {
    let session = match args.account.open_session() {
        Ok(session) => session,
        Err(failure) => return failure.report(args.account.json),
    };
    let mut found = session.tokens().await;
    if let (true, Ok(tokens)) = (args.renew, &found) {
        found = match session.force_refresh(&tokens.access_token).await {
            Ok(_) => session.tokens().await,
            Err(error) => Err(error),
        };
    }
    let tokens = match found {
        Ok(tokens) => tokens,
        Err(error) => return Failure::from_session(error, session.account()).report(args.account.json),
    };
    if args.account.json {
        return print_line(&json!({
            "access_token": tokens.access_token.expose(),
            "token_type": "Bearer",
            "expires_in": tokens.time_left().map(|left| left.as_secs()),
            "scope": tokens.scopes.join(" "),
        }));
    }
    let status = print_line(&tokens.access_token.expose());
    if is_read_by_person() && !args.account.quiet {
        eprintln!("! Whoever sees this token can act as you until it ends. Show it to nobody.");
    }
    status
}
