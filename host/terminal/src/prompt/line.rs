//! What may stand on the shell's line, and who put it there: somebody who typed, or the
//! terminal, which replies to programs in the same way.

use crate::marks::Question;

#[derive(Default)]
pub(super) struct Line {
    /// Something was typed on it since it was known to be empty.
    typed: bool,
    /// Something was typed while no line was being read; it may turn up on the
    /// next one.
    typed_ahead: bool,
    /// The terminal has replied to a program since the line was known to be empty. What
    /// nobody read of it stands there.
    replied: bool,
    /// The same while no line was being read.
    replied_ahead: bool,
    /// It goes on with a command that began on an earlier one.
    pub(super) continued: bool,
    /// The question that waits for its answer; nothing was typed since.
    asked: Option<Asked>,
    /// What it was last said to hold, if nothing was typed since.
    held: Option<String>,
}

/// The shell was asked what its line holds.
struct Asked {
    question: Question,
    /// The terminal has replied to a program meanwhile, which comes behind the question.
    replied_since: bool,
}

impl Line {
    pub(super) fn may_hold_anything(&self) -> bool {
        self.typed || self.continued || self.replied
    }

    pub(super) fn holds_a_reply_alone(&self) -> bool {
        self.replied && !self.typed && !self.continued
    }

    /// Whether the terminal has replied since somebody entered or cleared a line.
    pub(super) fn unread_reply(&self) -> bool {
        self.replied || self.replied_ahead
    }

    /// The terminal replies to a program; `reads` says whether the line is being read.
    pub(super) fn replies(&mut self, reads: bool) {
        if let Some(asked) = &mut self.asked {
            asked.replied_since = true;
        }
        if reads {
            self.replied = true;
            self.held = None;
        } else {
            self.replied_ahead = true;
        }
    }

    /// Somebody types on the line, which may have been `entered` already. Returns whether
    /// these bytes leave it.
    pub(super) fn typed(&mut self, bytes: &[u8], entered: bool) -> bool {
        self.changed_by(bytes);
        self.typed = true;
        // Enter, as a terminal and as an editor know it, and bash's ctrl-o. Ctrl-C
        // leaves the line as well, for another prompt.
        let leaves = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x0f | 0x03);
        let left = bytes.iter().position(leaves);
        let beyond = left.is_some_and(|at| at + 1 < bytes.len());
        self.typed_ahead |= entered || beyond;
        left.is_some()
    }

    /// Somebody types while no line is being read.
    pub(super) fn typed_ahead(&mut self, bytes: &[u8]) {
        self.changed_by(bytes);
        self.typed_ahead = true;
        // Enter, Ctrl-C and Ctrl-U: whoever reads without telling has a fresh line.
        let fresh = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x03 | 0x15);
        self.replied_ahead &= !bytes.iter().any(fresh);
    }

    fn changed_by(&mut self, bytes: &[u8]) {
        self.asked = None;
        // Enter runs what the line was said to hold.
        if bytes != b"\r" {
            self.held = None;
        }
    }

    /// A line begins.
    pub(super) fn begins(&mut self) {
        self.typed = std::mem::take(&mut self.typed_ahead);
        // A part of it may have ended a line by itself.
        self.replied |= std::mem::take(&mut self.replied_ahead);
        self.continued = false;
        self.held = None;
    }

    /// Nobody here knows what it holds.
    pub(super) fn is_unknown(&mut self) {
        self.typed = true;
    }

    /// The shell wants more of the command.
    pub(super) fn goes_on(&mut self) {
        self.continued = true;
        self.held = None;
    }

    /// The shell runs it. Returns what it held, where that is known.
    pub(super) fn runs(&mut self) -> Option<String> {
        self.typed = false;
        self.continued = false;
        self.held.take()
    }

    /// The shell is asked what it holds.
    pub(super) fn ask(&mut self, question: Question) {
        self.asked = Some(Asked {
            question,
            replied_since: false,
        });
    }

    pub(super) fn is_asked(&self, question: Question) -> bool {
        (self.asked.as_ref()).is_some_and(|asked| asked.question == question)
    }

    /// The shell has said what it holds; `commands` says whether its editor would take
    /// text for commands, and `reads` whether the line is being read.
    pub(super) fn said(&mut self, text: &str, commands: bool, reads: bool) {
        let replied_since = self.asked.take().is_some_and(|asked| asked.replied_since);
        if !reads {
            return;
        }
        let empty = text.is_empty() && !commands;
        self.typed = !empty && !self.holds_a_reply_alone();
        self.replied = replied_since || (self.replied && !empty);
        self.held = Some(text.to_owned());
    }
}
