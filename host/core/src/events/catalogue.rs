//! Which events there are.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::hooks::{AgentTally, DelegationStatus, Ticket, Todo, TodoStats};

/// Something that happened, with what is told of it. Serialised as
/// `{"type": …, "data": {…}}`, with the names of the claude-mpm document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data")]
pub enum Happening {
    /// A session was opened.
    #[serde(rename = "session.start")]
    SessionStart {
        /// The session.
        session_id: String,
        /// Its name.
        name: String,
        /// RFC 3339.
        start_time: String,
        /// How its program was started: always `subprocess` here.
        launch_method: &'static str,
        /// Where it started, as far as that is known.
        working_directory: Option<String>,
    },
    /// A session is over.
    #[serde(rename = "session.end")]
    SessionEnd {
        /// The session.
        session_id: String,
        /// RFC 3339.
        end_time: String,
        /// How long it lived.
        duration_seconds: f64,
    },
    /// A task waits, runs, or has ended.
    #[serde(rename = "task.changed")]
    TaskChanged {
        /// The task.
        task_id: String,
        /// `queued`, `running`, `completed`, `failed` or `cancelled`.
        status: &'static str,
        /// Its worker, while it has one and in the end.
        session_id: Option<String>,
        /// Why it failed, or waits again.
        error: Option<String>,
    },
    /// A task shows how far it is.
    #[serde(rename = "task.progress")]
    TaskProgress {
        /// The task.
        task_id: String,
        /// Its worker.
        session_id: String,
        /// Between 0 and 100.
        progress: f64,
        /// What it is doing.
        milestone: Option<String>,
    },
    /// Something went wrong.
    #[serde(rename = "system.error")]
    SystemError {
        /// What, in words.
        error: String,
        /// Which part of the host says so.
        component: &'static str,
        /// `warning` or `error`.
        severity: &'static str,
    },
    /// An agent has handed a task to another, or that one is done.
    #[serde(rename = "agent.delegation")]
    AgentDelegation {
        /// The agent that works on it.
        agent: String,
        /// The task.
        task: String,
        /// What became of it.
        status: DelegationStatus,
        /// How long it took, in milliseconds, once it is over.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_ms: Option<u64>,
    },
    /// Which agents work for others, and what each has done.
    #[serde(rename = "agent.status")]
    AgentStatus {
        /// Those that work now.
        active_agents: Vec<String>,
        /// Each with what it has done.
        agent_stats: BTreeMap<String, AgentTally>,
    },
    /// An agent's list of things to do.
    #[serde(rename = "todo.update")]
    TodoUpdate {
        /// All of it.
        todos: Vec<Todo>,
        /// How many are in which state.
        stats: TodoStats,
    },
    /// An agent has written a ticket.
    #[serde(rename = "ticket.created")]
    TicketCreated(Ticket),
    /// What a coding agent outside the host's sessions does.
    #[serde(rename = "claude.status")]
    ClaudeStatus {
        /// `running` or `stopped`.
        status: &'static str,
        /// The process that told it: the agent, or the shell that it starts
        /// hooks with.
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        /// What it does, in words.
        message: String,
    },
}
