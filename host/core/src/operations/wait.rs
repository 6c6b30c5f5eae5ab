//! Waiting inside the host until something happens in a session.

use std::time::Duration;

use quarterdeck_terminal::{Cursor, ShellState, Until, WaitEnd};
use regex::RegexBuilder;

use super::printed::is_printed;
use super::read::read_text;
use crate::error::HostError;
use crate::host::Host;
use crate::text::inert;

/// Compiled patterns may take this much memory.
pub(crate) const PATTERN_SIZE_LIMIT: usize = 1024 * 1024;

/// How much new text is returned.
const MAX_TEXT: usize = 16 * 1024;

/// What to wait for.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A regular expression over what is printed.
    Pattern(String),
    /// The shell's next prompt, or the present one.
    Prompt,
    /// No output for this long.
    Quiet(Duration),
    /// The end of the session's shell.
    Exit,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct WaitOutcome {
    /// Whether it happened in time.
    pub met: bool,
    /// What the pattern matched.
    pub matched: Option<String>,
    /// What was printed meanwhile.
    pub text: String,
    /// Where to read on.
    pub cursor: Cursor,
    /// Exit status of the last command, or of the shell once it has ended.
    pub exit_status: Option<i32>,
}

impl Host {
    /// Waits until `condition` holds, at most `timeout`. A pattern is looked for
    /// in what was printed from `from` on, or since the last input, and on the
    /// screen of a full-screen program; not in the line that the last command was entered with.
    pub async fn wait_for(
        &self,
        id: &str,
        condition: Condition,
        from: Option<Cursor>,
        timeout: Duration,
    ) -> Result<WaitOutcome, HostError> {
        let session = self.registry.get(id)?;
        let until = match condition {
            Condition::Pattern(pattern) => Until::Pattern(
                RegexBuilder::new(&pattern)
                    .size_limit(PATTERN_SIZE_LIMIT)
                    .multi_line(true)
                    .build()
                    .map_err(|error| {
                        HostError::InvalidParameters(format!(
                            "until.pattern is not a regular expression: {error}"
                        ))
                    })?,
            ),
            Condition::Prompt => Until::Prompt,
            Condition::Quiet(quiet) => Until::Quiet(quiet),
            Condition::Exit => Until::Exit,
        };
        let start = from.unwrap_or_else(|| session.door.last_input());
        let waited = match until {
            Until::Pattern(pattern) => is_printed(&session, pattern, start, timeout).await,
            until => session.terminal.wait(until, Some(start), timeout).await,
        };
        match waited.end {
            WaitEnd::NoIntegration => {
                return Err(HostError::InvalidParameters(format!(
                    "session {id} has no shell integration, so its prompts cannot be told; wait for {{\"pattern\": …}} or {{\"quietMs\": …}}"
                )));
            }
            WaitEnd::TooMany => {
                return Err(HostError::ResourceExhausted(format!(
                    "more than a thousand calls wait for session {id} already; let some of them end"
                )));
            }
            WaitEnd::Met | WaitEnd::TimedOut | WaitEnd::SessionEnded => {}
        }
        let end = waited.cursor;
        let stretch = read_text(&session, start, Some(end), MAX_TEXT).await;
        let status = session.terminal.status().await;
        Ok(WaitOutcome {
            met: waited.met,
            matched: waited.matched.as_deref().map(inert),
            text: stretch.text,
            cursor: stretch.cursor,
            exit_status: match &status.shell {
                ShellState::Exited(exit) => exit.and_then(|exit| exit.code()),
                ShellState::Running { .. } => None,
                _ => status.last_exit_status,
            },
        })
    }
}
