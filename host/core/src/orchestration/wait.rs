//! Waiting until an agent's session has nothing more to do.

use std::time::{Duration, Instant};

use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{ShellState, Status, Until, WaitEnd};

use crate::agents::noticing::Note;
use crate::agents::notifications::Level;
use crate::coding_agents::{Activity, AgentActivity};
use crate::error::HostError;
use crate::host::Host;
use crate::operations::read_text;
use crate::session::{Session, SessionId};

/// In a shell without marks: so long must nothing be printed.
const QUIET: Duration = Duration::from_millis(500);

/// How much output is returned.
const MOST_OUTPUT: usize = 16 * 1024;

/// How many lines of the screen tell how far something is.
const LAST_LINES: usize = 5;

/// An agent, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct WaitForAgent {
    /// Whose session.
    pub agent: String,
    /// How long at most.
    pub up_to: Duration,
    /// Whether to return what was printed since the last input.
    pub return_output: bool,
    /// Whether to say how far it is if time runs out.
    pub tell_progress: bool,
}

/// How an agent's session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// Its shell waits for a command, or its program for a prompt.
    Idle,
    /// A command runs, or its program works.
    Running,
    /// Its program was stopped, or waits for a person or a limit.
    Blocked,
    /// Its shell has ended badly, or its program has.
    Failed,
    /// Nobody can tell.
    Unknown,
}

/// What came of waiting for an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentWaited {
    /// Its session is gone.
    SessionGone {
        /// The agent.
        agent: String,
        /// The session that it worked in.
        session: String,
    },
    /// Its session is there.
    Looked(Box<WaitedAgent>),
}

/// An agent's session after it was waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitedAgent {
    /// The agent.
    pub agent: String,
    /// Its session.
    pub session: SessionId,
    /// Whether nothing runs any more.
    pub completed: bool,
    /// How long it took.
    pub waited: Duration,
    /// How the session is doing now.
    pub state: AgentState,
    /// Whether its shell has ended: waiting again makes no sense.
    pub has_ended: bool,
    /// What was printed since the last input, if that is wanted.
    pub output: Option<String>,
    /// How far it is, where it is not at its end and that is wanted.
    pub progress: Option<Progress>,
    /// What the agent's program does, where one is in front.
    pub activity: Option<AgentActivity>,
}

impl WaitedAgent {
    /// Whether time ran out: nothing else kept the agent from its end.
    pub fn timed_out(&self) -> bool {
        !self.completed && self.state != AgentState::Blocked
    }
}

/// How far something is that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// What the coding agent in front does.
    Activity {
        /// What it does.
        activity: Activity,
        /// What says so.
        why: String,
    },
    /// Something else runs.
    Screen {
        /// What, where the shell could tell.
        command: Option<RunningCommand>,
        /// The last lines of the screen.
        last_lines: Vec<String>,
    },
}

/// A command that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningCommand {
    /// Its line, where the shell has told it.
    pub line: Option<String>,
    /// For how long.
    pub running_for: Duration,
}

impl Host {
    /// Waits until no command runs in an agent's session. A screen that stands still
    /// is no end: the shell's mark is, or its being in the foreground again.
    pub async fn wait_for_agent(&self, request: &WaitForAgent) -> Result<AgentWaited, HostError> {
        let agent = self.agents.agent(&request.agent).ok_or_else(|| {
            HostError::NoSessionMeant(format!(
                "agent {:?}, which is not registered; look who is",
                request.agent
            ))
        })?;
        let started = Instant::now();
        let Ok(session) = self.registry.get(&agent.session_id) else {
            return Ok(AgentWaited::SessionGone {
                agent: agent.name,
                session: agent.session_id,
            });
        };
        let suspended = || {
            self.agents
                .desk()
                .session(session.id.as_str())
                .suspended
                .is_some()
        };
        let deadline = started + request.up_to.min(LONGEST_WAIT);
        // A program that never ends by itself is waited for to be idle.
        let activity = self.agent_stops(&session, deadline).await;
        let completed = match &activity {
            Some(now) => matches!(
                now.activity,
                Activity::Idle | Activity::Ended | Activity::Crashed
            ),
            None => nothing_runs(&session, deadline).await,
        };
        let status = session.terminal.status().await;
        let state = match &status.shell {
            ShellState::Exited(exit) if exit.is_some_and(|exit| !exit.success()) => {
                AgentState::Failed
            }
            _ if completed && suspended() => AgentState::Blocked,
            _ if activity.is_some() => state_of(activity.as_ref()),
            _ if completed => AgentState::Idle,
            _ => AgentState::Running,
        };
        let output = match request.return_output {
            true => Some(since_last_input(&session).await),
            false => None,
        };
        let progress = match (!completed && request.tell_progress, &activity) {
            (true, Some(now)) => Some(Progress::Activity {
                activity: now.activity,
                why: now.why.clone(),
            }),
            (true, None) => Some(progress(&session, &status).await),
            (false, _) => None,
        };
        if activity.is_none() {
            // What coding agents do is noted when they do it.
            let note = match completed {
                _ if state == AgentState::Failed => {
                    Note::new(Level::Error, "the shell of its session has ended badly")
                }
                true => Note::new(Level::Success, "no command runs any more in its session"),
                false => {
                    let waited = started.elapsed().as_secs();
                    Note::new(Level::Warning, format!("still works after {waited} s"))
                }
            };
            self.note(session.id.as_str(), note).await;
        }
        Ok(AgentWaited::Looked(Box::new(WaitedAgent {
            agent: agent.name,
            session: session.id.clone(),
            completed,
            waited: started.elapsed(),
            state,
            has_ended: status.has_ended(),
            output,
            progress,
            activity,
        })))
    }

    /// Waits until the agent's program in a session does nothing by itself any more:
    /// until it is idle, asks, waits for a limit to be lifted, or has ended. `None`
    /// where no program is in front that can be read.
    async fn agent_stops(&self, session: &Session, deadline: Instant) -> Option<AgentActivity> {
        let mut watch = self.coding_agents.watch(&session.id)?;
        let program = watch.borrow().program.clone()?;
        self.coding_agents.rules(&program).await?;
        let stops = watch.wait_for(|now| {
            !matches!(now.activity, Activity::Working | Activity::Unknown) || now.program.is_none()
        });
        // Whether time ran out, its activity tells.
        let _ = tokio::time::timeout_at(deadline.into(), stops).await;
        let now = watch.borrow().clone();
        now.program.is_some().then_some(now)
    }
}

/// What an agent's program does, as the state of its session.
fn state_of(activity: Option<&AgentActivity>) -> AgentState {
    match activity.map(|now| now.activity) {
        Some(Activity::Idle | Activity::Ended) => AgentState::Idle,
        Some(Activity::Working) => AgentState::Running,
        Some(Activity::AskingPermission | Activity::AskingQuestion | Activity::RateLimited) => {
            AgentState::Blocked
        }
        Some(Activity::Crashed) => AgentState::Failed,
        Some(Activity::Unknown) | None => AgentState::Unknown,
    }
}

async fn nothing_runs(session: &Session, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // What an Enter just before came to is known first.
        session.terminal.wait(Until::Settled, None, left).await;
        let status = session.terminal.status().await;
        if status.has_ended() {
            return true;
        }
        let until = if status.integrated {
            Until::Prompt
        } else {
            Until::Quiet(QUIET)
        };
        if status.settled && status.integrated && !status.is_running() {
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = session.terminal.wait(until, None, left).await;
        let status = session.terminal.status().await;
        if status.has_ended() || (waited.met && status.settled && !status.is_running()) {
            return true;
        }
        if waited.end == WaitEnd::TimedOut || left.is_zero() {
            return false;
        }
        if waited.end == WaitEnd::TooMany {
            return false;
        }
        if waited.met && !status.integrated {
            // Still, but something other than the shell is in front: look again later.
            tokio::time::sleep(QUIET.min(left)).await;
        }
    }
}

async fn since_last_input(session: &Session) -> String {
    let end = session.terminal.status().await.cursor;
    let from = session.door.last_input().max(end.back(MOST_OUTPUT as u64));
    read_text(session, from, Some(end), MOST_OUTPUT).await.text
}

async fn progress(session: &Session, status: &Status) -> Progress {
    let command = match &status.shell {
        ShellState::Running { command, since } => Some(RunningCommand {
            line: command.clone(),
            running_for: since.elapsed().unwrap_or_default(),
        }),
        _ => None,
    };
    let text = crate::text::inert(&session.terminal.screen().await.text());
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    Progress::Screen {
        command,
        last_lines: last.iter().map(|line| (*line).to_owned()).collect(),
    }
}
