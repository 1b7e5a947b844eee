//! How the operator's commands speak: data on stdout, everything else on stderr, one form for every error.

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _, stderr, stdin, stdout};

use chrono::DateTime;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// Done.
pub(crate) const DONE: i32 = 0;
/// It did not work.
pub(crate) const FAILED: i32 = 1;
/// Wrong usage, values or settings.
pub(crate) const USAGE: i32 = 2;
/// Not allowed.
pub(crate) const REFUSED: i32 = 4;
/// Stopped by the person.
pub(crate) const INTERRUPTED: i32 = 130;

/// How a command shall speak; for the top of the command line, where every command below has it.
#[derive(Args, Clone, Debug)]
pub(crate) struct OutputArgs {
    /// Print one JSON document on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only what was asked for
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Never ask in the terminal: fail and name the option to use
    #[arg(long, global = true)]
    no_input: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    color: ColorWhen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// How commands speak.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// one document on stdout, errors as JSON
    pub(crate) json: bool,
    /// nothing that was not asked for
    pub(crate) quiet: bool,
    /// colour beside the signs, never instead of them
    pub(crate) color: bool,
    /// signs in ASCII
    pub(crate) ascii: bool,
    /// somebody is there who can be asked
    pub(crate) may_ask: bool,
}

impl Output {
    /// What the options, the variables and the terminal come to.
    pub(crate) fn new(args: &OutputArgs) -> Self {
        let read = |name: &str| env::var(name).unwrap_or_default();
        let people = stdout().is_terminal() && stderr().is_terminal();
        let color = match args.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => people && read("NO_COLOR").is_empty() && read("TERM") != "dumb",
        };
        Self {
            json: args.json,
            quiet: args.quiet,
            color: color && !args.json,
            ascii: !has_utf8(&[read("LC_ALL"), read("LC_CTYPE"), read("LANG")]),
            may_ask: !args.no_input && !args.json && stdin().is_terminal() && stderr().is_terminal(),
        }
    }

    /// The sign at the beginning of a line.
    pub(crate) fn mark(&self, mark: Mark) -> String {
        let (sign, plain, color) = match mark {
            Mark::Done => ("✓", "ok", "32"),
            Mark::Warning => ("!", "!", "33"),
            Mark::Failed => ("✗", "x", "31"),
        };
        let sign = if self.ascii { plain } else { sign };
        if self.color { format!("\x1b[{color}m{sign}\x1b[0m") } else { sign.to_owned() }
    }

    /// Something that a person may want to know, on stderr.
    pub(crate) fn note(&self, text: &dyn Display) {
        if !self.quiet && !self.json {
            eprintln!("{text}");
        }
    }

    /// Something was done.
    pub(crate) fn tell_done(&self, text: &dyn Display) {
        self.note(&format_args!("{} {text}", self.mark(Mark::Done)));
    }

    /// Something works and is not as it should be; said even to those who want quiet.
    pub(crate) fn warn(&self, text: &dyn Display) {
        if !self.json {
            eprintln!("{} {text}", self.mark(Mark::Warning));
        }
    }

    /// Data on stdout; the exit status says whether it arrived.
    pub(crate) fn print(&self, text: &str) -> i32 {
        let mut out = stdout().lock();
        i32::from(out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err())
    }

    /// One document on stdout.
    pub(crate) fn print_json(&self, document: &Value) -> i32 {
        self.print(&format!("{document}\n"))
    }

    /// Says on stderr what went wrong and gives the exit status.
    pub(crate) fn report(&self, problem: &Problem) -> i32 {
        eprintln!("{}", if self.json { problem.to_json().to_string() } else { problem.to_text() });
        problem.exit
    }
}

/// Which sign a line begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Done,
    Warning,
    Failed,
}

/// The first that is set decides, as POSIX has it; where none is, the locale is C.
fn has_utf8(locales: &[String]) -> bool {
    let locale = locales.iter().find(|value| !value.is_empty()).map(|value| value.to_ascii_lowercase());
    cfg!(windows) || locale.is_some_and(|locale| locale.contains("utf-8") || locale.contains("utf8"))
}

/// How this program was called, so that a hint can be pasted.
pub(crate) fn program_name() -> String {
    env::args().next().filter(|called| !called.is_empty()).unwrap_or_else(|| "gatepost".to_owned())
}

/// What went wrong: for a person three parts, for a program one document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    code: &'static str,
    exit: i32,
    message: String,
    why: Vec<String>,
    hint: Option<String>,
}

impl Problem {
    /// Something failed.
    pub(crate) fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, exit: FAILED, message: message.into(), why: Vec::new(), hint: None }
    }

    /// The command was given something wrong, or too little.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self { exit: USAGE, ..Self::failed(code, message) }
    }

    /// The person stopped it before anything was done.
    pub(crate) fn interrupted() -> Self {
        Self { exit: INTERRUPTED, ..Self::failed("interrupted", "stopped; nothing was changed") }
    }

    /// A value is missing and nobody can be asked for it.
    pub(crate) fn missing(flag: &str, what: &str) -> Self {
        Self::usage("input_needed", format!("{flag} is missing")).because(what)
    }

    /// The same with this exit status.
    pub(crate) fn with_exit(self, exit: i32) -> Self {
        Self { exit, ..self }
    }

    /// Why, with the values; each call is a line.
    pub(crate) fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// What to do next: a command of this program, without its name.
    pub(crate) fn try_command(self, command: &str) -> Self {
        let hint = format!("{} {command}", program_name());
        self.try_this(hint)
    }

    /// What to do next, in words.
    pub(crate) fn try_this(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn to_text(&self) -> String {
        let why: String = self.why.iter().map(|line| format!("  {line}\n")).collect();
        let why = if why.is_empty() { why } else { format!("\n\n{}", why.trim_end()) };
        let hint = self.hint.as_ref().map(|hint| format!("\n\nTry: {hint}")).unwrap_or_default();
        format!("error: {}{why}{hint}", self.message)
    }

    fn to_json(&self) -> Value {
        let message = if self.why.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.message, self.why.join("; "))
        };
        json!({ "error": { "code": self.code, "message": message, "hint": self.hint } })
    }
}

/// Facts below each other, their names in a column; a value of several lines stays in its column.
pub(crate) fn format_facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in facts {
        let mut name = *name;
        for line in value.split('\n') {
            text.push_str(format!("  {name:width$}  {line}").trim_end());
            text.push('\n');
            name = "";
        }
    }
    text
}

/// A table with a line of headings; columns are as wide as they must be.
pub(crate) fn format_table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let mut text = line(&mut headings.iter().copied());
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A moment for people: `20 November 2026, 23:14 UTC`.
pub(crate) fn format_time(at: i64) -> String {
    DateTime::from_timestamp(at, 0)
        .map_or_else(|| at.to_string(), |time| time.format("%-d %B %Y, %H:%M UTC").to_string())
}

/// A length of time for people, in the largest unit of which there are two: `90 seconds`, `36 hours`, `62 days`.
pub(crate) fn format_span(seconds: i64) -> String {
    let (count, unit) = match seconds.max(0) {
        s if s >= 2 * 86_400 => (s / 86_400, "day"),
        s if s >= 2 * 3600 => (s / 3600, "hour"),
        s if s >= 120 => (s / 60, "minute"),
        s => (s, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// A count with its noun: `1 row`, `3 rows`.
pub(crate) fn format_count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_next() {
        let problem =
            Problem::usage("invalid", "this client cannot be added").because("the name is empty").because("b");
        let problem = problem.try_this("gatepost client add");
        assert_eq!(
            problem.to_text(),
            "error: this client cannot be added\n\n  the name is empty\n  b\n\nTry: gatepost client add"
        );
        assert_eq!(
            problem.to_json(),
            json!({"error": {
                "code": "invalid",
                "message": "this client cannot be added: the name is empty; b",
                "hint": "gatepost client add"
            }})
        );
        assert_eq!(problem.exit, USAGE);
        assert_eq!(Problem::failed("x", "gone").to_text(), "error: gone");
        assert_eq!(Problem::failed("x", "gone").to_json()["error"]["hint"], Value::Null);
    }

    #[test]
    fn signs_follow_the_locale_and_colour_never_stands_alone() {
        let style = Output { json: false, quiet: false, color: false, ascii: false, may_ask: false };
        assert_eq!(style.mark(Mark::Done), "✓");
        assert_eq!(Output { ascii: true, ..style.clone() }.mark(Mark::Failed), "x");
        assert_eq!(Output { color: true, ..style }.mark(Mark::Warning), "\x1b[33m!\x1b[0m");
        let utf8 = |locales: [&str; 3]| has_utf8(&locales.map(str::to_owned));
        assert!(utf8(["", "", "en_GB.UTF-8"]) && utf8(["C.utf8", "", "C"]));
        assert!(cfg!(windows) || (!utf8(["C", "", "en_GB.UTF-8"]) && !utf8(["", "", ""])));
    }

    #[test]
    fn columns_line_up() {
        let facts = [("id", "a".to_owned()), ("redirect", "b\nc".to_owned())];
        assert_eq!(format_facts(&facts), "  id        a\n  redirect  b\n            c\n");
        let rows = [vec!["acme-notes".to_owned(), "é".to_owned()], vec!["b".to_owned(), "cc".to_owned()]];
        assert_eq!(format_table(&["ID", "NAME"], &rows), "ID          NAME\nacme-notes  é\nb           cc\n");
    }

    #[test]
    fn times_read_like_sentences() {
        assert_eq!(format_time(1_795_216_440), "20 November 2026, 23:14 UTC");
        assert_eq!(format_time(i64::MAX), i64::MAX.to_string());
        for (seconds, text) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (600, "10 minutes"),
            (3600, "60 minutes"),
            (86_400, "24 hours"),
            (62 * 86_400, "62 days"),
        ] {
            assert_eq!(format_span(seconds), text);
        }
        assert_eq!((format_count(1, "row"), format_count(0, "row")), ("1 row".to_owned(), "0 rows".to_owned()));
    }
}
