//! `recording_stop`.

use std::sync::Arc;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::recording_list::RecordingShape;

pub(super) struct RecordingStop;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Missing if the session was not recorded
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<RecordingShape>,
    stopped: bool,
}

impl NativeTool for RecordingStop {
    const NAME: &'static str = "recording_stop";
    const TITLE: &'static str = "End a recording";
    const DESCRIPTION: &'static str = "Ends a session's recording; its file stays.";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let recording = host.stop_recording(&arguments.session_id).await?;
        Ok(Output {
            stopped: recording.is_some(),
            recording: recording.map(Into::into),
        })
    }

    fn text(output: &Output) -> String {
        match &output.recording {
            Some(recording) => recording.line(),
            None => "the session was not being recorded".to_owned(),
        }
    }
}
