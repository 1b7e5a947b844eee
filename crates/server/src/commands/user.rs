//! `gatepost user`: the people who can sign in.

use clap::{Args, Subcommand};
use gatepost_engine::audit::Actor;
use gatepost_engine::people::email::{Email, normalize_email};
use gatepost_engine::people::factors::reset;
use gatepost_engine::people::password::{check_new_password, hash_password};
use gatepost_engine::people::sign_up::NewUser;
use gatepost_engine::people::users::{self, Ended};
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER, UserRow};
use serde_json::{Value, json};

use super::admin::{Operator, finish, finish_change};
use super::output::{DONE, Output, Problem, format_count, format_facts, format_table, format_time, program_name};
use super::prompt::{ask_secret, ask_until, confirm_delete, read_password_line};
use crate::pages::kit::names::{clean_name, clean_text};
use crate::process::startup::make_password_policy;
use crate::settings::Settings;

/// How many people one question to the database brings.
const PAGE: i64 = 500;

/// `gatepost user …`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost user add --email ada@example.com --name Ada\n  gatepost user disable ada@example.com"
)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand, Debug)]
enum UserCommand {
    /// Add a person; asks for what is not given
    Add(AddArgs),
    /// List everybody
    List,
    /// Show one person
    Show(WhoArgs),
    /// End a person's sessions and apps now, and let nobody sign in to the account
    Disable(WhoArgs),
    /// Let a disabled account be used again
    Enable(WhoArgs),
    /// Make a person an administrator, or one no longer; ends their sessions
    Role(RoleArgs),
    /// End all sessions of a person, and what every app may do for them
    EndSessions(WhoArgs),
    /// Delete a person and all that is theirs, for good
    Delete(DeleteArgs),
    /// Remove passkeys, authenticator app and recovery codes of somebody who lost them; ends every session and every app's access
    ResetFactors(WhoArgs),
    /// Set a new password; ends every session and every app's access
    ResetPassword(ResetArgs),
}

#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost user add --email ada@example.com --name Ada\n  gatepost user add --email ada@example.com --name Ada --admin --password-stdin < password.txt"
)]
struct AddArgs {
    /// The address to sign in with
    #[arg(long)]
    email: Option<String>,
    /// What to call the person
    #[arg(long)]
    name: Option<String>,
    /// May administer this installation
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of stdin
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Args, Debug)]
struct WhoArgs {
    /// The person's email address or id
    #[arg(value_name = "EMAIL")]
    who: String,
}

#[derive(Args, Debug)]
struct RoleArgs {
    #[command(flatten)]
    who: WhoArgs,
    /// The new role
    #[arg(value_parser = [ROLE_USER, ROLE_ADMIN])]
    role: String,
}

#[derive(Args, Debug)]
struct DeleteArgs {
    #[command(flatten)]
    who: WhoArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct ResetArgs {
    #[command(flatten)]
    who: WhoArgs,
    /// Read the password from the first line of stdin
    #[arg(long)]
    password_stdin: bool,
}

/// Runs the command and gives the exit status: 0, 1 failed, 2 wrong values, 4 not allowed.
pub(crate) async fn run_user(args: UserArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.command {
        UserCommand::Add(args) => add(args, settings, style).await,
        UserCommand::List => list(settings, style).await,
        UserCommand::Show(args) => show(args, settings, style).await,
        UserCommand::Disable(args) => set_disabled(args, settings, style, true).await,
        UserCommand::Enable(args) => set_disabled(args, settings, style, false).await,
        UserCommand::Role(args) => set_role(args, settings, style).await,
        UserCommand::EndSessions(args) => end_sessions(args, settings, style).await,
        UserCommand::Delete(args) => delete(args, settings, style).await,
        UserCommand::ResetFactors(args) => reset_factors(args, settings, style).await,
        UserCommand::ResetPassword(args) => reset(args, settings, style).await,
    };
    finish(style, result)
}

async fn add(args: AddArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    // a password on stdin leaves nowhere to read other answers from
    let style = &Output { may_ask: style.may_ask && !args.password_stdin, ..style.clone() };
    let email = match args.email {
        Some(email) => read_email(&email).map_err(|fault| refuse("--email", fault))?,
        None if style.may_ask => ask_until(style, "Email address: ", read_email).await?,
        None => return Err(Problem::missing("--email", "the address that the person signs in with")),
    };
    let name = match args.name {
        Some(name) => read_name(&name).map_err(|fault| refuse("--name", fault))?,
        None if style.may_ask => ask_until(style, "Name: ", read_name).await?,
        None => return Err(Problem::missing("--name", "what to call the person")),
    };
    let hash = choose_password(settings, style, args.password_stdin, &[&email.display, &name]).await?;
    let operator = Operator::open(settings, style).await?;
    let role = if args.admin { ROLE_ADMIN } else { ROLE_USER };
    let new = NewUser { email, name, email_verified: false, password_hash: Some(hash), role };
    let row = operator.manage(move |call, tx| users::add_user(call, tx, Actor::Operator, &new)).await?;
    if style.json {
        return Ok(style.print_json(&show_json(&row)));
    }
    style.tell_done(&format_args!("Added {}", clean_text(&row.email, 254)));
    Ok(style.print(&format_facts(&describe_user(&row))))
}

fn refuse(flag: &str, fault: String) -> Problem {
    Problem::usage("invalid", format!("{flag} cannot be used")).because(fault)
}

fn read_email(text: &str) -> Result<Email, String> {
    normalize_email(text).map_err(|fault| fault.to_string())
}

fn read_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if (1..=100).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err("The name must have 1 to 100 characters.".into())
    }
}

/// A new password, checked and hashed, before any transaction.
async fn choose_password(
    settings: &Settings,
    style: &Output,
    from_stdin: bool,
    words: &[&str; 2],
) -> Result<String, Problem> {
    let policy = make_password_policy(settings);
    let check = |typed: &str| check_new_password(&policy, typed, words[0], words[1]).map_err(|fault| fault.to_string());
    let password = if from_stdin {
        check(&read_password_line()?)
            .map_err(|fault| Problem::usage("password", "this password cannot be used").because(fault))?
    } else if style.may_ask {
        loop {
            let typed =
                ask_secret(&format!("Password (at least {} characters, not shown): ", policy.min_length)).await?;
            match check(&typed) {
                Err(fault) => style.warn(&fault),
                Ok(password) if ask_secret("The same again: ").await? == typed => break password,
                Ok(_) => style.warn(&"The two are not the same."),
            }
        }
    } else {
        return Err(Problem::missing("--password-stdin", "nobody can be asked for the password: pipe it in"));
    };
    let hashing =
        tokio::task::spawn_blocking(move || hash_password(&policy, crate::process::random::source(), &password));
    let hash = hashing.await.map_err(|error| Problem::failed("password", error.to_string()))?;
    hash.map_err(|fault| Problem::failed("password", fault.to_string()))
}

async fn list(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let mut rows: Vec<UserRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.email_key.clone()).unwrap_or_default();
        let page = operator.read(move |_, db| users::list_users(db, &after, PAGE)).await?;
        let more = page.len() as i64 == PAGE;
        rows.extend(page);
        if !more {
            break;
        }
    }
    if style.json {
        return Ok(style.print_json(&rows.iter().map(show_json).collect()));
    }
    if rows.is_empty() {
        style.note(&format_args!("Nobody yet. Try: {} user add", program_name()));
        return Ok(DONE);
    }
    let cells = |row: &UserRow| {
        let state = if row.disabled_at.is_some() { "disabled" } else { "" };
        let role = role_name(row).to_owned();
        vec![clean_text(&row.email, 254), clean_name(&row.name), role, format_time(row.created_at), state.to_owned()]
    };
    let table: Vec<_> = rows.iter().map(cells).collect();
    Ok(style.print(&format_table(&["EMAIL", "NAME", "ROLE", "SINCE", "STATE"], &table)))
}

async fn show(args: WhoArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let row = find(&Operator::open(settings, style).await?, &args.who).await?;
    if style.json {
        return Ok(style.print_json(&show_json(&row)));
    }
    Ok(style.print(&format_facts(&describe_user(&row))))
}

async fn find(operator: &Operator, who: &str) -> Result<UserRow, Problem> {
    let wanted = who.to_owned();
    let found = operator.read(move |_, db| users::find_user(db, &wanted)).await?;
    found.ok_or_else(|| {
        Problem::failed("not_found", format!("nobody here has the address or id {who:?}")).try_command("user list")
    })
}

async fn set_disabled(args: WhoArgs, settings: &Settings, style: &Output, disabled: bool) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let who = args.who;
    let row =
        operator.manage(move |call, tx| users::set_user_disabled(call, tx, Actor::Operator, &who, disabled)).await?;
    let email = clean_text(&row.email, 254);
    let sentence = if disabled {
        format!("{email} is disabled: signed out everywhere, and no app has access any more")
    } else {
        format!("{email} can sign in again")
    };
    Ok(finish_change(style, &sentence, &show_json(&row)))
}

async fn set_role(args: RoleArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let RoleArgs { who: WhoArgs { who }, role } = args;
    let row = operator.manage(move |call, tx| users::set_user_role(call, tx, Actor::Operator, &who, &role)).await?;
    let email = clean_text(&row.email, 254);
    let sentence = match row.role.as_str() {
        ROLE_ADMIN => format!("{email} is an administrator now, and has to sign in again"),
        _ => format!("{email} is no administrator any more, and has to sign in again"),
    };
    Ok(finish_change(style, &sentence, &show_json(&row)))
}

async fn end_sessions(args: WhoArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let who = args.who;
    let ended = operator.manage(move |call, tx| users::end_user_sessions(call, tx, Actor::Operator, &who)).await?;
    let counts = describe_counts(&ended);
    let sentence = format!("{} is signed out everywhere: {counts}", clean_text(&ended.user.email, 254));
    let document = json!({ "id": ended.user.id, "sessions": ended.sessions, "apps": ended.apps });
    Ok(finish_change(style, &sentence, &document))
}

fn describe_counts(ended: &Ended) -> String {
    let count = |n: i64, noun| format_count(usize::try_from(n).unwrap_or_default(), noun);
    format!("{}, {}", count(ended.sessions, "session"), count(ended.apps, "app"))
}

async fn delete(args: DeleteArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let user = find(&operator, &args.who.who).await?;
    confirm_delete(style, "email address", &user.email, args.yes).await?;
    let id = user.id.clone();
    let ended = operator.manage(move |call, tx| users::delete_user(call, tx, Actor::Operator, &id)).await?;
    let sentence = format!("Deleted {} with {}", clean_text(&user.email, 254), describe_counts(&ended));
    Ok(finish_change(style, &sentence, &json!({ "id": user.id, "deleted": true })))
}

async fn reset(args: ResetArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let style = &Output { may_ask: style.may_ask && !args.password_stdin, ..style.clone() };
    let operator = Operator::open(settings, style).await?;
    // asked first, so that nobody types a password for an account that is not there
    let user = find(&operator, &args.who.who).await?;
    let hash = choose_password(settings, style, args.password_stdin, &[&user.email, &user.name]).await?;
    let row =
        operator.manage(move |call, tx| users::reset_password(call, tx, Actor::Operator, &user.id, &hash)).await?;
    let email = clean_text(&row.email, 254);
    let sentence = format!("{email} has a new password, is signed out everywhere, and no app has access any more");
    Ok(finish_change(style, &sentence, &show_json(&row)))
}

async fn reset_factors(args: WhoArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let who = args.who;
    let row = operator.manage(move |call, tx| reset::reset_factors(call, tx, Actor::Operator, &who)).await?;
    let email = clean_text(&row.email, 254);
    let sentence =
        format!("{email} has no second factor any more, is signed out everywhere, and no app has access any more");
    Ok(finish_change(style, &sentence, &show_json(&row)))
}

fn role_name(row: &UserRow) -> &'static str {
    if row.role == ROLE_ADMIN { "administrator" } else { "user" }
}

fn describe_user(row: &UserRow) -> Vec<(&'static str, String)> {
    let state =
        row.disabled_at.map_or_else(|| "enabled".to_owned(), |at| format!("disabled since {}", format_time(at)));
    let verified = if row.email_verified { "" } else { "  (not proven)" };
    vec![
        ("email", format!("{}{verified}", clean_text(&row.email, 254))),
        ("name", clean_name(&row.name)),
        ("id", row.id.clone()),
        ("role", role_name(row).to_owned()),
        ("password", if row.password_hash.is_some() { "set" } else { "none" }.to_owned()),
        ("since", format_time(row.created_at)),
        ("state", state),
    ]
}

fn show_json(row: &UserRow) -> Value {
    json!({
        "id": row.id,
        "email": row.email,
        "email_verified": row.email_verified,
        "name": row.name,
        "role": row.role,
        "has_password": row.password_hash.is_some(),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "disabled_at": row.disabled_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_never_shown() {
        let row = UserRow {
            id: "u".into(),
            email: "ada@example.com".into(),
            email_key: "ada@example.com".into(),
            email_verified: false,
            name: "Ada\u{202e}".into(),
            password_hash: Some("$argon2id$secret".into()),
            role: ROLE_ADMIN.into(),
            created_at: 0,
            updated_at: 0,
            disabled_at: None,
            second_step: false,
            password_changed_at: None,
            last_sign_in_at: None,
            passkey_offered_at: None,
        };
        let text = format_facts(&describe_user(&row));
        assert!(text.contains("administrator") && text.contains("password  set"), "{text}");
        for printed in [text, show_json(&row).to_string()] {
            assert!(!printed.contains("argon2id"), "{printed}");
        }
    }

    #[test]
    fn names_have_a_length() {
        assert_eq!(read_name(" Ada ").as_deref(), Ok("Ada"));
        assert!(read_name(" ").is_err() && read_name(&"a".repeat(101)).is_err());
        assert!(read_email("ada").is_err());
    }
}
