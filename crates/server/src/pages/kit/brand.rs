//! The operator's name, logo and colours (settings `brand.*`), checked so that text on the accent stays readable (WCAG 2.2, 1.4.3).

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Accents of the stylesheet, for light and dark.
const ACCENT: Colour = Colour([0x0e, 0x6b, 0x58]);
const ACCENT_DARK: Colour = Colour([0x4c, 0xc3, 0xa5]);
const BLACK: Colour = Colour([0, 0, 0]);
/// The two colours that text on an accent can have.
const WHITE: Colour = Colour([0xff, 0xff, 0xff]);
const NEAR_BLACK: Colour = Colour([0x06, 0x20, 0x1a]);
/// Least contrast of text.
const TEXT_CONTRAST: f64 = 4.5;
/// Backgrounds that a link can lie on, as in the stylesheet.
const LIGHT_GROUNDS: [Colour; 3] = [Colour([0xf5, 0xf6, 0xf4]), Colour([0xff, 0xff, 0xff]), Colour([0xee, 0xf1, 0xee])];
const DARK_GROUNDS: [Colour; 3] = [Colour([0x0f, 0x13, 0x12]), Colour([0x17, 0x1c, 0x1a]), Colour([0x1f, 0x26, 0x23])];

/// Whose front door the pages are.
#[derive(Deserialize, Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Brand {
    /// Name of the operator, at the top of each page.
    pub(crate) name: String,
    /// SVG or PNG file, served by Gatepost; without one a gatepost is shown.
    pub(crate) logo: Option<PathBuf>,
    /// Colour of the main button, `#0e6b58`.
    pub(crate) accent: Option<String>,
    /// The same in dark mode.
    pub(crate) accent_dark: Option<String>,
    /// Link "Help" below each page.
    pub(crate) help_url: Option<String>,
    /// Link "Privacy" below each page.
    pub(crate) privacy_url: Option<String>,
    /// Link "Terms" below each page.
    pub(crate) terms_url: Option<String>,
    /// CSS `font-family`; the fonts must be on people's devices, none are fetched.
    pub(crate) font_stack: Option<String>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: "Gatepost".to_owned(),
            logo: None,
            accent: None,
            accent_dark: None,
            help_url: None,
            privacy_url: None,
            terms_url: None,
            font_stack: None,
        }
    }
}

impl Brand {
    /// What is wrong with these settings, as pairs of the setting and a sentence; empty if all is well.
    pub(crate) fn list_faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if crate::pages::kit::names::clean_name(&self.name) != self.name || self.name.is_empty() {
            faults.push(("brand.name", "needs 1 to 60 plain characters on one line".to_owned()));
        }
        for (setting, value, own) in
            [("brand.accent", &self.accent, ACCENT), ("brand.accent_dark", &self.accent_dark, ACCENT_DARK)]
        {
            let Some(text) = value else { continue };
            match Colour::parse(text) {
                None => faults.push((setting, format!("“{text}” is no colour; write it like {own}"))),
                Some(colour) => faults.extend(colour.judge().map(|sentence| (setting, sentence))),
            }
        }
        for (setting, url) in [
            ("brand.help_url", &self.help_url),
            ("brand.privacy_url", &self.privacy_url),
            ("brand.terms_url", &self.terms_url),
        ] {
            if url.as_deref().is_some_and(|url| !is_link(url)) {
                faults.push((setting, "needs an address that begins with https:// or mailto:".to_owned()));
            }
        }
        if self.font_stack.as_deref().is_some_and(|fonts| !is_font_stack(fonts)) {
            faults
                .push(("brand.font_stack", "may hold font names, quotes, commas, spaces and hyphens only".to_owned()));
        }
        if self.logo.as_deref().is_some_and(|path| logo_type(path).is_none()) {
            faults.push(("brand.logo", "needs a file that ends in .svg or .png".to_owned()));
        }
        faults
    }

    /// The colour of the mark in light mode, for the icon.
    pub(crate) fn mark_colours(&self) -> (String, String) {
        let accent = self.accent.as_deref().and_then(Colour::parse).unwrap_or(ACCENT);
        (accent.to_string(), accent.on().0.to_string())
    }

    /// The stylesheet that is served after the main one; values with faults are left out.
    pub(crate) fn write_css(&self) -> String {
        let mut css = String::from("/* from the settings brand.* */\n");
        let fonts = self.font_stack.as_deref().filter(|fonts| is_font_stack(fonts));
        if let Some(fonts) = fonts {
            css.push_str(&format!(":root {{ --font: {fonts}; }}\n"));
        }
        if let Some(accent) = self.accent.as_deref().and_then(Colour::parse) {
            css.push_str(&format!(
                "@media (prefers-color-scheme: light) {{ :root {{ {} }} }}\n",
                accent.write_tokens(&LIGHT_GROUNDS)
            ));
        }
        if let Some(accent) = self.accent_dark.as_deref().and_then(Colour::parse) {
            css.push_str(&format!(
                "@media (prefers-color-scheme: dark) {{ :root {{ {} }} }}\n",
                accent.write_tokens(&DARK_GROUNDS)
            ));
        }
        css
    }
}

/// Media type of a logo by its ending.
pub(crate) fn logo_type(path: &std::path::Path) -> Option<&'static str> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        _ => None,
    }
}

/// True for what may stand in `href`: no scheme that runs script.
fn is_link(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|start| url.len() > start.len() && url.starts_with(start))
        && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_font_stack(fonts: &str) -> bool {
    let quotes = |mark| fonts.matches(mark).count() % 2 == 0;
    !fonts.is_empty()
        && quotes('"')
        && quotes('\'')
        && fonts.chars().all(|c| c.is_ascii_alphanumeric() || " ,-_\"'".contains(c))
}

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Colour {
    /// Reads `#rgb` and `#rrggbb`.
    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .strip_prefix('#')?
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()?;
        match *digits.as_slice() {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [a, b, c, d, e, f] => Some(Self([a * 16 + b, c * 16 + d, e * 16 + f])),
            _ => None,
        }
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio (WCAG 2.2), 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    /// The better of white and near-black as text on this colour, and its contrast.
    fn on(self) -> (Self, f64) {
        let (white, black) = (self.contrast(WHITE), self.contrast(NEAR_BLACK));
        if white >= black || white >= TEXT_CONTRAST { (WHITE, white) } else { (NEAR_BLACK, black) }
    }

    /// This colour moved towards another by a share of 0 to 1.
    fn mix(self, other: Self, share: f64) -> Self {
        let mut channels = self.0;
        for (channel, to) in channels.iter_mut().zip(other.0) {
            let mixed = f64::from(*channel) * (1.0 - share) + f64::from(to) * share;
            // a mean of two bytes is a byte
            *channel = mixed.round().clamp(0.0, 255.0) as u8;
        }
        Self(channels)
    }

    /// A sentence with the ratio and a near colour that would do, if neither white nor near-black is readable on this.
    fn judge(self) -> Option<String> {
        let (_, ratio) = self.on();
        if ratio >= TEXT_CONTRAST {
            return None;
        }
        let steps = (1..=50).map(|step| f64::from(step) / 50.0);
        let near = steps.map(|share| self.mix(BLACK, share)).find(|near| near.on().1 >= TEXT_CONTRAST)?;
        Some(format!("text on {self} reaches a contrast of {ratio:.1}:1 only and needs 4.5:1; {near} would do"))
    }

    /// The custom properties that follow from an accent.
    fn write_tokens(self, grounds: &[Colour]) -> String {
        let (on, _) = self.on();
        // hovering moves away from the text colour, so that the contrast only grows
        let hover = self.mix(if on == WHITE { BLACK } else { WHITE }, 0.18);
        let mut tokens = format!("--accent: {self}; --accent-hover: {hover}; --on-accent: {on};");
        if grounds.iter().all(|ground| self.contrast(*ground) >= TEXT_CONTRAST) {
            tokens.push_str(&format!(" --link: {self};"));
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_contrast() {
        assert!((Colour([0, 0, 0]).contrast(WHITE) - 21.0).abs() < 0.01);
        assert!((ACCENT.contrast(WHITE) - 6.4).abs() < 0.1, "as in the design");
        assert!((ACCENT_DARK.contrast(NEAR_BLACK) - 7.9).abs() < 0.1, "as in the design");
    }

    #[test]
    fn the_default_has_no_faults_and_no_colours() {
        assert_eq!(Brand::default().list_faults(), []);
        assert!(!Brand::default().write_css().contains("--"));
    }

    #[test]
    fn every_grey_gets_readable_text_or_a_sentence() {
        for grey in 0..=255 {
            let colour = Colour([grey, grey, grey]);
            match colour.judge() {
                None => assert!(colour.on().1 >= TEXT_CONTRAST),
                Some(sentence) => {
                    let near =
                        sentence.rsplit("; ").next().and_then(|end| end.split(' ').next()).expect("it names one");
                    assert_eq!(Colour::parse(near).expect("a colour").judge(), None, "{sentence}");
                }
            }
            let hover = colour.mix(if colour.on().0 == WHITE { BLACK } else { WHITE }, 0.18);
            assert!(hover.contrast(colour.on().0) >= colour.on().1 - 0.01, "{colour}");
        }
    }

    #[test]
    fn faults_are_sentences() {
        let brand = Brand {
            name: "A\u{202e}".into(),
            accent: Some("teal".into()),
            accent_dark: Some("#777c77".into()),
            help_url: Some("javascript:alert(1)".into()),
            font_stack: Some("x; } body { color: red".into()),
            logo: Some("logo.gif".into()),
            ..Brand::default()
        };
        let settings: Vec<_> = brand.list_faults().into_iter().map(|(setting, _)| setting).collect();
        assert_eq!(
            settings,
            ["brand.name", "brand.accent", "brand.accent_dark", "brand.help_url", "brand.font_stack", "brand.logo"]
        );
        assert!(!brand.write_css().contains("red"));
    }

    #[test]
    fn css_chooses_the_text_colour() {
        let brand = Brand { accent: Some("#ffd400".into()), accent_dark: Some("#abc".into()), ..Brand::default() };
        assert_eq!(brand.list_faults(), []);
        let css = brand.write_css();
        assert!(css.contains("--accent: #ffd400") && css.contains(&format!("--on-accent: {NEAR_BLACK}")), "{css}");
        assert!(!css.split("dark").next().expect("first part").contains("--link"), "yellow links on white: {css}");
        assert!(css.contains("--link: #aabbcc"));
    }
}
