//! Makes pages from views: templates, the functions they use, and the headers that go with them.

mod assets;
mod filters;
#[cfg(test)]
pub(crate) mod tests;

use crate::http::policy::MenuEntry;
use crate::pages::kit::brand::Brand;
use crate::pages::kit::collected::TEMPLATES;
use crate::pages::kit::texts::{Catalogue, escape_html};
use crate::pages::kit::view::View;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, UndefinedBehavior, Value};
use std::path::Path;
use std::sync::Arc;

pub(crate) use assets::{ASSET_HEADERS, Asset};

/// Content security policy of every page.
pub(crate) const PAGE_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// The same for the hand-over page, which has no form.
pub(crate) const HAND_OVER_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// A table of header names and values.
type Headers = &'static [(&'static str, &'static str)];

/// Headers of every page; [`STRICT_TRANSPORT`] comes on top where the issuer is https.
pub(crate) const PAGE_HEADERS: Headers = &headers_with(PAGE_CSP);

/// Headers of the hand-over page.
pub(crate) const HAND_OVER_HEADERS: Headers = &headers_with(HAND_OVER_CSP);

/// `Strict-Transport-Security`, for https issuers only.
pub(crate) const STRICT_TRANSPORT: (&str, &str) = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains");

const fn headers_with(policy: &'static str) -> [(&'static str, &'static str); 9] {
    [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self)"),
    ]
}

/// What is sent if a page cannot be made at all; only an override can cause that.
const LAST_RESORT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Something went wrong</title>\
    <main><h1>Something went wrong on our side</h1><p>Your account is safe. Try again in a moment.</p></main></html>";

/// All pages and assets of one brand, made once at start.
pub(crate) struct Pages {
    built_in: Environment<'static>,
    overridden: Option<Environment<'static>>,
    assets: Vec<Asset>,
}

impl Pages {
    /// Reads the catalogue, the templates, the overrides and the logo.
    ///
    /// `issuer_path` is the path of the issuer without the slash at the end, `""` or `"/auth"`; all links begin with it.
    /// `menu` is that of the administration.
    /// A sentence says what is wrong.
    pub(crate) fn new(
        brand: &Brand,
        issuer_path: &str,
        override_folder: Option<&Path>,
        menu: &[MenuEntry],
    ) -> Result<Self, String> {
        if let Some((setting, sentence)) = brand.list_faults().into_iter().next() {
            return Err(format!("{setting} {sentence}"));
        }
        let assets = assets::load_assets(brand)?;
        let texts = Arc::new(Catalogue::load("en")?);
        let base = issuer_path.trim_end_matches('/');
        let make = || {
            let mut environment = make_environment(brand, base, &texts, &assets)?;
            environment.add_global("admin_menu", Value::from(Serde(menu)));
            Ok::<_, String>(environment)
        };
        let mut built_in = make()?;
        for (name, source) in TEMPLATES {
            built_in.add_template(name, source).map_err(|error| format!("{name}: {error:#}"))?;
        }
        let overridden = match override_folder {
            None => None,
            Some(folder) => Some(add_overrides(make()?, folder)?),
        };
        Ok(Self { built_in, overridden, assets })
    }

    /// The page as HTML.
    ///
    /// An override that fails is logged, and the built-in page is shown instead.
    pub(crate) fn render<V: View>(&self, view: &V) -> String {
        self.try_render(view).unwrap_or_else(|| LAST_RESORT.to_owned())
    }

    /// The same for what must not be replaced by an apology; `None` if it cannot be made at all.
    pub(crate) fn try_render<V: View>(&self, view: &V) -> Option<String> {
        let context = Value::from(Serde(view));
        for environment in self.overridden.iter().chain([&self.built_in]) {
            let page = environment.get_template(V::TEMPLATE).and_then(|template| template.render(&context));
            match page {
                Ok(html) => return Some(html),
                Err(error) => {
                    tracing::error!(template = V::TEMPLATE, "page could not be made: {error:#}")
                }
            }
        }
        None
    }

    /// The file `name` below `/assets/`.
    pub(crate) fn find_asset(&self, name: &str) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.name == name)
    }
}

/// Files of an override folder, for `gatepost config check`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// Files that replace a template.
    pub(crate) used: Vec<String>,
    /// Files whose name is no template's: renamed, removed or mistyped.
    pub(crate) unmatched: Vec<String>,
}

/// Lists the files of an override folder, sorted; a sentence says why it cannot be read.
pub(crate) fn list_overrides(folder: &Path) -> Result<Overrides, String> {
    let fault = |error| format!("the template folder {} cannot be read: {error}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        names.push(entry.map_err(fault)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let is_template = |name: &String| TEMPLATES.iter().any(|(known, _)| known == name);
    let (used, unmatched) = names.into_iter().partition(is_template);
    Ok(Overrides { used, unmatched })
}

fn add_overrides(mut environment: Environment<'static>, folder: &Path) -> Result<Environment<'static>, String> {
    let overrides = list_overrides(folder)?;
    for (name, source) in TEMPLATES {
        let file = folder.join(name);
        let source = if overrides.used.iter().any(|used| used == name) {
            std::fs::read_to_string(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?
        } else {
            (*source).to_owned()
        };
        environment.add_template_owned(*name, source).map_err(|error| format!("{}: {error:#}", file.display()))?;
    }
    Ok(environment)
}

fn make_environment(
    brand: &Brand,
    base: &str,
    texts: &Arc<Catalogue>,
    assets: &[Asset],
) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, _, value| write_html(out, value));
    let dir = texts.get("language.dir").ok_or("the texts do not say in which direction they are written")?;
    environment.add_global("lang", texts.get("language.code").ok_or("the texts do not name their language")?);
    environment.add_global("dir", dir);
    environment.add_global("brand", Value::from(Serde(brand)));
    let logo = assets.iter().find(|asset| asset.name.starts_with("logo.")).map(|asset| asset.name.clone());
    environment.add_global("logo", Value::from(Serde(logo)));
    filters::add_filters(&mut environment, texts);
    crate::pages::kit::events::sentences::add_event_texts(&mut environment, texts);
    filters::add_links(&mut environment, base, assets);
    Ok(environment)
}

/// Writes a value as HTML; nothing for `None`, so that an optional text needs no condition.
fn write_html(out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
    let text = filters::to_html(value);
    out.write_str(&text)?;
    Ok(())
}

/// Text as HTML unless it is HTML already.
fn escape_unless_safe(value: &Value) -> String {
    let text = value.to_string();
    if value.is_safe() { text } else { escape_html(&text) }
}
