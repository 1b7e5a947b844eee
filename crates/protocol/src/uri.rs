//! What the text of a URI may look like (RFC 3986 §2); nothing is decoded or rewritten here (RU-01).

/// Whether every character may stand in a URI. Square brackets are let through anywhere, because IPv6 hosts need them.
pub(crate) fn has_uri_characters(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

/// Whether each percent sign is followed by two hexadecimal digits (RFC 3986 §2.1).
pub(crate) fn has_whole_percents(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let bytes = rest.as_bytes();
        bytes.len() >= 2 && bytes[0].is_ascii_hexdigit() && bytes[1].is_ascii_hexdigit()
    })
}

/// The authority of what follows `scheme://`, and everything behind it. A backslash ends it too, as it does in browsers.
pub(crate) fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_whole_or_none() {
        assert!(has_whole_percents("a%20b%Fa") && has_whole_percents(""));
        for bad in ["%", "%2", "%zz", "a%2", "%%20"] {
            assert!(!has_whole_percents(bad), "{bad}");
        }
    }

    #[test]
    fn the_authority_ends_where_a_browser_ends_it() {
        assert_eq!(split_authority("h:1/p?q"), ("h:1", "/p?q"));
        assert_eq!(split_authority("a@b?q"), ("a@b", "?q"));
        assert_eq!(split_authority("h\\@evil"), ("h", "\\@evil"));
        assert_eq!(split_authority("h"), ("h", ""));
    }
}
