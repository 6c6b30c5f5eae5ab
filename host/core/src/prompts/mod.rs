//! Prompts for the programs of agents: delivered when such a program is ready, seen to
//! arrive, submitted apart, never repeated blindly.
//!
//! A prompt has an id. What is typed for it is kept before it is typed, so a request
//! that is made again, by a client that lost the answer or after the host was killed,
//! is answered with the receipt and types nothing. [`delivery`] is the course of one
//! prompt; [`kept`] is what the store knows.

mod course;
mod delivery;
mod eyes;
mod kept;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::coding_agents::Activity;

pub(crate) use delivery::Delivered;

/// How long a program is waited for that is not ready, where nobody says.
pub const READY_WITHIN: Duration = Duration::from_secs(30);

/// A prompt, and for whom.
#[derive(Clone, Debug)]
pub struct PromptAgent {
    /// Names the prompt: made again with the same id, the request types nothing. Made
    /// up where there is none.
    pub id: Option<String>,
    /// The text; may span lines.
    pub text: String,
    /// How long to wait for a program that is not ready.
    pub ready_within: Duration,
}

/// How far a prompt is known to have come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PromptStage {
    /// It is being typed, or was when the host ended: nobody knows whether it arrived.
    Typing,
    /// It was typed; nobody saw it arrive.
    Typed,
    /// It stands in the program's prompt box, not submitted.
    Delivered,
    /// It was submitted.
    Submitted,
    /// The program works on it.
    Started,
}

/// What is known of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptReceipt {
    /// Its id.
    pub id: String,
    /// The session.
    pub session_id: String,
    /// The program that took it, where it is one that is known.
    pub program: Option<String>,
    /// How far it came.
    pub stage: PromptStage,
    /// Why it came no further, and what to do.
    pub problem: Option<String>,
    /// How often it was pasted: more than once only where the box was seen to stay empty.
    pub pastes: u32,
    /// How often Enter was pressed: more than once only while it was seen to stand in
    /// the box.
    pub enters: u32,
    /// When it was typed, in milliseconds since the Unix epoch.
    pub typed_at_ms: u64,
    /// How long it took from there to be seen in the box, in milliseconds.
    pub delivered_after_ms: Option<u64>,
    /// The same until it was seen to be submitted.
    pub submitted_after_ms: Option<u64>,
    /// The same until work was seen.
    pub started_after_ms: Option<u64>,
    /// What the program did when this was written.
    pub activity: Activity,
    /// Whether this answers a request that was made before.
    #[serde(default)]
    pub repeated: bool,
}

impl PromptReceipt {
    /// Whether the program was seen to take the prompt.
    pub fn was_submitted(&self) -> bool {
        self.stage >= PromptStage::Submitted
    }
}
