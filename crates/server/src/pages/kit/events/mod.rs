//! Events of the audit log as people read them.

pub(crate) mod sentences;

use std::collections::BTreeMap;

use gatepost_store::audit::AuditRow;
use serde::Serialize;

use crate::pages::kit::names::describe_browser;
use crate::pages::kit::view::Moment;

/// One event. Its sentence is `audit.{action}`, made by the function `event_text` of templates.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct EventView {
    /// What was done, as `noun.verb`.
    pub(crate) action: String,
    /// It was tried in vain.
    pub(crate) refused: bool,
    /// What the sentence may name.
    pub(crate) values: BTreeMap<String, String>,
    /// When.
    pub(crate) at: Moment,
    /// From which address, if that is known.
    pub(crate) ip: Option<String>,
    /// "Firefox on Linux", if there was a browser.
    pub(crate) browser: Option<String>,
    /// The reference that pages and logs show.
    pub(crate) reference: String,
}

/// What an event says, for people.
pub(crate) fn describe_event(row: &AuditRow, now: i64) -> EventView {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut values = BTreeMap::new();
    if let Ok(serde_json::Value::Object(detail)) = serde_json::from_str(&row.detail) {
        for (name, value) in detail {
            match value {
                serde_json::Value::String(text) => values.insert(name, text),
                serde_json::Value::Number(number) => values.insert(name, number.to_string()),
                _ => None,
            };
        }
    }
    EventView {
        action: row.action.clone(),
        refused: row.result == "refused",
        values,
        at: Moment::new(row.at, now),
        ip: some(&row.ip),
        browser: some(&row.user_agent).map(|words| describe_browser(&words)),
        reference: row.request_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_described_whatever_its_detail_is() {
        let row = AuditRow {
            id: "e".into(),
            at: 5,
            actor_kind: "user".into(),
            actor_id: "u".into(),
            action: "session.started".into(),
            subject_id: "s".into(),
            result: "refused".into(),
            ip: String::new(),
            user_agent: "curl/8".into(),
            request_id: "req_1".into(),
            detail: r#"{"with":"pwd otp","count":3,"list":["x"]}"#.into(),
            mac: String::new(),
            seal: None,
        };
        let event = describe_event(&row, 9);
        assert_eq!(event.values["with"], "pwd otp");
        assert_eq!(event.values["count"], "3");
        assert_eq!(
            (event.values.len(), event.refused, event.ip, event.browser.as_deref()),
            (2, true, None, Some("curl"))
        );
        for detail in ["", "[]", "{", "null", "\"x\""] {
            assert!(describe_event(&AuditRow { detail: detail.into(), ..row.clone() }, 9).values.is_empty());
        }
    }
}
