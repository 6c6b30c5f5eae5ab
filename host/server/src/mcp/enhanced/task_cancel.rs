//! `task_cancel`.

use std::sync::Arc;

use quarterdeck_core::tasks::TaskReport;
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::task_shapes::status_name;

pub(super) struct TaskCancel;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    task_ids: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    tasks: Vec<Cancelled>,
}

#[derive(Serialize, JsonSchema)]
struct Cancelled {
    id: String,
    /// completed where it was too late, running where it cannot be stopped
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<TaskReport> for Cancelled {
    fn from(report: TaskReport) -> Self {
        Self {
            id: report.id.into(),
            status: status_name(report.state).to_owned(),
            error: report.error,
        }
    }
}

impl NativeTool for TaskCancel {
    const NAME: &'static str = "task_cancel";
    const TITLE: &'static str = "Cancel tasks";
    const DESCRIPTION: &'static str = "Calls tasks off, and interrupts those that run.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(host: Arc<Host>, _: Caller, arguments: Arguments) -> Result<Output, HostError> {
        let reports = host.cancel_tasks(arguments.task_ids).await?;
        Ok(Output {
            tasks: reports.into_iter().map(Into::into).collect(),
        })
    }

    fn text(output: &Output) -> String {
        let line = |task: &Cancelled| match &task.error {
            Some(error) => format!("{}  {}: {error}", task.id, task.status),
            None => format!("{}  {}", task.id, task.status),
        };
        output.tasks.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
