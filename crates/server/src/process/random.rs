//! The one source of random numbers: the operating system's, through ring.

use ring::rand::{SecureRandom, SystemRandom};

/// The source, to be handed to whoever needs it.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn make_source() -> SystemRandom {
    SystemRandom::new()
}

/// The source, where a shared reference is enough.
pub(crate) fn source() -> &'static dyn SecureRandom {
    static SOURCE: std::sync::LazyLock<SystemRandom> = std::sync::LazyLock::new(make_source);
    &*SOURCE
}
