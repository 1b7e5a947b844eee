//! For whoever looks after the server: health, metrics, logs.

pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod telemetry;
