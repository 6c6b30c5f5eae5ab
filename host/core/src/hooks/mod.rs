//! What coding agents tell the host through their hooks.
//!
//! An agent that works outside the host's sessions calls `quarterdeck hook` at
//! certain moments. Its own words for them are translated at the door; here is
//! what the host understands. A shell command is judged; everything else is
//! published as an event.

mod delegations;
mod happenings;
mod todo_lists;

pub(crate) use delegations::{Delegations, Ending};
pub(crate) use happenings::{agents, came_back, handed_out, happenings};
pub(crate) use todo_lists::TodoLists;

use serde::{Deserialize, Serialize};

use crate::coding_agents::{Activity, HookTold};
use crate::events;

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
        /// What the agent calls this one delegation, where it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
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
        /// What the agent calls this one delegation, where it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Its list of things to do has changed.
    Todos {
        /// All of it.
        todos: Vec<Todo>,
    },
    /// One entry of its list of things to do is new or has changed.
    TodoChanged {
        /// What is told of it.
        todo: TodoChange,
    },
    /// It has written a ticket.
    TicketCreated {
        /// The ticket.
        ticket: Ticket,
    },
}

impl HookMoment {
    /// What the agent does from this moment on, where that is told by it.
    pub(crate) fn activity(&self) -> Option<HookTold> {
        let told = |activity, why| {
            Some(HookTold {
                activity,
                why,
                only_at_first: matches!(self, Self::SessionStart),
            })
        };
        match self {
            Self::SessionStart => told(Activity::Idle, "its session has begun"),
            Self::TurnStart => told(Activity::Working, "it was given a prompt"),
            Self::Command { .. } => told(Activity::Working, "it is about to run a command"),
            Self::DelegationStart { .. } => told(Activity::Working, "it has handed work on"),
            Self::TurnEnd => told(Activity::Idle, "its turn is over"),
            Self::Notification { message } if message.contains("permission") => {
                told(Activity::AskingPermission, "it asks for permission")
            }
            Self::Notification { message } if message.contains("waiting for your input") => {
                told(Activity::Idle, "it waits for a prompt")
            }
            Self::Notification { .. }
            | Self::SessionEnd { .. }
            | Self::DelegationEnd { .. }
            | Self::Todos { .. }
            | Self::TodoChanged { .. }
            | Self::TicketCreated { .. } => None,
        }
    }
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

/// What is told of one entry of a list of things to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TodoChange {
    /// Its id.
    pub id: String,
    /// What is to be done, where that is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// How far it is, where that is told; `deleted` takes it off the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
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

impl From<Todo> for events::Todo {
    fn from(todo: Todo) -> Self {
        Self {
            id: todo.id,
            content: todo.content,
            status: match todo.status.as_str() {
                "completed" => events::TodoStatus::Completed,
                "in_progress" => events::TodoStatus::InProgress,
                _ => events::TodoStatus::Pending,
            },
            priority: todo.priority,
            created_at: None,
        }
    }
}

impl From<Ticket> for events::TicketCreated {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            title: ticket.title,
            priority: ticket.priority,
            assigned_to: ticket.assigned_to,
        }
    }
}
