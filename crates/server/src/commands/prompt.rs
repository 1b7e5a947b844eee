//! Asking the person at the terminal, and reading secrets that must not be arguments.

use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Read as _, Write as _, stderr, stdin};
use std::path::Path;

use super::output::{INTERRUPTED, Mark, Output, Problem};

/// More than any secret has; whoever pipes a film into us gets an error soon.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Asks a question in the terminal; the question is on stderr, because stdout is for data.
pub(crate) async fn ask_line(question: &str) -> Result<String, Problem> {
    write_question(question);
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().lock().read_line(&mut line).map(|read| (read > 0).then(|| line.trim().to_owned()))
    });
    tokio::select! {
        biased;
        // the thread that reads the terminal cannot be stopped but with the process
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nStopped. Nothing was changed.");
            std::process::exit(INTERRUPTED)
        }
        line = reading => match line {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None)) => {
                eprintln!();
                Err(Problem::interrupted())
            }
            Ok(Err(error)) => Err(cannot_read(&error)),
            Err(error) => Err(cannot_read(&error)),
        }
    }
}

/// Asks until the answer is good; what is wrong with it is said each time.
pub(crate) async fn ask_until<T>(
    style: &Output,
    question: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Problem> {
    loop {
        match check(&ask_line(question).await?) {
            Ok(answer) => return Ok(answer),
            Err(fault) => eprintln!("{} {fault}", style.mark(Mark::Failed)),
        }
    }
}

/// Asks for a secret, which the terminal does not show.
pub(crate) async fn ask_secret(question: &str) -> Result<String, Problem> {
    write_question(question);
    let mut reading = tokio::task::spawn_blocking(rpassword::read_password);
    let answer = tokio::select! {
        biased;
        // Ctrl-C comes from the reader itself, which then puts the terminal back: wait for it
        _ = tokio::signal::ctrl_c() => reading.await,
        answer = &mut reading => answer,
    };
    match answer {
        Ok(Ok(secret)) => Ok(secret),
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::UnexpectedEof) => {
            Err(Problem::interrupted())
        }
        Ok(Err(error)) => Err(cannot_read(&error)),
        Err(error) => Err(cannot_read(&error)),
    }
}

fn write_question(question: &str) {
    let mut err = stderr().lock();
    // a terminal that cannot be written to will not be read either, and that is reported
    drop(write!(err, "{question}").and_then(|()| err.flush()));
}

fn cannot_read(error: &dyn std::fmt::Display) -> Problem {
    Problem::failed("input", "the answer could not be read").because(error.to_string())
}

/// Makes sure that something is really meant to be deleted: its id has to be typed.
pub(crate) async fn confirm_delete(style: &Output, what: &str, id: &str, yes: bool) -> Result<(), Problem> {
    if yes {
        return Ok(());
    }
    if !style.may_ask {
        return Err(Problem::missing("--yes", &format!("nobody can be asked whether {id} is to be deleted")));
    }
    let typed = ask_line(&format!("Type the {what} to delete it: ")).await?;
    if typed == id {
        return Ok(());
    }
    Err(Problem::failed("not_confirmed", "nothing was deleted").because(format!("{typed:?} is not {id:?}")))
}

/// Reads a secret from a file, or from stdin (`-` or no file); in a terminal it is asked for.
pub(crate) async fn read_secret(style: &Output, what: &str, file: Option<&Path>) -> Result<String, Problem> {
    let file = file.filter(|path| *path != Path::new("-"));
    let mut text = String::new();
    let read = match file {
        Some(path) => {
            std::fs::File::open(path).and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text)).map_err(
                |error| Problem::failed("input", format!("cannot read {}", path.display())).because(error.to_string()),
            )
        }
        None if style.may_ask => {
            return ask_secret(&format!("The {what} (not shown): ")).await.map(|secret| secret.trim().to_owned());
        }
        None if stdin().is_terminal() => {
            return Err(Problem::missing(
                "--file",
                &format!("the {what} is read from a file, or from stdin if that is no terminal"),
            ));
        }
        None => stdin().lock().take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(|error| cannot_read(&error)),
    };
    read?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::usage("input_needed", format!("no {what} was given")));
    }
    Ok(text.to_owned())
}

/// Reads a password from stdin: the first line, with all its spaces.
pub(crate) fn read_password_line() -> Result<String, Problem> {
    let mut text = String::new();
    stdin().lock().take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(|error| cannot_read(&error))?;
    Ok(first_line(&text).to_owned())
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default().trim_end_matches('\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_keeps_its_spaces_and_loses_its_line_end() {
        assert_eq!(first_line(" two words \r\nrest"), " two words ");
        assert_eq!(first_line("no end"), "no end");
        assert_eq!(first_line(""), "");
    }
}
