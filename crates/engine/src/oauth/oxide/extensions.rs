//! What travels with a code: the challenge of PKCE and the resources, in the form that oxide-auth gives it.

use std::collections::BTreeMap;

use gatepost_protocol::resource::Resources;
use oxide_auth::primitives::grant::{Extensions, Value};

use crate::kernel::error::{Error, Result};

/// Key of the resource identifiers in a grant's extensions: a JSON list.
const RESOURCES: &str = "resources";

/// What goes from the authorization request through the code to the token request.
pub(crate) struct CodeExtensions {
    pub(super) extensions: Extensions,
    resources: Resources,
}

impl CodeExtensions {
    /// What the machine made of the request, for these resources.
    pub(super) fn new(mut extensions: Extensions, resources: Resources) -> Self {
        extensions.set_raw(RESOURCES.into(), Value::private(Some(resources.to_json())));
        Self { extensions, resources }
    }

    /// The same for other resources.
    pub(crate) fn for_resources(self, resources: Resources) -> Self {
        Self::new(self.extensions, resources)
    }

    /// Reads the row of a code.
    pub(crate) fn parse(json: &str) -> Result<Self> {
        let corrupt = || Error::Internal("stored extensions do not parse".into());
        let mut values: BTreeMap<String, Option<String>> = serde_json::from_str(json).map_err(|_| corrupt())?;
        let resources = match values.remove(RESOURCES).flatten() {
            Some(list) => Resources::parse_json(&list).ok_or_else(corrupt)?,
            None => Resources::default(),
        };
        let mut extensions = Extensions::new();
        for (key, value) in values {
            extensions.set_raw(key, Value::private(value));
        }
        Ok(Self::new(extensions, resources))
    }

    /// The text for the row of a code.
    pub(crate) fn to_json(&self) -> String {
        let values: BTreeMap<&str, Option<&str>> = self.extensions.private().collect();
        serde_json::json!(values).to_string()
    }

    /// What the code is for.
    pub(crate) fn resources(&self) -> &Resources {
        &self.resources
    }
}

#[cfg(test)]
mod tests {
    use super::CodeExtensions;

    #[test]
    fn what_goes_with_a_code_comes_back_as_it_was_stored() {
        let stored = r#"{"pkce":"Sabc","resources":"[\"https://notes.example\"]"}"#;
        let read = CodeExtensions::parse(stored).expect("parses");
        assert_eq!(read.to_json(), stored);
        assert_eq!(read.resources().iter().collect::<Vec<_>>(), ["https://notes.example"]);
        for bad in ["", "[]", r#"{"resources":"x"}"#] {
            assert!(CodeExtensions::parse(bad).is_err(), "{bad}");
        }
    }
}
