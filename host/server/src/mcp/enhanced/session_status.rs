//! `session_status`.

use std::sync::Arc;

use quarterdeck_core::operations::{SessionState, SessionStatus as Status};
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

impl From<Status> for Output {
    fn from(status: Status) -> Self {
        let summary = status.summary;
        Self {
            session_id: summary.id.to_string(),
            name: summary.name,
            status: match summary.state {
                SessionState::Active => "active",
                SessionState::Idle => "idle",
                SessionState::Error => "error",
            }
            .to_owned(),
            cpu: summary.usage.cpu_percent,
            memory: summary.usage.memory_mb,
            last_activity: rfc3339(summary.last_activity),
            created_at: rfc3339(summary.created_at),
            command: status.command,
            since: status.since.map(rfc3339),
            program: summary.program,
            working_directory: summary.cwd.map(|cwd| cwd.to_string_lossy().into_owned()),
            exit_status: summary.exit_status.or(status.last_exit_status),
            full_screen: status.full_screen,
            title: status.title,
            cursor: status.cursor.offset(),
            ended: summary.ended,
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
