//! Waiting until an agent's session has nothing more to do.

use std::time::{Duration, Instant};

use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::{ShellState, Status, Until, WaitEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::yes;
use crate::coding_agents::{Activity, AgentActivity};
use crate::error::HostError;
use crate::host::Host;
use crate::operations::read_text;
use crate::session::Session;

/// In a shell without marks: so long must nothing be printed.
const QUIET: Duration = Duration::from_millis(500);

/// How much output is returned.
const MOST_OUTPUT: usize = 16 * 1024;

/// How many lines a summary shows.
const SUMMARY_LINES: usize = 5;

/// An agent, and how long to wait for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaitForAgent {
    /// Whose session
    pub agent: String,
    /// Seconds, 1 to 600
    #[serde(default = "usual_wait")]
    #[schemars(range(min = 1, max = 600))]
    pub wait_up_to: u64,
    /// Whether to return what was printed since the last input
    #[serde(default = "yes")]
    pub return_output: bool,
    /// Whether to say how far it is if time runs out
    #[serde(default = "yes")]
    pub summary_on_timeout: bool,
}

fn usual_wait() -> u64 {
    30
}

/// How an agent's session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    /// Its shell waits for a command.
    Idle,
    /// A command runs.
    Running,
    /// Its program was stopped, or waits for a person or a limit.
    Blocked,
    /// Its shell has ended.
    Error,
    /// Its session is gone.
    Unknown,
}

/// What came of waiting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaitReport {
    /// The agent.
    pub agent: String,
    /// Whether nothing runs any more.
    pub completed: bool,
    /// Whether time ran out first.
    pub timed_out: bool,
    /// How long it took.
    pub elapsed_seconds: f64,
    /// How the session is doing now.
    pub status: AgentState,
    /// What was printed since the last input.
    pub output: Option<String>,
    /// How far it is, where time ran out.
    pub summary: Option<String>,
    /// Whether waiting again makes sense.
    pub can_continue_waiting: bool,
    /// What the agent's program does, where one is in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<AgentActivity>,
}

impl Host {
    /// Waits until no command runs in an agent's session. A screen that stands still
    /// is no end: the shell's mark is, or its being in the foreground again.
    pub async fn wait_for_agent(&self, request: &WaitForAgent) -> Result<WaitReport, HostError> {
        if !(1..=600).contains(&request.wait_up_to) {
            return Err(HostError::InvalidParameters(format!(
                "wait_up_to is {}: give 1 to 600 seconds",
                request.wait_up_to
            )));
        }
        let agent = self.agents.agent(&request.agent).ok_or_else(|| {
            HostError::NoSessionMeant(format!(
                "agent {:?}, which is not registered; look who is",
                request.agent
            ))
        })?;
        let started = Instant::now();
        let Ok(session) = self.registry.get(&agent.session_id) else {
            return Ok(WaitReport {
                agent: agent.name,
                completed: false,
                timed_out: false,
                elapsed_seconds: 0.0,
                status: AgentState::Unknown,
                output: None,
                summary: Some(format!("its session {} is gone", agent.session_id)),
                can_continue_waiting: false,
                activity: None,
            });
        };
        let suspended = || {
            self.agents
                .desk()
                .session(session.id.as_str())
                .suspended
                .is_some()
        };
        let deadline = started + Duration::from_secs(request.wait_up_to).min(LONGEST_WAIT);
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
                AgentState::Error
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
        let summary = match (!completed && request.summary_on_timeout, &activity) {
            (true, Some(now)) => Some(format!("{}: {}", now.activity.as_str(), now.why)),
            (true, None) => Some(progress(&session, &status).await),
            (false, _) => None,
        };
        let waits_for_a_person = state == AgentState::Blocked;
        Ok(WaitReport {
            agent: agent.name,
            completed,
            timed_out: !completed && !waits_for_a_person,
            elapsed_seconds: started.elapsed().as_secs_f64(),
            status: state,
            output,
            summary,
            can_continue_waiting: !status.has_ended(),
            activity,
        })
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

/// The same in this family's words.
fn state_of(activity: Option<&AgentActivity>) -> AgentState {
    match activity.map(|now| now.activity) {
        Some(Activity::Idle | Activity::Ended) => AgentState::Idle,
        Some(Activity::Working) => AgentState::Running,
        Some(Activity::AskingPermission | Activity::AskingQuestion | Activity::RateLimited) => {
            AgentState::Blocked
        }
        Some(Activity::Crashed) => AgentState::Error,
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

async fn progress(session: &Session, status: &Status) -> String {
    let what = match &status.shell {
        ShellState::Running { command, since } => format!(
            "{} has been running for {} s",
            command
                .as_ref()
                .map_or_else(|| "a command".to_owned(), |it| format!("`{it}`")),
            since.elapsed().unwrap_or_default().as_secs()
        ),
        _ => "something still runs".to_owned(),
    };
    let text = crate::text::inert(&session.terminal.screen().await.text());
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(SUMMARY_LINES)..];
    format!("{what}; its screen ends with:\n{}", last.join("\n"))
}
