//! What is asked of a session's task, and what it can answer at once.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::Session;
use crate::following::Follower;
use crate::keyboard::{ClearLineError, CommandState, RunError, ShellLine, ShellLineError};
use crate::keys::Key;
use crate::outbox::WriteError;
use crate::process::{self, Foreground};
use crate::prompt::Phase;
use crate::raw::RawOutput;
use crate::request::Size;
use crate::screen::{Screen, Scrollback};
use crate::terminal::{Output, Place, ResizeError, ShellState, Status};
use crate::transcript::Cursor;
use crate::waits::{Until, Waited};

/// What can be asked of a session's task.
#[derive(Debug)]
pub(crate) enum Request {
    Status(oneshot::Sender<Status>),
    Place(oneshot::Sender<Place>),
    Read {
        from: Cursor,
        until: Option<Cursor>,
        max_bytes: usize,
        reply: oneshot::Sender<Output>,
    },
    Screen(oneshot::Sender<Screen>),
    Scrollback {
        start: usize,
        lines: usize,
        reply: oneshot::Sender<Scrollback>,
    },
    Wait {
        until: Until,
        from: Option<Cursor>,
        timeout: Duration,
        reply: oneshot::Sender<Waited>,
    },
    Follow(oneshot::Sender<Follower>),
    Record(oneshot::Sender<RawOutput>),
    Resize {
        size: Size,
        reply: oneshot::Sender<Result<Size, ResizeError>>,
    },
    Close(oneshot::Sender<Option<ExitStatus>>),
    Type {
        input: Input,
        reply: oneshot::Sender<Result<(), WriteError>>,
    },
    Run {
        command: String,
        reply: oneshot::Sender<Result<watch::Receiver<CommandState>, RunError>>,
    },
    ShellLine(oneshot::Sender<Result<ShellLine, ShellLineError>>),
    ClearLine(oneshot::Sender<Result<(), ClearLineError>>),
}

/// What can be typed.
#[derive(Debug)]
pub(crate) enum Input {
    Bytes(Vec<u8>),
    Unseen(Unseen),
    Key(Key),
    PasteBegin,
    PasteEnd,
}

/// Bytes that are typed only where nothing shows them.
pub(crate) struct Unseen(pub(crate) Vec<u8>);

impl fmt::Debug for Unseen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Unseen(not shown)")
    }
}

impl Session {
    pub(super) fn answer(&mut self, request: Request) {
        // An answer that nobody waits for any more is no loss.
        match request {
            Request::Status(reply) => {
                self.look_at_shell();
                let _ = reply.send(self.status());
            }
            Request::Place(reply) => {
                let _ = reply.send(Place {
                    end: self.transcript.end(),
                    position: self.emulator.position(),
                    size: self.emulator.size(),
                    has_ended: self.is_ended(),
                });
            }
            Request::Read {
                from,
                until,
                max_bytes,
                reply,
            } => {
                let until = until
                    .unwrap_or(self.transcript.end())
                    .min(self.transcript.end());
                let excerpt = self.transcript.read(from, until, max_bytes);
                let _ = reply.send(Output {
                    more: excerpt.next < until,
                    text: excerpt.text,
                    next: excerpt.next,
                    gap: excerpt.gap,
                });
            }
            Request::Screen(reply) => {
                let _ = reply.send(self.emulator.screen());
            }
            Request::Scrollback {
                start,
                lines,
                reply,
            } => {
                let _ = reply.send(self.emulator.scrollback(start, lines));
            }
            Request::Wait {
                until,
                from,
                timeout,
                reply,
            } => {
                self.look_at_shell();
                let from = from.unwrap_or(self.transcript.end());
                let mut waits = std::mem::take(&mut self.waits);
                waits.add(until, from, timeout, reply, &self.moment());
                self.waits = waits;
            }
            Request::Follow(reply) => {
                self.stream.follow(true);
                let _ = reply.send(self.followers.add());
            }
            Request::Record(reply) => {
                let _ = reply.send(self.recorders.add());
            }
            Request::Resize { size, reply } => {
                self.resize(size, reply);
            }
            Request::Close(reply) => self.close(Some(reply)),
            Request::Type { input, reply } => self.type_in(input, reply),
            Request::Run { command, reply } => {
                self.look_at_shell();
                self.ask_run(command, reply);
            }
            Request::ShellLine(reply) => self.ask_line(reply),
            Request::ClearLine(reply) => self.ask_clear(reply),
        }
    }

    fn status(&self) -> Status {
        let modes = self.emulator.input_modes();
        let running = || ShellState::Running {
            command: self
                .prompt
                .command
                .clone()
                .filter(|_| self.prompt.phase() == Phase::Running),
            since: self.prompt.since,
        };
        let alive = self.exit.is_none();
        let foreground = self.foreground().filter(|_| alive);
        let command_runs = match (self.shell, self.prompt.phase()) {
            (Some(_), Phase::Running) => alive,
            (Some(_), Phase::AtPrompt) => false,
            _ => foreground
                .as_ref()
                .is_some_and(|foreground| foreground.pid != self.pid),
        };
        Status {
            shell: match (self.shell, self.prompt.phase()) {
                _ if self.is_ended() => ShellState::Exited(self.exit_status()),
                (None, _) | (_, Phase::Inherited) => ShellState::Unknown,
                (Some(_), Phase::AtPrompt) => ShellState::AtPrompt {
                    line_dirty: self.prompt.line_dirty(),
                },
                (Some(_), _) => running(),
            },
            lost: self.lost.clone(),
            settled: self.is_settled(),
            integrated: self.shell.is_some() && self.prompt.loaded,
            cwd: Some(self.pid)
                .filter(|_| alive)
                .and_then(process::cwd)
                .or_else(|| self.prompt.cwd.clone()),
            foreground,
            command_runs,
            full_screen: self.emulator.full_screen(),
            bracketed_paste: modes.bracketed_paste,
            application_cursor: modes.application_cursor,
            title: self.emulator.title().map(str::to_owned),
            progress: self.progress,
            size: self.emulator.size(),
            commands: self.counting.tally,
            reads_hidden_line: alive && self.backend.reads_hidden_line(),
            unread_reply: self.prompt.unread_reply(),
            typed_unseen: self.typed_unseen(),
            reads_lines: alive && self.reads_lines(),
            last_exit_status: self.prompt.last_status,
            command_output: self.prompt.outputs.last(),
            earlier_outputs: self.prompt.outputs.earlier(),
            cursor: self.transcript.end(),
            last_activity: self.last_activity.1,
            created_at: self.created_at,
        }
    }

    /// Where the device cannot be asked, of shells that are known to have no editor.
    fn reads_lines(&self) -> bool {
        (self.backend.reads_lines()).unwrap_or_else(|| {
            let plain = |name: String| matches!(name.as_str(), "dash" | "sh");
            self.backend.foreground_group() == Some(self.pid)
                && process::name(self.pid).is_some_and(plain)
        })
    }

    fn foreground(&self) -> Option<Foreground> {
        let pid = self.backend.foreground_group()?;
        Some(Foreground {
            pid,
            // The first of a pipeline may have ended.
            name: process::name(pid).or_else(|| process::name_in_group(pid, self.pid))?,
        })
    }

    /// The answer is the size that the terminal has got, once its carrier has said so.
    fn resize(&mut self, size: Size, reply: oneshot::Sender<Result<Size, ResizeError>>) {
        if self.is_ended() || self.backend.set_size(size).is_err() {
            let _ = reply.send(Err(ResizeError::Closed));
            return;
        }
        self.emulator.resize(size);
        self.recorders.resized(size);
        self.tell_change();
        self.resizes.push(reply);
        self.answer_resizes();
    }

    /// Tells whoever wanted another size which one it is, if that is known.
    pub(super) fn answer_resizes(&mut self) {
        if !self.backend.is_resizing() {
            for reply in self.resizes.drain(..) {
                let _ = reply.send(Ok(self.emulator.size()));
            }
        }
    }

    fn type_in(&mut self, input: Input, reply: oneshot::Sender<Result<(), WriteError>>) {
        if self.exit.is_some() {
            let _ = reply.send(Err(self.closed()));
            return;
        }
        let modes = self.emulator.input_modes();
        let bytes = match input {
            Input::Bytes(bytes) => bytes,
            Input::Unseen(Unseen(bytes)) => {
                if self.backend.may_echo() {
                    let _ = reply.send(Err(WriteError::Shown));
                    return;
                }
                bytes
            }
            Input::Key(key) => key.encode(modes.application_cursor),
            Input::PasteBegin if modes.bracketed_paste => b"\x1b[200~".to_vec(),
            Input::PasteEnd if modes.bracketed_paste => b"\x1b[201~".to_vec(),
            Input::PasteBegin | Input::PasteEnd => Vec::new(),
        };
        if !bytes.is_empty() {
            self.active();
            self.prompt.typed(&bytes);
        }
        self.outbox.push(bytes, Some(reply));
    }
}
