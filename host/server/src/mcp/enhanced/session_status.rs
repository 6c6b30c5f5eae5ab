//! `session_status`.

use std::sync::Arc;

use quarterdeck_core::operations::MeasuredSession;
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::native::shapes::SessionShape;
use super::super::tool::{Effect, NativeTool};

pub(super) struct SessionStatus;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    session_id: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    #[serde(flatten)]
    shape: SessionShape,
    /// What runs, and since when
    command: Option<String>,
    since: Option<String>,
    program: Option<String>,
    working_directory: Option<String>,
    /// Of the last command
    exit_status: Option<i32>,
    full_screen: bool,
    title: Option<String>,
    cursor: u64,
    ended: bool,
}

impl From<MeasuredSession> for Output {
    fn from(measured: MeasuredSession) -> Self {
        let shape = SessionShape::from(&measured);
        let session = measured.session;
        Self {
            shape,
            command: session.command,
            since: session.since.map(rfc3339),
            program: session.program,
            working_directory: session.cwd.map(|cwd| cwd.to_string_lossy().into_owned()),
            exit_status: session.exit_status.or(session.last_exit_status),
            full_screen: session.full_screen,
            title: session.title,
            cursor: session.cursor.offset(),
            ended: session.ended,
        }
    }
}

impl NativeTool for SessionStatus {
    const NAME: &'static str = "session_status";
    const TITLE: &'static str = "Look at a session";
    const DESCRIPTION: &'static str = "Tells what one session does and uses.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        Ok(host.session_status(&arguments.session_id).await?.into())
    }

    fn text(output: &Output) -> String {
        let doing = output.command.as_deref().or(output.program.as_deref());
        format!(
            "{}  {}  {}  {}",
            output.shape.session_id,
            output.shape.status,
            output.shape.name,
            doing.unwrap_or("-")
        )
    }
}
