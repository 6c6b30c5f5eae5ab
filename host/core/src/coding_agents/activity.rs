//! What an agent's program does, and what says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an agent's program does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// It waits for a prompt.
    Idle,
    /// It works.
    Working,
    /// It asks whether it may do something.
    AskingPermission,
    /// It asks its person something else.
    AskingQuestion,
    /// Its service takes no more requests for the time being.
    RateLimited,
    /// It has ended well.
    Ended,
    /// It has ended badly.
    Crashed,
    /// Nobody can tell. Nothing is done on the strength of this.
    Unknown,
}

impl Activity {
    /// Every one of them.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Working,
        Self::AskingPermission,
        Self::AskingQuestion,
        Self::RateLimited,
        Self::Ended,
        Self::Crashed,
        Self::Unknown,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Working => "working",
            Self::AskingPermission => "asking-permission",
            Self::AskingQuestion => "asking-question",
            Self::RateLimited => "rate-limited",
            Self::Ended => "ended",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it waits for a person's answer.
    pub fn is_asking(self) -> bool {
        matches!(self, Self::AskingPermission | Self::AskingQuestion)
    }

    /// Whether the program is over.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Ended | Self::Crashed)
    }
}

/// Whether something works in a session where this goes on: a coding agent that waits for
/// its person does not, although its shell says that it runs.
pub(crate) fn is_processing(activity: Option<&AgentActivity>, runs_command: bool) -> bool {
    let waits = |now: &AgentActivity| {
        now.program.is_some()
            && (now.activity == Activity::Idle
                || now.activity == Activity::RateLimited
                || now.activity.is_asking())
    };
    runs_command && !activity.is_some_and(waits)
}

/// What says so, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// The agent itself told, by its hook.
    Hook,
    /// The shell told, or the terminal: marks, the program in front.
    Mark,
    /// Its screen looks so.
    Screen,
    /// Nothing moves.
    Silence,
}

/// What an agent's program does, since when, and why that is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentActivity {
    /// The program; none where a shell is in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// What it does.
    pub activity: Activity,
    /// What it did before.
    pub before: Activity,
    /// What says so.
    pub evidence: Evidence,
    /// The same for people.
    pub why: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// When a limit is lifted, where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at_ms: Option<u64>,
    /// How often it has gone to work so far: by this, work that was short is noticed.
    pub turns: u64,
}

impl AgentActivity {
    /// Of a session in which a shell is in front.
    pub(super) fn of_shell(activity: Activity, since_ms: u64) -> Self {
        Self {
            program: None,
            activity,
            before: Activity::Unknown,
            evidence: Evidence::Mark,
            why: match activity {
                Activity::Idle => "the shell waits for a command",
                Activity::Working => "a command runs",
                Activity::Ended | Activity::Crashed => "the session has ended",
                _ => "nobody can tell what its program does",
            }
            .to_owned(),
            since_ms,
            resets_at_ms: None,
            turns: 0,
        }
    }
}
