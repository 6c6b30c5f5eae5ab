//! A command that the host gave the shell, from typing it to its end: what it printed
//! lies between two places in the transcript.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::transcript::Cursor;

/// How the command that [`Prompt::begin_run`](super::Prompt::begin_run) began has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_status: Option<i32>,
    pub(crate) output: Range<Cursor>,
    pub(crate) duration: Duration,
    /// The shell ran nothing: a comment, or a line that it could not parse. The
    /// output then begins where the editor let go of the line, which with zsh is
    /// before the line feed that ends it.
    pub(crate) ran_nothing: bool,
}

/// A command that the host gave the shell and whose end is awaited.
pub(super) struct Run {
    pub(super) command: String,
    /// The prompt that it was given at.
    pub(super) prompt: u64,
    began: Instant,
    typed_at: Cursor,
    /// Where the line editor said that it had accepted the line.
    accepted_at: Option<Cursor>,
    started_at: Option<Cursor>,
    ended_at: Option<Cursor>,
    exit_status: Option<i32>,
    /// The shell reads the next line and has not told how this ended.
    ended_untold: bool,
}

impl Run {
    pub(super) fn begin(command: String, prompt: u64, at: Cursor) -> Self {
        Self {
            command,
            prompt,
            began: Instant::now(),
            typed_at: at,
            accepted_at: None,
            started_at: None,
            ended_at: None,
            exit_status: None,
            ended_untold: false,
        }
    }

    /// A line editor has accepted a line.
    pub(super) fn accepted(&mut self, at: Cursor) {
        self.accepted_at.get_or_insert(at);
    }

    /// The shell runs something: the first part of it, or another one.
    pub(super) fn output_begins(&mut self, at: Cursor) {
        self.started_at.get_or_insert(at);
        self.ended_at = None;
    }

    /// A prompt is about to be shown.
    pub(super) fn output_ends_by(&mut self, at: Cursor) {
        self.ended_at.get_or_insert(at);
    }

    pub(super) fn ended(&mut self, status: i32, at: Cursor) {
        self.exit_status = Some(status);
        self.ended_at = Some(at);
    }

    /// As far as is known now.
    pub(super) fn output_start(&self) -> Cursor {
        (self.started_at.or(self.accepted_at)).unwrap_or(self.typed_at)
    }

    pub(super) fn ended_untold(&mut self, at: Cursor) {
        self.output_ends_by(at);
        self.exit_status = None;
        self.ended_untold = true;
    }

    /// Whether a prompt that reads a line, the one of this number, ends it.
    pub(super) fn is_over(&self, prompt: u64) -> bool {
        prompt > self.prompt || self.ended_untold
    }

    pub(super) fn is_one_line(&self) -> bool {
        !self.command.contains('\n')
    }

    /// As far as is known now.
    pub(super) fn end(&self, now: Cursor) -> Ended {
        let start = self.output_start();
        Ended {
            exit_status: self.exit_status,
            output: start..self.ended_at.unwrap_or(now).max(start),
            duration: self.began.elapsed(),
            ran_nothing: self.started_at.is_none(),
        }
    }
}
