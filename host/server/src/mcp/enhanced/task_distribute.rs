//! `task_distribute`.

use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_core::agents::role::Role;
use quarterdeck_core::tasks::{BadTerms, DistributeTasks, OfThisHost, WorkerChoice};
use quarterdeck_core::{Caller, Host, HostError, rfc3339};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::tool::{Effect, NativeTool};
use super::task_shapes::{TaskShape, status_name};

pub(super) struct TaskDistribute;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    tasks: Vec<TaskShape>,
    /// round-robin, load-balanced, priority, dependency or another distributor
    #[serde(default = "default_strategy")]
    strategy: String,
    /// How many may run at once
    max_concurrent: Option<u32>,
    /// Only these sessions, by id or name
    #[serde(default)]
    session_ids: Vec<String>,
    /// Only sessions (or machines) with these tags
    #[serde(default)]
    tags: Vec<String>,
    /// Run on other machines, in place of sessions here
    #[serde(default)]
    machines: bool,
    /// Only sessions of this team's agents
    team: Option<String>,
    /// Only sessions with this role: devops, builder, debugger, researcher, tester, orchestrator, monitor, custom
    #[schemars(with = "Option<String>")]
    role: Option<Role>,
    /// Open up to so many sessions more while there is work
    create_sessions: Option<u32>,
    /// Starts the agent in them, for analysis tasks
    agent_command: Option<String>,
}

fn default_strategy() -> String {
    "round-robin".to_owned()
}

/// Names the arguments that are wrong.
fn in_its_own_words(error: HostError) -> HostError {
    let HostError::BadTerms(terms) = error else {
        return error;
    };
    HostError::InvalidParameters(match terms {
        BadTerms::NoneAtOnce => {
            "maxConcurrent is 0, so that nothing could run: give 1 or more, or leave it out"
                .to_owned()
        }
        BadTerms::NotOfMachines(what) => {
            let argument = match what {
                OfThisHost::Sessions => "sessionIds",
                OfThisHost::Team => "team",
                OfThisHost::Role => "role",
                OfThisHost::OpenedSessions => "createSessions",
            };
            format!(
                "{argument} speaks of sessions of this host, and machines are asked for: leave one of them out; tags choose among machines"
            )
        }
        BadTerms::NobodyAnswers {
            task,
            machines: true,
        } => format!(
            "the task {:?} is a prompt: say with agentCommand how a machine starts the agent that can answer it",
            task.as_str()
        ),
        BadTerms::NobodyAnswers {
            task,
            machines: false,
        } => format!(
            "the task {:?} is a prompt: say with sessionIds or tags, team or role in which sessions the agents run that can answer it, or with agentCommand how to start one",
            task.as_str()
        ),
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    distributed: Vec<DistributedShape>,
    queue_length: usize,
    estimated_completion: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DistributedShape {
    task_id: String,
    /// Empty while it has none
    session_id: String,
    /// queued, running or failed
    status: String,
}

impl NativeTool for TaskDistribute {
    const NAME: &'static str = "task_distribute";
    const TITLE: &'static str = "Distribute tasks";
    const DESCRIPTION: &'static str = "Queues tasks for idle sessions (default: all; where there are none, some are opened). Each runs in a subshell and is judged like any command.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Output = Output;

    async fn call(
        host: Arc<Host>,
        caller: Caller,
        arguments: Arguments,
    ) -> Result<Output, HostError> {
        let tasks = arguments
            .tasks
            .into_iter()
            .map(|task| task.into_task(!arguments.machines))
            .collect::<Result<_, _>>()?;
        let request = DistributeTasks {
            tasks,
            strategy: arguments.strategy,
            max_concurrent: arguments.max_concurrent,
            workers: WorkerChoice {
                sessions: arguments.session_ids,
                tags: arguments.tags,
                machines: arguments.machines,
                team: arguments.team,
                role: arguments.role,
                agent_command: arguments.agent_command,
                open_up_to: arguments.create_sessions,
            },
        };
        let outcome = host.distribute_tasks(request, &caller).await;
        let outcome = outcome.map_err(in_its_own_words)?;
        let now = SystemTime::now();
        Ok(Output {
            distributed: outcome
                .distributed
                .into_iter()
                .map(|task| DistributedShape {
                    task_id: task.id.into(),
                    session_id: task.session_id.unwrap_or_default(),
                    status: status_name(task.state).to_owned(),
                })
                .collect(),
            queue_length: outcome.queue_length,
            estimated_completion: rfc3339(now.checked_add(outcome.estimate).unwrap_or(now)),
        })
    }

    fn text(output: &Output) -> String {
        let running = output
            .distributed
            .iter()
            .filter(|task| task.status == "running")
            .count();
        format!(
            "{} tasks taken, {running} of them run; {} wait on this host; done at about {}",
            output.distributed.len(),
            output.queue_length,
            output.estimated_completion
        )
    }
}
