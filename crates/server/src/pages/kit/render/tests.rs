//! Every page in every state: it renders, escapes, and keeps the rules that hold for all pages.

pub(crate) mod samples;

use crate::pages::kit::render::*;
use crate::pages::kit::texts::Catalogue;
use samples::make_samples;
use std::collections::BTreeSet;

const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\u{202e}";

fn make_pages(base: &str) -> Pages {
    Pages::new(&Brand::default(), base, None, &crate::pages::list_menu()).expect("the built-in pages are right")
}

#[test]
fn every_page_renders_and_keeps_the_rules() {
    for (name, html) in make_samples(&make_pages("/api/v1/auth"), None) {
        assert_ne!(html, LAST_RESORT, "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one h1");
        assert_eq!(html.matches("<main").count(), 1, "{name}: one main");
        assert!(html.matches("button primary").count() <= 1, "{name}: one filled button");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"), "{name}");
        assert!(!html.contains("none</") && !html.contains("=\"none\"") || html.contains("autocapitalize"), "{name}");
        assert!(!html.contains("<title> –") && html.contains(" – Gatepost"), "{name}: title");
        check_no_inline_code(&name, &html);
        check_addresses(&name, &html);
        check_fields(&name, &html);
    }
}

/// A page that no sample shows is looked at by nobody.
#[test]
fn every_template_has_a_sample() {
    let pages = make_pages("");
    let mut samples = samples::Samples::new(&pages, None);
    samples.add_all();
    for (name, _) in TEMPLATES {
        let quoted = format!("\"{name}\"");
        let is_part = TEMPLATES.iter().any(|(_, source)| source.contains(&quoted));
        // the email has tests of its own
        assert!(is_part || samples.shown.contains(name) || *name == "mail.html", "no sample shows {name}");
    }
}

fn check_no_inline_code(name: &str, html: &str) {
    assert!(!html.contains("<style") && !html.contains(" style="), "{name}: inline style");
    for part in html.split("<script").skip(1) {
        assert!(part.starts_with(" src=\"/api/v1/auth/assets/gatepost.js?v=") && part.contains("></script>"), "{name}");
    }
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        assert!(!tag.split_whitespace().any(|word| word.starts_with("on") && word.contains('=')), "{name}: {tag}");
    }
}

/// Assets, forms and links stay below the issuer's path; only links that the sample itself brought lead elsewhere.
fn check_addresses(name: &str, html: &str) {
    for attribute in ["href", "src", "action"] {
        for part in html.split(&format!(" {attribute}=\"")).skip(1) {
            let address = part.split('"').next().unwrap_or_default();
            let own = address.starts_with("/api/v1/auth/") || address.starts_with('#');
            let given = (name.starts_with("hand-over") || name == "signed-out-back") && attribute == "href";
            assert!(own || given, "{name}: {attribute}={address}");
        }
    }
    assert_eq!(html.contains("http-equiv=\"refresh\""), name.starts_with("hand-over"), "{name}");
}

/// Each input has a label or is hidden; each description exists; each POST form carries the token.
fn check_fields(name: &str, html: &str) {
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id is there twice");
    for attribute in ["for", "aria-describedby", "aria-labelledby"] {
        for part in html.split(&format!(" {attribute}=\"")).skip(1) {
            for id in part.split('"').next().unwrap_or_default().split(' ') {
                assert!(ids.contains(&id), "{name}: nothing has the id {id}");
            }
        }
    }
    for form in html.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap_or_default();
        // a search changes nothing, and its address is to be shared
        if form.contains("method=\"get\"") && form.contains("role=\"search\"") {
            assert!(!form.contains("name=\"csrf\""), "{name}: {form}");
            continue;
        }
        assert!(form.contains("method=\"post\"") && form.contains("name=\"csrf\""), "{name}: {form}");
    }
    assert_eq!(
        html.contains("<title>Error: "),
        html.contains("aria-invalid=\"true\"") || html.contains("role=\"alert\""),
        "{name}"
    );
    assert!(html.matches(" autofocus").count() <= 1, "{name}");
}

#[test]
fn everything_from_outside_is_escaped() {
    let brand = Brand { name: "A<b>&\"'".into(), ..Brand::default() };
    let pages = Pages::new(&brand, "", None, &[]).expect("a brand may have any name");
    for (name, html) in make_samples(&pages, Some(EVIL)) {
        assert_ne!(html, LAST_RESORT, "{name}");
        for bad in ["<script>alert", "<img src=x", "\"'>", "49", "\u{202e}", "<b>"] {
            // values of fields go back as they came, so only there a bidi character may stand
            let html = if bad == "\u{202e}" { drop_values(&html) } else { html.clone() };
            assert!(!html.contains(bad), "{name} has {bad:?}:\n{html}");
        }
    }
}

fn drop_values(html: &str) -> String {
    let mut parts = html.split(" value=\"");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once('"').map_or("", |(_, after)| after));
    }
    rest
}

#[test]
fn links_that_run_are_never_written() {
    use crate::pages::consent::view::HandOverView;
    use crate::pages::sign_out::view::SignedOutView;
    let pages = make_pages("");
    let html = pages.render(&HandOverView::new(None, "javascript:alert(1)".into()));
    assert!(!html.contains("javascript:alert"), "{html}");
    let view = SignedOutView { app: Some("a".into()), return_to: Some("data:text/html,x".into()), still: Vec::new() };
    assert!(!pages.render(&view).contains("data:text"));
}

#[test]
fn texts_and_templates_match() {
    let texts = Catalogue::load("en").expect("English is built in");
    let source: String = TEMPLATES.iter().map(|(_, source)| *source).collect();
    let is_known = |key: &str| texts.keys().any(|text| text == key || text == format!("{key}.other"));
    for (at, _) in source.match_indices("t('") {
        // not the end of asset('…') and default('…')
        if source[..at].ends_with(|before: char| before.is_alphanumeric()) {
            continue;
        }
        let (key, after) = source[at + 3..].split_once('\'').expect("the quote is closed");
        let is_built = after.trim_start().starts_with('~') && texts.keys().any(|text| text.starts_with(key));
        assert!(is_known(key) || is_built, "there is no text {key}");
    }
    // keys that are put together while rendering: in the code, and in the templates
    let mut starts = vec![
        "time.",
        "month.",
        "fault.",
        "language.",
        "mail.",
        "audit.",
        "method.",
        "log.kind.",
        "log.result.",
        "role.",
    ];
    starts.extend(
        source
            .split('\'')
            .zip(source.split('\'').skip(1))
            .filter(|(_, after)| after.starts_with(" ~"))
            .map(|(key, _)| key),
    );
    for key in texts.keys().filter(|key| !starts.iter().any(|start| !start.is_empty() && key.starts_with(start))) {
        let key = key.trim_end_matches(".one").trim_end_matches(".other");
        assert!(source.contains(&format!("'{key}'")), "no page uses the text {key}");
    }
}

#[test]
fn overrides_replace_fall_back_and_are_listed() {
    let folder = std::env::temp_dir().join(format!("gatepost-overrides-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a temporary file");
    write("home.html", "<h1>Own page of {{ brand.name }} {{ '<' }}</h1>");
    write("error.html", "{{ no_such_value }}");
    write("lgoin.html", "x");
    let pages = Pages::new(&Brand::default(), "", Some(&folder), &[]).expect("the overrides parse");
    let view = crate::pages::home::view::HomeView {
        email: None,
        csrf: String::new(),
        signup: gatepost_engine::SignUpMode::Closed,
    };
    assert_eq!(pages.render(&view), "<h1>Own page of Gatepost &lt;</h1>");
    let error =
        crate::pages::kit::errors::view::ErrorView::new(crate::pages::kit::errors::view::ErrorKind::Broken, "req_1");
    assert!(pages.render(&error).contains("Something went wrong on our side"), "the built-in page stands in");
    let listed = list_overrides(&folder).expect("the folder is there");
    assert_eq!(listed.used, ["error.html", "home.html"]);
    assert_eq!(listed.unmatched, ["lgoin.html"]);
    write("home.html", "{% if %}");
    assert!(
        Pages::new(&Brand::default(), "", Some(&folder), &[]).is_err_and(|sentence| sentence.contains("home.html"))
    );
    std::fs::remove_dir_all(&folder).expect("it was made here");
    assert!(list_overrides(&folder).is_err());
}

#[test]
fn assets_have_types_and_tags() {
    let pages = make_pages("");
    for (name, start) in [
        ("gatepost.css", "text/css"),
        ("gatepost.js", "text/javascript"),
        ("brand.css", "text/css"),
        ("icon.svg", "image/svg"),
    ] {
        let asset = pages.find_asset(name).expect("it is built in");
        assert!(asset.content_type.starts_with(start) && asset.etag.len() == 18 && !asset.bytes.is_empty());
    }
    assert!(pages.find_asset("../secrets").is_none());
    let css = pages.find_asset("gatepost.css").expect("it is built in");
    assert!(!String::from_utf8_lossy(&css.bytes).contains("url("), "the stylesheet loads nothing from elsewhere");
}

#[test]
fn a_logo_replaces_the_mark() {
    let file = std::env::temp_dir().join(format!("gatepost-logo-{}.png", std::process::id()));
    let brand = Brand { logo: Some(file.clone()), ..Brand::default() };
    assert!(Pages::new(&brand, "", None, &[]).is_err_and(|sentence| sentence.starts_with("brand.logo")));
    std::fs::write(&file, b"png").expect("a temporary file");
    let pages = Pages::new(&brand, "/auth", None, &[]).expect("the logo is there");
    std::fs::remove_file(&file).expect("it was made here");
    assert_eq!(pages.find_asset("logo.png").map(|asset| asset.content_type), Some("image/png"));
    let html = pages.render(&crate::pages::setup::view::SetupGoneView { has_administrator: true });
    assert!(html.contains("<img src=\"/auth/assets/logo.png?v=") && !html.contains("class=\"mark\""), "{html}");
}

#[test]
fn headers_are_those_of_the_requirements() {
    let find = |table: Headers, name: &str| table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let policy = find(PAGE_HEADERS, "Content-Security-Policy").expect("it is there");
    assert!(!policy.contains("unsafe") && policy.contains("form-action 'self'") && !policy.contains("  "));
    assert_eq!(HAND_OVER_CSP, PAGE_CSP.replace("form-action 'self'", "form-action 'none'"));
    assert_eq!(find(HAND_OVER_HEADERS, "Content-Security-Policy"), Some(HAND_OVER_CSP));
    assert_eq!(find(PAGE_HEADERS, "Cache-Control"), Some("no-store"));
    assert_eq!(find(PAGE_HEADERS, "Referrer-Policy"), Some("no-referrer"));
}

/// `GATEPOST_WRITE_PAGES=folder cargo test -p gatepost-server write_pages` writes all pages to look at.
#[test]
fn write_pages() {
    let Some(folder) = std::env::var_os("GATEPOST_WRITE_PAGES").map(std::path::PathBuf::from) else {
        return;
    };
    let pages = make_pages("");
    std::fs::create_dir_all(folder.join("assets")).expect("the folder can be made");
    for (name, html) in make_samples(&pages, None) {
        std::fs::write(folder.join(format!("{name}.html")), html).expect("the page can be written");
    }
    for asset in &pages.assets {
        std::fs::write(folder.join("assets").join(&asset.name), &asset.bytes).expect("the asset can be written");
    }
}
