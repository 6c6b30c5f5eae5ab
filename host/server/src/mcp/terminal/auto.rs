//! The tools of the session that a client has without asking for one:
//! `terminal_auto_command_tool`, `terminal_get_state_tool`,
//! `terminal_get_incremental_tool`.

use std::sync::Arc;

use quarterdeck_core::operations::OwnOutput;
use quarterdeck_core::{Caller, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::{OneObject, answer, required, seconds};

/// The status before there is a session.
const NO_SESSION: &str = "no_session";

/// What was printed, and how to get the rest of it.
fn told(output: &OwnOutput) -> Value {
    let mut told = json!({ "status": "success", "output": output.text });
    let mut notes = Vec::new();
    if let Some(program) = &output.read_by {
        notes.push(format!(
            "{program} still runs there, and was given this as a line of input: it runs when nothing else does, or never"
        ));
    }
    if output.more {
        told["truncated"] = true.into();
        notes.push("there is more: call terminal_get_incremental_tool".to_owned());
    }
    if !notes.is_empty() {
        told["note"] = notes.join("; ").into();
    }
    told
}

pub(super) struct AutoCommand;

#[derive(Deserialize, JsonSchema)]
pub(super) struct CommandArguments {
    /// Command to execute
    #[schemars(required)]
    command: Option<String>,
    /// Wait time after command (default: 2.0)
    #[serde(default = "default_duration")]
    duration: f64,
}

fn default_duration() -> f64 {
    2.0
}

impl ForeignTool for AutoCommand {
    const NAME: &'static str = "terminal_auto_command_tool";
    const DESCRIPTION: &'static str = "Send a command to an auto-managed terminal session. No session management needed - automatically creates/reuses a persistent session. Commands are judged by safety policies before they run.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = CommandArguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, arguments: CommandArguments) -> Outcome {
        let command = required(arguments.command, "command")?;
        let duration = seconds(arguments.duration)?;
        let output = host.run_in_own_session(&command, duration, &caller).await?;
        let mut told = told(&output);
        told["command"] = command.into();
        answer(told)
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct NoArguments {}

pub(super) struct GetState;

impl ForeignTool for GetState {
    const NAME: &'static str = "terminal_get_state_tool";
    const DESCRIPTION: &'static str =
        "Get current state of the auto-managed terminal: its screen, and whether it lives.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = NoArguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, _: NoArguments) -> Outcome {
        answer(match host.own_session_state(&caller).await {
            Some(state) => json!({
                "status": "success",
                "output": state.screen,
                "is_alive": state.alive,
            }),
            None => json!({ "status": NO_SESSION, "output": "", "is_alive": false }),
        })
    }
}

pub(super) struct GetIncremental;

impl ForeignTool for GetIncremental {
    const NAME: &'static str = "terminal_get_incremental_tool";
    const DESCRIPTION: &'static str =
        "Get incremental output from auto-managed terminal (new output since last read).";
    const EFFECT: Effect = Effect::Arranges;
    type Arguments = NoArguments;
    type Dialect = OneObject;

    async fn call(host: Arc<Host>, caller: Caller, _: NoArguments) -> Outcome {
        answer(match host.own_session_news(&caller).await {
            Some(output) => told(&output),
            None => json!({ "status": NO_SESSION, "output": "" }),
        })
    }
}
