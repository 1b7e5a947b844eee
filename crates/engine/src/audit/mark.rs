//! The mark that every event carries: over all that it says, and only the holder of the master key can make it (AD9).

use gatepost_store::audit::AuditRow;

use crate::kernel::call::Engine;

/// Writes values one after the other so that no two lists of values look alike.
pub(super) struct Encoder(pub(super) Vec<u8>);

impl Encoder {
    pub(super) fn new(purpose: &str) -> Self {
        Self(Vec::with_capacity(512)).text(purpose)
    }

    pub(super) fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(&(text.len() as u64).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }
}

fn encode_event(row: &AuditRow) -> Vec<u8> {
    let texts = [
        &row.id,
        &row.actor_kind,
        &row.actor_id,
        &row.action,
        &row.subject_id,
        &row.result,
        &row.ip,
        &row.user_agent,
        &row.request_id,
        &row.detail,
    ];
    texts.into_iter().fold(Encoder::new("audit event v1").number(row.at), |encoder, text| encoder.text(text)).0
}

/// The mark of an event, over all that it says.
pub(crate) fn make_event_mac(engine: &Engine, row: &AuditRow) -> String {
    engine.audit.mac(&encode_event(row))
}

/// Whether the event is as it was written.
pub(crate) fn is_event_intact(engine: &Engine, row: &AuditRow) -> bool {
    engine.audit.check_mac(&encode_event(row), &row.mac)
}
