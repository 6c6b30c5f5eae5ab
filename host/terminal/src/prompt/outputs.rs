//! Where the output of a shell's commands lies, by the marks.

use std::collections::VecDeque;

use crate::transcript::Cursor;

/// Commands that have ended and are still known.
const KNOWN: usize = 16;

/// Where a command's output is in the transcript: what stands before it is the prompt
/// and the line, what stands behind it the next prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandOutput {
    /// Which of the shell's commands it is: they are counted from 1.
    pub number: u64,
    /// Its first byte.
    pub start: Cursor,
    /// The end; none while the command runs.
    pub end: Option<Cursor>,
    /// How it ended; none while it runs, and where the shell has not told.
    pub exit_status: Option<i32>,
}

/// The command that runs, or ran last, and those before it.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    last: Option<CommandOutput>,
    earlier: VecDeque<CommandOutput>,
}

impl Outputs {
    pub(crate) fn last(&self) -> Option<CommandOutput> {
        self.last
    }

    /// Those that ended before the last one began, in their order.
    pub(crate) fn earlier(&self) -> Vec<CommandOutput> {
        self.earlier.iter().copied().collect()
    }

    pub(super) fn begins(&mut self, start: Cursor) {
        self.ends(start, None);
        let number = self.last.map_or(1, |last| last.number + 1);
        if self.earlier.len() == KNOWN {
            self.earlier.pop_front();
        }
        self.earlier.extend(self.last);
        self.last = Some(CommandOutput {
            number,
            start,
            end: None,
            exit_status: None,
        });
    }

    /// Of several ends of one command, the first is right.
    pub(super) fn ends(&mut self, at: Cursor, exit_status: Option<i32>) {
        if let Some(last) = &mut self.last
            && last.end.is_none()
        {
            last.end = Some(at);
            last.exit_status = exit_status;
        }
    }
}
