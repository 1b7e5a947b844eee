//! Just enough HTML to fill in forms and follow the hand-over page.

/// A form of a page.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) method: String,
    /// every input with a name, with its value or an empty text
    pub(crate) fields: Vec<(String, String)>,
    /// the buttons that have a name
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The form with another value; a field that it lacks is added.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The form without a field.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }
}

/// One start tag: its name and attributes.
struct Tag<'h> {
    name: &'h str,
    attributes: Vec<(String, String)>,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Text as it stands in an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text of HTML as people read it.
pub(crate) fn unescape(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#x2f;", "/")];
    let mut plain = text.to_owned();
    for (entity, sign) in named {
        plain = plain.replace(entity, sign);
    }
    plain.replace("&amp;", "&")
}

fn read_tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/' || c == '!')).unwrap_or(rest.len());
        let name = &rest[..name_end];
        rest = &rest[name_end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>').unwrap_or(rest.len()).max(1);
            let key = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                (value, rest) = match after.strip_prefix('"') {
                    Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                    None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
                };
            }
            attributes.push((key, unescape(value)));
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

/// All forms of a page.
pub(crate) fn find_forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for tag in read_tags(html) {
        let pair = || Some((tag.get("name")?.to_owned(), tag.get("value").unwrap_or_default().to_owned()));
        match (tag.name, forms.last_mut()) {
            ("form", _) => forms.push(Form {
                action: tag.get("action").unwrap_or_default().to_owned(),
                method: tag.get("method").unwrap_or("get").to_ascii_lowercase(),
                fields: Vec::new(),
                buttons: Vec::new(),
            }),
            ("input", Some(form)) => form.fields.extend(pair()),
            ("button", Some(form)) => form.buttons.extend(pair()),
            _ => {}
        }
    }
    forms
}

/// Every address that a page links to, loads or sends forms to.
pub(crate) fn find_addresses(html: &str) -> Vec<String> {
    let names = ["href", "src", "action", "formaction"];
    let tags = read_tags(html);
    tags.iter().flat_map(|tag| names.iter().filter_map(|name| tag.get(name))).map(str::to_owned).collect()
}

/// Where the hand-over page goes by itself.
pub(crate) fn find_refresh(html: &str) -> Option<String> {
    let tags = read_tags(html);
    let meta = tags.iter().find(|tag| tag.get("http-equiv").is_some_and(|value| value.eq_ignore_ascii_case("refresh")));
    meta?.get("content")?.strip_prefix("0;url=").map(str::to_owned)
}

/// What people read: the text without tags and without what is in the head.
pub(crate) fn read_text(html: &str) -> String {
    let body = html.find("<body").map_or(html, |at| &html[at..]);
    let mut text = String::new();
    let mut in_tag = false;
    for sign in body.chars() {
        match sign {
            '<' => in_tag = true,
            '>' => in_tag = false,
            sign if !in_tag => text.push(sign),
            _ => {}
        }
    }
    unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first `<h1>`.
pub(crate) fn find_heading(html: &str) -> String {
    let after = html.split_once("<h1").map_or("", |(_, after)| after);
    let inner = after.split_once('>').map_or("", |(_, after)| after);
    read_text(inner.split_once("</h1>").map_or("", |(inner, _)| inner))
}
