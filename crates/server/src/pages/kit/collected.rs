//! The templates and texts of all pages and emails, as `build.rs` found them beside the code.

include!(concat!(env!("OUT_DIR"), "/collected.rs"));
