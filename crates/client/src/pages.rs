//! The two pages that end a loopback login. They show no code and no token, and need nothing from anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const STYLE: &str = ":root{color-scheme:light dark;--bg:#f5f6f4;--surface:#fff;--text:#17201c;--muted:#55605a;--ok:#1b6634;--ok-bg:#e5f4e9;--bad:#b3261e;--bad-bg:#fdecea;--line:rgb(23 32 28/.08)}\
@media(prefers-color-scheme:dark){:root{--bg:#0f1312;--surface:#171c1a;--text:#e9eeeb;--muted:#a4afa9;--ok:#8fd6a5;--ok-bg:#14291b;--bad:#ff9b91;--bad-bg:#361a18;--line:#2b3330}}\
*{box-sizing:border-box}html{font:100%/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}\
body{margin:0;min-height:100vh;background:var(--bg);color:var(--text);display:flex;justify-content:center;align-items:flex-start;padding:clamp(1rem,9vh,6rem) 1rem 1.5rem}\
main{width:100%;max-width:26rem;padding:2rem;background:var(--surface);border-radius:16px;box-shadow:0 0 0 1px var(--line);overflow-wrap:anywhere}\
svg{display:block;width:2.75rem;height:2.75rem;padding:.7rem;margin-bottom:1.5rem;border-radius:50%;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}\
.ok svg{color:var(--ok);background:var(--ok-bg)}.bad svg{color:var(--bad);background:var(--bad-bg)}\
h1{margin:0;font-size:1.5rem;line-height:1.25;font-weight:650;letter-spacing:-.015em;text-wrap:balance}p{margin:.5rem 0 0;color:var(--muted);text-wrap:pretty}";

const TICK: &str = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M4 12.5l5.5 5.5L20 6.5\"/></svg>";
const CROSS: &str = "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path d=\"M5 5l14 14M19 5L5 19\"/></svg>";

/// Only the style above may apply.
pub(crate) fn build_csp() -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        STANDARD.encode(digest)
    )
}

/// "You are signed in", and where to go on.
pub(crate) fn render_done(go_back_to: &str) -> String {
    let text = format!("Go back to {}; you can close this page.", escape_html(go_back_to));
    render_page("ok", TICK, "You are signed in", &text)
}

/// "That did not work", and why.
pub(crate) fn render_failed(reason: &str) -> String {
    render_page("bad", CROSS, "That did not work", &escape_html(reason))
}

fn render_page(class: &str, icon: &str, heading: &str, text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\"><link rel=\"icon\" href=\"data:,\">\
         <title>{heading}</title><style>{STYLE}</style></head>\n<body class=\"{class}\"><main>{icon}<h1>{heading}</h1><p>{text}</p></main></body>\n</html>\n"
    )
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_words() {
        let page = render_failed("<script>alert(1)</script>");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    }
}
