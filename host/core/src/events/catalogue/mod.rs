//! Which events there are: one row for each, in one table.
//!
//! The table makes the [`Happening`] enum, the names, the JSON Schema and the
//! documentation, so that none of them can lack an event. What is told of an event
//! is a type of the file of its group. Shapes of the claude-mpm and
//! enhanced-iterm-mcp documents are kept to the letter, down to their two ways of
//! writing names; fields beyond them are said to be ours.

mod agent;
mod claude;
mod gate;
mod health;
mod performance;
mod policy;
mod progress;
mod session;
mod system;
mod task;
mod ticket;
mod todo;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

pub use agent::{AgentActivityChanged, AgentDelegation, AgentStats, AgentStatus, DelegationStatus};
pub use claude::{AgentProcess, ClaudeOutput, ClaudeStatus, OutputStream};
pub use gate::{ConfirmationState, GateConfirmation, GateDecision, GateVerdict};
pub use health::HealthAlert;
pub use performance::PerformanceUpdate;
pub use policy::{PolicySwapped, SwappedPolicy};
pub use progress::ProgressUpdate;
pub use session::{LaunchMethod, SessionEnd, SessionFailover, SessionRecovery, SessionStart};
pub use system::{ErrorSeverity, SystemError, SystemStats};
pub use task::{TaskStatus, TaskUpdate};
pub use ticket::TicketCreated;
pub use todo::{Todo, TodoStats, TodoStatus, TodoUpdate};

macro_rules! catalogue {
    ($($name:literal $variant:ident: $doc:literal)+) => {
        /// Something that happened, with what is told of it. Serialised as
        /// `{"type": …, "data": {…}}`.
        #[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
        #[serde(tag = "type", content = "data")]
        pub enum Happening {
            $(
                #[doc = $doc]
                #[serde(rename = $name)]
                $variant($variant),
            )+
        }

        /// The types that events have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $(#[doc = $doc] $variant,)+
        }

        impl EventType {
            /// Every type, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How many there are.
            pub(super) const COUNT: usize = Self::ALL.len();

            /// The name that streams use.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc),+ }
            }

            /// The schema of its data.
            pub(super) fn data_schema(self, schemas: &mut SchemaGenerator) -> Schema {
                match self { $(Self::$variant => schemas.root_schema_for::<$variant>()),+ }
            }
        }

        impl Happening {
            /// Its type.
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$variant(_) => EventType::$variant),+ }
            }
        }

        $(
            impl From<$variant> for Happening {
                fn from(told: $variant) -> Self {
                    Self::$variant(told)
                }
            }
        )+
    };
}

catalogue! {
    "session.start" SessionStart: "A session was opened or found."
    "session.end" SessionEnd: "A session is over."
    "session.recovery" SessionRecovery: "A recovery has ended."
    "session.failover" SessionFailover: "What belonged to a session belongs to another one."
    "claude.status" ClaudeStatus: "A coding agent came to the front of a session, or left it."
    "claude.output" ClaudeOutput: "A coding agent in front of a session has shown something."
    "agent.delegation" AgentDelegation: "Work was handed to an agent, or came back: by a coding agent, as its hook tells, or by a task of type `analysis`."
    "agent.status" AgentStatus: "Which agents are there, and what they have done: told when work goes to one or comes back, and when one is registered, removed or gets another session."
    "agent.activity" AgentActivityChanged: "A coding agent in a session goes on to something else: it works, waits, asks, has reached a limit, has ended."
    "todo.update" TodoUpdate: "A list of things to do has changed: that of a coding agent, as its hook tells, or the tasks that were handed in together, at most once a second."
    "ticket.created" TicketCreated: "A ticket was written: by a coding agent, with a tracker's MCP tool, or as a task of type `analysis`, which is work for an agent."
    "system.stats" SystemStats: "What the host and its sessions use."
    "system.error" SystemError: "Something went wrong."
    "performance.update" PerformanceUpdate: "What each session uses."
    "health.alert" HealthAlert: "A component is not well."
    "progress.update" ProgressUpdate: "A session's work went on."
    "task.update" TaskUpdate: "A task changed its status or went on."
    "gate.verdict" GateVerdict: "A command line was judged."
    "gate.confirmation" GateConfirmation: "A command waits for a person, or a person has answered."
    "policy.swapped" PolicySwapped: "Other policies are asked from now on."
}
