//! `gatepost invite`: links with which people create an account.

use clap::{Args, Subcommand, ValueEnum};
use gatepost_engine::audit::Actor;
use gatepost_engine::people::email::{Email, normalize_email};
use gatepost_engine::people::invites::{
    InviteEntry, InviteHistory, InviteSpec, MAX_USES, Minted, find_invite_history, list_invites, mint_invite,
    revoke_invite,
};
use gatepost_store::people::invites::{InviteFilter, InvitePerson, InviteRow, InviteState, InviteUseRow};
use gatepost_store::people::users::{ROLE_ADMIN, ROLE_USER};
use serde_json::{Value, json};

use super::admin::{Operator, finish, finish_change};
use super::output::{DONE, Output, Problem, format_facts, format_table, format_time, program_name};
use crate::pages::kit::names::{clean_name, clean_text};
use crate::settings::Settings;

/// How many invitations one question to the database brings.
const PAGE: i64 = 500;
const DAY: i64 = 86_400;

/// `gatepost invite …`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost invite add --email ada@example.com\n  gatepost invite add --uses 10 --days 14 --note \"Berlin team\""
)]
pub(crate) struct InviteArgs {
    #[command(subcommand)]
    command: InviteCommand,
}

#[derive(Subcommand, Debug)]
enum InviteCommand {
    /// Make an invitation; its link is printed once
    Add(AddArgs),
    /// List invitations, newest first
    List(ListArgs),
    /// Show one invitation and who used it
    Show(IdArgs),
    /// End an invitation now; accounts made with it stay
    Revoke(IdArgs),
}

#[derive(Args, Debug)]
struct AddArgs {
    /// The only address that may use it; the link is mailed there if a mail server is set
    #[arg(long, value_parser = read_email)]
    email: Option<Email>,
    /// How many accounts it is good for, 1 to 1000
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=MAX_USES))]
    uses: i64,
    /// For how many days, 1 to 30
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=30))]
    days: i64,
    /// What whoever uses it may do here
    #[arg(long, value_enum, default_value_t = Role::User)]
    role: Role,
    /// What it is for; shown in lists and in the letter
    #[arg(long, default_value = "")]
    note: String,
    /// Print the link even where it is mailed: then having it does not prove the address
    #[arg(long)]
    show_link: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// uses apps
    User,
    /// administers this installation
    Administrator,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only those in this state
    #[arg(long, value_enum)]
    state: Option<State>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// can be used
    Open,
    /// all its uses are taken
    UsedUp,
    /// its time is over
    Expired,
    /// somebody ended it
    Revoked,
    /// whoever made it is no administrator any more
    InviterGone,
}

#[derive(Args, Debug)]
struct IdArgs {
    /// The invitation's id
    #[arg(value_name = "ID")]
    id: String,
}

/// Runs the command and gives the exit status: 0, 1 failed, 2 wrong values, 4 not allowed.
pub(crate) async fn run_invite(args: InviteArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.command {
        InviteCommand::Add(args) => add(args, settings, style).await,
        InviteCommand::List(args) => list(args, settings, style).await,
        InviteCommand::Show(args) => show(args, settings, style).await,
        InviteCommand::Revoke(args) => revoke(args, settings, style).await,
    };
    finish(style, result)
}

fn read_email(text: &str) -> Result<Email, String> {
    normalize_email(text).map_err(|fault| fault.to_string())
}

async fn add(args: AddArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let role = match args.role {
        Role::User => ROLE_USER,
        Role::Administrator => ROLE_ADMIN,
    };
    let AddArgs { email, uses, days, note, show_link, .. } = args;
    let spec = InviteSpec { note, email, role, max_uses: uses, ttl: days * DAY, show_link };
    let operator = Operator::open(settings, style).await?;
    let mail = operator.call().policy().mail;
    let minted = operator.manage(move |call, tx| mint_invite(call, tx, Actor::Operator, &spec)).await?;
    let Minted { row, link, mailed } = minted;
    if style.json {
        let mut document = show_json(&row, None, InviteState::Open);
        document["link"] = json!(link);
        document["mailed"] = json!(mailed);
        return Ok(style.print_json(&document));
    }
    style.tell_done(&format_args!("Made invitation {}", row.id));
    if let Some(email) = row.email.as_ref().filter(|_| mailed) {
        style.note(&format_args!("  mailed to {}", clean_text(email, 254)));
    }
    if row.email.is_some() && !mail {
        let sentence =
            "No mail server is set: only a provider that vouches for this address lets it use the invitation";
        style.warn(&sentence);
    }
    let Some(link) = link else { return Ok(DONE) };
    let uses = if row.max_uses == 1 { "one account".to_owned() } else { format!("{} accounts", row.max_uses) };
    style.note(&format_args!(
        "  good for {uses} until {}. The link is shown once; only its hash is kept:",
        format_time(row.expires_at)
    ));
    Ok(style.print(&format!("{link}\n")))
}

async fn list(args: ListArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let state = args.state.map(|state| match state {
        State::Open => InviteState::Open,
        State::UsedUp => InviteState::UsedUp,
        State::Expired => InviteState::Expired,
        State::Revoked => InviteState::Revoked,
        State::InviterGone => InviteState::InviterGone,
    });
    let mut entries: Vec<InviteEntry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| (entry.row.created_at, entry.row.id.clone()));
        let filter = InviteFilter { state, after, ..InviteFilter::default() };
        let page = operator.read(move |call, db| list_invites(call, db, &filter, PAGE)).await?;
        let more = page.len() as i64 == PAGE;
        entries.extend(page);
        if !more {
            break;
        }
    }
    if style.json {
        let all = entries.iter().map(|entry| show_json(&entry.row, entry.inviter.as_ref(), entry.state));
        return Ok(style.print_json(&all.collect()));
    }
    if entries.is_empty() {
        style.note(&format_args!("None. Try: {} invite add", program_name()));
        return Ok(DONE);
    }
    let table: Vec<_> = entries.iter().map(make_cells).collect();
    Ok(style.print(&format_table(&["ID", "CODE", "FOR", "USES", "EXPIRES", "BY", "STATE"], &table)))
}

fn make_cells(entry: &InviteEntry) -> Vec<String> {
    let row = &entry.row;
    vec![
        row.id.clone(),
        format!("{}…", row.code_start),
        row.email.as_ref().map_or_else(|| clean_name(&row.note), |email| clean_text(email, 254)),
        format!("{} of {}", row.uses, row.max_uses),
        format_time(row.expires_at),
        name_inviter(row, entry.inviter.as_ref()),
        name_state(entry.state).to_owned(),
    ]
}

async fn show(args: IdArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let id = args.id.clone();
    let found = operator.read(move |call, db| find_invite_history(call, db, &id)).await?;
    let Some(InviteHistory { entry, uses }) = found else {
        let message = format!("there is no invitation with the id {:?}", args.id);
        return Err(Problem::failed("not_found", message).try_command("invite list"));
    };
    if style.json {
        let mut document = show_json(&entry.row, entry.inviter.as_ref(), entry.state);
        document["ledger"] = uses.iter().map(|(line, person)| show_use_json(line, person.as_ref())).collect();
        return Ok(style.print_json(&document));
    }
    let mut text = format_facts(&describe(&entry));
    if !uses.is_empty() {
        let cells = |(line, person): &(InviteUseRow, Option<InvitePerson>)| {
            let who = person.as_ref().map_or_else(|| "(deleted)".to_owned(), |person| clean_text(&person.email, 254));
            let name = person.as_ref().map(|person| clean_name(&person.name)).unwrap_or_default();
            vec![line.number.to_string(), who, name, line.method.clone(), format_time(line.used_at)]
        };
        let table: Vec<_> = uses.iter().map(cells).collect();
        text.push('\n');
        text.push_str(&format_table(&["USE", "EMAIL", "NAME", "WITH", "AT"], &table));
    }
    Ok(style.print(&text))
}

async fn revoke(args: IdArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let row = operator.manage(move |call, tx| revoke_invite(call, tx, Actor::Operator, &args.id)).await?;
    let sentence = format!("Invitation {} does not work any more", row.id);
    Ok(finish_change(style, &sentence, &show_json(&row, None, InviteState::Revoked)))
}

fn name_state(state: InviteState) -> &'static str {
    match state {
        InviteState::Open => "open",
        InviteState::UsedUp => "used-up",
        InviteState::Expired => "expired",
        InviteState::Revoked => "revoked",
        InviteState::InviterGone => "inviter-gone",
    }
}

fn name_inviter(row: &InviteRow, inviter: Option<&InvitePerson>) -> String {
    match (inviter, row.by_operator) {
        (Some(person), _) => clean_text(&person.email, 254),
        (None, true) => "command".to_owned(),
        (None, false) => "(deleted)".to_owned(),
    }
}

fn describe(entry: &InviteEntry) -> Vec<(&'static str, String)> {
    let row = &entry.row;
    let anybody = || "anybody with the link".to_owned();
    let mut facts = vec![
        ("id", row.id.clone()),
        ("code", format!("{}…", row.code_start)),
        ("state", name_state(entry.state).to_owned()),
        ("for", row.email.as_ref().map_or_else(anybody, |email| clean_text(email, 254))),
        ("role", if row.role == ROLE_ADMIN { "administrator" } else { "user" }.to_owned()),
        ("uses", format!("{} of {}", row.uses, row.max_uses)),
        ("made", format!("{} by {}", format_time(row.created_at), name_inviter(row, entry.inviter.as_ref()))),
        ("expires", format_time(row.expires_at)),
    ];
    if !row.note.is_empty() {
        facts.push(("note", clean_text(&row.note, 200)));
    }
    if let Some(at) = row.revoked_at {
        facts.push(("revoked", format_time(at)));
    }
    facts
}

fn show_json(row: &InviteRow, inviter: Option<&InvitePerson>, state: InviteState) -> Value {
    json!({
        "id": row.id,
        "code_start": row.code_start,
        "state": name_state(state),
        "email": row.email,
        "mailed_only": row.mailed_only,
        "role": row.role,
        "note": row.note,
        "uses": row.uses,
        "max_uses": row.max_uses,
        "created_by": row.created_by,
        "created_by_email": inviter.map(|person| &person.email),
        "created_by_command": row.by_operator,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    })
}

fn show_use_json(line: &InviteUseRow, person: Option<&InvitePerson>) -> Value {
    json!({
        "number": line.number,
        "user_id": line.user_id,
        "email": person.map(|person| &person.email),
        "name": person.map(|person| &person.name),
        "with": line.method,
        "used_at": line.used_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iv7_neither_the_code_nor_its_hash_is_shown() {
        let row = InviteRow {
            id: "i1".into(),
            code_hash: "the-hash".into(),
            code_start: "gp_inv_abcd".into(),
            note: "team\u{202e}".into(),
            created_by: None,
            by_operator: true,
            created_at: 0,
            expires_at: 60,
            max_uses: 3,
            uses: 1,
            email: None,
            email_key: None,
            mailed_only: false,
            role: ROLE_USER.into(),
            revoked_at: None,
        };
        let json = show_json(&row, None, InviteState::Open).to_string();
        let entry = InviteEntry { row, inviter: None, state: InviteState::Open };
        let table = format_table(&["A", "B", "C", "D", "E", "F", "G"], &[make_cells(&entry)]);
        for printed in [json, format_facts(&describe(&entry)), table] {
            assert!(printed.contains("gp_inv_abcd") && !printed.contains("the-hash"), "{printed}");
        }
    }
}
