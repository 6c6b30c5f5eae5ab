//! What coding agents tell the host through their hooks.
//!
//! An agent that works outside the host's sessions calls `quarterdeck hook` at
//! certain moments. Its own words for them are translated at the door; here is
//! what the host understands. A shell command is judged; everything else is
//! published as an event.

mod delegations;
mod happenings;

pub(crate) use delegations::Delegations;
pub use delegations::{AgentTally, DelegationStatus};
pub(crate) use happenings::happenings;

use serde::{Deserialize, Serialize};

/// One call of a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HookEvent {
    /// The agent program: `claude-code`, `codex` and so on.
    pub agent: String,
    /// The id that the agent gave its own session.
    pub session: String,
    /// The folder that it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The process that called the hook: the agent, or the shell that it starts
    /// hooks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// What it is about.
    pub what: HookMoment,
}

/// A moment at which an agent calls its hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookMoment {
    /// Its shell tool is about to run a command.
    Command {
        /// The command line.
        command: String,
        /// Whether the agent can put a question to its person.
        can_ask: bool,
    },
    /// A session of its own begins.
    SessionStart,
    /// A session of its own ends.
    SessionEnd {
        /// Why, in the agent's word.
        reason: Option<String>,
    },
    /// Its person has said something, and it begins to work.
    TurnStart,
    /// It has stopped working, and waits for its person.
    TurnEnd,
    /// It wants its person's attention.
    Notification {
        /// What it says.
        message: String,
    },
    /// It hands a task to another agent.
    DelegationStart {
        /// The other agent.
        agent: String,
        /// The task.
        task: String,
    },
    /// The other agent has finished.
    DelegationEnd {
        /// The other agent; unknown with some agents, which tell only that one
        /// has finished.
        agent: Option<String>,
        /// The task, where it is told again.
        task: Option<String>,
        /// Whether it failed.
        failed: bool,
    },
    /// Its list of things to do has changed.
    Todos {
        /// All of it.
        todos: Vec<Todo>,
    },
    /// It has written a ticket.
    TicketCreated {
        /// The ticket.
        ticket: Ticket,
    },
}

/// One entry of an agent's list of things to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Todo {
    /// Its id, or its place in the list.
    pub id: String,
    /// What is to be done.
    pub content: String,
    /// `pending`, `in_progress` or `completed`, in most agents.
    pub status: String,
    /// How urgent it is, where the agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
}

/// A ticket that an agent wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// How urgent it is, where the agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Who is to do it, where the agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
}

/// How many entries of a list are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TodoStats {
    /// All of them.
    pub total: usize,
    /// Those that are done.
    pub completed: usize,
    /// Those that are worked on.
    pub in_progress: usize,
    /// The rest.
    pub pending: usize,
}

impl TodoStats {
    /// Counts.
    pub fn of(todos: &[Todo]) -> Self {
        let count = |status: &str| todos.iter().filter(|todo| todo.status == status).count();
        let (completed, in_progress) = (count("completed"), count("in_progress"));
        Self {
            total: todos.len(),
            completed,
            in_progress,
            pending: todos.len() - completed - in_progress,
        }
    }
}
