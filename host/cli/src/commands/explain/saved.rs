//! A request in a file, so that it can be asked again elsewhere.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use quarterdeck_core::policy::{PolicyKind, PolicyRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What `--save` writes and `--replay` reads.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedRequest {
    kind: PolicyKind,
    request: Value,
}

impl SavedRequest {
    /// Writes `request` into `file`, over what was there.
    pub(super) fn write(file: &Path, request: &PolicyRequest) -> Result<()> {
        let saved = Self {
            kind: request.kind(),
            request: serde_json::to_value(request)?,
        };
        let mut text = serde_json::to_string_pretty(&saved)?;
        text.push('\n');
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))
    }

    /// Reads the request in `file`.
    pub(super) fn read(file: &Path) -> Result<PolicyRequest> {
        let text =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let what = || {
            format!(
                "{} is not what `quarterdeck explain --save` writes",
                file.display()
            )
        };
        let saved: Self = serde_json::from_str(&text).with_context(what)?;
        PolicyRequest::read(saved.kind, saved.request).with_context(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_asked_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("request.json");
        for kind in PolicyKind::ALL {
            let request = PolicyRequest::harmless(kind);
            SavedRequest::write(&file, &request).expect("written");
            assert_eq!(SavedRequest::read(&file).expect("read"), request);
        }
    }

    #[test]
    fn another_file_is_said_to_be_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("request.json");
        for text in ["", "{}", r#"{"kind":"approver","request":{"comand":"ls"}}"#] {
            fs::write(&file, text).expect("written");
            let error = SavedRequest::read(&file).expect_err(text);
            assert!(format!("{error:#}").contains("--save"), "{error:#}");
        }
    }
}
