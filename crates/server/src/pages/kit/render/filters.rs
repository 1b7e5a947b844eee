//! What templates can call: texts, links, names from outside, times.

use crate::pages::kit::names::{clean_name, clean_text};
use crate::pages::kit::render::{Asset, escape_unless_safe};
use crate::pages::kit::texts::{Catalogue, escape_html, write_machine_time};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most characters of an address or of something sent.
const LONG: usize = 200;

/// Schemes that a link of a page must never have, whatever was registered.
const BAD_SCHEMES: [&str; 7] = ["javascript", "data", "vbscript", "blob", "file", "about", "view-source"];

fn fail(sentence: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, sentence)
}

fn safe(html: String) -> Value {
    Value::from_safe_string(html)
}

/// A value as HTML; nothing for `None`.
pub(super) fn to_html(value: &Value) -> String {
    if value.is_none() || value.is_undefined() { String::new() } else { escape_unless_safe(value) }
}

/// Texts, names and times.
pub(super) fn add_filters(environment: &mut Environment<'static>, texts: &Arc<Catalogue>) {
    let catalogue = Arc::clone(texts);
    environment.add_function("t", move |key: String, values: Kwargs| {
        let given: BTreeMap<String, Value> =
            values.args().map(|name| Ok((name.to_owned(), values.get(name)?))).collect::<Result<_, Error>>()?;
        fill(&catalogue, &key, &given)
    });
    let catalogue = Arc::clone(texts);
    environment.add_function("fault_text", move |fault: Value| {
        let mut given = BTreeMap::new();
        for name in fault.try_iter()? {
            given.insert(name.to_string(), fault.get_item(&name)?);
        }
        fill(&catalogue, &format!("fault.{}", fault.get_attr("key")?), &given)
    });
    let catalogue = Arc::clone(texts);
    environment.add_filter("moment", move |moment: Value| {
        let at = read_seconds(&moment, "at")?;
        let text = catalogue.write_moment(at, read_seconds(&moment, "now")?).map_err(fail)?;
        write_time(&catalogue, at, &text)
    });
    let catalogue = Arc::clone(texts);
    environment.add_filter("full_time", move |moment: Value| {
        let at = read_seconds(&moment, "at")?;
        let text = catalogue.write_full_time(at).map_err(fail)?;
        write_time(&catalogue, at, &text)
    });
    let catalogue = Arc::clone(texts);
    environment.add_filter("duration", move |seconds: u64| catalogue.write_duration(seconds).map(safe).map_err(fail));
    environment.add_filter("name", |name: String| safe(format!("<bdi>{}</bdi>", escape_html(&clean_name(&name)))));
    environment.add_filter("clean", |name: String| clean_name(&name));
    environment
        .add_filter("address", |text: String| safe(format!("<bdi>{}</bdi>", escape_html(&clean_text(&text, 254)))));
    environment.add_filter("cut", |text: String| clean_text(&text, LONG));
    // parts of a text must keep their spaces and may be empty
    environment.add_filter("plain", |text: String| {
        text.chars().map(|c| if clean_text(&c.to_string(), 1).is_empty() { '\u{fffd}' } else { c }).collect::<String>()
    });
    environment.add_filter("link", |uri: String| if is_bad_link(&uri) { String::new() } else { uri });
}

/// Links to pages and assets, all below the issuer's path.
pub(super) fn add_links(environment: &mut Environment<'static>, base: &str, assets: &[Asset]) {
    let prefix = base.to_owned();
    environment.add_function("url", move |path: String, query: Kwargs| {
        let mut url = format!("{prefix}{path}");
        let mut separator = '?';
        for name in query.args() {
            let value: Value = query.get(name)?;
            if !value.is_none() {
                url.push_str(&format!("{separator}{name}={}", encode(&value.to_string())));
                separator = '&';
            }
        }
        Ok::<_, Error>(safe(escape_html(&url)))
    });
    let prefix = base.to_owned();
    let versions: BTreeMap<String, String> =
        assets.iter().map(|asset| (asset.name.clone(), asset.version().to_owned())).collect();
    environment.add_function("asset", move |name: String| {
        let version = versions.get(&name).ok_or_else(|| fail(format!("there is no asset {name}")))?;
        Ok::<_, Error>(safe(escape_html(&format!("{prefix}/assets/{name}?v={version}"))))
    });
    environment.add_filter("encode", |text: String| safe(encode(&text)));
}

fn fill(texts: &Catalogue, key: &str, given: &BTreeMap<String, Value>) -> Result<Value, Error> {
    let one = given.get("n").and_then(|n| u64::try_from(n.clone()).ok()) == Some(1);
    texts.fill(key, one, |name| given.get(name).map(to_html)).map(safe).map_err(fail)
}

fn read_seconds(moment: &Value, name: &str) -> Result<i64, Error> {
    i64::try_from(moment.get_attr(name)?)
}

fn write_time(texts: &Catalogue, at: i64, text: &str) -> Result<Value, Error> {
    let full = texts.write_full_time(at).map_err(fail)?;
    Ok(safe(format!("<time datetime=\"{}\" title=\"{full}\">{text}</time>", write_machine_time(at))))
}

fn is_bad_link(uri: &str) -> bool {
    // browsers drop control characters and spaces before they read the scheme
    let plain: String = uri.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    plain.split_once(':').is_none_or(|(scheme, _)| BAD_SCHEMES.iter().any(|bad| scheme.eq_ignore_ascii_case(bad)))
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_links_that_run() {
        for bad in
            ["javascript:alert(1)", " JaVaScript:x", "java\tscript:x", "data:text/html,x", "", "/path", "view-source:x"]
        {
            assert!(is_bad_link(bad), "{bad:?}");
        }
        for good in ["https://a.example/cb?x=1", "com.example.app:/cb", "http://127.0.0.1:1/"] {
            assert!(!is_bad_link(good), "{good:?}");
        }
    }

    #[test]
    fn encodes_queries() {
        assert_eq!(encode("a b&c=é/~"), "a%20b%26c%3D%C3%A9%2F~");
    }
}
