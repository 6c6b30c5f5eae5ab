//! `recording_start`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::recording_list::RecordingShape;

pub(super) struct RecordingStart;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
    /// For whoever plays it; default: the session's name
    title: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(flatten)]
    recording: RecordingShape,
    /// False if the session was being recorded already
    started: bool,
}

impl NativeTool for RecordingStart {
    const NAME: &'static str = "recording_start";
    const TITLE: &'static str = "Record a session";
    const DESCRIPTION: &'static str = "Records what a session shows, with its timing, to a file in asciicast v2, secrets masked. Ends with recording_stop or with the session.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let title = arguments.title.as_deref();
        let (recording, started) = host.start_recording(&arguments.session_id, title).await?;
        Ok(Output {
            recording: recording.into(),
            started,
        })
    }

    fn text(output: &Output) -> String {
        output.recording.line()
    }
}
