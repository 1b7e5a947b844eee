//! `gatepost whoami`: who is signed in, as the server says it now.

use clap::Args;
use serde_json::json;

use super::login::{AccountArgs, Failure, clean, describe_life, describe_scopes, print_line};

/// `gatepost whoami`
#[derive(Args, Clone, Debug)]
#[command(before_help = "Examples:\n  gatepost whoami\n  gatepost whoami --json")]
pub(crate) struct WhoamiArgs {
    #[command(flatten)]
    account: AccountArgs,
}

/// Runs the command and gives the exit status: 0, 1 failed, 3 not signed in or sign-in ended, 5 server not reachable.
pub(crate) async fn run_whoami(args: WhoamiArgs) -> i32 {
    let session = match args.account.open_session() {
        Ok(session) => session,
        Err(failure) => return failure.report(args.account.json),
    };
    let account = session.account();
    let found = match session.whoami().await {
        Ok(who) => session.tokens().await.map(|tokens| (who, tokens)),
        Err(error) => Err(error),
    };
    let (who, tokens) = match found {
        Ok(found) => found,
        Err(error) => return Failure::from_session(error, account).report(args.account.json),
    };
    if args.account.json {
        return print_line(&json!({
            "issuer": account.issuer,
            "client_id": account.client_id,
            "sub": who.sub,
            "email": who.email,
            "name": who.name,
            "scopes": tokens.scopes,
            "expires_in": tokens.time_left().map(|left| left.as_secs()),
            "renews_itself": tokens.refresh_token.is_some(),
        }));
    }
    let label = clean(who.label());
    if args.account.quiet {
        return print_line(&label);
    }
    let name = match who.name.as_deref().map(clean) {
        Some(name) if !name.is_empty() && name != label => format!("\n  name    {name}"),
        _ => String::new(),
    };
    print_line(&format!(
        "{label}{name}\n  server  {}\n  app     {}\n  may     {}\n  token   {}",
        account.issuer,
        account.client_id,
        describe_scopes(&tokens.scopes),
        describe_life(&tokens)
    ))
}
