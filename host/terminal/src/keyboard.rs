//! The handle that types. There is one for each session, and the gate holds it.

use std::ops::Range;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use crate::keys::Key;
use crate::outbox::WriteError;
use crate::session::{Input, Request, Unseen};
use crate::transcript::Cursor;

/// Long input is handed over in pieces, so that little of it waits in memory.
const PIECE_BYTES: usize = 64 * 1024;

/// The only thing that can type into a session. Not `Clone`: whoever holds it
/// decides what is typed.
#[derive(Debug)]
pub struct Keyboard {
    requests: mpsc::Sender<Request>,
    /// One types at a time, so that two long writes do not mingle.
    turn: Mutex<()>,
}

/// What the line editor holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellLine {
    /// The text of the line.
    pub text: String,
    /// The line goes on with a command that began on lines before it, which
    /// are not in `text`.
    pub continued: bool,
}

/// Why the shell did not say what its line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShellLineError {
    /// No shell integration.
    #[error("the session's shell is not integrated, so nobody knows what its line holds")]
    NoIntegration,
    /// bash before version 4.
    #[error("this shell cannot say what its line holds; bash can from version 4 on")]
    Unsupported,
    /// A program reads what is typed, not the shell.
    #[error("the shell is not reading a line, a program runs")]
    NotAtPrompt,
    /// The line holds what the terminal replied to a program that did not read it,
    /// and could not be cleared.
    #[error(
        "the shell's line holds what the terminal replied to a program; clear it with ctrl-c first"
    )]
    HoldsReply,
    /// It is at a prompt, but did not answer in time.
    #[error("the shell did not say in time what its line holds; clear the line and type it again")]
    NoAnswer,
    /// Typing the question failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a command was not given to the shell. Nothing of it has been typed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RunError {
    /// No shell integration.
    #[error(
        "the session's shell is not integrated, so a command's end cannot be told; type it instead"
    )]
    NoIntegration,
    /// Something runs, or the shell is still starting.
    #[error(
        "the shell is busy{}; wait for it, interrupt it with ctrl-c, or use another session",
        command.as_ref().map(|command| format!(" with `{command}`")).unwrap_or_default()
    )]
    Busy {
        /// The command line, where it is known.
        command: Option<String>,
        /// Since when.
        since: SystemTime,
    },
    /// Something was typed on the line already.
    #[error("there is something on the shell's line already: {}; run it or clear the line first", line.as_deref().unwrap_or("unknown"))]
    LineNotEmpty {
        /// What the line holds, where the shell could tell.
        line: Option<String>,
    },
    /// The line holds what the terminal replied to a program that did not read it,
    /// and could not be cleared.
    #[error(
        "the shell's line holds what the terminal replied to a program; clear it with ctrl-c first"
    )]
    LineHoldsReply,
    /// The command has a character that an editor would take for a key.
    #[error("the command has the control character U+{:04X} at byte {at}; write it as an escape, for example $'\\x{:02x}'", u32::from(*character), u32::from(*character))]
    ControlCharacter {
        /// The character.
        character: char,
        /// Its offset in the command.
        at: usize,
    },
    /// Typing it failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a line could not be cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClearLineError {
    /// No shell integration, or a program runs.
    #[error("the shell is not reading a line that could be cleared")]
    NotAtPrompt,
    /// There was no fresh prompt within 2 s.
    #[error("the shell showed no fresh prompt within 2 s of ctrl-c")]
    NoPrompt,
    /// Typing failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Keyboard {
    pub(crate) fn new(requests: mpsc::Sender<Request>) -> Self {
        Self {
            requests,
            turn: Mutex::new(()),
        }
    }

    async fn ask<T, E: From<WriteError>>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Request,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        let closed = || E::from(WriteError::Closed);
        self.requests
            .send(request(reply))
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn type_in(&self, input: Input) -> Result<(), WriteError> {
        self.ask(|reply| Request::Type { input, reply }).await
    }

    /// Types bytes as they are, and returns when the terminal has taken them.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let _turn = self.turn.lock().await;
        for piece in bytes.chunks(PIECE_BYTES) {
            self.type_in(Input::Bytes(piece.to_vec())).await?;
        }
        Ok(())
    }

    /// Types a secret and Enter, if the terminal does not show what is typed, as
    /// at a prompt for a password. Otherwise nothing is typed.
    pub async fn type_unseen(&self, secret: &str) -> Result<(), WriteError> {
        let _turn = self.turn.lock().await;
        let mut bytes = secret.as_bytes().to_vec();
        bytes.push(b'\r');
        self.type_in(Input::Unseen(Unseen(bytes))).await
    }

    /// Presses a key, in the form that the program has asked for.
    pub async fn press(&self, key: Key) -> Result<(), WriteError> {
        let _turn = self.turn.lock().await;
        self.type_in(Input::Key(key)).await
    }

    /// Types text as a paste where the program can tell one, else as it is.
    /// A sequence that would end the paste early is taken out of the text.
    pub async fn paste(&self, text: &str) -> Result<(), WriteError> {
        let _turn = self.turn.lock().await;
        let text = text.replace("\x1b[201~", "");
        self.type_in(Input::PasteBegin).await?;
        for piece in text.as_bytes().chunks(PIECE_BYTES) {
            self.type_in(Input::Bytes(piece.to_vec())).await?;
        }
        self.type_in(Input::PasteEnd).await
    }

    /// Gives the shell a command, exactly as it is, and follows it to its end.
    ///
    /// Waits up to 10 s for a shell that is just starting. The line must be
    /// empty; where something was typed, the shell is asked. What nobody typed, a
    /// terminal's reply to a program that did not wait for it, is thrown away.
    pub async fn run(&self, command: &str) -> Result<RunningCommand, RunError> {
        let command = command.replace("\r\n", "\n");
        let forbidden = |c: &char| c.is_control() && *c != '\n' && *c != '\t';
        if let Some((at, character)) = command.char_indices().find(|(_, c)| forbidden(c)) {
            return Err(RunError::ControlCharacter { character, at });
        }
        let _turn = self.turn.lock().await;
        let run = || {
            let command = command.clone();
            self.ask(|reply| Request::Run { command, reply })
        };
        let progress = match run().await {
            Err(RunError::LineHoldsReply) if self.drop_line().await.is_ok() => run().await?,
            answer => answer?,
        };
        Ok(RunningCommand { progress })
    }

    /// Asks the shell what its line holds, however it came there: typed,
    /// completed, recalled or killed and yanked. Leaves the line as it is, unless
    /// there is nothing on it but a terminal's reply to a program.
    pub async fn shell_line(&self) -> Result<ShellLine, ShellLineError> {
        let _turn = self.turn.lock().await;
        match self.ask(Request::ShellLine).await {
            Err(ShellLineError::HoldsReply) if self.drop_line().await.is_ok() => {
                self.ask(Request::ShellLine).await
            }
            answer => answer,
        }
    }

    /// Throws away what the line holds (ctrl-c) and waits for a fresh prompt.
    pub async fn clear_line(&self) -> Result<(), ClearLineError> {
        let _turn = self.turn.lock().await;
        self.drop_line().await
    }

    async fn drop_line(&self) -> Result<(), ClearLineError> {
        self.ask(Request::ClearLine).await
    }
}

/// How long a shell may take to begin a command.
const BEGINNING: Duration = Duration::from_secs(1);

/// A command on its way. The session goes on with it if this is dropped.
#[derive(Debug)]
pub struct RunningCommand {
    progress: watch::Receiver<CommandState>,
}

/// How far a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandState {
    /// It has ended, and the shell reads the next line.
    Finished(FinishedCommand),
    /// It has ended, and the shell makes its prompt. Not every command comes by here.
    Ended(FinishedCommand),
    /// It runs.
    StillRunning {
        /// Where its output begins; its echo, as long as the shell has not begun it.
        output_from: Cursor,
        /// Whether the shell has begun it.
        begun: bool,
    },
    /// The shell wants more, an open quote's end for example. Nothing ran, save
    /// complete commands before it. The line has to be cleared.
    Incomplete,
    /// The session has ended underneath it.
    SessionEnded {
        /// How the session's program ended.
        exit: Option<ExitStatus>,
        /// What was shown until then.
        output: Range<Cursor>,
    },
}

/// How a command has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedCommand {
    /// As the shell tells it: 128 + n for signal n. `None` if it did not.
    pub exit_status: Option<i32>,
    /// All that was shown between its start and its end.
    pub output: Range<Cursor>,
    /// From typing it to now: the prompt, or what comes before it.
    pub duration: Duration,
}

impl RunningCommand {
    /// Waits until it has ended, or until the time is over: then it goes on. However short
    /// the time, the shell has some to begin it.
    pub async fn ended(&mut self, timeout: Duration) -> CommandState {
        let asked = Instant::now();
        self.reached(timeout.max(BEGINNING), |state| {
            !matches!(state, CommandState::StillRunning { begun: false, .. })
        })
        .await;
        self.reached(timeout.saturating_sub(asked.elapsed()), |state| {
            !matches!(state, CommandState::StillRunning { .. })
        })
        .await
    }

    /// Waits until it has ended and the shell reads the next line, or until the time is
    /// over.
    pub async fn finished(&mut self, timeout: Duration) -> CommandState {
        self.reached(timeout, |state| {
            !matches!(
                state,
                CommandState::StillRunning { .. } | CommandState::Ended(_)
            )
        })
        .await
    }

    async fn reached(
        &mut self,
        timeout: Duration,
        is_reached: impl Fn(&CommandState) -> bool,
    ) -> CommandState {
        let reached = self.progress.wait_for(|state| is_reached(state));
        if let Ok(Ok(state)) = tokio::time::timeout(timeout, reached).await {
            return state.clone();
        }
        self.progress.borrow().clone()
    }
}
