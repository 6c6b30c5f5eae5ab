//! A session's keyboard, and what the gate remembers about what was typed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use quarterdeck_terminal::{Cursor, KeptMarks, Keyboard, Opened, Terminal};

use super::continuation::Unfinished;
use super::second_prompt::PromptsShown;
use super::typed_line::TypedLine;

/// How many accepted command lines a policy is shown.
const RECENT_COMMANDS: usize = 20;

/// The way into one session. Nothing outside the gate can do anything with it.
pub struct Door {
    /// Held while something is judged and typed, so that two callers' keys
    /// never mix and a verdict is about the line that follows.
    pub(super) typist: tokio::sync::Mutex<Typist>,
    /// Apart from the typist, so that a question about a command need not wait
    /// for one who types. Newest last, each with its row in the audit log.
    recent: std::sync::Mutex<VecDeque<(i64, String)>>,
    /// Where the transcript stood before the last input, as an offset.
    last_input: AtomicU64,
}

/// A terminal that was opened or found, as the rest of the host gets to see it: its
/// keyboard is behind the gate's door already.
pub(crate) struct Guarded {
    /// Everything but typing.
    pub(crate) terminal: Terminal,
    /// Typing, which only the gate can do.
    pub(crate) door: Door,
    /// For a later host, where the session outlives this one.
    pub(crate) marks: Option<KeptMarks>,
}

impl From<Opened> for Guarded {
    fn from(opened: Opened) -> Self {
        Self {
            terminal: opened.terminal,
            door: Door::before(opened.keyboard),
            marks: opened.marks,
        }
    }
}

/// Who types into one session, one at a time.
pub(super) struct Typist {
    pub(super) keyboard: Keyboard,
    /// What the keys typed since the last Enter add up to.
    pub(super) line: TypedLine,
    /// Lines handed over before it that the shell has not run yet.
    pub(super) unfinished: Unfinished,
    /// Where a shell without marks began them.
    pub(super) prompts: PromptsShown,
    /// When something was typed last, other than a whole command.
    pub(super) typed_at: Option<tokio::time::Instant>,
    /// Ctrl-C was the last key.
    pub(super) interrupted: Option<Interrupted>,
}

/// A Ctrl-C of which it is not known yet what came.
pub(super) struct Interrupted {
    pub(super) at: tokio::time::Instant,
    /// The end of the transcript before.
    pub(super) shown_until: Cursor,
}

impl Door {
    /// Takes the only keyboard of a session.
    fn before(keyboard: Keyboard) -> Self {
        Self {
            typist: tokio::sync::Mutex::new(Typist {
                keyboard,
                line: TypedLine::default(),
                unfinished: Unfinished::default(),
                prompts: PromptsShown::default(),
                typed_at: None,
                interrupted: None,
            }),
            recent: std::sync::Mutex::default(),
            last_input: AtomicU64::new(Cursor::START.offset()),
        }
    }

    /// Where the transcript stood before the last input: what came after it is
    /// what came of it.
    pub(crate) fn last_input(&self) -> Cursor {
        Cursor::from_offset(self.last_input.load(Ordering::Relaxed))
    }

    pub(super) fn input_begins(&self, cursor: Cursor) {
        self.last_input.store(cursor.offset(), Ordering::Relaxed);
    }

    /// The command lines accepted last, oldest first: their rows in the audit
    /// log, and their texts.
    pub(super) fn recent(&self) -> (Vec<i64>, Vec<String>) {
        self.lock_recent().iter().cloned().unzip()
    }

    /// The command line that was accepted last.
    pub(crate) fn last_command(&self) -> Option<String> {
        self.lock_recent().back().map(|(_, text)| text.clone())
    }

    pub(super) fn remember(&self, row: i64, command: &str) {
        let mut recent = self.lock_recent();
        if recent.len() == RECENT_COMMANDS {
            recent.pop_front();
        }
        recent.push_back((row, command.to_owned()));
    }

    fn lock_recent(&self) -> std::sync::MutexGuard<'_, VecDeque<(i64, String)>> {
        self.recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
