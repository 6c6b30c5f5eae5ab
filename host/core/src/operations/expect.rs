//! Waiting for output, each piece of which is matched once.

use std::time::Duration;

use quarterdeck_terminal::{ShellState, WaitEnd};
use regex::RegexBuilder;

use super::printed::is_printed;
use super::read::read_text;
use super::wait::PATTERN_SIZE_LIMIT;
use crate::error::HostError;
use crate::host::Host;
use crate::text::inert;

/// How much of what came before a match is returned: its end.
const MAX_BEFORE: u64 = 64 * 1024;

/// What came of expecting a pattern.
#[derive(Clone, Debug)]
pub struct Expected {
    /// What matched; `None` if nothing did in time.
    pub matched: Option<String>,
    /// What was printed before the match, or instead of one, and was not
    /// returned by an earlier call.
    pub before: String,
    /// Whether the session's program has ended.
    pub ended: bool,
}

impl Host {
    /// Waits until `pattern` is printed, at most `timeout`, and takes it with all
    /// that came before: the next call looks only at what follows.
    pub async fn expect(
        &self,
        id: &str,
        pattern: &str,
        timeout: Duration,
    ) -> Result<Expected, HostError> {
        let session = self.registry.get(id)?;
        let pattern = RegexBuilder::new(pattern)
            .size_limit(PATTERN_SIZE_LIMIT)
            .multi_line(true)
            .build()
            .map_err(|error| {
                HostError::InvalidParameters(format!(
                    "pattern is not a regular expression: {error}"
                ))
            })?;
        let from = session.seen.expected();
        let waited = is_printed(&session, pattern, from, timeout).await;
        if waited.end == WaitEnd::TooMany {
            return Err(HostError::ResourceExhausted(format!(
                "more than a thousand calls wait for session {id} already; let some of them end"
            )));
        }
        let begin = from.max(waited.cursor.back(MAX_BEFORE));
        let stretch = read_text(&session, begin, Some(waited.cursor), usize::MAX).await;
        let matched = waited.matched.as_deref().map(inert);
        let mut before = stretch.text;
        if let Some(matched) = &matched {
            session.seen.expect_after(waited.cursor);
            // On a full screen the match need not be the end of the transcript.
            if before.ends_with(matched.as_str()) {
                before.truncate(before.len() - matched.len());
            }
        }
        let status = session.terminal.status().await;
        Ok(Expected {
            matched,
            before,
            ended: matches!(status.shell, ShellState::Exited(_)),
        })
    }
}
