//! Sentences for the events of the audit log, and words for how somebody signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::pages::kit::names::clean_name;
use crate::pages::kit::texts::{Catalogue, escape_html};

/// `event_text(event)` and the filter `methods`.
pub(crate) fn add_event_texts(environment: &mut Environment<'static>, texts: &Arc<Catalogue>) {
    let catalogue = Arc::clone(texts);
    environment.add_function("event_text", move |event: Value| {
        let action = event.get_attr("action")?.to_string();
        let refused = event.get_attr("refused")?.is_true();
        let mut values = BTreeMap::new();
        let given = event.get_attr("values")?;
        for name in given.try_iter()? {
            let text = given.get_item(&name)?.to_string();
            values.insert(name.to_string(), text);
        }
        write_event(&catalogue, &action, refused, &values).map(Value::from_safe_string).map_err(fail)
    });
    let catalogue = Arc::clone(texts);
    environment.add_filter("methods", move |words: String| Value::from_safe_string(write_methods(&catalogue, &words)));
}

fn fail(sentence: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, sentence)
}

/// The sentence of an event as HTML; also of actions that have none, such as those of a newer version.
fn write_event(
    texts: &Catalogue,
    action: &str,
    refused: bool,
    values: &BTreeMap<String, String>,
) -> Result<String, String> {
    let value = |name: &str| match (name, values.get(name)) {
        (_, None) => None,
        ("with", Some(words)) => Some(write_methods(texts, words)),
        (_, Some(text)) => {
            let role = ["from", "to"].contains(&name).then(|| texts.get(&format!("role.{text}"))).flatten();
            Some(role.map_or_else(|| format!("<bdi>{}</bdi>", escape_html(&clean_name(text))), escape_html))
        }
    };
    let find = |key: &str| {
        let plain = format!("{key}-plain");
        [key, &plain].into_iter().find_map(|key| texts.fill(key, false, value).ok())
    };
    let key = format!("audit.{action}");
    if refused && let Some(sentence) = find(&format!("{key}-refused")) {
        return Ok(sentence);
    }
    let sentence = match find(&key) {
        Some(sentence) => sentence,
        None => {
            texts.fill("audit.other", false, |_| Some(format!("<bdi>{}</bdi>", escape_html(&clean_name(action)))))?
        }
    };
    match refused {
        true => texts.fill("audit.refused", false, |_| Some(sentence.clone())),
        false => Ok(sentence),
    }
}

/// "password and authenticator app" of `pwd otp`, as HTML; words that are not known stay as they are.
fn write_methods(texts: &Catalogue, words: &str) -> String {
    let write = |word: &str| {
        // what failed sign-ins of passwords are called
        let word = if word == "password" { "pwd" } else { word };
        texts.get(&format!("method.{word}")).map(escape_html)
    };
    let known: Option<Vec<String>> = words.split_whitespace().map(write).collect();
    let Some(known) = known.filter(|known| !known.is_empty()) else {
        return format!("<bdi>{}</bdi>", escape_html(&clean_name(words)));
    };
    let both = |first: String, second: &String| {
        let value = |name: &str| Some(if name == "first" { first.clone() } else { second.clone() });
        texts.fill("method.and", false, value).unwrap_or_else(|_| format!("{first}, {second}"))
    };
    let (first, others) = known.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    others.iter().fold(first, both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Texts of the form `noun.verb` in the engine that are no actions.
    const NO_ACTIONS: [&str; 4] = ["admin.email", "signup.mode", "webauthn.create", "webauthn.get"];

    fn write(action: &str, refused: bool, values: &[(&str, &str)]) -> String {
        let texts = Catalogue::load("en").expect("English is built in");
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        write_event(&texts, action, refused, &values).expect("a sentence")
    }

    #[test]
    fn an_event_becomes_a_sentence() {
        assert_eq!(
            write("user.role_changed", false, &[("from", "user"), ("to", "instance_admin")]),
            "Role changed from user to administrator"
        );
        assert_eq!(
            write("session.started", false, &[("with", "pwd otp")]),
            "Signed in with password and authenticator app"
        );
        assert_eq!(write("session.started", true, &[("with", "password")]), "Sign-in failed with password");
        assert_eq!(write("session.started", false, &[]), "Signed in");
        assert_eq!(write("password.changed", true, &[]), "Refused: Password changed");
        assert_eq!(write("new.thing", true, &[]), "Refused: Something else: <bdi>new.thing</bdi>");
        assert_eq!(
            write("identity.linked", false, &[("provider", "<b>\u{202e}x")]),
            "Account at <bdi>&lt;b&gt;x</bdi> linked"
        );
        assert_eq!(write("user.created", false, &[("with", "<i>")]), "Account created with <bdi>&lt;i&gt;</bdi>");
    }

    fn read_sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("the engine's source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
                read_sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(std::fs::read_to_string(&path).expect("a source file"));
            }
        }
    }

    /// Whatever the engine writes down has a sentence, so that nobody reads `noun.verb`.
    #[test]
    fn every_action_of_the_engine_has_a_sentence() {
        let mut sources = Vec::new();
        read_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src"), &mut sources);
        let texts = Catalogue::load("en").expect("English is built in");
        let mut count = 0;
        for source in sources.iter().filter(|source| source.contains("record_event") || source.contains("Event::")) {
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            for word in code.split('"').skip(1).step_by(2) {
                let is_word =
                    |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                let Some((noun, verb)) = word.split_once('.') else { continue };
                if is_word(noun) && is_word(verb) && !NO_ACTIONS.contains(&word) {
                    count += 1;
                    assert!(
                        texts.get(&format!("audit.{word}")).is_some(),
                        "no sentence for {word} in [audit] of kit/events/en.toml"
                    );
                }
            }
        }
        assert!(count >= 35, "only {count} actions were found");
    }

    #[test]
    fn a_sentence_that_names_something_has_one_that_does_not() {
        let texts = Catalogue::load("en").expect("English is built in");
        for key in texts.keys().filter(|key| key.starts_with("audit.") && key.matches('.').count() == 2) {
            if texts.get(key).is_some_and(|text| text.contains('{')) {
                assert!(texts.get(&format!("{key}-plain")).is_some_and(|text| !text.contains('{')), "{key}-plain");
            }
        }
    }
}
