//! Opening the system browser.
//!
//! Our own few lines instead of a crate: a command-line program must say why it did not work ("xdg-open: not found"), must not start a
//! text browser in the person's terminal, and needs no new code of others for starting one program.

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use url::Url;

/// An opener that fails does so at once; one that works may run as long as the browser.
const FAILURE_SHOWS_WITHIN: Duration = Duration::from_millis(700);

/// Whether this process runs in an SSH session without a display: a browser would open on the wrong computer, or none.
#[must_use]
pub fn is_remote_session() -> bool {
    let over_ssh = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"].iter().any(|name| is_set(name));
    over_ssh && !has_display() && !is_set("BROWSER")
}

/// Opens the address in the person's browser: `$BROWSER`, else the system's opener.
///
/// # Errors
/// One short text for people, such as "xdg-open: not found".
pub async fn open_browser(url: &Url) -> Result<(), String> {
    // the address comes from a server: nothing but the web may be opened
    if !matches!(url.scheme(), "https" | "http") {
        return Err("not a web address".to_owned());
    }
    let commands = list_commands(url.as_str());
    if commands.is_empty() {
        return Err("no display".to_owned());
    }
    let mut first_reason = None;
    for command in commands {
        match run_opener(&command).await {
            Ok(()) => return Ok(()),
            Err(reason) => first_reason = first_reason.or(Some(reason)),
        }
    }
    Err(first_reason.unwrap_or_default())
}

/// Which programs to try, each with its arguments; empty when there is nothing to show a window on.
fn list_commands(url: &str) -> Vec<Vec<String>> {
    if let Some(browsers) = env::var("BROWSER").ok().filter(|value| !value.trim().is_empty()) {
        return browsers.split(':').filter_map(|template| fill_template(template, url)).collect();
    }
    let command =
        |words: &[&str]| words.iter().map(|word| (*word).to_owned()).chain([url.to_owned()]).collect::<Vec<_>>();
    if cfg!(target_os = "macos") {
        return vec![command(&["open"])];
    }
    if cfg!(windows) {
        return vec![command(&["rundll32", "url.dll,FileProtocolHandler"])];
    }
    let mut commands = Vec::new();
    if is_set("WSL_DISTRO_NAME") {
        commands.push(command(&["wslview"]));
        commands.push(command(&["rundll32.exe", "url.dll,FileProtocolHandler"]));
    }
    if has_display() {
        commands.push(command(&["xdg-open"]));
        commands.push(command(&["gio", "open"]));
    }
    commands
}

/// One entry of `$BROWSER`: words, `%s` stands for the address, which goes to the end otherwise. No shell sees any of it.
fn fill_template(template: &str, url: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = template.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        return None;
    }
    let mut filled = false;
    for word in &mut words[1..] {
        if word.contains("%s") {
            *word = word.replace("%s", url);
            filled = true;
        }
    }
    if !filled {
        words.push(url.to_owned());
    }
    Some(words)
}

async fn run_opener(command: &[String]) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("no program")?;
    let started =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = started.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{program}: not found"),
        _ => format!("{program}: {error}"),
    })?;
    let (tell, told) = oneshot::channel();
    // a thread that waits: the child leaves no zombie, however long it runs
    std::thread::spawn(move || {
        let _ = tell.send(child.wait());
    });
    match timeout(FAILURE_SHOWS_WITHIN, told).await {
        Ok(Ok(Ok(status))) if !status.success() => Err(match status.code() {
            Some(code) => format!("{program}: exit {code}"),
            None => format!("{program}: killed"),
        }),
        _ => Ok(()),
    }
}

fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_argument_wherever_it_goes() {
        let url = "http://h/?a=1&b=$(x)";
        assert_eq!(
            fill_template("firefox --new-window", url),
            Some(vec!["firefox".into(), "--new-window".into(), url.into()])
        );
        assert_eq!(fill_template("chrome --app=%s", url), Some(vec!["chrome".into(), format!("--app={url}")]));
        assert_eq!(fill_template("  ", url), None);
    }
}
