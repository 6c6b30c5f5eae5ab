//! The handle to a session that everybody may have: everything but typing.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::following::{Follower, Followers};
use crate::process::{self, Foreground, ForegroundSignal, SignalError};
use crate::prompt::CommandOutput;
use crate::raw::RawOutput;
use crate::request::Size;
use crate::screen::{Position, Screen, Scrollback};
use crate::session::Request;
use crate::stream::Progress;
use crate::tally::CommandTally;
use crate::transcript::Cursor;
use crate::waits::{Until, WaitEnd, Waited};

/// How long a carrier may take to say which size it has given.
const RESIZE_PATIENCE: Duration = Duration::from_secs(10);

/// Why nobody knows which size a terminal has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResizeError {
    /// The session's program has ended.
    #[error("the session has ended; open another")]
    Closed,
    /// The carrier does not answer.
    #[error("whoever shows it was asked for another size and has not answered within 10 s")]
    Unanswered,
}

/// What the shell of a session is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellState {
    /// It waits for a line.
    AtPrompt {
        /// Something may be on the line already.
        line_dirty: bool,
    },
    /// It runs something, or is starting.
    Running {
        /// The command line, where it is known.
        command: Option<String>,
        /// Since when.
        since: SystemTime,
    },
    /// Without shell integration nobody knows.
    Unknown,
    /// It has ended. How is `None` where nobody can tell: [`Status::lost`] says why.
    Exited(Option<ExitStatus>),
}

/// A session at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What its shell is doing.
    pub shell: ShellState,
    /// Why nobody knows how the session ended: what carried it, a tmux server for
    /// example, has gone.
    pub lost: Option<String>,
    /// Whether `shell` is not about to change: see [`Until::Settled`].
    pub settled: bool,
    /// Whether the shell writes marks.
    pub integrated: bool,
    /// The working directory of the shell.
    pub cwd: Option<PathBuf>,
    /// The program that has the terminal.
    pub foreground: Option<Foreground>,
    /// Whether the alternate screen is shown.
    pub full_screen: bool,
    /// Whether the program takes pastes as pastes.
    pub bracketed_paste: bool,
    /// Whether the program wants the arrow keys' application form.
    pub application_cursor: bool,
    /// The title that the program gave the terminal.
    pub title: Option<String>,
    /// How far the program says that it is.
    pub progress: Option<Progress>,
    /// Columns and rows.
    pub size: Size,
    /// How the commands so far went.
    pub commands: CommandTally,
    /// Whether a program reads a line that is not shown: a password. Never where
    /// the terminal does not tell, as on tmux.
    pub reads_hidden_line: bool,
    /// The terminal has replied to a program since somebody entered or cleared a line, so
    /// that a reply may stand on the line of whoever reads now.
    pub unread_reply: bool,
    /// A person may have typed on the shell's line where nobody tells the host, as on tmux:
    /// something was shown behind the prompt.
    pub typed_unseen: bool,
    /// Whoever reads from the terminal is known to get whole lines, without an editor of
    /// its own.
    pub reads_lines: bool,
    /// Exit status of the last command; signals as shells count them, 128 + n.
    pub last_exit_status: Option<i32>,
    pub(crate) command_runs: bool,
    /// Where what the shell runs, or ran last, has printed; none where no marks tell.
    pub command_output: Option<CommandOutput>,
    /// The same of the commands before it, the last few.
    pub earlier_outputs: Vec<CommandOutput>,
    /// The end of the transcript.
    pub cursor: Cursor,
    /// When something was last shown or typed.
    pub last_activity: SystemTime,
    /// When the session was opened.
    pub created_at: SystemTime,
}

impl Status {
    /// The session's program has ended: nothing more will be shown, and nothing
    /// can be typed.
    pub fn has_ended(&self) -> bool {
        matches!(self.shell, ShellState::Exited(_))
    }

    /// What is known of the output of the shell's command of this number.
    pub fn output_of_command(&self, number: u64) -> Option<CommandOutput> {
        let known = self.command_output.iter().chain(&self.earlier_outputs);
        known.copied().find(|output| output.number == number)
    }

    /// How it has ended, in words; `None` while it lives.
    pub fn ending(&self) -> Option<String> {
        let ShellState::Exited(status) = &self.shell else {
            return None;
        };
        let told = status.map(|status| status.to_string());
        let lost = || self.lost.clone();
        Some(told.or_else(lost).unwrap_or_else(|| "ended".to_owned()))
    }

    /// A command runs in the foreground. Where marks do not tell, because there
    /// are none or because the shell is still reading its own files, a program
    /// other than the session's own has the terminal.
    pub fn is_running(&self) -> bool {
        self.command_runs
    }

    /// The shell has not spoken up yet, and may still: it was started just now.
    pub fn is_starting(&self) -> bool {
        !self.integrated && matches!(self.shell, ShellState::Running { .. })
    }
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The end of what it has printed.
    pub end: Cursor,
    /// Of the cursor on the screen.
    pub position: Position,
    /// Columns and rows of the grid.
    pub size: Size,
    /// Its program has ended: nothing more will be shown.
    pub has_ended: bool,
}

/// Text that was read from a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Lines as they ended up; no control characters but line feeds and tabs.
    pub text: String,
    /// Where to read on.
    pub next: Cursor,
    /// Whether there is more to be read now.
    pub more: bool,
    /// Bytes before the text that are not kept any more.
    pub gap: Option<u64>,
}

/// A session, to be looked at, waited for, resized and closed. Cheap to clone.
///
/// The state is the session's task's; this only asks it. When the last handle
/// of a session is dropped, the session is closed. Should the task itself be
/// gone, because its runtime is shutting down, then answers are empty.
#[derive(Debug, Clone)]
pub struct Terminal {
    pid: u32,
    guardian: u32,
    handle: Option<String>,
    size: Size,
    created_at: SystemTime,
    requests: mpsc::Sender<Request>,
    changes: watch::Receiver<u64>,
}

impl Terminal {
    pub(crate) fn new(
        (pid, guardian): (u32, u32),
        handle: Option<String>,
        size: Size,
        created_at: SystemTime,
        requests: mpsc::Sender<Request>,
        changes: watch::Receiver<u64>,
    ) -> Self {
        Self {
            pid,
            guardian,
            handle,
            size,
            created_at,
            requests,
            changes,
        }
    }

    /// The process id of the session's program, and of its process session.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The process below which all that the session starts stays, what detaches itself
    /// included, as far as the system knows such a thing; else its program.
    pub fn guardian(&self) -> u32 {
        self.guardian
    }

    /// What the backend calls it: a pane of tmux, a session of iTerm2. `None` where
    /// it has no name outside of the host.
    pub fn backend_handle(&self) -> Option<String> {
        self.handle.clone()
    }

    /// Tells whenever something was shown or the program ended, for whoever shows
    /// the screen. Holding it does not keep the session alive; it ends with the
    /// session's task.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.ok()?;
        answer.await.ok()
    }

    /// What is going on.
    pub async fn status(&self) -> Status {
        self.ask(Request::Status).await.unwrap_or(Status {
            lost: None,
            settled: true,
            shell: ShellState::Unknown,
            integrated: false,
            cwd: None,
            foreground: None,
            full_screen: false,
            bracketed_paste: false,
            application_cursor: false,
            title: None,
            progress: None,
            size: self.size,
            commands: CommandTally::default(),
            reads_hidden_line: false,
            unread_reply: false,
            typed_unseen: false,
            reads_lines: false,
            last_exit_status: None,
            command_runs: false,
            command_output: None,
            earlier_outputs: Vec::new(),
            cursor: Cursor::START,
            last_activity: self.created_at,
            created_at: self.created_at,
        })
    }

    /// Where it stands. Unlike [`Terminal::status`] this asks nothing of the system.
    pub async fn place(&self) -> Place {
        self.ask(Request::Place).await.unwrap_or(Place {
            end: Cursor::START,
            position: Position { row: 0, column: 0 },
            size: self.size,
            has_ended: true,
        })
    }

    /// Reads what came after `from`: at most about `max_bytes` of text, and at
    /// least one character if there is any.
    pub async fn read(&self, from: Cursor, max_bytes: usize) -> Output {
        self.read_between(from, None, max_bytes).await
    }

    /// As [`Terminal::read`], but not beyond `until`: the output of a command.
    pub async fn read_until(&self, from: Cursor, until: Cursor, max_bytes: usize) -> Output {
        self.read_between(from, Some(until), max_bytes).await
    }

    async fn read_between(&self, from: Cursor, until: Option<Cursor>, max_bytes: usize) -> Output {
        let read = self.ask(|reply| Request::Read {
            from,
            until,
            max_bytes,
            reply,
        });
        read.await.unwrap_or_else(|| Output {
            text: String::new(),
            next: from,
            more: false,
            gap: None,
        })
    }

    /// What is shown now.
    pub async fn screen(&self) -> Screen {
        match self.ask(Request::Screen).await {
            Some(screen) => screen,
            None => Screen::empty(self.size),
        }
    }

    /// Lines above the screen: `lines` of them from number `start` on, 0 being
    /// the oldest that is kept.
    pub async fn scrollback(&self, start: usize, lines: usize) -> Scrollback {
        let read = self.ask(|reply| Request::Scrollback {
            start,
            lines,
            reply,
        });
        read.await.unwrap_or_else(|| Scrollback {
            start: 0,
            rows: Vec::new(),
            total: 0,
        })
    }

    /// Waits inside the session, so that nothing is missed and nothing polled.
    /// `from` is where a pattern is looked for first; by default what comes now.
    pub async fn wait(&self, until: Until, from: Option<Cursor>, timeout: Duration) -> Waited {
        let wait = self.ask(|reply| Request::Wait {
            until,
            from,
            timeout,
            reply,
        });
        wait.await.unwrap_or_else(|| Waited {
            met: false,
            end: WaitEnd::SessionEnded,
            matched: None,
            cursor: from.unwrap_or(Cursor::START),
            exit_status: None,
            exit: None,
        })
    }

    /// Follows the output from now on.
    pub async fn follow(&self) -> Follower {
        match self.ask(Request::Follow).await {
            Some(follower) => follower,
            None => {
                let mut followers = Followers::default();
                followers.end();
                followers.add()
            }
        }
    }

    /// Every byte from now on, for a recording; none where the session has ended.
    pub async fn record(&self) -> Option<RawOutput> {
        self.ask(Request::Record).await
    }

    /// Gives the terminal another size and tells the program. Returns the size that it
    /// has got: a pane that shares its window gets what its neighbours leave it.
    pub async fn resize(&self, size: Size) -> Result<Size, ResizeError> {
        let resize = self.ask(|reply| Request::Resize { size, reply });
        match tokio::time::timeout(RESIZE_PATIENCE, resize).await {
            Ok(answer) => answer.unwrap_or(Err(ResizeError::Closed)),
            Err(_) => Err(ResizeError::Unanswered),
        }
    }

    /// Sends a signal to the program in front, other than the session's own, and
    /// returns its name.
    pub async fn signal_foreground(&self, signal: ForegroundSignal) -> Result<String, SignalError> {
        let front = self.status().await.foreground;
        let front = front.filter(|front| front.pid != self.pid);
        let front = front.ok_or(SignalError::NothingRuns)?;
        process::signal_group(front.pid, signal)?;
        Ok(front.name)
    }

    /// Ends every process of the session: asks (SIGHUP), and after half a
    /// second kills. What it showed can still be read. `None` where the
    /// program could not be waited for. Closing twice gives the same answer.
    pub async fn close(&self) -> Option<ExitStatus> {
        self.ask(Request::Close).await.flatten()
    }
}
