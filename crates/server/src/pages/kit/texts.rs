//! The catalogue: every sentence by key. The texts of a page lie in its folder, one TOML file a language; here they come together.

use chrono::{DateTime, Datelike, Utc};
use std::collections::BTreeMap;

use crate::pages::kit::collected::TEXTS;

/// All sentences of one language.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    texts: BTreeMap<String, String>,
}

impl Catalogue {
    /// The built-in catalogue of a language, `en`; a sentence says what is wrong.
    pub(crate) fn load(language: &str) -> Result<Self, String> {
        let mut texts = BTreeMap::new();
        for (_, file) in TEXTS.iter().filter(|(code, _)| *code == language) {
            add_file(file, &mut texts)?;
        }
        if texts.is_empty() {
            return Err(format!("there are no texts in the language {language}"));
        }
        Ok(Self { texts })
    }

    /// The sentence of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// All keys.
    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The sentence with each `{name}` replaced by `value(name)`, all as HTML: the sentence is escaped here, the values must be.
    ///
    /// With `one` the sentence of `{key}.one` is taken, if there is one.
    pub(crate) fn fill(&self, key: &str, one: bool, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        self.fill_as(key, one, escape_html, value)
    }

    /// The same as plain text: nothing is escaped.
    pub(crate) fn fill_plain(&self, key: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        self.fill_as(key, false, str::to_owned, value)
    }

    fn fill_as(
        &self,
        key: &str,
        one: bool,
        escape: fn(&str) -> String,
        value: impl Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        let text = one.then(|| self.get(&format!("{key}.one"))).flatten();
        let text = text.or_else(|| self.get(&format!("{key}.other"))).or_else(|| self.get(key));
        let mut rest = text.ok_or_else(|| format!("there is no text {key}"))?;
        let mut filled = String::with_capacity(rest.len() + 32);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("text {key}: a brace is not closed"))?;
            filled.push_str(&escape(before));
            filled.push_str(&value(name).ok_or_else(|| format!("text {key}: nothing is given for {{{name}}}"))?);
            rest = after;
        }
        filled.push_str(&escape(rest));
        Ok(filled)
    }

    /// A length of time in its largest unit, rounded up: "2 minutes".
    pub(crate) fn write_duration(&self, seconds: u64) -> Result<String, String> {
        let (unit, size) = match seconds {
            0..=59 => ("second", 1),
            60..=3599 => ("minute", 60),
            3600..=172_799 => ("hour", 3600),
            _ => ("day", 86_400),
        };
        self.count(&format!("time.{unit}"), seconds.div_ceil(size).max(1))
    }

    /// "4 minutes ago" and "in 4 minutes" under a day, else the date; both times are unix seconds.
    pub(crate) fn write_moment(&self, at: i64, now: i64) -> Result<String, String> {
        let distance = now.abs_diff(at);
        if distance >= 86_400 {
            return self.write_date(at);
        }
        // a clock that runs a little ahead elsewhere must not make "in 3 seconds" of something past
        if distance < 60 {
            return self.fill("time.now", false, |_| None);
        }
        let (unit, size) = if distance < 3600 { ("minute", 60) } else { ("hour", 3600) };
        let length = self.count(&format!("time.{unit}"), distance / size)?;
        self.fill(if at <= now { "time.ago" } else { "time.ahead" }, false, |_| Some(length.clone()))
    }

    /// "3 March 2026", UTC.
    pub(crate) fn write_date(&self, at: i64) -> Result<String, String> {
        let time = to_time(at);
        let month = self.fill(&format!("month.{}", time.month()), false, |_| None)?;
        self.fill("time.date", false, |name| match name {
            "day" => Some(time.day().to_string()),
            "month" => Some(month.clone()),
            "year" => Some(time.year().to_string()),
            _ => None,
        })
    }

    /// "3 March 2026, 14:05:09 UTC".
    pub(crate) fn write_full_time(&self, at: i64) -> Result<String, String> {
        Ok(format!("{}, {} UTC", self.write_date(at)?, to_time(at).format("%H:%M:%S")))
    }

    /// "28 October 2026, 23:14 UTC", for what cannot know when it is read.
    pub(crate) fn write_minute(&self, at: i64) -> Result<String, String> {
        Ok(format!("{}, {} UTC", self.write_date(at)?, to_time(at).format("%H:%M")))
    }

    fn count(&self, key: &str, n: u64) -> Result<String, String> {
        self.fill(key, n == 1, |_| Some(n.to_string()))
    }
}

/// RFC 3339 for the `datetime` attribute.
pub(crate) fn write_machine_time(at: i64) -> String {
    to_time(at).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Times outside what a calendar can show become 1970.
fn to_time(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).filter(|time| (0..=9999).contains(&time.year())).unwrap_or_default()
}

/// Text as HTML, fit for elements and for quoted attributes.
pub(crate) fn escape_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}

fn add_file(file: &str, texts: &mut BTreeMap<String, String>) -> Result<(), String> {
    let table: toml::Table = file.parse().map_err(|error| format!("the texts cannot be read: {error}"))?;
    flatten(&table, "", texts)
}

fn flatten(table: &toml::Table, prefix: &str, texts: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            // two would hide each other
            toml::Value::String(_) if texts.contains_key(&key) => return Err(format!("the text {key} is there twice")),
            toml::Value::String(text) => {
                texts.insert(key, text.clone());
            }
            toml::Value::Table(table) => flatten(table, &key, texts)?,
            _ => return Err(format!("the text {key} is no text")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_793_228_400; // 28 October 2026, 23:00 UTC

    fn english() -> Catalogue {
        Catalogue::load("en").expect("English is built in")
    }

    #[test]
    fn writes_times() {
        let texts = english();
        let cases = [
            (NOW, "just now"),
            (NOW - 59, "just now"),
            (NOW + 30, "just now"),
            (NOW - 60, "1 minute ago"),
            (NOW - 299, "4 minutes ago"),
            (NOW - 3600, "1 hour ago"),
            (NOW - 86_399, "23 hours ago"),
            (NOW + 7200, "in 2 hours"),
            (NOW - 86_400, "27 October 2026"),
            (NOW + 86_400 * 4, "1 November 2026"),
            (i64::MIN, "1 January 1970"),
            (i64::MAX, "1 January 1970"),
        ];
        for (at, text) in cases {
            assert_eq!(texts.write_moment(at, NOW).as_deref(), Ok(text), "{at}");
        }
        assert_eq!(texts.write_full_time(NOW).as_deref(), Ok("28 October 2026, 23:00:00 UTC"));
        assert_eq!(write_machine_time(NOW), "2026-10-28T23:00:00Z");
    }

    #[test]
    fn writes_durations() {
        let texts = english();
        let cases = [
            (0, "1 second"),
            (42, "42 seconds"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (86_400, "24 hours"),
            (172_800, "2 days"),
        ];
        for (seconds, text) in cases {
            assert_eq!(texts.write_duration(seconds).as_deref(), Ok(text));
        }
    }

    fn parse(file: &str) -> Result<Catalogue, String> {
        let mut texts = BTreeMap::new();
        add_file(file, &mut texts)?;
        Ok(Catalogue { texts })
    }

    #[test]
    fn no_file_hides_a_text_of_another() {
        let mut texts = BTreeMap::new();
        add_file("[a]\nb = \"1\"", &mut texts).expect("it is TOML");
        assert!(add_file("[a]\nc = \"2\"", &mut texts).is_ok());
        assert!(add_file("a.b = \"3\"", &mut texts).is_err_and(|sentence| sentence.contains("a.b")));
    }

    #[test]
    fn fills_and_escapes() {
        let texts = parse("a = \"<{x}> & {x}\"\n[b]\none = \"one\"\nother = \"{n}\"").expect("it is TOML");
        let x = |name: &str| (name == "x").then(|| "<i>".to_owned());
        assert_eq!(texts.fill("a", false, x).as_deref(), Ok("&lt;<i>&gt; &amp; <i>"));
        assert_eq!(texts.fill("b", true, x).as_deref(), Ok("one"));
        assert!(texts.fill("b", false, x).is_err(), "n is not given");
        assert!(texts.fill("c", false, x).is_err());
        assert!(parse("a = 1").is_err());
        assert!(Catalogue::load("xx").is_err());
    }
}
