//! `wait_any`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::operations::{WaitAny, WaitedFor};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::agent_states::StateShape;
use super::session_named;

pub(super) struct WaitForAny;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Session ids, names or agents
    #[serde(default)]
    sessions: Vec<String>,
    /// Tasks, whose end is waited for
    #[serde(default)]
    task_ids: Vec<String>,
    /// Any of these in any of the sessions; done, asking, rate-limited and ended by default
    until: Option<Vec<WaitedFor>>,
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
}

fn default_timeout_ms() -> u64 {
    30_000
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    /// Whether any came in time
    met: bool,
    /// The sessions that did
    sessions: Vec<String>,
    /// The tasks that have ended
    tasks: Vec<String>,
    /// How all of the sessions are now
    states: Vec<StateShape>,
}

impl NativeTool for WaitForAny {
    const NAME: &'static str = "wait_any";
    const TITLE: &'static str = "Wait for the first of several";
    const DESCRIPTION: &'static str = "Waits until the first of several agents, shells or tasks is done, asks something, has reached a usage limit or has ended.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let request = WaitAny {
            sessions: (arguments.sessions.iter())
                .map(|name| session_named(&host, name, &caller))
                .collect::<Result<_, _>>()?,
            tasks: arguments.task_ids,
            until: arguments.until.unwrap_or_else(|| WaitedFor::USUAL.to_vec()),
            timeout: Duration::from_millis(arguments.timeout_ms),
        };
        let outcome = host.wait_any(request).await?;
        Ok(Output {
            met: !(outcome.sessions.is_empty() && outcome.tasks.is_empty()),
            sessions: outcome.sessions,
            tasks: outcome.tasks,
            states: outcome.states.into_iter().map(StateShape::from).collect(),
        })
    }

    fn text(output: &Output) -> String {
        let mut lines: Vec<String> = (output.states.iter())
            .filter(|state| output.sessions.contains(&state.session_id))
            .map(StateShape::line)
            .collect();
        lines.extend(
            output
                .tasks
                .iter()
                .map(|task| format!("task {task} has ended")),
        );
        match output.met {
            true => lines.join("\n"),
            false => "[timed out: none of them yet]".to_owned(),
        }
    }
}
