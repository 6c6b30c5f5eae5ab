//! What it was told, a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

/// Where it is written; nowhere if nobody wants to know.
pub(crate) struct Log(Option<File>);

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .with_context(|| format!("cannot open the log {}", path.display()))
        };
        Ok(Self(path.map(open).transpose()?))
    }

    /// A prompt was submitted.
    pub(crate) fn prompt(&mut self, text: &str) -> anyhow::Result<()> {
        self.line(&json!({ "prompt": text }))
    }

    /// A dialog was answered.
    pub(crate) fn answer(&mut self, question: &str, yes: bool) -> anyhow::Result<()> {
        self.line(&json!({ "question": question, "yes": yes }))
    }

    fn line(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        match &mut self.0 {
            Some(file) => Ok(file.write_all(format!("{value}\n").as_bytes())?),
            None => Ok(()),
        }
    }
}
