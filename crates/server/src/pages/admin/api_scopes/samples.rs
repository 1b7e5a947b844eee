//! The states of the page, for the tests of rendering.

use super::view::{ApiScopeRow, ApiScopesView};
use crate::pages::kit::render::tests::samples::Samples;

pub(crate) fn add_samples(samples: &mut Samples<'_>) {
    let empty = ApiScopesView { frame: samples.admin_frame(None), scopes: Vec::new() };
    samples.add("admin-api-scopes-empty", &empty);
    let row = |name: &str, description: &str| ApiScopeRow {
        api: samples.s("Acme Notes API"),
        disabled: false,
        name: samples.s(name),
        description: samples.s(description),
        sensitive: false,
    };
    let scopes = vec![
        row("notes:read", "Read your notes and notebooks"),
        ApiScopeRow { sensitive: true, ..row("notes:write", "Change and delete your notes") },
        ApiScopeRow { disabled: true, description: String::new(), ..row("files:read", "") },
    ];
    samples.add("admin-api-scopes", &ApiScopesView { scopes, ..empty });
}
