//! What is asked of the shell itself: to run a command, to say what its line
//! holds, to start afresh. Each has a deadline, because a shell may not answer.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::Session;
use crate::integration::ShellKind;
use crate::keyboard::{ClearLineError, CommandState, RunError, ShellLine, ShellLineError};
use crate::marks::Question;
use crate::prompt::{LineHeld, Phase};
use crate::quoting;

/// How long a starting shell is waited for.
const PROMPT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a shell may take to say what its line holds.
const LINE_PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait for that before it is asked again: bash drops what it was about to
/// read when a ctrl-c interrupts it. With [`LINE_PATIENCE`], no more often than there are
/// ways to tell one question from another.
const ASK_AGAIN: Duration = Duration::from_millis(800);

/// How long a shell that has said what its line holds may take to draw it again.
const DRAWING_TAKES: Duration = Duration::from_millis(750);

/// How long a reply of a terminal is waited for that sends it by a way of its own.
const REPLY_TAKES: Duration = Duration::from_millis(100);

/// How long to wait for what ctrl-c does before it is sent again.
const CLEAR_AGAIN: Duration = Duration::from_millis(250);

const CTRL_C: &[u8] = b"\x03";

/// How long a line that was not thrown away yet is left alone.
const NOT_YET: Duration = Duration::from_millis(10);

/// How long a shell may take from ctrl-c to a fresh prompt.
const CLEAR_PATIENCE: Duration = Duration::from_secs(2);

type RunReply = oneshot::Sender<Result<watch::Receiver<CommandState>, RunError>>;

/// Asked and not answered yet. There is one keyboard, whose holder asks one thing at a
/// time, so there is at most one of each that anybody waits for.
pub(super) struct Questions {
    /// Waits for the first prompt.
    run: Option<(String, RunReply, Instant)>,
    line: Option<Questioning>,
    /// What the next question is asked with.
    next_question: Question,
    clear: Option<Clearing>,
}

type ClearReply = oneshot::Sender<Result<(), ClearLineError>>;

/// Waits for the fresh prompt after bash was to throw the line away. The other shells do
/// that in their turn, and say then that it is empty.
struct Clearing {
    reply: ClearReply,
    deadline: Instant,
    /// bash loses a ctrl-c while it is between two keys, so it is sent again.
    again_at: Instant,
    /// It was sent again, so that bash may see two.
    doubled: bool,
}

/// Waits for the shell to say what its line holds.
struct Questioning {
    purpose: LinePurpose,
    deadline: Instant,
    again_at: Instant,
}

enum LinePurpose {
    /// See whether a shell that was inherited reads a line at all.
    Look,
    Tell(oneshot::Sender<Result<ShellLine, ShellLineError>>),
    /// Run a command if the line is empty.
    Run(String, RunReply),
    /// Make sure that the line is empty, and that no ctrl-c is still to come.
    Clear(ClearReply),
}

impl LinePurpose {
    /// Whether whoever asked has gone.
    fn is_forgotten(&self) -> bool {
        match self {
            Self::Look => false,
            Self::Tell(reply) => reply.is_closed(),
            Self::Run(_, reply) => reply.is_closed(),
            Self::Clear(reply) => reply.is_closed(),
        }
    }
}

impl Questions {
    pub(super) fn new() -> Self {
        Self {
            run: None,
            line: None,
            next_question: Question::FIRST,
            clear: None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [
            self.run.as_ref().map(|(.., deadline)| *deadline),
            self.line
                .as_ref()
                .map(|questioning| questioning.deadline.min(questioning.again_at)),
            self.clear
                .as_ref()
                .map(|clearing| clearing.deadline.min(clearing.again_at)),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

impl Session {
    fn is_closed_to_input(&self) -> bool {
        self.exit.is_some()
    }

    pub(super) fn ask_run(&mut self, command: String, reply: RunReply) {
        if self.is_closed_to_input() {
            let _ = reply.send(Err(self.closed().into()));
        } else if self.shell.is_none() {
            let _ = reply.send(Err(RunError::NoIntegration));
        } else if self.run.is_some() || self.questions.run.is_some() {
            let _ = reply.send(Err(self.busy()));
        } else {
            match self.prompt.phase() {
                Phase::AtPrompt if self.prompt.continued() => {
                    let _ = reply.send(Err(RunError::LineNotEmpty { line: None }));
                }
                Phase::AtPrompt if !self.line_dirty() => self.run(command, reply),
                Phase::AtPrompt => self.question_line(LinePurpose::Run(command, reply)),
                Phase::Running => {
                    let _ = reply.send(Err(self.busy()));
                }
                Phase::Inherited if self.questions.line.is_none() => {
                    let _ = reply.send(Err(self.busy()));
                }
                Phase::Starting | Phase::Inherited | Phase::BetweenPrompts => {
                    let deadline = Instant::now() + PROMPT_PATIENCE;
                    self.questions.run = Some((command, reply, deadline));
                }
            }
        }
    }

    /// Asks a shell that was inherited whether it reads a line, if nothing else
    /// could get the question.
    pub(super) fn look_at_inherited_shell(&mut self) {
        let has_terminal = self.backend.foreground_group() == Some(self.pid);
        if has_terminal && self.prompt.phase() == Phase::Inherited {
            self.question_line(LinePurpose::Look);
        }
    }

    fn busy(&self) -> RunError {
        RunError::Busy {
            command: self.prompt.command.clone(),
            since: self.prompt.since,
        }
    }

    /// Types the command on the empty line.
    fn run(&mut self, command: String, reply: RunReply) {
        let Some(shell) = self.shell else {
            let _ = reply.send(Err(RunError::NoIntegration));
            return;
        };
        let (progress, receiver) = watch::channel(CommandState::StillRunning {
            output_from: self.transcript.end(),
            begun: false,
        });
        // Whoever asked may have gone: then nothing is typed.
        if reply.send(Ok(receiver)).is_err() {
            return;
        }
        // A bash that cannot be asked has no editor, whoever has switched pastes on, or one
        // that is too old for them.
        let takes_pastes =
            self.emulator.input_modes().bracketed_paste && self.prompt.answers_line();
        let bytes = if shell.always_pastes() || takes_pastes {
            shell.paste(&command)
        } else if command.contains(['\n', '\t']) {
            format!("eval {}\r", quoting::ansi_c(&command)).into_bytes()
        } else {
            format!("{command}\r").into_bytes()
        };
        self.active();
        self.prompt.begin_run(command, self.transcript.end());
        self.run = Some(progress);
        self.outbox.push(bytes, None);
    }

    pub(super) fn ask_line(&mut self, reply: oneshot::Sender<Result<ShellLine, ShellLineError>>) {
        let refusal = if self.is_closed_to_input() {
            Some(self.closed().into())
        } else if self.shell.is_none() {
            Some(ShellLineError::NoIntegration)
        } else if self.prompt.phase() != Phase::AtPrompt {
            Some(ShellLineError::NotAtPrompt)
        } else if !self.prompt.answers_line() {
            Some(ShellLineError::Unsupported)
        } else {
            None
        };
        match refusal {
            Some(error) => {
                let _ = reply.send(Err(error));
            }
            None => self.question_line(LinePurpose::Tell(reply)),
        }
    }

    fn question_line(&mut self, purpose: LinePurpose) {
        (self.questions.line).take_if(|questioning| questioning.purpose.is_forgotten());
        if !self.prompt.answers_line() || self.questions.line.is_some() {
            self.no_line(purpose);
            return;
        }
        let now = Instant::now();
        let replied = self.prompt.line_replied();
        // A reply may have made the editor read something else. It can be thrown away.
        let patience = if replied { ASK_AGAIN } else { LINE_PATIENCE };
        let on_its_way = replied && self.backend.replies_late();
        self.questions.line = Some(Questioning {
            purpose,
            deadline: now + patience,
            again_at: now + if on_its_way { REPLY_TAKES } else { ASK_AGAIN },
        });
        if !on_its_way {
            self.put_question();
        }
    }

    fn put_question(&mut self) {
        let Some(shell) = self.shell else {
            return;
        };
        let question = self.questions.next_question;
        self.questions.next_question = question.next();
        self.prompt.ask(question);
        self.outbox.push(shell.ask_line(question), None);
    }

    fn no_line(&mut self, purpose: LinePurpose) {
        match purpose {
            LinePurpose::Look => (),
            LinePurpose::Tell(reply) => {
                let error = match self.prompt.line_replied() {
                    true => ShellLineError::HoldsReply,
                    false => ShellLineError::NoAnswer,
                };
                let _ = reply.send(Err(error));
            }
            LinePurpose::Run(_, reply) => {
                let error = match self.prompt.line_replied() {
                    true => RunError::LineHoldsReply,
                    false => RunError::LineNotEmpty { line: None },
                };
                let _ = reply.send(Err(error));
            }
            LinePurpose::Clear(reply) => {
                let _ = reply.send(Err(ClearLineError::NoPrompt));
            }
        }
    }

    /// Whether nothing would be lost that somebody typed.
    fn may_clear(&self, text: &str) -> bool {
        text.is_empty() || self.prompt.line_replied()
    }

    /// The shell has said what its line holds, and is to draw it again.
    pub(super) fn on_said(&mut self) {
        if let Some(questioning) = &mut self.questions.line {
            questioning.again_at = Instant::now() + DRAWING_TAKES;
        }
    }

    /// The shell has said what its line holds.
    pub(super) fn on_line(&mut self, LineHeld { text, commands }: LineHeld) {
        let asked = self.questions.line.take();
        let deadline = asked.as_ref().map(|it| it.deadline);
        match asked.map(|it| it.purpose) {
            Some(LinePurpose::Tell(reply)) if self.prompt.line_replied() => {
                let _ = reply.send(Err(ShellLineError::HoldsReply));
            }
            Some(LinePurpose::Tell(reply)) => {
                let continued = self.prompt.continued();
                let _ = reply.send(Ok(ShellLine { text, continued }));
            }
            // Another reply has come behind the question.
            Some(purpose) if text.is_empty() && !commands && self.prompt.line_replied() => {
                self.question_line(purpose);
                if let (Some(again), Some(deadline)) = (&mut self.questions.line, deadline) {
                    again.deadline = deadline;
                }
            }
            Some(LinePurpose::Run(command, reply)) if text.is_empty() && !commands => {
                self.run(command, reply);
            }
            Some(LinePurpose::Run(_, reply)) if self.may_clear(&text) => {
                let _ = reply.send(Err(RunError::LineHoldsReply));
            }
            Some(LinePurpose::Run(_, reply)) => {
                let _ = reply.send(Err(RunError::LineNotEmpty { line: Some(text) }));
            }
            Some(LinePurpose::Clear(reply)) if text.is_empty() && !commands => {
                let _ = reply.send(Ok(()));
            }
            // That ended something else, a search for example.
            Some(purpose @ LinePurpose::Clear(_)) => {
                let now = Instant::now();
                self.questions.line = Some(Questioning {
                    purpose,
                    deadline: deadline.unwrap_or(now),
                    again_at: now + NOT_YET,
                });
            }
            Some(LinePurpose::Look) => {
                if let Some((command, reply, _)) = self.questions.run.take() {
                    self.ask_run(command, reply);
                }
            }
            None => (),
        }
    }

    pub(super) fn ask_clear(&mut self, reply: oneshot::Sender<Result<(), ClearLineError>>) {
        if self.is_closed_to_input() {
            let _ = reply.send(Err(self.closed().into()));
            return;
        }
        let Some(shell) = self
            .shell
            .filter(|_| self.prompt.phase() == Phase::AtPrompt)
        else {
            let _ = reply.send(Err(ClearLineError::NotAtPrompt));
            return;
        };
        if !self.line_dirty() {
            let _ = reply.send(Ok(()));
            return;
        }
        let now = Instant::now();
        self.active();
        self.outbox.push(shell.discard().to_vec(), None);
        if shell == ShellKind::Bash {
            self.questions.clear = Some(Clearing {
                reply,
                deadline: now + CLEAR_PATIENCE,
                again_at: now + CLEAR_AGAIN,
                doubled: false,
            });
            return;
        }
        self.question_line(LinePurpose::Clear(reply));
        if let Some(questioning) = &mut self.questions.line {
            questioning.deadline = now + CLEAR_PATIENCE;
            questioning.again_at = now + CLEAR_AGAIN;
        }
    }

    /// The shell reads a fresh line.
    pub(super) fn on_prompted(&mut self) {
        if let Some(clearing) = self.questions.clear.take() {
            if clearing.doubled && self.prompt.answers_line() {
                self.question_line(LinePurpose::Clear(clearing.reply));
            } else {
                let _ = clearing.reply.send(Ok(()));
            }
        }
        if let Some((command, reply, _)) = self.questions.run.take() {
            self.ask_run(command, reply);
        }
    }

    /// Answers those whose time is over.
    pub(super) fn expire_questions(&mut self, now: Instant) {
        let over = |deadline: Instant| now >= deadline;
        if let Some((_, reply, _)) = self.questions.run.take_if(|(.., deadline)| over(*deadline)) {
            let _ = reply.send(Err(self.busy()));
        }
        if let Some(questioning) = &self.questions.line
            && over(questioning.again_at)
            && let Some(held) = self.prompt.take_undrawn()
        {
            self.on_line(held);
        }
        if let Some(questioning) = self
            .questions
            .line
            .take_if(|questioning| over(questioning.deadline))
        {
            self.no_line(questioning.purpose);
        }
        if let Some(questioning) = &mut self.questions.line
            && over(questioning.again_at)
        {
            let clears = matches!(questioning.purpose, LinePurpose::Clear(_));
            questioning.again_at = now + if clears { CLEAR_AGAIN } else { ASK_AGAIN };
            // Another program would read it as keys.
            if self.prompt.phase() == Phase::AtPrompt {
                if let Some(shell) = self.shell.filter(|_| clears) {
                    // An editor that reads something else, what to search for, knows no
                    // private keys, but every one knows this.
                    self.outbox.push(CTRL_C.to_vec(), None);
                    self.outbox.push(shell.discard().to_vec(), None);
                }
                self.put_question();
            }
        }
        if let Some(clearing) = self
            .questions
            .clear
            .take_if(|clearing| over(clearing.deadline))
        {
            let _ = clearing.reply.send(Err(ClearLineError::NoPrompt));
        }
        if let (Some(clearing), Some(shell)) = (&mut self.questions.clear, self.shell)
            && over(clearing.again_at)
        {
            clearing.again_at = now + CLEAR_AGAIN;
            clearing.doubled = true;
            self.outbox.push(shell.discard().to_vec(), None);
        }
    }

    /// There will be no answers: the shell has ended, or was never integrated.
    pub(super) fn refuse_questions(&mut self) {
        let ended = self.exit.is_some();
        if let Some((_, reply, _)) = self.questions.run.take() {
            let error = if ended {
                self.closed().into()
            } else {
                RunError::NoIntegration
            };
            let _ = reply.send(Err(error));
        }
        if let Some(questioning) = self.questions.line.take() {
            match questioning.purpose {
                LinePurpose::Tell(reply) if ended => {
                    let _ = reply.send(Err(self.closed().into()));
                }
                purpose => self.no_line(purpose),
            }
        }
        if let Some(Clearing { reply, .. }) = self.questions.clear.take() {
            let error = if ended {
                self.closed().into()
            } else {
                ClearLineError::NotAtPrompt
            };
            let _ = reply.send(Err(error));
        }
    }
}
