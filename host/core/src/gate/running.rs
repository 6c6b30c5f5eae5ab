//! Whole commands: judged, handed to the shell in one piece, followed to their
//! end.

use std::time::{Duration, Instant};

use quarterdeck_policy::{Certainty, Entry, TRACE_TARGET};
use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{
    CommandState, Cursor, RunError, RunningCommand, ShellState, Status, Until, WaitEnd,
};
use serde::Serialize;
use tokio::sync::MutexGuard;

use super::asked::Line;
use super::continuation::{Unfinished, waits_for_more};
use super::door::Typist;
use super::remote_shell::Bounds;
use super::shell_line::{asks_the_shell, drop_reply, look_at_the_line};
use super::tabs::{once_lines_are_edited, refuse_what_would_complete};
use super::typing::settled_status;
use super::{Gate, VerdictReport};
use crate::audit::EntryKind;
use crate::caller::Caller;
use crate::error::HostError;
use crate::session::Session;

/// In a shell without integration a command counts as ended when the shell is
/// in the foreground again and has been quiet for this long.
const QUIET_AFTER_COMMAND: Duration = Duration::from_millis(150);

/// How long a program may take to end, and its shell to show a prompt, when keys were
/// typed that end it.
const ENDED_BY_KEYS: Duration = Duration::from_secs(1);

/// A command that may run, while nobody else types in its session.
pub(crate) struct Judged<'a> {
    session: &'a Session,
    typist: MutexGuard<'a, Typist>,
    verdict: VerdictReport,
    command: String,
    /// What the shell is given, which comes down to the same.
    typed: String,
    /// The end of the transcript before it.
    at: Cursor,
}

/// A command that was let through.
pub struct Running {
    /// Why it was.
    pub verdict: VerdictReport,
    command: String,
    started: Instant,
    how: FollowedBy,
    /// The audit log has how it ended.
    outcome_is_kept: bool,
}

enum FollowedBy {
    /// The shell tells when the command ends.
    Marks(RunningCommand),
    /// A shell on another machine was asked to tell.
    Bounds {
        bounds: Bounds,
        typed_at: Cursor,
        started: Instant,
    },
    /// Nobody tells: the foreground program and silence have to do.
    Quiet {
        output_from: Cursor,
        started: Instant,
    },
}

/// How far a command got.
#[derive(Clone, Debug)]
pub enum CommandEnd {
    /// It ended.
    Finished {
        /// `None` where the shell does not tell.
        exit_status: Option<i32>,
        /// Where its output begins.
        output_from: Cursor,
        /// Where its output ends; `None` for "wherever the transcript ends".
        output_to: Option<Cursor>,
        /// From Enter to the prompt.
        duration: Duration,
    },
    /// Time ran out; it goes on.
    StillRunning {
        /// Where its output begins.
        output_from: Cursor,
        /// Whether the shell has begun it; what is shown until then is its echo.
        begun: bool,
    },
    /// The session ended with it.
    SessionEnded {
        /// Where its output begins.
        output_from: Cursor,
        /// The shell's own exit status.
        exit_status: Option<i32>,
    },
}

/// The body of an outcome row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeRow<'a> {
    session: &'a str,
    command: &'a str,
    exit_status: Option<i32>,
    duration_ms: u64,
}

impl Gate {
    /// Judges `command` and, if it may, starts it at the session's prompt.
    pub(crate) async fn run(
        &self,
        session: &Session,
        command: &str,
        caller: &Caller,
    ) -> Result<Running, HostError> {
        let command = runnable(command)?;
        self.run_as(session, command, command, caller).await
    }

    /// Judges `command` and, if it may, gives the shell `typed`, which comes down
    /// to the same or to less.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "gate.run",
        skip_all,
        fields(session.id = %session.id)
    )]
    pub(crate) async fn run_as(
        &self,
        session: &Session,
        command: &str,
        typed: &str,
        caller: &Caller,
    ) -> Result<Running, HostError> {
        let (command, typed) = (runnable(command)?, without_line_breaks_around(typed));
        let judged = self.judge_as(session, command, typed, caller).await?;
        judged.start().await
    }

    /// Judges `command`, of which nothing is typed before it is
    /// [started](Judged::start). Until then it may be given up.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "gate.judge",
        skip_all,
        fields(session.id = %session.id)
    )]
    pub(crate) async fn judge<'a>(
        &self,
        session: &'a Session,
        command: &str,
        caller: &Caller,
    ) -> Result<Judged<'a>, HostError> {
        let command = runnable(command)?;
        self.judge_as(session, command, command, caller).await
    }

    async fn judge_as<'a>(
        &self,
        session: &'a Session,
        command: &str,
        typed: &str,
        caller: &Caller,
    ) -> Result<Judged<'a>, HostError> {
        let mut typist = session.door.typist.lock().await;
        self.agents.may_type(&session.id, caller)?;
        let mut status = status_after_keys(session, &typist).await;
        refuse_unless_free(session, &status)?;
        let certainty = match asks_the_shell(&status) {
            true => Certainty::Exact,
            false => {
                if command.contains('\t') {
                    status = once_lines_are_edited(session, status).await;
                }
                refuse_unless_line_is_empty(session, &mut typist, &status).await?;
                refuse_what_would_complete(session, command, &status)?;
                Certainty::Typed
            }
        };
        let line = Line {
            text: command.to_owned(),
            entry: Entry::Command,
            certainty,
            earlier: None,
        };
        let verdict = self.pass(session, &status, caller, &line).await?;
        Ok(Judged {
            session,
            typist,
            verdict,
            command: command.to_owned(),
            typed: typed.to_owned(),
            at: status.cursor,
        })
    }

    /// Waits until the command has ended and the shell reads the next line, at most
    /// `timeout`, and keeps its outcome.
    pub(crate) async fn follow(
        &self,
        session: &Session,
        running: &mut Running,
        timeout: Duration,
    ) -> Result<CommandEnd, HostError> {
        let until = Instant::now() + timeout.min(LONGEST_WAIT);
        let end = self.follow_to_end(session, running, timeout).await?;
        running.prompted(until).await;
        Ok(end)
    }

    /// Waits until the command has ended, at most `timeout`, and keeps its outcome. The
    /// shell may still be making its prompt: see [`Running::prompted`].
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "session.command",
        skip_all,
        fields(session.id = %session.id)
    )]
    pub(crate) async fn follow_to_end(
        &self,
        session: &Session,
        running: &mut Running,
        timeout: Duration,
    ) -> Result<CommandEnd, HostError> {
        let timeout = timeout.min(LONGEST_WAIT);
        let started = running.started;
        let end = match &mut running.how {
            FollowedBy::Marks(command) => match command.ended(timeout).await {
                CommandState::Ended(end) | CommandState::Finished(end) => CommandEnd::Finished {
                    exit_status: end.exit_status,
                    output_from: end.output.start,
                    output_to: Some(end.output.end),
                    duration: end.duration,
                },
                // `exec` has put a program in the shell's place, which tells nothing.
                CommandState::StillRunning { output_from, .. }
                    if !session.terminal.status().await.integrated =>
                {
                    running.how = FollowedBy::Quiet {
                        output_from,
                        started,
                    };
                    follow_blindly(session, output_from, started, timeout).await
                }
                CommandState::StillRunning { output_from, begun } => {
                    CommandEnd::StillRunning { output_from, begun }
                }
                CommandState::SessionEnded { output, exit } => CommandEnd::SessionEnded {
                    output_from: output.start,
                    exit_status: exit.and_then(|exit| exit.code()),
                },
                CommandState::Incomplete => {
                    let typist = session.door.typist.lock().await;
                    typist
                        .keyboard
                        .clear_line()
                        .await
                        .map_err(|error| ended(session, &error))?;
                    return Err(HostError::IncompleteCommand);
                }
            },
            FollowedBy::Bounds {
                bounds,
                typed_at,
                started,
            } => bounds.follow(session, *typed_at, *started, timeout).await?,
            FollowedBy::Quiet {
                output_from,
                started,
            } => follow_blindly(session, *output_from, *started, timeout).await,
        };
        let (exit_status, duration) = match &end {
            CommandEnd::Finished {
                exit_status,
                duration,
                ..
            } => (*exit_status, *duration),
            CommandEnd::SessionEnded { exit_status, .. } => (*exit_status, started.elapsed()),
            CommandEnd::StillRunning { .. } => return Ok(end),
        };
        if !std::mem::replace(&mut running.outcome_is_kept, true) {
            self.keep_outcome(&OutcomeRow {
                session: session.id.as_str(),
                command: &running.command,
                exit_status,
                duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            });
        }
        Ok(end)
    }
}

impl Running {
    /// Waits until the shell reads the next line, once the command has ended. What is to
    /// be done then anyhow can be done meanwhile.
    pub(crate) async fn prompted(&mut self, until: Instant) {
        if let FollowedBy::Marks(command) = &mut self.how {
            command
                .finished(until.saturating_duration_since(Instant::now()))
                .await;
        }
    }
}

impl Gate {
    /// Keeps what came of a command. Nobody waits until that is written: the command ran,
    /// and its verdict stands.
    fn keep_outcome(&self, outcome: &OutcomeRow<'_>) {
        if let Err(error) = self.audit.append_soon(EntryKind::Outcome, outcome) {
            tracing::error!(
                session = outcome.session,
                exit_status = outcome.exit_status,
                "the outcome of a command is not in the audit log {}: {error}",
                self.audit.path().display()
            );
        }
    }
}

impl Judged<'_> {
    /// Gives the shell the command.
    pub(crate) async fn start(mut self) -> Result<Running, HostError> {
        self.session.door.input_begins(self.at);
        let how = hand_over(self.session, &mut self.typist, &self.typed).await?;
        self.typist.line.clear();
        // Should the shell want more, whoever types next goes on with this.
        self.typist.unfinished = match how {
            FollowedBy::Marks(_) => Unfinished::at_prompt(&self.command),
            _ => Unfinished::after(&self.command, waits_for_more(&self.command)),
        };
        Ok(Running {
            verdict: self.verdict,
            command: self.command,
            started: Instant::now(),
            how,
            outcome_is_kept: false,
        })
    }
}

fn without_line_breaks_around(command: &str) -> &str {
    command.trim_matches(['\n', '\r'])
}

/// The command without the line breaks around it, if a shell could be given it.
pub(super) fn runnable(command: &str) -> Result<&str, HostError> {
    let command = without_line_breaks_around(command);
    if command.trim().is_empty() {
        return Err(HostError::InvalidParameters(
            "command is empty: give the command line to run".to_owned(),
        ));
    }
    if let Some(control) = command
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
    {
        return Err(HostError::InvalidParameters(format!(
            "command holds the control character {:?}: write it as an escape the shell knows ($'…'), or type it as keys",
            control
        )));
    }
    Ok(command)
}

/// How the shell stands once what was typed last has had its time: a Ctrl-C or an
/// `exit` is followed by a prompt, and that takes a moment.
async fn status_after_keys(session: &Session, typist: &Typist) -> Status {
    let status = settled_status(session).await;
    let Some(typed_at) = typist.typed_at else {
        return status;
    };
    let left = ENDED_BY_KEYS.saturating_sub(typed_at.elapsed());
    if left.is_zero() || !matches!(status.shell, ShellState::Running { .. }) {
        return status;
    }
    session.terminal.wait(Until::Prompt, None, left).await;
    session.terminal.status().await
}

fn refuse_unless_free(session: &Session, status: &Status) -> Result<(), HostError> {
    match &status.shell {
        ShellState::Running {
            command: Some(command),
            since,
        } => Err(HostError::SessionBusy {
            session: session.id.clone(),
            command: format!("`{command}`"),
            since: since.elapsed().unwrap_or_default(),
        }),
        // A shell that is starting runs something nameless; it is waited for.
        _ => match status.ending() {
            Some(how) => Err(HostError::SessionEnded {
                session: session.id.clone(),
                how,
            }),
            None => Ok(()),
        },
    }
}

/// Where no shell can be asked what its line holds, what was typed there without an
/// Enter would be the beginning of the command.
async fn refuse_unless_line_is_empty(
    session: &Session,
    typist: &mut Typist,
    status: &Status,
) -> Result<(), HostError> {
    if status.unread_reply && typist.line.is_clean() {
        drop_reply(typist).await;
        let status = session.terminal.status().await;
        look_at_the_line(typist, session, &status).await;
    } else {
        look_at_the_line(typist, session, status).await;
    }
    if typist.line.is_clean() && typist.unfinished.is_empty() {
        return Ok(());
    }
    let (line, _) = typist
        .unfinished
        .joined_with(&typist.line.peek().text, false);
    Err(HostError::LineNotEmpty {
        session: session.id.clone(),
        line: Some(line),
    })
}

#[tracing::instrument(
    target = TRACE_TARGET,
    name = "backend.type",
    skip_all,
    fields(backend = session.backend.as_str(), bytes = command.len())
)]
async fn hand_over(
    session: &Session,
    typist: &mut Typist,
    command: &str,
) -> Result<FollowedBy, HostError> {
    match typist.keyboard.run(command).await {
        Ok(running) => Ok(FollowedBy::Marks(running)),
        Err(RunError::NoIntegration) => run_blindly(session, typist, command).await,
        Err(RunError::Busy { command, since }) => Err(HostError::SessionBusy {
            session: session.id.clone(),
            command: command.map_or_else(|| "a command".to_owned(), |c| format!("`{c}`")),
            since: since.elapsed().unwrap_or_default(),
        }),
        Err(RunError::LineNotEmpty { line }) => Err(HostError::LineNotEmpty {
            session: session.id.clone(),
            line,
        }),
        Err(RunError::LineHoldsReply) => Err(HostError::LineNotEmpty {
            session: session.id.clone(),
            line: None,
        }),
        Err(error @ RunError::ControlCharacter { .. }) => {
            Err(HostError::InvalidParameters(error.to_string()))
        }
        Err(error @ RunError::Write(_)) => Err(ended(session, &error)),
    }
}

/// Types the command into a shell of which nothing is known: as a paste where it can
/// tell one, so that its line editor takes tabs for text.
async fn run_blindly(
    session: &Session,
    typist: &mut Typist,
    command: &str,
) -> Result<FollowedBy, HostError> {
    let status = session.terminal.status().await;
    let output_from = status.cursor;
    let started = Instant::now();
    let bounds = session.remote_host.is_some().then(Bounds::new);
    let keys = match &bounds {
        Some(bounds) => bounds.around(command, status.bracketed_paste),
        // Whoever has no line editor did not ask for pastes: a text that was shown did.
        None if status.bracketed_paste && !status.reads_lines => {
            format!("\x1b[200~{command}\x1b[201~\r")
        }
        None => command.replace('\n', "\r") + "\r",
    };
    typist
        .keyboard
        .write(keys.as_bytes())
        .await
        .map_err(|error| ended(session, &error))?;
    Ok(match bounds {
        Some(bounds) => FollowedBy::Bounds {
            bounds,
            typed_at: output_from,
            started,
        },
        None => FollowedBy::Quiet {
            output_from,
            started,
        },
    })
}

async fn follow_blindly(
    session: &Session,
    output_from: Cursor,
    started: Instant,
    timeout: Duration,
) -> CommandEnd {
    // A command that is followed again, after a key that interrupts it, has its time anew.
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = session
            .terminal
            .wait(Until::Quiet(QUIET_AFTER_COMMAND), None, left)
            .await;
        let status = session.terminal.status().await;
        if let ShellState::Exited(exit) = &status.shell {
            return CommandEnd::SessionEnded {
                output_from,
                exit_status: exit.and_then(|exit| exit.code()),
            };
        }
        let shell_in_front = status
            .foreground
            .is_some_and(|program| program.pid == session.terminal.pid());
        if waited.met && shell_in_front {
            return CommandEnd::Finished {
                exit_status: None,
                output_from,
                output_to: None,
                duration: started.elapsed(),
            };
        }
        if left.is_zero() || waited.end == WaitEnd::TooMany {
            return CommandEnd::StillRunning {
                output_from,
                begun: true,
            };
        }
        if waited.met {
            // Quiet already, and quiet still: nothing else tells when its program ends.
            tokio::time::sleep(QUIET_AFTER_COMMAND.min(left)).await;
        }
    }
}

fn ended(session: &Session, error: &dyn std::error::Error) -> HostError {
    HostError::SessionEnded {
        session: session.id.clone(),
        how: error.to_string(),
    }
}
