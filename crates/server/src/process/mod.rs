//! The process: how it starts, runs and stops, and the only places that read the clock and draw random numbers.

pub(crate) mod clock;
pub(crate) mod dev;
pub(crate) mod hashing;
pub(crate) mod random;
pub(crate) mod sealing;
pub(crate) mod serve;
pub(crate) mod startup;
