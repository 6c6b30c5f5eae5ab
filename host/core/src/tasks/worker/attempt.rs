//! One task in one worker, once: from the look at the session to how it ended.

use std::sync::Arc;
use std::time::Duration;

use quarterdeck_terminal::{Cursor, Status, Until};

use super::command_line::command_line;
use super::prompting::prompt;
use crate::caller::Caller;
use crate::coding_agents::Activity;
use crate::error::HostError;
use crate::gate::{CommandEnd, Input, Running};
use crate::host::Host;
use crate::operations::read_tail;
use crate::session::Session;
use crate::shell_syntax::ShellSyntax;
use crate::tasks::call_off::CallOffReceiver;
use crate::tasks::fate::Fate;
use crate::tasks::task::{Lane, NewTask, TaskResult};

/// As much of a task's output is kept: the end of it.
const OUTPUT_BYTES: usize = 4 * 1024;

/// A command that was interrupted may take this long to end, before it is
/// interrupted again.
const INTERRUPT_PATIENCE: Duration = Duration::from_secs(2);

/// Ctrl-C twice, then Ctrl-\, which fewer programs catch.
const INTERRUPTS: [u8; 3] = [0x03, 0x03, 0x1c];

/// A shell that was started just now may take this long until it reads a line.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// A task and the worker that it was assigned to.
pub(in crate::tasks) struct Attempt {
    pub(in crate::tasks) spec: Arc<NewTask>,
    pub(in crate::tasks) caller: Caller,
    pub(in crate::tasks) session_id: String,
    /// Whether a shell will do that does not report exit statuses.
    pub(in crate::tasks) any_shell: bool,
    /// What its prompt goes by, where it is one: no prompt is typed twice.
    pub(in crate::tasks) prompt_id: String,
    /// Whether the task is another host's.
    pub(in crate::tasks) is_errand: bool,
    /// Whether it is kept that it runs.
    pub(in crate::tasks) has_begun: bool,
    /// Hears that it is called off.
    pub(in crate::tasks) called_off: CallOffReceiver,
}

/// What became of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tasks) enum WorkerAfter {
    /// It can take another task.
    Free,
    /// Something else is in front in it.
    Occupied,
    /// Its program has ended.
    Gone,
}

/// Carries out an attempt in its session, once `begins` has kept that it does. What is
/// called off before anything is typed is as if it had never been assigned.
pub(in crate::tasks) async fn carry_out_in_session(
    host: &Host,
    attempt: &mut Attempt,
    begins: impl Future<Output = bool>,
) -> (Fate, WorkerAfter) {
    let Ok(session) = host.registry.get(&attempt.session_id) else {
        return (Fate::NotTyped, WorkerAfter::Gone);
    };
    let Ok(_turn) = session.run_turn.try_lock() else {
        return (Fate::NotTyped, WorkerAfter::Occupied);
    };
    let mut called_off = attempt.called_off.clone();
    let worker = tokio::select! {
        worker = look_at(host, &session, attempt) => worker,
        _ = called_off.called_off() => WorkerAfter::Free,
    };
    if worker != WorkerAfter::Free || called_off.is_called_off() || !begins.await {
        return (Fate::NotTyped, worker);
    }
    attempt.has_begun = true;
    if called_off.is_called_off() {
        return (Fate::NotTyped, WorkerAfter::Free);
    }
    session.task.set(Some(attempt.spec.id.clone()));
    let end = match attempt.spec.work.lane() {
        Lane::Shell => run_in_shell(host, &session, attempt).await,
        Lane::Program => prompt(host, &session, attempt).await,
    };
    session.task.set(None);
    end
}

/// Whether a session can take an attempt, once its shell has started.
async fn look_at(host: &Host, session: &Session, attempt: &Attempt) -> WorkerAfter {
    let mut status = session.terminal.status().await;
    if status.is_starting() {
        let prompt = session.terminal.wait(Until::Prompt, None, START_PATIENCE);
        prompt.await;
        status = session.terminal.status().await;
    }
    match (
        status.has_ended(),
        can_take(host, session, attempt, &status),
    ) {
        (true, _) => WorkerAfter::Gone,
        (false, true) => WorkerAfter::Free,
        (false, false) => WorkerAfter::Occupied,
    }
}

fn can_take(host: &Host, session: &Session, attempt: &Attempt, status: &Status) -> bool {
    match attempt.spec.work.lane() {
        Lane::Shell => {
            !status.is_running() && !status.full_screen && (status.integrated || attempt.any_shell)
        }
        Lane::Program => {
            let now = host.coding_agents.activity(&session.id);
            let busy = now.is_some_and(|it| it.program.is_some() && it.activity != Activity::Idle);
            (status.is_running() || status.full_screen) && !busy
        }
    }
}

async fn run_in_shell(
    host: &Host,
    session: &Session,
    attempt: &mut Attempt,
) -> (Fate, WorkerAfter) {
    let Some(command) = command_line(&attempt.spec.work, ShellSyntax::of(&session.program)) else {
        return (
            Fate::Impossible("no shell can do this".to_owned()),
            WorkerAfter::Free,
        );
    };
    let judged = tokio::select! {
        judged = host.gate.judge(session, &command, &attempt.caller) => judged,
        _ = attempt.called_off.called_off() => return (Fate::NotTyped, WorkerAfter::Free),
    };
    let started = match judged {
        Ok(judged) => judged.start().await,
        Err(error) => Err(error),
    };
    let mut running = match started {
        Ok(running) => running,
        Err(error) => return not_typed(error, attempt),
    };
    let end = tokio::select! {
        biased;
        end = host.gate.follow(session, &mut running, attempt.spec.timeout) => end,
        why = attempt.called_off.called_off() => {
            let (result, worker) =
                interrupt(host, session, &mut running, &attempt.caller).await;
            return (why.fate(result, worker), worker);
        }
    };
    match end {
        Ok(CommandEnd::StillRunning { .. }) => {
            let (result, worker) = interrupt(host, session, &mut running, &attempt.caller).await;
            (
                Fate::TimedOut {
                    result,
                    goes_on: worker == WorkerAfter::Occupied,
                },
                worker,
            )
        }
        Ok(end @ CommandEnd::Finished { .. }) => match result_of(session, end).await {
            Some(result) => (Fate::Finished(result), WorkerAfter::Free),
            None => (
                Fate::Impossible("its end was not told".to_owned()),
                WorkerAfter::Free,
            ),
        },
        Ok(CommandEnd::SessionEnded { .. }) => (
            Fate::Lost("the session ended under it".to_owned()),
            WorkerAfter::Gone,
        ),
        Err(HostError::SessionEnded { how, .. }) => (
            Fate::Lost(format!("the session ended under it ({how})")),
            WorkerAfter::Gone,
        ),
        Err(error) => (Fate::Impossible(error.to_string()), WorkerAfter::Free),
    }
}

/// What an error says that the gate gave before anything was typed.
pub(in crate::tasks) fn not_typed(error: HostError, attempt: &Attempt) -> (Fate, WorkerAfter) {
    match error {
        HostError::SessionBusy { .. }
        | HostError::LineNotEmpty { .. }
        | HostError::Locked { .. }
        | HostError::AgentNotReady { .. } => (Fate::NotTyped, WorkerAfter::Occupied),
        HostError::SessionEnded { how, .. } => (
            Fate::Lost(format!("the session ended as it began ({how})")),
            WorkerAfter::Gone,
        ),
        HostError::ConfirmationRequired(pending) if attempt.is_errand => {
            let said = format!(
                "a person has to confirm its command first: {}; a machine asks nobody: let somebody allow it there for good (`quarterdeck rule allow`), or hand it in for a session of your own host",
                pending.verdict.reason.trim_end_matches('.'),
            );
            (Fate::Impossible(said), WorkerAfter::Free)
        }
        HostError::ConfirmationRequired(pending) => {
            let said = format!(
                "a person has to confirm its command first: {}; after `quarterdeck approve {}` (within {} s) hand the task in again for session {}",
                pending.verdict.reason.trim_end_matches('.'),
                pending.confirmation_id,
                pending.expires_in_seconds,
                pending.session_id.as_str(),
            );
            (Fate::Impossible(said), WorkerAfter::Free)
        }
        error => (Fate::Impossible(error.to_string()), WorkerAfter::Free),
    }
}

/// Ends a command as a person would.
async fn interrupt(
    host: &Host,
    session: &Session,
    running: &mut Running,
    caller: &Caller,
) -> (Option<TaskResult>, WorkerAfter) {
    for key in INTERRUPTS {
        let input = [Input::Bytes(vec![key])];
        if let Err(error) = host.gate.type_input(session, &input, caller).await {
            return (None, not_interrupted(&error));
        }
        match host.gate.follow(session, running, INTERRUPT_PATIENCE).await {
            Ok(CommandEnd::StillRunning { .. }) => {}
            Ok(end @ CommandEnd::Finished { .. }) => {
                return (result_of(session, end).await, WorkerAfter::Free);
            }
            Ok(CommandEnd::SessionEnded { .. }) => return (None, WorkerAfter::Gone),
            Err(error) => return (None, not_interrupted(&error)),
        }
    }
    (None, WorkerAfter::Occupied)
}

/// What a worker is whose work could not be interrupted. Only one that has ended is gone:
/// in one that somebody has locked meanwhile, for example, the work goes on.
pub(in crate::tasks) fn not_interrupted(error: &HostError) -> WorkerAfter {
    match error {
        HostError::SessionEnded { .. } | HostError::SessionNotFound(_) => WorkerAfter::Gone,
        _ => WorkerAfter::Occupied,
    }
}

async fn result_of(session: &Session, end: CommandEnd) -> Option<TaskResult> {
    let CommandEnd::Finished {
        exit_status,
        output_from,
        output_to,
        duration,
    } = end
    else {
        return None;
    };
    Some(result(session, exit_status, output_from, output_to, duration).await)
}

pub(in crate::tasks) async fn result(
    session: &Session,
    exit_status: Option<i32>,
    from: Cursor,
    to: Option<Cursor>,
    duration: Duration,
) -> TaskResult {
    let (output, truncated) = read_tail(session, from, to, OUTPUT_BYTES).await;
    TaskResult {
        exit_status,
        output,
        truncated,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }
}
