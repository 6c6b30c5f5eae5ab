//! What a recovery is asked and what it answers: plain mirrors of the WIT
//! records. Their JSON and TOML forms use the names of the WIT.

use serde::{Deserialize, Serialize};

use crate::SessionFacts;

/// Something went wrong with a session. Mirrors `incident` of
/// `quarterdeck:policy/recover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct IncidentFacts {
    /// The same for every question about this incident.
    #[serde(default)]
    pub id: String,
    /// What happened.
    pub cause: IncidentCause,
    /// To whom.
    #[serde(default)]
    pub session: SessionFacts,
    /// What was noticed, in a sentence.
    #[serde(default)]
    pub detail: String,
    /// How the session's program ended, if it did.
    #[serde(default)]
    pub exit_status: Option<i32>,
    /// The last lines on the screen.
    #[serde(default)]
    pub screen: Vec<String>,
    /// Steps already taken for this incident.
    #[serde(default)]
    pub attempts: u32,
    /// How many steps may be taken. From there on a recovery can only wait or
    /// give up; anything else is refused. Where a case file does not mention it,
    /// there is no limit.
    #[serde(default = "unlimited")]
    pub max_attempts: u32,
    /// Time since the incident began, in milliseconds.
    #[serde(default)]
    pub age_ms: u64,
    /// Ids of sessions that could take over.
    #[serde(default)]
    pub backups: Vec<String>,
    /// Named facts that this version of the interface has no field for.
    #[serde(default)]
    pub attributes: Vec<(String, String)>,
}

fn unlimited() -> u32 {
    u32::MAX
}

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentCause {
    /// Its program ended by itself.
    Exited,
    /// No output and no life where some was due.
    Hung,
    /// What carries it is gone.
    BackendLost,
    /// The program waits for a person (a password, yes or no).
    AwaitsPerson,
    /// Commands fail again and again.
    Errors,
    /// A limit on memory or processor time was passed.
    Exhausted,
    /// Somebody asked for it.
    Requested,
}

/// What is to be done. Mirrors `decision` of `quarterdeck:policy/recover`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecoveryDecision {
    /// The step to take.
    pub action: RecoveryAction,
    /// Why, in a sentence. Free of control characters and never empty.
    #[serde(default)]
    pub reason: String,
    /// To wait before the action, in milliseconds. At most
    /// [`RecoveryDecision::MAX_DELAY_MS`].
    #[serde(default)]
    pub delay_ms: u64,
}

impl RecoveryDecision {
    /// The longest delay that a recovery may ask for: a day.
    pub const MAX_DELAY_MS: u64 = 24 * 60 * 60 * 1000;
}

/// A step that mends a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveryAction {
    /// Start the session's program again.
    Restart,
    /// Interrupt what runs and bring the shell back to a clean prompt.
    Reset,
    /// Move tasks and lock to this session, one of the incident's backups.
    Failover(String),
    /// Type this command, through the gate. Never empty, and not cleaned: the
    /// gate has to judge what was said.
    Run(String),
    /// Look again later.
    Wait,
    /// Leave it to a person.
    GiveUp,
}
