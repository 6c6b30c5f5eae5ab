//! The `[config]` table of a distributor's sidecar.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What every distributor may be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whether a worker takes only tasks whose tags it all carries. A task
    /// without tags runs anywhere.
    pub match_tags: bool,
}

/// Reads a `[config]` table, given as JSON.
///
/// # Errors
///
/// Names the setting that is unknown or has the wrong type.
pub fn read_settings<S: DeserializeOwned>(json: &str) -> Result<S, String> {
    serde_json::from_str(json)
        .map_err(|error| format!("[config] is not what this distributor expects: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults() {
        assert_eq!(read_settings("{}"), Ok(Settings { match_tags: false }));
    }

    #[test]
    fn an_unknown_setting_is_named() {
        let error = read_settings::<Settings>(r#"{"match-tag":true}"#).unwrap_err();
        assert!(error.contains("match-tag"), "{error}");
        assert!(error.contains("match-tags"), "{error}");
    }
}
