//! Authorization server metadata (RFC 8414 §2).

use serde::{Deserialize, Serialize};

/// What an authorization server says about itself. Lists that would be empty are left out (RFC 8414 §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerMetadata {
    /// who it is, byte for byte
    pub issuer: String,
    /// where people are sent
    pub authorization_endpoint: String,
    /// where tokens come from
    pub token_endpoint: String,
    /// where its public keys are
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// scopes that may be asked for
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `code`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// `query`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// never left out: its default would be wrong
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// how clients authenticate
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// where tokens are given back (RFC 7009)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// how clients authenticate there
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// where APIs ask about tokens (RFC 7662)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// how APIs authenticate there
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// algorithms of signed answers (RFC 9701 §7)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_signing_alg_values_supported: Vec<String>,
    /// `S256`
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// every answer says who gave it (RFC 9207 §3)
    pub authorization_response_iss_parameter_supported: bool,
    /// for developers
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    /// languages of the pages
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// resources that it issues tokens for (RFC 9728 §4)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protected_resources: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md_06_no_empty_lists_and_no_nulls() {
        let text = serde_json::to_string(&ServerMetadata::default()).expect("serializes");
        assert!(!text.contains("[]") && !text.contains("null"), "{text}");
    }

    #[test]
    fn md_04_what_is_written_is_read_again_and_strangers_are_ignored() {
        let metadata = ServerMetadata {
            issuer: "https://as.example".into(),
            code_challenge_methods_supported: vec!["S256".into()],
            authorization_response_iss_parameter_supported: true,
            ..ServerMetadata::default()
        };
        let mut value = serde_json::to_value(&metadata).expect("serializes");
        assert_eq!(value["authorization_response_iss_parameter_supported"], true);
        value["device_authorization_endpoint"] = "https://as.example/device".into();
        assert_eq!(serde_json::from_value::<ServerMetadata>(value).expect("parses"), metadata);
    }
}
