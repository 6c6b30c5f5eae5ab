//! What carries a session: where its bytes come from, where what is typed goes,
//! and how its end is learnt. The session's task drives one of these and does
//! everything else itself, the same for each.

use std::io;
use std::process::ExitStatus;

use crate::iterm2::{Mirrored, Relayed};
use crate::outbox::WriteError;
use crate::pty::Pty;
use crate::request::Size;
use crate::tmux::Pane;

/// A session's carrier. Owned by the session's task.
pub(crate) enum Backend {
    /// A terminal device of our own.
    Pty(Pty),
    /// A pane of a tmux server.
    Tmux(Pane),
    /// A pane of iTerm2 that was opened for it.
    Relayed(Relayed),
    /// A pane of iTerm2 that was there.
    Mirrored(Mirrored),
}

/// What the session still wants to hear of.
pub(crate) struct Wanted<'a> {
    /// What the program writes.
    pub(crate) output: bool,
    /// How it ends.
    pub(crate) end: bool,
    /// What is to be typed next; empty when nothing is. The same bytes are
    /// offered again until they are reported as typed.
    pub(crate) typed: &'a [u8],
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// So many bytes of output are in the buffer; at least one.
    Output(usize),
    /// Nothing more will be written.
    Drained,
    /// So many bytes of what was to be typed are typed.
    Typed(usize),
    /// Nothing can be typed any more.
    CannotType,
    /// What was to be typed is not typed, or may not be; what comes next can be.
    NotTyped(WriteError),
    /// Somebody else has typed this into the session.
    TypedThere(Vec<u8>),
    /// The terminal has this size now.
    Resized(Size),
    /// The carrier says how a command of the shell has ended, where the shell itself does not
    /// say so in marks.
    CommandEnded(i32),
    /// The program has ended, and this is what its terminal showed; some of it may not
    /// have come as output.
    LastLines(LastLines),
    /// The program has ended. An error: nobody can tell how.
    Ended(io::Result<ExitStatus>),
}

/// What a terminal showed in the end: the lines of its main screen and those above it,
/// as far as they were asked for, without blanks at their ends.
#[derive(Debug)]
pub(crate) struct LastLines {
    /// The last one is the cursor's.
    pub(crate) lines: Vec<String>,
}

impl Backend {
    /// Waits for what happens next. May be dropped and called again without
    /// losing output or typing anything twice.
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        match self {
            Self::Pty(pty) => pty.next(wanted, buffer).await,
            Self::Tmux(pane) => pane.next(wanted, buffer).await,
            Self::Relayed(pane) => pane.next(wanted, buffer).await,
            Self::Mirrored(pane) => pane.next(wanted, buffer).await,
        }
    }

    /// What was offered for typing is no longer wanted; what is on its way may
    /// still arrive, but will not be reported.
    pub(crate) fn forget_typing(&mut self) {
        match self {
            // A write to the device is done or not begun.
            Self::Pty(_) => (),
            Self::Tmux(pane) => pane.forget_typing(),
            Self::Relayed(pane) => pane.forget_typing(),
            Self::Mirrored(pane) => pane.forget_typing(),
        }
    }

    /// Lets go of what carried the program, which has ended.
    pub(crate) fn release(&mut self) {
        match self {
            Self::Pty(pty) => pty.release(),
            Self::Relayed(pane) => pane.release(),
            Self::Tmux(_) | Self::Mirrored(_) => (),
        }
    }

    /// Gives the program's terminal another size.
    pub(crate) fn set_size(&mut self, size: Size) -> io::Result<()> {
        match self {
            Self::Pty(pty) => pty.set_size(size),
            Self::Tmux(pane) => {
                pane.set_size(size);
                Ok(())
            }
            Self::Relayed(pane) => {
                pane.set_size(size);
                Ok(())
            }
            Self::Mirrored(pane) => {
                pane.set_size(size);
                Ok(())
            }
        }
    }

    /// Whether the carrier was told a size and has not said yet which one it has given.
    /// [`Event::Resized`] says that it has.
    pub(crate) fn is_resizing(&self) -> bool {
        match self {
            Self::Pty(_) => false,
            Self::Tmux(pane) => pane.is_resizing(),
            Self::Relayed(pane) => pane.is_resizing(),
            Self::Mirrored(pane) => pane.is_resizing(),
        }
    }

    /// The leader of the process group that has the terminal.
    pub(crate) fn foreground_group(&self) -> Option<u32> {
        match self {
            Self::Pty(pty) => pty.foreground_group(),
            Self::Tmux(pane) => pane.foreground_group(),
            Self::Relayed(pane) => pane.foreground_group(),
            Self::Mirrored(pane) => pane.foreground_group(),
        }
    }

    /// Whether what is typed may be shown by the terminal itself.
    pub(crate) fn may_echo(&self) -> bool {
        match self {
            Self::Pty(pty) => pty.may_echo(),
            Self::Relayed(pane) => pane.may_echo(),
            // The device is tmux's or iTerm2's, which do not tell.
            Self::Tmux(_) | Self::Mirrored(_) => true,
        }
    }

    /// Whether a program is known to read a line that is not shown.
    pub(crate) fn reads_hidden_line(&self) -> bool {
        match self {
            Self::Pty(pty) => pty.reads_hidden_line(),
            // The device is tmux's or iTerm2's, which do not tell.
            Self::Tmux(_) | Self::Relayed(_) | Self::Mirrored(_) => false,
        }
    }

    /// Whether a program reads whole lines; `None` where the device is another's, who
    /// does not tell.
    pub(crate) fn reads_lines(&self) -> Option<bool> {
        match self {
            Self::Pty(pty) => Some(pty.reads_lines()),
            Self::Tmux(_) | Self::Relayed(_) | Self::Mirrored(_) => None,
        }
    }

    /// Whether the carrier is a terminal itself and answers what programs ask
    /// of theirs. Two answers would be one too many.
    pub(crate) fn answers_the_program(&self) -> bool {
        !matches!(self, Self::Pty(_))
    }

    /// Whether a person may type here without the host being told.
    pub(crate) fn others_type_unseen(&self) -> bool {
        matches!(self, Self::Tmux(_))
    }

    /// Whether what the carrier answers may come behind what is typed after the question
    /// was seen here. tmux has answered before it shows a question to anybody.
    pub(crate) fn replies_late(&self) -> bool {
        matches!(self, Self::Relayed(_) | Self::Mirrored(_))
    }

    /// Whether the program goes on without the host, to be found again.
    pub(crate) fn outlives_the_host(&self) -> bool {
        !matches!(self, Self::Pty(_))
    }

    /// What the session is called outside of the host.
    pub(crate) fn handle(&self) -> Option<String> {
        match self {
            Self::Pty(_) => None,
            Self::Tmux(pane) => Some(pane.handle()),
            Self::Relayed(pane) => Some(pane.handle()),
            Self::Mirrored(pane) => Some(pane.handle()),
        }
    }

    /// The process below which all that the session starts stays; `None` where that is its
    /// program.
    pub(crate) fn guardian(&self) -> Option<u32> {
        match self {
            Self::Relayed(pane) => Some(pane.relay()),
            Self::Pty(_) | Self::Tmux(_) | Self::Mirrored(_) => None,
        }
    }

    /// Begins to close the session in the carrier's own way; `false` where there is
    /// none but to end its processes.
    pub(crate) fn close(&mut self) -> bool {
        match self {
            Self::Mirrored(pane) => {
                pane.close();
                true
            }
            Self::Pty(_) | Self::Tmux(_) | Self::Relayed(_) => false,
        }
    }
}
