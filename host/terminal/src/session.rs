//! The task that owns a session: what carries it, its emulator, its
//! transcript and all who wait for something in it.
//!
//! Everything else talks to it through a channel, so there are no locks, and
//! what is asked between two pieces of output is answered between them.

mod catching_up;
mod closing;
mod questions;
mod requests;

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::backend::{Backend, Event, Wanted};
use crate::deadline::sleep_until;
use crate::emulator::Emulator;
use crate::following::{Followers, OutputPiece};
use crate::integration::ShellKind;
use crate::keyboard::{CommandState, FinishedCommand};
use crate::opening::{Before, Seed};
use crate::outbox::{Outbox, WriteError};
use crate::process;
use crate::prompt::{Effect, Ended, Phase, Prompt};
use crate::raw::Recorders;
use crate::request::Size;
use crate::stream::{Progress, Signal, Stream, are_replies};
use crate::tally::Counting;
use crate::terminal::ResizeError;
use crate::transcript::{Cursor, Transcript};
use crate::waits::{Moment, Waits};
use closing::{Closing, Exit};
use questions::Questions;
pub(crate) use requests::{Input, Request, Unseen};

/// Read at once, before anybody else gets a turn.
const READ_BYTES: usize = 64 * 1024;

/// How long a shell may take until its integration speaks up.
const INTEGRATION_PATIENCE: Duration = Duration::from_secs(10);

/// Once nothing was shown for so long, a session keeps no rows ready to be shown.
const SPARE_ROWS_STAY: Duration = Duration::from_secs(5);

/// What a session is made of when it begins.
pub(crate) struct Beginning {
    pub(crate) backend: Backend,
    pub(crate) pid: u32,
    pub(crate) integration: Option<(ShellKind, Option<TempDir>)>,
    pub(crate) stream: Stream,
    pub(crate) size: Size,
    pub(crate) scrollback_lines: usize,
    pub(crate) transcript_bytes: usize,
    pub(crate) created_at: SystemTime,
    pub(crate) changes: watch::Sender<u64>,
}

pub(crate) struct Session {
    pid: u32,
    backend: Backend,
    /// Nothing more will come from the program.
    drained: bool,
    exit: Option<Exit>,
    /// Why nobody knows how the program ended: what carried it has gone.
    lost: Option<String>,
    closing: Option<Closing>,

    stream: Stream,
    emulator: Emulator,
    /// When the emulator's spare rows are freed, if it may have any.
    spare_rows_until: Option<Instant>,
    transcript: Transcript,
    outbox: Outbox,
    prompt: Prompt,
    /// None where there is no integration, or none spoke up in time.
    shell: Option<ShellKind>,
    /// A shell whose integration has not spoken up in time. It still may.
    silent: Option<ShellKind>,
    /// What the shell executed, from its first mark on, to notice when it has put
    /// another program in its own place, which knows nothing of marks.
    image: Option<Vec<u8>>,
    /// The integration's scripts, until the shell has read them.
    scripts: Option<TempDir>,
    integration_deadline: Option<Instant>,
    progress: Option<Progress>,
    counting: Counting,
    followers: Followers,
    recorders: Recorders,

    waits: Waits,
    questions: Questions,
    /// Who waits to hear which size the terminal has got.
    resizes: Vec<oneshot::Sender<Result<Size, ResizeError>>>,
    /// Tells about the command that runs for [`crate::Keyboard::run`].
    run: Option<watch::Sender<CommandState>>,

    created_at: SystemTime,
    last_activity: (Instant, SystemTime),
    /// Counts what changed the screen, for those who show it.
    changes: watch::Sender<u64>,
}

impl Session {
    pub(crate) fn new(beginning: Beginning, before: Option<Before>) -> Self {
        let now = (Instant::now(), SystemTime::now());
        let (shell, scripts) = beginning.integration.unzip();
        let mut emulator = Emulator::new(beginning.size, beginning.scrollback_lines);
        let mut stream = beginning.stream;
        let mut transcript = Transcript::new(beginning.transcript_bytes);
        if let Some(Before::Shown(Seed { printed, drawn })) = &before {
            emulator.advance(printed);
            emulator.advance(drawn);
            // Whatever it asked was asked, and answered, before.
            emulator.take_answers();
            let mut text = printed.as_slice();
            while !text.is_empty() {
                text = &text[stream.advance(text, &mut transcript).bytes..];
            }
        }
        // What was written lately tells where the shell is; a screen does not.
        let inherited = shell.filter(|_| matches!(before, Some(Before::Shown(_))));
        let mut session = Self {
            pid: beginning.pid,
            backend: beginning.backend,
            drained: false,
            exit: None,
            lost: None,
            closing: None,
            stream,
            emulator,
            spare_rows_until: None,
            transcript,
            outbox: Outbox::default(),
            prompt: inherited.map_or_else(Prompt::new, |shell| Prompt::inherited(shell.answers())),
            shell,
            silent: None,
            image: None,
            scripts: scripts.flatten(),
            integration_deadline: shell
                .filter(|_| inherited.is_none())
                .map(|_| now.0 + INTEGRATION_PATIENCE),
            progress: None,
            counting: Counting::default(),
            followers: Followers::default(),
            recorders: Recorders::default(),
            waits: Waits::default(),
            questions: Questions::new(),
            resizes: Vec::new(),
            run: None,
            created_at: beginning.created_at,
            last_activity: now,
            changes: beginning.changes,
        };
        if inherited.is_some() {
            session.on_loaded();
            session.look_at_inherited_shell();
        }
        if let Some(Before::Written(bytes)) = before {
            session.receive(&bytes);
            session.prompt.typed(b" ");
        }
        session
    }

    /// Lives until the last handle is dropped; then ends the session's processes,
    /// unless what carries them is there to be found again.
    pub(crate) async fn live(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut buffer = vec![0_u8; READ_BYTES];
        let mut handles_left = true;
        while handles_left || !self.is_closed() {
            let deadline = self.next_deadline();
            let wanted = Wanted {
                output: !self.drained,
                end: self.exit.is_none(),
                typed: self.outbox.next(),
            };
            tokio::select! {
                request = requests.recv(), if handles_left => match request {
                    Some(request) => self.answer(request),
                    None => {
                        if self.backend.outlives_the_host() {
                            return;
                        }
                        handles_left = false;
                        self.close(None);
                    }
                },
                event = self.backend.next(wanted, &mut buffer) => match event {
                    Event::Output(count) => {
                        self.receive(&buffer[..count]);
                        if count >= READ_BYTES / 4 {
                            // A flood: let the other sessions have their turn.
                            tokio::task::yield_now().await;
                        }
                    }
                    Event::Drained => self.drained(),
                    Event::Typed(count) => self.outbox.written(count),
                    Event::CannotType => self.outbox.close(WriteError::Closed),
                    Event::NotTyped(why) => self.outbox.close(why),
                    Event::TypedThere(bytes) => self.on_typed_there(&bytes),
                    Event::Resized(size) => self.on_resized(size),
                    Event::CommandEnded(status) => self.prompt.last_status = Some(status),
                    Event::LastLines(lines) => self.catch_up(&lines),
                    Event::Ended(status) => self.exited(status),
                },
                () = sleep_until(deadline) => self.on_time(),
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        [
            self.waits.next_deadline(self.last_activity.0),
            self.questions.next_deadline(),
            self.outbox.deadline(),
            self.integration_deadline,
            self.spare_rows_until,
            self.accepting_deadline(),
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

    /// When those who wait for what an Enter does have waited long enough.
    fn accepting_deadline(&self) -> Option<Instant> {
        let until = Instant::from_std(self.prompt.accepting_until()?);
        Some(until).filter(|until| *until > Instant::now())
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
            self.silent = self.shell.take();
            self.refuse_questions();
        }
        if self.spare_rows_until.is_some_and(|until| now >= until) {
            self.spare_rows_until = None;
            self.emulator.free_spare_rows();
        }
        if self
            .outbox
            .deadline()
            .is_some_and(|deadline| now >= deadline)
        {
            self.outbox.give_up();
            self.backend.forget_typing();
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
        self.spare_rows_until = Some(self.last_activity.0 + SPARE_ROWS_STAY);
        self.recorders.written(bytes);
        while !bytes.is_empty() {
            let advanced = self.stream.advance(bytes, &mut self.transcript);
            let (taken, rest) = bytes.split_at(advanced.bytes);
            if advanced.abandoned {
                self.emulator.abandon_string();
            } else {
                self.emulator.advance(taken);
            }
            bytes = rest;
            self.counting.printed(self.transcript.end());
            self.tell_followers();
            if let Some(signal) = advanced.signal {
                self.on_signal(signal);
            }
        }
        let answers = self.emulator.take_answers();
        if !answers.is_empty() && !self.backend.answers_the_program() {
            self.outbox.answer(answers);
        }
        if self.stream.take_asked() {
            self.prompt.terminal_replies();
        }
        self.check_waits();
        self.tell_change();
    }

    /// Whether the line may hold what somebody has typed unseen. Where the shell cannot say
    /// what it holds, only what is known of what was typed counts.
    fn typed_unseen(&self) -> bool {
        self.backend.others_type_unseen()
            && self.prompt.answers_line()
            && self.prompt.shown_at_prompt(self.transcript.end())
    }

    /// Whether the line may hold anything.
    fn line_dirty(&self) -> bool {
        self.prompt.line_dirty() || self.typed_unseen()
    }

    /// Whoever shows the screen looks again. Costs next to nothing while nobody does.
    fn tell_change(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Somebody else has typed, where a session can be seen by a person: what the
    /// line holds is not what the host has typed.
    fn on_typed_there(&mut self, bytes: &[u8]) {
        self.active();
        match are_replies(bytes) {
            true => self.prompt.terminal_replies(),
            false => self.prompt.typed(bytes),
        }
    }

    /// A person has made the terminal larger or smaller, or it could not be made so.
    fn on_resized(&mut self, size: Size) {
        if size != self.emulator.size() {
            self.emulator.resize(size);
            self.recorders.resized(size);
        }
        self.answer_resizes();
    }

    fn on_signal(&mut self, signal: Signal) {
        let at = self.transcript.end();
        match signal {
            Signal::Progress(progress) => {
                self.progress = progress;
                self.followers.tell(&OutputPiece::Progress(progress));
            }
            Signal::LineAccepted => self.prompt.line_accepted(at),
            Signal::Mark(mark) => {
                let before = self.prompt.phase();
                let shell_in_front = || self.backend.foreground_group() == Some(self.pid);
                let effect = if self.prompt.is_untold_prompt(&mark) && shell_in_front() {
                    Some(self.prompt.prompted_untold(at))
                } else {
                    self.prompt.mark(mark, at)
                };
                self.on_phase(before, effect.as_ref());
                self.tell_run_start();
                match effect {
                    Some(Effect::Loaded) => self.on_loaded(),
                    Some(Effect::Unable) => self.on_replaced(),
                    Some(Effect::Prompting) => self.on_run_ending(at),
                    Some(Effect::Prompted) => {
                        self.progress = None;
                        self.on_run_ended(at);
                        self.on_prompted();
                    }
                    Some(Effect::Unfinished) => self.on_unfinished(),
                    Some(Effect::Said) => self.on_said(),
                    Some(Effect::Line(text)) => self.on_line(text),
                    None => (),
                }
            }
        }
    }

    /// Passes on the text that came.
    fn tell_followers(&mut self) {
        let Some(text) = self.stream.take_followed() else {
            return;
        };
        self.followers.tell(&OutputPiece::Text(text));
        if self.followers.is_empty() {
            self.stream.follow(false);
        }
    }

    /// A mark came; tells who counts and who follows what it means.
    fn on_phase(&mut self, before: Phase, effect: Option<&Effect>) {
        match (before, self.prompt.phase()) {
            (Phase::Running, Phase::Running) => (),
            (_, Phase::Running) => {
                let entered = self.prompt.entered_at();
                self.counting.began(entered, self.transcript.end());
                let line = self.prompt.command.clone();
                self.followers.tell(&OutputPiece::CommandStart(line));
            }
            (Phase::Running, _) => {
                self.counting.ended(self.prompt.last_status);
                let status = self.prompt.last_status;
                self.followers.tell(&OutputPiece::CommandEnd(status));
            }
            _ => (),
        }
        if effect == Some(&Effect::Prompted) {
            self.followers.tell(&OutputPiece::Prompt);
        }
    }

    /// The integration speaks up: its files have done their part.
    fn on_loaded(&mut self) {
        self.integration_deadline = None;
        self.shell = self.shell.or(self.silent.take());
        self.scripts = None;
        // The shell's own files may execute something else at any time: if that is
        // after the image was read, it shows at the next look.
        self.image = process::image(self.pid);
        match (self.shell, process::name(self.pid)) {
            (Some(shell), Some(name)) if !name.contains(shell.name()) => self.on_replaced(),
            _ => (),
        }
    }

    /// Notices that the shell has executed another program in its own place.
    fn look_at_shell(&mut self) {
        if self.shell.is_none() || self.prompt.phase() == Phase::AtPrompt {
            return;
        }
        let image = process::image(self.pid);
        if image.is_some() && self.image.is_some() && image != self.image {
            self.on_replaced();
        }
    }

    /// Nobody will write marks any more.
    fn on_replaced(&mut self) {
        tracing::debug!(
            pid = self.pid,
            "the session goes on without shell integration"
        );
        self.shell = None;
        self.run = None;
        self.prompt.give_up_run();
        self.refuse_questions();
        self.check_waits();
    }

    fn tell_run_start(&self) {
        if self.prompt.phase() != Phase::Running {
            return;
        }
        if let (Some(run), Some(output_from)) = (&self.run, self.prompt.run_output_start()) {
            run.send_replace(CommandState::StillRunning {
                output_from,
                begun: true,
            });
        }
    }

    /// Whoever waits for the run need not wait for the shell to make its prompt.
    fn on_run_ending(&self, at: Cursor) {
        if let (Some(run), Some(ended)) = (&self.run, self.prompt.ended_run(at)) {
            run.send_replace(CommandState::Ended(self.finished(ended)));
        }
    }

    fn on_run_ended(&mut self, at: Cursor) {
        if let Some(ended) = self.prompt.end_run(at)
            && let Some(run) = self.run.take()
        {
            run.send_replace(CommandState::Finished(self.finished(ended)));
        }
    }

    fn finished(&self, ended: Ended) -> FinishedCommand {
        let mut output = ended.output;
        if ended.ran_nothing {
            let start = self.transcript.after_line_feed(output.start);
            output.start = start.min(output.end);
        }
        FinishedCommand {
            exit_status: ended.exit_status,
            output,
            duration: ended.duration,
        }
    }

    fn on_unfinished(&mut self) {
        self.prompt.give_up_run();
        if let Some(run) = self.run.take() {
            run.send_replace(CommandState::Incomplete);
        }
    }

    /// Where nobody knows it is always settled.
    fn is_settled(&self) -> bool {
        self.shell.is_none() || self.prompt.is_settled(std::time::Instant::now())
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            transcript: &self.transcript,
            full_screen: Some(&self.emulator).filter(|emulator| emulator.full_screen()),
            at_prompt: self.prompt.reads_line(std::time::Instant::now()),
            settled: self.is_settled(),
            integrated: self.shell.is_some(),
            last_activity: self.last_activity.0,
            last_status: self.prompt.last_status,
            ended: self.is_ended(),
            exit: self.exit_status(),
            screen_text: OnceCell::new(),
        }
    }

    fn check_waits(&mut self) {
        let mut waits = std::mem::take(&mut self.waits);
        waits.check(&self.moment());
        self.waits = waits;
    }
}
