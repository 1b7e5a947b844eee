//! What a page shows, as plain data: no HTTP types, times as unix seconds, names as they came (the templates clean them).

use crate::pages::kit::render::PAGE_HEADERS;
use serde::Serialize;

/// A page: the data, the template that shows it, and the headers that go with it.
pub(crate) trait View: Serialize {
    /// Name of the template, also the file name in an override folder.
    const TEMPLATE: &'static str;

    /// Response headers of this page, the content security policy included.
    fn headers() -> &'static [(&'static str, &'static str)] {
        PAGE_HEADERS
    }
}

/// A time to be shown: "4 minutes ago" under a day, then the date; the full time stands in the tooltip.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time itself, unix seconds.
    pub(crate) at: i64,
    /// The time at which the page is made, unix seconds.
    pub(crate) now: i64,
}

impl Moment {
    /// A moment `at`, seen from `now`; both unix seconds.
    pub(crate) fn new(at: i64, now: i64) -> Self {
        Self { at, now }
    }
}
