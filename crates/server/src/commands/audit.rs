//! `gatepost audit`: what happened, and whether somebody changed the record of it.

use chrono::{DateTime, NaiveDate};
use clap::{Args, Subcommand};
use gatepost_engine::audit::query::{AuditFilter, Cursor, list_events, list_events_forth, show_event};
use gatepost_engine::audit::verify::{Report, Verifier};
use gatepost_engine::people::users;
use gatepost_store::audit::{AuditRow, Place};
use serde_json::{Value, json};

use super::admin::{Operator, finish};
use super::output::{DONE, FAILED, Mark, Output, Problem, format_count, format_table, format_time};
use crate::pages::kit::names::clean_text;
use crate::settings::Settings;

/// How many events one question to the database brings.
const PAGE: i64 = 500;

/// `gatepost audit …`
#[derive(Args, Debug)]
#[command(
    before_help = "Examples:\n  gatepost audit list --person ada@example.com --since 2026-11-01\n  gatepost audit verify"
)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    /// List what happened, newest first
    List(ListArgs),
    /// Write events as JSON lines, oldest first
    Export(ExportArgs),
    /// Look for events that were changed, removed or put there
    Verify(VerifyArgs),
}

#[derive(Args, Clone, Debug)]
struct FilterArgs {
    /// What this person did, or what was done to them: an email address or id
    #[arg(long, value_name = "EMAIL")]
    person: Option<String>,
    /// What this person or app did: an id
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Actions that begin so, such as session. or password.changed
    #[arg(long, value_name = "WORDS")]
    action: Option<String>,
    /// Only what was refused
    #[arg(long, conflicts_with = "done")]
    refused: bool,
    /// Only what was done
    #[arg(long)]
    done: bool,
    /// Not before: 2026-11-20, 2026-11-20T14:00:00Z, or unix seconds
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    since: Option<i64>,
    /// Before: as --since
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    until: Option<i64>,
    /// The reference that a page showed: req_…
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,
}

#[derive(Args, Debug)]
struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
    /// Go on where the last list ended
    #[arg(long, value_name = "CURSOR", value_parser = read_cursor)]
    at: Option<Cursor>,
}

#[derive(Args, Debug)]
struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Args, Debug)]
struct VerifyArgs {
    /// Begin with this seal
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<i64>,
    /// A seal that was noted elsewhere, so that an end that was cut off is seen
    #[arg(long, value_name = "NUMBER:HASH", value_parser = read_head)]
    expect: Option<(i64, String)>,
}

fn read_time(text: &str) -> Result<i64, String> {
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp());
    let moment = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp());
    let time = text.parse().ok().or_else(day).or_else(moment);
    time.ok_or_else(|| "a time is written 2026-11-20, 2026-11-20T14:00:00Z, or in unix seconds".into())
}

fn read_cursor(text: &str) -> Result<Cursor, String> {
    Cursor::parse(text).ok_or_else(|| "this is not what a list printed".into())
}

fn read_head(text: &str) -> Result<(i64, String), String> {
    let fault = || "a seal is written 12:HASH, as verify prints it".to_owned();
    let (number, hash) = text.split_once(':').ok_or_else(fault)?;
    let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(fault)?;
    if hash.len() == 43 { Ok((number, hash.to_owned())) } else { Err(fault()) }
}

/// Runs the command and gives the exit status: 0, 1 failed or the log was changed, 2 wrong values.
pub(crate) async fn run_audit(args: AuditArgs, settings: &Settings, style: &Output) -> i32 {
    let result = match args.command {
        AuditCommand::List(args) => list(args, settings, style).await,
        AuditCommand::Export(args) => export(args, settings, style).await,
        AuditCommand::Verify(args) => verify(args, settings, style).await,
    };
    finish(style, result)
}

async fn make_filter(operator: &Operator, args: FilterArgs) -> Result<AuditFilter, Problem> {
    let account = match args.person {
        None => None,
        Some(who) => {
            let named = who.clone();
            let user = operator.read(move |_, db| users::find_user(db, &named)).await?;
            // of a deleted person the id is still in the log
            Some(user.map_or(who, |user| user.id))
        }
    };
    let result = match (args.refused, args.done) {
        (true, _) => Some("refused".to_owned()),
        (_, true) => Some("done".to_owned()),
        _ => None,
    };
    Ok(AuditFilter {
        account,
        actor: args.actor,
        action_prefix: args.action,
        except_prefix: None,
        result,
        since: args.since,
        until: args.until,
        reference: args.reference,
    })
}

async fn list(args: ListArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let filter = make_filter(&operator, args.filter).await?;
    let (at, limit) = (args.at, args.limit);
    let page = operator.read(move |call, db| list_events(call, db, &filter, at.as_ref(), limit)).await?;
    let older = page.older.map(|cursor| cursor.to_text());
    if style.json {
        let events: Vec<Value> = page.events.iter().map(show_event).collect();
        return Ok(style.print_json(&json!({ "events": events, "older": older })));
    }
    if page.events.is_empty() {
        style.note(&"Nothing that fits.");
        return Ok(DONE);
    }
    let rows: Vec<_> = page.events.iter().map(describe).collect();
    let headings = ["TIME", "WHAT", "RESULT", "WHO", "TO", "FROM", "REFERENCE"];
    let status = style.print(&format_table(&headings, &rows));
    if let Some(older) = older {
        style.note(&format_args!("There are older ones: --at {older}"));
    }
    Ok(status)
}

fn describe(row: &AuditRow) -> Vec<String> {
    let who = match row.actor_id.as_str() {
        "" => row.actor_kind.clone(),
        id => format!("{} {id}", row.actor_kind),
    };
    let short = |text: &str| clean_text(text, 60);
    vec![
        format_time(row.at),
        short(&row.action),
        short(&row.result),
        short(&who),
        short(&row.subject_id),
        short(&row.ip),
        short(&row.request_id),
    ]
}

/// Page by page, so that a log of any length needs little memory here and holds nobody up there.
async fn export(args: ExportArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let filter = make_filter(&operator, args.filter).await?;
    let (mut after, mut count): (Option<Place>, usize) = (None, 0);
    loop {
        let (filter, from) = (filter.clone(), after.take());
        let rows = operator.read(move |call, db| list_events_forth(call, db, &filter, from.as_ref(), PAGE)).await?;
        let lines: String = rows.iter().map(|row| format!("{}\n", show_event(row))).collect();
        let status = style.print(&lines);
        if status != DONE {
            return Ok(status);
        }
        count += rows.len();
        match rows.last() {
            Some(last) if rows.len() as i64 == PAGE => after = Some(last.place()),
            _ => break,
        }
    }
    style.tell_done(&format_args!("Wrote {}", format_count(count, "event")));
    Ok(DONE)
}

async fn verify(args: VerifyArgs, settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let mut verifier = Verifier::new(args.from, args.expect);
    loop {
        let begun = verifier.clone();
        let (next, more) = operator
            .read(move |call, db| {
                let mut verifier = begun.clone();
                let more = verifier.step(call, db)?;
                Ok((verifier, more))
            })
            .await?;
        verifier = next;
        if !more {
            break;
        }
    }
    let report = verifier.report();
    let good = report.fault_count == 0;
    if style.json {
        let mut document = json!(report);
        document["verified"] = json!(good);
        let status = style.print_json(&document);
        return Ok(if good { status } else { FAILED });
    }
    for fault in &report.faults {
        eprintln!("{} {}", style.mark(Mark::Failed), clean_text(&fault.sentence, 400));
    }
    let status = style.print(&format!("{}\n", summarize(report)));
    if good {
        return Ok(status);
    }
    let untold = report.fault_count - report.faults.len() as u64;
    if untold > 0 {
        eprintln!("{} and {untold} more", style.mark(Mark::Failed));
    }
    Ok(FAILED)
}

fn summarize(report: &Report) -> String {
    let pending = format!("{} not sealed yet", report.unsealed);
    let events = format_count(usize::try_from(report.events).unwrap_or(usize::MAX), "event");
    let faults = format_count(usize::try_from(report.fault_count).unwrap_or(usize::MAX), "fault");
    match (&report.seal, &report.head, report.fault_count) {
        (Some(seal), Some(head), 0) => format!("verified up to seal {seal} (hash {head}), {events}, {pending}"),
        (Some(seal), Some(head), _) => {
            format!("NOT verified: {faults} up to seal {seal} (hash {head}), {events}, {pending}")
        }
        (_, _, 0) => format!("nothing is sealed yet, {pending}"),
        _ => format!("NOT verified: {faults}, nothing is sealed, {pending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_seals_are_read_as_people_write_them() {
        assert_eq!(read_time("2026-11-20"), Ok(1_795_132_800));
        assert_eq!(read_time("2026-11-20T14:00:00+02:00"), Ok(1_795_176_000));
        assert_eq!(read_time("1795132800"), Ok(1_795_132_800));
        assert!(read_time("yesterday").is_err() && read_time("").is_err());
        let hash = "a".repeat(43);
        assert_eq!(read_head(&format!("7:{hash}")), Ok((7, hash.clone())));
        for bad in ["7", "7:", "0:x", &format!("-1:{hash}"), &hash] {
            assert!(read_head(bad).is_err(), "{bad}");
        }
    }
}
