//! Names and addresses that strangers chose, made fit to be shown.

/// Most characters of a name from outside.
const NAME_LENGTH: usize = 60;

/// True for characters that hide, reorder or forge text: controls, bidi marks and overrides, zero width, tags, fillers.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// True for marks that stack on the letter before: a pile of them covers other lines.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// One line of at most `length` characters without unfit ones; a longer text ends in "…".
pub(crate) fn clean_text(text: &str, length: usize) -> String {
    let mut clean = String::new();
    let (mut count, mut marks) = (0, 0);
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        marks = if is_mark(c) { marks + 1 } else { 0 };
        // four combining marks are more than any living language needs
        if is_unfit(c) || marks > 4 || (c == ' ' && (clean.is_empty() || clean.ends_with(' '))) {
            continue;
        }
        if count == length {
            clean.pop();
            clean.truncate(clean.trim_end().len());
            clean.push('…');
            return clean;
        }
        clean.push(c);
        count += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// A name from outside (app, person, device): one line, at most 60 characters, no control or bidi characters.
pub(crate) fn clean_name(name: &str) -> String {
    clean_text(name, NAME_LENGTH)
}

/// Browser and system in words from a `User-Agent`, "Firefox on Linux"; what is unknown is left out.
pub(crate) fn describe_browser(user_agent: &str) -> String {
    // order matters: each of these also names those below it
    const BROWSERS: [(&str, &str); 10] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
        ("gatepost", "Gatepost command line"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_hides_or_reorders() {
        let cases = [
            ("Acme Notes", "Acme Notes"),
            ("  Acme \t\r\n Notes  ", "Acme Notes"),
            ("Ac\u{0}me\u{7}\u{1b}[31m", "Acme[31m"),
            ("Go\u{200b}og\u{200d}le\u{feff}", "Google"),
            ("\u{202e}elgooG\u{202c}", "elgooG"),
            ("\u{2066}a\u{2069}\u{200e}b\u{200f}c\u{061c}", "abc"),
            ("a\u{e0041}\u{e0042}", "a"),
            ("a\u{3164}\u{2800}\u{115f}b", "ab"),
            ("a\u{2028}b", "a b"),
            ("a\u{a0}\u{3000}b", "a b"),
            ("\u{200b}\u{202e}", ""),
            ("Ada Løvelace 李 عمر", "Ada Løvelace 李 عمر"),
            ("e\u{301}", "e\u{301}"),
        ];
        for (from, to) in cases {
            assert_eq!(clean_name(from), to, "{from:?}");
        }
    }

    #[test]
    fn cuts_at_sixty() {
        assert_eq!(clean_name(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(clean_name(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
        assert_eq!(clean_name(&format!("a{}", "\u{301}".repeat(50))), format!("a{}", "\u{301}".repeat(4)));
        assert!(clean_name(&"ab ".repeat(99)).chars().count() <= 60);
        assert_eq!(clean_text("abc", 0), "…");
    }

    #[test]
    fn says_which_browser() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0";
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1";
        assert_eq!(describe_browser(firefox), "Firefox on Linux");
        assert_eq!(describe_browser(edge), "Edge on Windows");
        assert_eq!(describe_browser(iphone), "Safari on iPhone");
        assert_eq!(describe_browser("curl/8.5"), "curl");
        assert_eq!(describe_browser("<script>"), "An unknown browser");
    }
}
