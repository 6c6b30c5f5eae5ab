//! The gate: the one door through which anything is typed into a session.
//!
//! A session's [`Keyboard`](quarterdeck_terminal::Keyboard) lives inside its
//! [`Door`], and only this module's children can reach into one. So whatever
//! wants to type, an MCP tool, a confirmation, a first command, comes through
//! [`Gate::run`] or [`Gate::type_input`], is judged, written to the audit log,
//! and only then typed.
//!
//! The compiler keeps the keyboard in there; that nobody types with one on its way there,
//! from its backend to its door, the list of disallowed methods in `clippy.toml` sees to.
//!
//! Start with [`judge`] for how a decision is made, then [`running`] for
//! whole commands and [`typing`] for keys.

#![allow(
    clippy::disallowed_methods,
    reason = "the gate is who types: see clippy.toml of this crate"
)]

#[cfg(test)]
mod against_readers;
mod answering;
mod asked;
mod confirmation;
mod confirmations;
mod continuation;
mod door;
mod encoded;
mod hook;
mod input;
mod judge;
mod keystroke;
mod opening;
mod opinion;
mod prompting;
mod remote_shell;
mod running;
mod second_prompt;
mod shell_line;
mod surroundings;
pub(crate) mod tabs;
mod tally;
mod telling;
mod typed_line;
mod typing;
mod unseen;
mod verdict;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_policy::PolicyHost;
use serde::{Deserialize, Serialize};

pub(crate) use asked::session_facts;
pub use confirmation::{Answer, ApprovalScope, PendingConfirmation, PersonsNo};
pub use door::Door;
pub(crate) use door::Guarded;
pub(crate) use hook::HookCommand;
pub use hook::{HookDecision, HookJudgement};
pub use input::Input;
pub use opinion::{CommandExplanation, Opinion};
pub(crate) use prompting::PromptTyping;
pub use running::{CommandEnd, Running};
pub use tally::VerdictCount;
pub(crate) use typing::PAUSE_AFTER_INTERRUPT;
pub use typing::Typed;
pub use verdict::{Decision, Refusal, VerdictReport};

use crate::agents::Agents;
use crate::allow_rules::AllowRulesFile;
use crate::audit::AuditLog;
use crate::events::EventBus;
use confirmations::Confirmations;
use tally::Tally;

/// What the gate does with verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// `review` asks, `dangerous` is refused.
    #[default]
    Enforce,
    /// Everything runs; verdicts are reported and kept.
    Warn,
    /// Nothing is judged; what is typed is kept all the same.
    Off,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Off => "off",
        })
    }
}

/// What a caller may force through by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverrideLimit {
    /// Nothing: a person approves.
    #[default]
    None,
    /// What would need a confirmation.
    Review,
    /// Also what would be refused.
    Dangerous,
}

/// How the gate behaves.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// What is done with verdicts.
    pub mode: Mode,
    /// How long a confirmation waits for a person.
    pub confirmation_lifetime: Duration,
    /// What `safety_approve` with `override` may do without a person.
    pub override_limit: OverrideLimit,
    /// The file of allow rules; `None` for no rules.
    pub allow_rules: Option<PathBuf>,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            confirmation_lifetime: Duration::from_secs(300),
            override_limit: OverrideLimit::default(),
            allow_rules: None,
        }
    }
}

/// The gate of one host.
pub struct Gate {
    settings: GateSettings,
    policies: PolicyHost,
    audit: Arc<AuditLog>,
    confirmations: Confirmations,
    agents: Arc<Agents>,
    allow_rules: Option<AllowRulesFile>,
    events: Arc<EventBus>,
    tally: Tally,
}

impl Gate {
    pub(crate) fn new(
        settings: GateSettings,
        policies: PolicyHost,
        audit: Arc<AuditLog>,
        events: Arc<EventBus>,
        agents: Arc<Agents>,
    ) -> Self {
        Self {
            confirmations: Confirmations::new(settings.confirmation_lifetime),
            allow_rules: settings.allow_rules.clone().map(AllowRulesFile::at),
            settings,
            policies,
            audit,
            events,
            tally: Tally::default(),
            agents,
        }
    }
}
