//! `recording_list`.

use std::sync::Arc;

use quarterdeck_core::recordings::Recording;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};

pub(super) struct RecordingList;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// Oldest first
    recordings: Vec<RecordingShape>,
}

/// A recording as this family tells of it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordingShape {
    recording: String,
    /// asciicast v2, for `asciinema play`
    path: String,
    bytes: u64,
    under_way: bool,
}

impl From<Recording> for RecordingShape {
    fn from(recording: Recording) -> Self {
        Self {
            recording: recording.id,
            path: recording.path.display().to_string(),
            bytes: recording.bytes,
            under_way: recording.under_way,
        }
    }
}

impl RecordingShape {
    pub(super) fn line(&self) -> String {
        let state = if self.under_way { "under way" } else { "ended" };
        let Self {
            recording,
            path,
            bytes,
            ..
        } = self;
        format!("{recording}  {state}, {bytes} bytes  {path}")
    }
}

impl NativeTool for RecordingList {
    const NAME: &'static str = "recording_list";
    const TITLE: &'static str = "List recordings";
    const DESCRIPTION: &'static str = "Lists the recordings of sessions, of earlier ones too.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, _: Arguments) -> Result<Output, HostError> {
        Ok(Output {
            recordings: host.recordings().into_iter().map(Into::into).collect(),
        })
    }

    fn text(output: &Output) -> String {
        match output.recordings.as_slice() {
            [] => "there are no recordings; recording_start begins one".to_owned(),
            recordings => (recordings.iter().map(RecordingShape::line))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}
