//! What is told of tasks: each change of one, the list of those that were handed in
//! together, and of those for a coding agent what is told of work that an agent hands on: a
//! ticket once it is written down, a delegation while an agent has it.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Instant;

use quarterdeck_policy::{ProgressStatus, TaskPriority};

use super::kept::Terms;
use super::queue::Queue;
use crate::events::{TaskUpdate, TicketCreated};
use crate::hooks::{Ending, came_back, handed_out};
use crate::host::Host;
use crate::tasks::task::{NewTask, TaskState, Work};

/// As much of a task's work is its title.
const TITLE_BYTES: usize = 200;

/// Who hands out what the queue gives to agents, beside the sessions of their hooks.
const BY_TASKS: &str = "quarterdeck tasks";

/// What has become of a task.
pub(super) struct News<'a> {
    pub(super) number: u64,
    pub(super) submission: u64,
    pub(super) spec: &'a NewTask,
    pub(super) state: TaskState,
    /// Who has it, or had it.
    pub(super) session_id: Option<String>,
    pub(super) error: Option<String>,
}

impl Queue {
    /// Tells everybody what became of a task.
    pub(super) fn tell(&mut self, news: News<'_>) {
        let Ok(host) = self.host() else {
            return;
        };
        self.todo_lists
            .change(news.submission, news.number, news.state);
        if let Work::Analysis { .. } = news.spec.work {
            self.tell_delegation(&host, &news);
        }
        let status = match news.state {
            TaskState::Queued => ProgressStatus::Waiting,
            TaskState::Running => ProgressStatus::Running,
            TaskState::Completed => ProgressStatus::Completed,
            TaskState::Failed | TaskState::Cancelled => ProgressStatus::Failed,
        };
        host.progress
            .task_is(&news.spec.id, news.session_id.clone(), status);
        host.events.publish(TaskUpdate {
            id: news.spec.id.to_string(),
            status: news.state.into(),
            session_id: news.session_id,
            progress: match news.state {
                TaskState::Completed => 100.0,
                _ => 0.0,
            },
            milestone: None,
            error: news.error,
        });
    }

    /// Tells the lists that are due.
    pub(super) fn tell_todo_lists(&mut self) {
        let Ok(host) = self.host() else {
            return;
        };
        for list in self.todo_lists.take_due(tokio::time::Instant::now()) {
            host.events.publish(list);
        }
    }

    /// Tells of new work for an agent.
    pub(super) fn tell_ticket(&self, spec: &NewTask, terms: &Terms) {
        if let (Work::Analysis { .. }, Ok(host)) = (&spec.work, self.host()) {
            let workers = &terms.workers;
            let team = || workers.team.clone();
            let command = || workers.agent_command.as_deref().and_then(program);
            host.events.publish(TicketCreated {
                id: spec.id.to_string(),
                title: title(spec),
                priority: Some(priority(spec).to_owned()),
                assigned_to: team().or_else(command),
            });
        }
    }

    /// An agent has a task, or has it no longer.
    fn tell_delegation(&self, host: &Host, news: &News<'_>) {
        let id = news.number.to_string();
        let agent = match news.state {
            TaskState::Running => self.agent_of(host, news),
            _ => String::new(),
        };
        let now = Instant::now();
        let mut delegations = (host.delegations.lock()).unwrap_or_else(PoisonError::into_inner);
        let told = match news.state {
            TaskState::Running if delegations.is_under_way(BY_TASKS, &id) => Vec::new(),
            TaskState::Running => {
                let task = title(news.spec);
                handed_out(&mut delegations, BY_TASKS, &agent, &task, Some(id), now)
            }
            _ => {
                let failed = news.state != TaskState::Completed;
                let ending = Ending {
                    id: Some(&id),
                    ..Ending::default()
                };
                came_back(&mut delegations, BY_TASKS, ending, failed, now)
            }
        };
        // Under the lock: whoever changes them next tells after this.
        for what in told {
            host.events.publish(what);
        }
    }

    /// The agent that has a task, by the name that it is registered with, else by its
    /// program's.
    fn agent_of(&self, host: &Host, news: &News<'_>) -> String {
        let session = news.session_id.as_deref();
        let registered = session.and_then(|session| host.agents.agent_of(session));
        let in_front = || {
            let session = host.registry.get(session?).ok()?;
            host.coding_agents.activity(&session.id)?.program
        };
        let started = || {
            let terms = self.submissions.get(&news.submission)?;
            program(terms.workers.agent_command.as_deref()?)
        };
        registered
            .map(|agent| agent.name)
            .or_else(in_front)
            .or_else(started)
            .unwrap_or_else(|| "agent".to_owned())
    }
}

/// What a task is about: the first line of it.
pub(super) fn title(spec: &NewTask) -> String {
    let text = spec.work.text().trim_start();
    let line = text.lines().next().unwrap_or_default().trim_end();
    line[..line.floor_char_boundary(TITLE_BYTES)].to_owned()
}

pub(super) fn priority(spec: &NewTask) -> &'static str {
    match spec.priority {
        TaskPriority::Low => "low",
        TaskPriority::Medium => "medium",
        TaskPriority::High => "high",
    }
}

/// The name of the program that a command line starts.
fn program(command: &str) -> Option<String> {
    let first = command.split_whitespace().next()?;
    Some(Path::new(first).file_name()?.to_string_lossy().into_owned())
}
