//! Stylesheet, script, icon and logo.

use crate::pages::kit::brand::{Brand, logo_type};
use std::borrow::Cow;

/// Largest logo, bytes.
const LOGO_LIMIT: u64 = 256 * 1024;

/// The default mark: a post with a gate.
const ICON: &str = include_str!("../../../../assets/icon.svg");

/// Headers of every asset besides type and tag; their addresses carry the tag, so they never change.
///
/// The policy is for an SVG logo that is opened on its own: no script runs in it.
pub(crate) const ASSET_HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// A file below `/assets/`.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    /// File name, `gatepost.css`.
    pub(crate) name: String,
    /// Content.
    pub(crate) bytes: Cow<'static, [u8]>,
    /// Media type.
    pub(crate) content_type: &'static str,
    /// Entity tag with its quotes (RFC 9110 §8.8.3), the same on every machine.
    pub(crate) etag: String,
}

impl Asset {
    fn new(name: &str, content_type: &'static str, bytes: Cow<'static, [u8]>) -> Self {
        let etag = format!("\"{:016x}\"", hash(&bytes));
        Self { name: name.to_owned(), bytes, content_type, etag }
    }

    /// The tag without quotes, for the address.
    pub(super) fn version(&self) -> &str {
        self.etag.trim_matches('"')
    }
}

/// All assets of a brand; a sentence says why the logo cannot be used.
pub(super) fn load_assets(brand: &Brand) -> Result<Vec<Asset>, String> {
    let (accent, on_accent) = brand.mark_colours();
    let icon = ICON.replace("#0e6b58", &accent).replace("#ffffff", &on_accent);
    let mut assets = vec![
        Asset::new("gatepost.css", "text/css; charset=utf-8", include_bytes!("../../../../assets/gatepost.css").into()),
        Asset::new(
            "gatepost.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../../../assets/gatepost.js").into(),
        ),
        Asset::new("brand.css", "text/css; charset=utf-8", brand.write_css().into_bytes().into()),
        Asset::new("icon.svg", "image/svg+xml", icon.into_bytes().into()),
    ];
    if let Some(path) = &brand.logo {
        let content_type = logo_type(path).ok_or("brand.logo needs a file that ends in .svg or .png")?;
        let fault = |error: std::io::Error| format!("brand.logo: {} cannot be read: {error}", path.display());
        if std::fs::metadata(path).map_err(fault)?.len() > LOGO_LIMIT {
            return Err(format!("brand.logo: {} is larger than 256 KiB", path.display()));
        }
        let bytes = std::fs::read(path).map_err(fault)?;
        let name = if content_type == "image/png" { "logo.png" } else { "logo.svg" };
        assets.push(Asset::new(name, content_type, bytes.into()));
    }
    Ok(assets)
}

/// FNV-1a, 64 bit: a fingerprint of files that we chose ourselves, no protection against forgery.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
