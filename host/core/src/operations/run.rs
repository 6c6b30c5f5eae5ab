//! Running one command and waiting for its end.

use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use quarterdeck_policy::TRACE_TARGET;
use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{Cursor, ShellState};

use super::read::read_text;
use super::standard_input::{CommandText, StandardInput};
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{CommandEnd, VerdictReport};
use crate::host::Host;
use crate::session::{Session, SessionId};
use crate::shell_syntax::ShellSyntax;

/// What to run.
#[derive(Clone, Debug)]
pub struct RunCommand {
    /// The command line; may span lines.
    pub command: String,
    /// Where; the caller's default session where there is none.
    pub session_id: Option<String>,
    /// How long to wait for its end.
    pub timeout: Duration,
    /// How much of its output to return.
    pub max_bytes: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// Where it ran.
    pub session_id: SessionId,
    /// Its output, as far as `max_bytes` reaches.
    pub output: String,
    /// `None` while it runs, and where the shell does not tell.
    pub exit_status: Option<i32>,
    /// From Enter to the prompt, or until the wait was given up.
    pub duration: Duration,
    /// Whether it still runs.
    pub timed_out: bool,
    /// Whether there is more output from `cursor` on.
    pub truncated: bool,
    /// Where to read on.
    pub cursor: Cursor,
    /// Bytes of output that were lost before they could be read.
    pub lost_bytes: u64,
    /// Why it could run.
    pub verdict: VerdictReport,
    /// What has to be known of its end.
    pub remark: Option<RunRemark>,
}

/// What has to be known of a command's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunRemark {
    /// Its shell reports no exit statuses.
    EndGuessed,
    /// It has not ended within the time that was given.
    StillRunning,
    /// It has ended its shell, too; how that ended, where it is known.
    ShellEnded(Option<ExitStatus>),
    /// Somebody closed its session.
    SessionClosed,
}

impl fmt::Display for RunRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShellEnded(Some(how)) => {
                return write!(f, "the shell ended with this command: {how}");
            }
            Self::EndGuessed => {
                "this shell does not report exit statuses; the end was taken from its silence, and output may hold the prompt"
            }
            Self::StillRunning => "the command still runs",
            Self::ShellEnded(None) => "the shell ended with this command",
            Self::SessionClosed => "the session was closed while the command ran",
        })
    }
}

impl Host {
    /// Runs a command at a session's prompt and waits for its end. A command
    /// that outlasts the wait goes on.
    pub async fn run_command(
        &self,
        request: RunCommand,
        caller: &Caller,
    ) -> Result<RunOutcome, HostError> {
        self.run_command_reading(request, &StandardInput::Terminal, caller)
            .await
    }

    /// The same for a command whose programs read `input`.
    pub async fn run_command_reading(
        &self,
        request: RunCommand,
        input: &StandardInput,
        caller: &Caller,
    ) -> Result<RunOutcome, HostError> {
        let started = Instant::now();
        let session = self
            .session_or_default(request.session_id.as_deref(), caller)
            .await?;
        let Ok(_turn) = tokio::time::timeout(request.timeout, session.run_turn.lock()).await else {
            return Err(HostError::SessionBusy {
                session: session.id.clone(),
                command: "the command of another call".to_owned(),
                since: started.elapsed(),
            });
        };
        let left = || request.timeout.saturating_sub(started.elapsed());
        let command = input.applied_to(&request.command, ShellSyntax::of(&session.program));
        self.run_at_prompt(&session, command, left, request.max_bytes, caller)
            .await
    }

    /// Runs a command at the session's prompt and waits for its end as long as
    /// `patience` says once it has been handed over. The caller holds the
    /// session's turn.
    #[tracing::instrument(
        target = TRACE_TARGET,
        name = "session.execute_command",
        skip_all,
        fields(session.id = %session.id, agent.name = caller.agent.as_deref())
    )]
    pub(super) async fn run_at_prompt(
        &self,
        session: &Session,
        command: impl Into<CommandText>,
        patience: impl FnOnce() -> Duration,
        max_bytes: usize,
        caller: &Caller,
    ) -> Result<RunOutcome, HostError> {
        let started = Instant::now();
        self.session_is_active(session);
        let CommandText { judged, typed } = command.into();
        let mut running = self.gate.run_as(session, &judged, &typed, caller).await?;
        let patience = patience().min(LONGEST_WAIT);
        let until = Instant::now() + patience;
        let mut end = self
            .gate
            .follow_to_end(session, &mut running, patience)
            .await?;
        let mut now = Cursor::START;
        if matches!(end, CommandEnd::StillRunning { .. }) {
            // If it runs still after this look at the terminal, no prompt was there.
            now = session.terminal.status().await.cursor;
            let ended_meanwhile = self
                .gate
                .follow_to_end(session, &mut running, Duration::ZERO);
            end = ended_meanwhile.await?;
        }
        let remark;
        let (from, to, exit_status, duration, timed_out) = match end {
            CommandEnd::Finished {
                exit_status,
                output_from,
                output_to,
                duration,
            } => {
                remark = exit_status.is_none().then_some(RunRemark::EndGuessed);
                (output_from, output_to, exit_status, duration, false)
            }
            CommandEnd::StillRunning { output_from, begun } => {
                remark = Some(RunRemark::StillRunning);
                let printed_to = match begun {
                    true => now.max(output_from),
                    false => output_from,
                };
                (output_from, Some(printed_to), None, started.elapsed(), true)
            }
            CommandEnd::SessionEnded {
                output_from,
                exit_status,
            } => {
                remark = Some(match self.registry.get(session.id.as_str()) {
                    Ok(_) => RunRemark::ShellEnded(how_the_shell_ended(session).await),
                    Err(_) => RunRemark::SessionClosed,
                });
                (output_from, None, exit_status, started.elapsed(), false)
            }
        };
        let output = read_text(session, from, to, max_bytes).await;
        running.prompted(until).await;
        session.seen.expect_after(output.cursor);
        Ok(RunOutcome {
            session_id: session.id.clone(),
            output: output.text,
            exit_status,
            duration,
            timed_out,
            truncated: output.more,
            cursor: output.cursor,
            lost_bytes: output.lost_bytes,
            verdict: running.verdict,
            remark,
        })
    }
}

async fn how_the_shell_ended(session: &Session) -> Option<ExitStatus> {
    match session.terminal.status().await.shell {
        ShellState::Exited(how) => how,
        _ => None,
    }
}
