//! The one instance of a policy that a component holds: made by `configure`,
//! asked by everything else.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;

/// A policy, once `configure` has made it. For the code that
/// [`export!`](crate::export) writes.
#[derive(Debug)]
pub struct Configured<P>(OnceLock<P>);

impl<P> Configured<P> {
    /// Not configured yet.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it fills a static")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Reads `json`, the sidecar's `[config]`, and makes the policy of it.
    ///
    /// # Errors
    ///
    /// One sentence for the person who wrote the sidecar: a key that is unknown,
    /// missing or of the wrong type, or what `make` had against the values.
    pub fn configure<C: DeserializeOwned>(
        &self,
        json: &str,
        make: impl FnOnce(C) -> Result<P, String>,
    ) -> Result<(), String> {
        let policy = make(read(json)?)?;
        self.0
            .set(policy)
            .map_err(|_| "this instance is configured already".to_owned())
    }

    /// The policy.
    ///
    /// # Panics
    ///
    /// When `configure` was not called before, which is the host's promise. The
    /// host takes a trap for the strictest answer there is.
    pub fn get(&self) -> &P {
        self.0
            .get()
            .expect("the host configures a policy before it asks")
    }
}

/// Parses a policy's configuration as the host hands it over.
pub(crate) fn read<C: DeserializeOwned>(json: &str) -> Result<C, String> {
    let mut json = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let key = error.path().to_string();
        let text = error.into_inner().to_string();
        // A position in JSON means nothing to somebody who wrote TOML.
        let text = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(text, _)| text);
        match &*key {
            "." => text.to_owned(),
            key => format!("`{key}`: {text}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoConfig;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Limit {
        limit: u32,
    }

    fn error(json: &str) -> String {
        read::<Limit>(json).unwrap_err()
    }

    #[test]
    fn a_wrong_configuration_is_explained_in_the_sidecars_terms() {
        assert_eq!(error("{}"), "missing field `limit`");
        assert_eq!(
            error(r#"{"limit":1,"limits":2}"#),
            "`limits`: unknown field `limits`, expected `limit`"
        );
        assert_eq!(
            error(r#"{"limit":"1"}"#),
            "`limit`: invalid type: string \"1\", expected u32"
        );
    }

    #[test]
    fn a_policy_without_configuration_refuses_one() {
        assert!(read::<NoConfig>("{}").is_ok());
        assert!(
            read::<NoConfig>(r#"{"limit":1}"#)
                .unwrap_err()
                .contains("limit")
        );
    }

    #[test]
    fn a_second_configuration_is_refused_and_the_first_stays() {
        let policy = Configured::new();
        let make = |limit: Limit| Ok(limit.limit);
        assert_eq!(policy.configure(r#"{"limit":1}"#, make), Ok(()));
        assert!(policy.configure(r#"{"limit":2}"#, make).is_err());
        assert_eq!(policy.get(), &1);
    }
}
