//! What is asked of the shell itself: to run a command, to say what its line
//! holds, to start afresh. Each has a deadline, because a shell may not answer.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::Session;
use crate::integration::ShellKind;
use crate::keyboard::{ClearLineError, CommandState, RunError, ShellLine, ShellLineError};
use crate::marks::Question;
use crate::prompt::Phase;
use crate::quoting;

/// How long a starting shell is waited for.
const PROMPT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a shell may take to say what its line holds.
const LINE_PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait for that before it is asked again: bash drops what it was about to
/// read when a ctrl-c interrupts it. With [`LINE_PATIENCE`], no more often than there are
/// ways to tell one question from another.
const ASK_AGAIN: Duration = Duration::from_millis(800);

/// How long to wait for what ctrl-c does before it is sent again.
const CLEAR_AGAIN: Duration = Duration::from_millis(250);

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

/// Waits for the fresh prompt after the line was thrown away.
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
                Phase::AtPrompt if self.prompt.continued => {
                    let _ = reply.send(Err(RunError::LineNotEmpty { line: None }));
                }
                Phase::AtPrompt if !self.prompt.line_dirty() => self.run(command, reply),
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
        });
        // Whoever asked may have gone: then nothing is typed.
        if reply.send(Ok(receiver)).is_err() {
            return;
        }
        let bytes = if shell.always_pastes() || self.emulator.input_modes().bracketed_paste {
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
        self.questions.line = Some(Questioning {
            purpose,
            deadline: now + LINE_PATIENCE,
            again_at: now + ASK_AGAIN,
        });
        self.put_question();
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
                let _ = reply.send(Err(ShellLineError::NoAnswer));
            }
            LinePurpose::Run(_, reply) => {
                let _ = reply.send(Err(RunError::LineNotEmpty { line: None }));
            }
            LinePurpose::Clear(reply) => {
                let _ = reply.send(Err(ClearLineError::NoPrompt));
            }
        }
    }

    /// The shell has said what its line holds.
    pub(super) fn on_line(&mut self, text: String) {
        let purpose = self.questions.line.take().map(|it| it.purpose);
        match purpose {
            Some(LinePurpose::Tell(reply)) => {
                let continued = self.prompt.continued;
                let _ = reply.send(Ok(ShellLine { text, continued }));
            }
            Some(LinePurpose::Run(command, reply)) if text.is_empty() => {
                self.run(command, reply);
            }
            Some(LinePurpose::Run(_, reply)) => {
                let _ = reply.send(Err(RunError::LineNotEmpty { line: Some(text) }));
            }
            Some(LinePurpose::Clear(reply)) if text.is_empty() => {
                let _ = reply.send(Ok(()));
            }
            Some(purpose @ LinePurpose::Clear(_)) => self.no_line(purpose),
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
        if !self.prompt.line_dirty() {
            let _ = reply.send(Ok(()));
            return;
        }
        let now = Instant::now();
        self.questions.clear = Some(Clearing {
            reply,
            deadline: now + CLEAR_PATIENCE,
            again_at: now + CLEAR_AGAIN,
            doubled: false,
        });
        self.active();
        self.outbox.push(shell.discard().to_vec(), None);
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
            questioning.again_at = now + ASK_AGAIN;
            // Another program would read it as keys.
            if self.prompt.phase() == Phase::AtPrompt {
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
            // A private key comes in its turn, be it late.
            if shell == ShellKind::Bash {
                clearing.doubled = true;
                self.outbox.push(shell.discard().to_vec(), None);
            }
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
