//! The task that owns a session: its terminal device, its emulator, its
//! transcript and all who wait for something in it.
//!
//! Everything else talks to it through a channel, so there are no locks, and
//! what is asked between two pieces of output is answered between them.

mod questions;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use rustix::process::Signal as ProcessSignal;
use tempfile::TempDir;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::ancestry::Leaders;
use crate::emulator::Emulator;
use crate::integration::ShellKind;
use crate::keyboard::{ClearLineError, CommandState, RunError, ShellLine, ShellLineError};
use crate::keys::Key;
use crate::outbox::{Outbox, WriteError};
use crate::process::{self, Foreground};
use crate::prompt::{Effect, Phase, Prompt};
use crate::request::Size;
use crate::screen::{Screen, Scrollback};
use crate::stream::{Progress, Signal, Stream};
use crate::terminal::{ClosedError, Output, ShellState, Status};
use crate::transcript::{Cursor, Transcript};
use crate::waits::{Moment, Until, Waited, Waits};
use questions::Questions;

/// What can be asked of a session's task.
#[derive(Debug)]
pub(crate) enum Request {
    Status(oneshot::Sender<Status>),
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
    Resize {
        size: Size,
        reply: oneshot::Sender<Result<(), ClosedError>>,
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
    Key(Key),
    PasteBegin,
    PasteEnd,
}

/// Read at once, before anybody else gets a turn.
const READ_BYTES: usize = 64 * 1024;

/// How long a shell may take until its integration speaks up.
const INTEGRATION_PATIENCE: Duration = Duration::from_secs(5);

/// After the program's end, what it wrote may still be on its way.
const DRAIN_PATIENCE: Duration = Duration::from_millis(200);

/// From asking a session's processes to end to killing them.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// From the first kill to giving up on processes that cannot be killed.
const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// How often the processes of a session are counted while it is closed.
const CLOSE_TICK: Duration = Duration::from_millis(5);

/// What a session is made of when it begins.
pub(crate) struct Beginning {
    pub(crate) master: AsyncFd<OwnedFd>,
    pub(crate) child: Child,
    pub(crate) pid: u32,
    pub(crate) integration: Option<(ShellKind, TempDir)>,
    pub(crate) stream: Stream,
    pub(crate) size: Size,
    pub(crate) scrollback_lines: usize,
    pub(crate) transcript_bytes: usize,
    pub(crate) created_at: SystemTime,
}

pub(crate) struct Session {
    pid: u32,
    child: Child,
    /// None once the device is closed.
    master: Option<AsyncFd<OwnedFd>>,
    /// Nothing more will come from the device.
    drained: bool,
    exit: Option<Exit>,
    closing: Option<Closing>,

    stream: Stream,
    emulator: Emulator,
    transcript: Transcript,
    outbox: Outbox,
    prompt: Prompt,
    /// None where there is no integration, or none spoke up in time.
    shell: Option<ShellKind>,
    /// The integration's scripts, until the shell has read them.
    scripts: Option<TempDir>,
    integration_deadline: Option<Instant>,
    progress: Option<Progress>,

    waits: Waits,
    questions: Questions,
    /// Tells about the command that runs for [`crate::Keyboard::run`].
    run: Option<watch::Sender<CommandState>>,

    created_at: SystemTime,
    last_activity: (Instant, SystemTime),
}

/// How the program has ended.
struct Exit {
    status: ExitStatus,
    /// Until then its last output is waited for.
    drain_until: Instant,
}

struct Closing {
    next_look: Instant,
    kill_at: Instant,
    give_up_at: Instant,
    replies: Vec<oneshot::Sender<Option<ExitStatus>>>,
}

impl Session {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let now = (Instant::now(), SystemTime::now());
        let (shell, scripts) = beginning.integration.unzip();
        Self {
            pid: beginning.pid,
            child: beginning.child,
            master: Some(beginning.master),
            drained: false,
            exit: None,
            closing: None,
            stream: beginning.stream,
            emulator: Emulator::new(beginning.size, beginning.scrollback_lines),
            transcript: Transcript::new(beginning.transcript_bytes),
            outbox: Outbox::default(),
            prompt: Prompt::new(),
            shell,
            scripts,
            integration_deadline: shell.map(|_| now.0 + INTEGRATION_PATIENCE),
            progress: None,
            waits: Waits::default(),
            questions: Questions::default(),
            run: None,
            created_at: beginning.created_at,
            last_activity: now,
        }
    }

    /// Lives until the last handle is dropped; then ends the session's processes.
    pub(crate) async fn live(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut buffer = vec![0_u8; READ_BYTES];
        let mut handles_left = true;
        while handles_left || !self.is_closed() {
            let deadline = self.next_deadline();
            tokio::select! {
                request = requests.recv(), if handles_left => match request {
                    Some(request) => self.answer(request),
                    None => {
                        handles_left = false;
                        self.close(None);
                    }
                },
                read = read(self.master.as_ref(), &mut buffer), if !self.drained => match read {
                    Ok(count) if count > 0 => {
                        self.receive(&buffer[..count]);
                        if count >= READ_BYTES / 4 {
                            // A flood: let the other sessions have their turn.
                            tokio::task::yield_now().await;
                        }
                    }
                    _ => self.drained(),
                },
                written = write(self.master.as_ref(), self.outbox.next()), if !self.outbox.is_empty() => match written {
                    Ok(count) => self.outbox.written(count),
                    Err(_) => self.outbox.close(),
                },
                status = self.child.wait(), if self.exit.is_none() => self.exited(status),
                () = sleep_until(deadline) => self.on_time(),
            }
        }
    }

    fn is_ended(&self) -> bool {
        self.exit.is_some() && self.drained
    }

    fn is_closed(&self) -> bool {
        self.is_ended() && self.closing.is_none()
    }

    fn next_deadline(&self) -> Option<Instant> {
        [
            self.waits.next_deadline(self.last_activity.0),
            self.questions.next_deadline(),
            self.outbox.deadline(),
            self.integration_deadline,
            self.exit
                .as_ref()
                .filter(|_| !self.drained)
                .map(|exit| exit.drain_until),
            self.closing.as_ref().map(|closing| closing.next_look),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Some deadline has passed.
    fn on_time(&mut self) {
        let now = Instant::now();
        if self
            .integration_deadline
            .is_some_and(|deadline| now >= deadline)
        {
            tracing::debug!(pid = self.pid, "the shell's integration did not speak up");
            self.integration_deadline = None;
            self.shell = None;
            self.refuse_questions();
        }
        if self
            .outbox
            .deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            self.outbox.give_up();
        }
        if self
            .exit
            .as_ref()
            .is_some_and(|exit| now >= exit.drain_until)
        {
            self.drained();
        }
        if self
            .closing
            .as_ref()
            .is_some_and(|closing| now >= closing.next_look)
        {
            self.go_on_closing(now);
        }
        self.expire_questions(now);
        self.check_waits();
    }

    fn active(&mut self) {
        self.last_activity = (Instant::now(), SystemTime::now());
    }

    // What comes from the program.

    fn receive(&mut self, mut bytes: &[u8]) {
        self.active();
        while !bytes.is_empty() {
            let advanced = self.stream.advance(bytes, &mut self.transcript);
            let (taken, rest) = bytes.split_at(advanced.bytes);
            if advanced.abandoned {
                self.emulator.abandon_string();
            } else {
                self.emulator.advance(taken);
            }
            bytes = rest;
            if let Some(signal) = advanced.signal {
                self.on_signal(signal);
            }
        }
        let answers = self.emulator.take_answers();
        if !answers.is_empty() {
            self.outbox.push(answers, None);
        }
        self.check_waits();
    }

    fn on_signal(&mut self, signal: Signal) {
        let at = self.transcript.end();
        match signal {
            Signal::Progress(progress) => self.progress = progress,
            Signal::LineAccepted => self.prompt.line_accepted(at),
            Signal::Mark(mark) => {
                let effect = self.prompt.mark(mark, at);
                self.tell_run_start();
                match effect {
                    Some(Effect::Loaded) => self.on_loaded(),
                    Some(Effect::Prompted) => {
                        self.progress = None;
                        self.on_run_ended(at);
                        self.on_prompted();
                    }
                    Some(Effect::Unfinished) => self.on_unfinished(),
                    Some(Effect::Line(text)) => self.on_line(text),
                    None => (),
                }
            }
        }
    }

    /// The integration speaks up: its files have done their part.
    fn on_loaded(&mut self) {
        self.integration_deadline = None;
        self.scripts = None;
    }

    fn tell_run_start(&self) {
        if let (Some(run), Some(output_from)) = (&self.run, self.prompt.run_output_start()) {
            run.send_replace(CommandState::StillRunning { output_from });
        }
    }

    fn on_run_ended(&mut self, at: Cursor) {
        let Some(ended) = self.prompt.end_run(at) else {
            return;
        };
        if let Some(run) = self.run.take() {
            run.send_replace(CommandState::Finished {
                exit_status: ended.exit_status,
                output: ended.output,
                duration: ended.duration,
            });
        }
    }

    fn on_unfinished(&mut self) {
        self.prompt.give_up_run();
        if let Some(run) = self.run.take() {
            run.send_replace(CommandState::Incomplete);
        }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            transcript: &self.transcript,
            at_prompt: self.prompt.phase() == Phase::AtPrompt,
            integrated: self.shell.is_some(),
            last_activity: self.last_activity.0,
            last_status: self.prompt.last_status,
            ended: self.ended(),
        }
    }

    fn check_waits(&mut self) {
        let mut waits = std::mem::take(&mut self.waits);
        waits.check(&self.moment());
        self.waits = waits;
    }

    // What is asked.

    fn answer(&mut self, request: Request) {
        // An answer that nobody waits for any more is no loss.
        match request {
            Request::Status(reply) => {
                let _ = reply.send(self.status());
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
                let from = from.unwrap_or(self.transcript.end());
                let mut waits = std::mem::take(&mut self.waits);
                waits.add(until, from, timeout, reply, &self.moment());
                self.waits = waits;
            }
            Request::Resize { size, reply } => {
                let _ = reply.send(self.resize(size));
            }
            Request::Close(reply) => self.close(Some(reply)),
            Request::Type { input, reply } => self.type_in(input, reply),
            Request::Run { command, reply } => self.ask_run(command, reply),
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
        Status {
            shell: match (self.ended(), self.shell, self.prompt.phase()) {
                (Some(status), ..) => ShellState::Exited(status),
                (None, None, _) => ShellState::Unknown,
                (None, Some(_), Phase::AtPrompt) => ShellState::AtPrompt {
                    line_dirty: self.prompt.line_dirty(),
                },
                (None, Some(_), _) => running(),
            },
            integrated: self.shell.is_some() && self.prompt.loaded,
            cwd: Some(self.pid)
                .filter(|_| alive)
                .and_then(process::cwd)
                .or_else(|| self.prompt.cwd.clone()),
            foreground: self.foreground().filter(|_| alive),
            full_screen: self.emulator.full_screen(),
            bracketed_paste: modes.bracketed_paste,
            application_cursor: modes.application_cursor,
            title: self.emulator.title().map(str::to_owned),
            progress: self.progress,
            size: self.emulator.size(),
            last_exit_status: self.prompt.last_status,
            cursor: self.transcript.end(),
            last_activity: self.last_activity.1,
            created_at: self.created_at,
        }
    }

    fn foreground(&self) -> Option<Foreground> {
        let group = rustix::termios::tcgetpgrp(self.master.as_ref()?.get_ref()).ok()?;
        let pid = process::as_number(group);
        Some(Foreground {
            pid,
            name: process::name(pid)?,
        })
    }

    fn resize(&mut self, size: Size) -> Result<(), ClosedError> {
        let master = self
            .master
            .as_ref()
            .filter(|_| !self.is_ended())
            .ok_or(ClosedError)?;
        set_size(master.get_ref(), size).map_err(|_| ClosedError)?;
        self.emulator.resize(size);
        Ok(())
    }

    fn type_in(&mut self, input: Input, reply: oneshot::Sender<Result<(), WriteError>>) {
        if self.exit.is_some() || self.master.is_none() {
            let _ = reply.send(Err(WriteError::Closed));
            return;
        }
        let modes = self.emulator.input_modes();
        let bytes = match input {
            Input::Bytes(bytes) => bytes,
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

    // How it ends.

    fn ended(&self) -> Option<ExitStatus> {
        self.exit
            .as_ref()
            .filter(|_| self.drained)
            .map(|exit| exit.status)
    }

    /// The program has ended; its last output may still be on its way.
    fn exited(&mut self, status: io::Result<ExitStatus>) {
        Leaders::lock().remove(self.pid);
        let status = status.unwrap_or_else(|error| {
            tracing::warn!(pid = self.pid, %error, "cannot wait for the session's program");
            ExitStatus::from_raw(255 << 8)
        });
        self.exit = Some(Exit {
            status,
            drain_until: Instant::now() + DRAIN_PATIENCE,
        });
        if self.drained {
            self.on_ended();
        }
    }

    /// Nothing more comes from the device.
    fn drained(&mut self) {
        if !std::mem::replace(&mut self.drained, true) && self.exit.is_some() {
            self.on_ended();
        }
    }

    fn on_ended(&mut self) {
        self.master = None;
        self.scripts = None;
        self.integration_deadline = None;
        self.outbox.close();
        self.refuse_questions();
        let start = self.prompt.run_output_start();
        self.prompt.give_up_run();
        if let (Some(run), Some(start)) = (self.run.take(), start) {
            run.send_replace(CommandState::SessionEnded {
                exit: self.ended(),
                output: start..self.transcript.end().max(start),
            });
        }
        self.check_waits();
    }

    fn close(&mut self, reply: Option<oneshot::Sender<Option<ExitStatus>>>) {
        let now = Instant::now();
        let closing = self.closing.get_or_insert_with(|| {
            process::signal_session(self.pid, ProcessSignal::HUP);
            Closing {
                next_look: now,
                kill_at: now + CLOSE_GRACE,
                give_up_at: now + CLOSE_GRACE + KILL_PATIENCE,
                replies: Vec::new(),
            }
        });
        closing.replies.extend(reply);
        self.go_on_closing(now);
    }

    /// Looks whether everybody has ended, and kills those who take too long.
    fn go_on_closing(&mut self, now: Instant) {
        let leader_ended = self.exit.is_some();
        let Some(closing) = &mut self.closing else {
            return;
        };
        closing.next_look = now + CLOSE_TICK;
        let over = now >= closing.give_up_at;
        if !over {
            if !leader_ended && now < closing.kill_at {
                return;
            }
            let left = if now >= closing.kill_at {
                process::signal_session(self.pid, ProcessSignal::KILL)
            } else {
                process::session_members(self.pid).len()
            };
            if left > 0 || !leader_ended {
                return;
            }
        }
        if !self.is_ended() {
            if !over && !self.drained {
                return;
            }
            self.drained();
        }
        let replies = self.closing.take().map(|closing| closing.replies);
        for reply in replies.into_iter().flatten() {
            let _ = reply.send(self.ended());
        }
    }
}

/// Reads what there is, as much as fits; 0 at the end.
async fn read(master: Option<&AsyncFd<OwnedFd>>, buffer: &mut [u8]) -> io::Result<usize> {
    let Some(master) = master else {
        return Ok(0);
    };
    let read = |master: &OwnedFd| {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::read(master, &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => (),
                // What was read comes first; the error will be there again.
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    };
    master.async_io(Interest::READABLE, read).await
}

/// Writes as much of `bytes` as the terminal takes now, at least something.
async fn write(master: Option<&AsyncFd<OwnedFd>>, bytes: &[u8]) -> io::Result<usize> {
    let Some(master) = master else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    master
        .async_io(Interest::WRITABLE, |master| {
            Ok(rustix::io::write(master, bytes)?)
        })
        .await
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Tells the kernel, which tells the program.
pub(crate) fn set_size(master: &OwnedFd, size: Size) -> io::Result<()> {
    rustix::termios::tcsetwinsize(
        master,
        rustix::termios::Winsize {
            ws_row: size.rows(),
            ws_col: size.columns(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )?;
    Ok(())
}
