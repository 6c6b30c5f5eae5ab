//! `session_status`.

use std::sync::Arc;

use quarterdeck_core::operations::MeasuredSession;
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    session_id: String,
    name: String,
    /// active, idle or error
    status: String,
    /// Percent of one core
    cpu: f64,
    /// MB
    memory: f64,
    last_activity: String,
    created_at: String,
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
    fn from(MeasuredSession { session, usage }: MeasuredSession) -> Self {
        Self {
            session_id: session.id.to_string(),
            name: session.name,
            status: session.state.as_str().to_owned(),
            cpu: usage.cpu_percent,
            memory: usage.memory_mb,
            last_activity: rfc3339(session.last_activity),
            created_at: rfc3339(session.created_at),
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
            output.session_id,
            output.status,
            output.name,
            doing.unwrap_or("-")
        )
    }
}
