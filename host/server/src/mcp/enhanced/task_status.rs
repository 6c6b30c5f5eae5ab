//! `task_status`.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::notices::Notices;
use super::super::tool::{Effect, NativeTool};
use super::task_shapes::ReportShape;

pub(super) struct TaskStatus;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// Default: all that wait or run, and the last that ended
    task_ids: Option<Vec<String>>,
    session_id: Option<String>,
    /// First wait so long for all of them to end
    #[serde(default)]
    wait_ms: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    tasks: Vec<ReportShape>,
}

impl NativeTool for TaskStatus {
    const NAME: &'static str = "task_status";
    const TITLE: &'static str = "Look after tasks";
    const DESCRIPTION: &'static str = "Tells how far tasks are, and what came of them.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let wait = Duration::from_millis(arguments.wait_ms);
        let session = arguments.session_id.clone();
        let reports = host
            .task_reports(arguments.task_ids, arguments.session_id, wait)
            .await?;
        // A session that is gone is still known by its tasks.
        if let (true, Some(session)) = (reports.is_empty(), session) {
            host.describe_session(&session).await?;
        }
        Ok(Output {
            tasks: reports.into_iter().map(Into::into).collect(),
        })
    }

    async fn call_noticed(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
        notices: Option<Notices>,
    ) -> Result<Output, HostError> {
        let Some(notices) = notices.filter(|_| arguments.wait_ms > 0) else {
            return Self::call(host, caller, arguments).await;
        };
        let events = host.events().subscribe();
        let (ids, session) = (arguments.task_ids.clone(), arguments.session_id.clone());
        let before = host.task_reports(ids, session, Duration::ZERO).await?;
        let waiting = Self::call(host, caller, arguments);
        notices.during_tasks(events, &before, waiting).await
    }

    fn text(output: &Output) -> String {
        if output.tasks.is_empty() {
            return "no tasks".to_owned();
        }
        output
            .tasks
            .iter()
            .map(ReportShape::line)
            .collect::<Vec<_>>()
            .join("\n")
    }
}
