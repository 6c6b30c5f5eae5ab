//! Hooks of coding agents: their words for what they are about to do, and for
//! what they may.
//!
//! Each agent calls a program of its user's choice at certain moments, with an
//! event as JSON on its standard input, and reads the answer from the standard
//! output and the exit status. [`HookAgent::read`] understands the event,
//! [`HookAgent::answer`] puts the judgement into the agent's words. Nothing is
//! decided here.
//!
//! Sources, as of November 2026:
//!
//! - Claude Code: <https://code.claude.com/docs/en/hooks>
//! - Codex CLI: <https://developers.openai.com/codex/hooks>, and
//!   `codex-rs/hooks/src/events/pre_tool_use.rs` of openai/codex
//! - Gemini CLI: `docs/hooks/reference.md` of google-gemini/gemini-cli
//! - Copilot CLI:
//!   <https://docs.github.com/en/copilot/reference/copilot-cli-reference/cli-hooks-reference>
//! - Cursor: <https://cursor.com/docs/agent/hooks>
//! - OpenCode: <https://opencode.ai/docs/plugins>; the plugin is ours

mod answer;
mod copilot;
mod cursor;
mod gemini;
mod like_claude;
mod opencode;
mod payload;
mod ticket;
mod unknown_event;

use std::fmt;
use std::str::FromStr;

pub use answer::Told;
use quarterdeck_core::hooks::HookEvent;
use serde_json::Value;

/// A coding agent that has hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAgent {
    /// Anthropic's Claude Code.
    ClaudeCode,
    /// OpenAI's Codex CLI.
    Codex,
    /// Google's Gemini CLI.
    Gemini,
    /// GitHub's Copilot CLI.
    Copilot,
    /// The Cursor editor and its CLI.
    Cursor,
    /// OpenCode, through a plugin.
    OpenCode,
}

/// What an event means to the host.
#[derive(Clone, Debug, PartialEq)]
pub enum HookReading {
    /// Something to judge or to be told of.
    Event(HookEvent),
    /// Nothing that the host has a use for.
    OfNoUse,
    /// An event of which this version does not know what it means, by its name.
    Unknown(String),
}

/// What stood on standard input is no event of this agent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no hook event of {agent}: {what}")]
pub struct NoHookEvent {
    agent: HookAgent,
    what: String,
}

/// A text that names no agent with hooks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no agent with hooks; there are claude-code, codex, gemini, copilot, cursor and opencode"
)]
pub struct NoHookAgent(String);

impl HookAgent {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ClaudeCode,
        Self::Codex,
        Self::Gemini,
        Self::Copilot,
        Self::Cursor,
        Self::OpenCode,
    ];

    /// Its name, as on the command line and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Copilot => "copilot",
            Self::Cursor => "cursor",
            Self::OpenCode => "opencode",
        }
    }

    /// Whose event this looks like, where nobody has said. Claude Code's shape is
    /// what others copy, so it is taken where nothing tells.
    pub fn guess(event: &Value) -> Self {
        let has = |field: &str| event.get(field).is_some();
        let name = event["hook_event_name"].as_str().unwrap_or_default();
        if has("cursor_version") || has("conversation_id") {
            Self::Cursor
        } else if name.is_empty() && (has("sessionId") || event["timestamp"].is_number()) {
            Self::Copilot
        } else if gemini::KNOWS.contains(&name) {
            Self::Gemini
        } else if name == opencode::BEFORE_TOOL {
            Self::OpenCode
        } else if has("turn_id") {
            Self::Codex
        } else {
            Self::ClaudeCode
        }
    }

    /// Whether it can put a question to its person when the answer says so.
    /// Codex takes that answer for a failed hook and runs the command; Gemini
    /// documents no such answer, though 0.61 understands it; a plugin of OpenCode's may only
    /// refuse.
    pub fn can_ask(self) -> bool {
        match self {
            Self::ClaudeCode | Self::Copilot | Self::Cursor => true,
            Self::Codex | Self::Gemini | Self::OpenCode => false,
        }
    }

    /// Whether a yes is left to the agent: while it plans it runs nothing that changes
    /// something, and a hook's yes would override that.
    pub fn keeps_a_yes_to_itself(self, event: &Value) -> bool {
        self == Self::ClaudeCode && event["permission_mode"] == "plan"
    }

    /// What the event means to the host. Of an event that is not known nobody can tell
    /// whether the agent waits for leave: one that holds a command, and nothing that came
    /// of it, is an error, so that no command runs unjudged because its agent calls the
    /// moment otherwise by now.
    pub fn read(self, event: &Value) -> Result<HookReading, NoHookEvent> {
        let read = match self {
            Self::ClaudeCode | Self::Codex => like_claude::read(self, event),
            Self::Gemini => gemini::read(event),
            Self::Copilot => copilot::read(event),
            Self::Cursor => cursor::read(event),
            Self::OpenCode => opencode::read(event),
        };
        let heard = match read {
            Ok(Some(event)) => Ok(HookReading::Event(event)),
            Ok(None) => unknown_event::heard(self, event),
            Err(what) => Err(what),
        };
        heard.map_err(|what| NoHookEvent { agent: self, what })
    }
}

impl fmt::Display for HookAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookAgent {
    type Err = NoHookAgent;

    fn from_str(text: &str) -> Result<Self, NoHookAgent> {
        Self::ALL
            .into_iter()
            .find(|agent| agent.as_str() == text)
            .ok_or_else(|| NoHookAgent(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
