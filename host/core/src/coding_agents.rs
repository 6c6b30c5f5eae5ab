//! Coding agents that run in sessions: when one comes to the front, what it
//! shows, and when it is gone.
//!
//! Each session has a task that is woken by what the session shows and looks who
//! has the terminal. Nothing is looked at while nothing happens.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use quarterdeck_terminal::{Cursor, ShellState, Status};

use crate::events::{AgentProcess, ClaudeOutput, ClaudeStatus, EventBus, OutputStream};
use crate::session::{Session, SessionId};
use crate::text::inert;

/// What is shown within this time is looked at once.
const LOOK_AFTER: Duration = Duration::from_millis(200);

/// Bytes of output in one event.
const OUTPUT_BYTES: usize = 4 * 1024;

/// Events for the output of one look; what is beyond is left out, and said to be.
const OUTPUTS_AT_ONCE: usize = 8;

/// The coding agents of a host.
#[derive(Clone)]
pub(crate) struct CodingAgents {
    inner: Arc<Inner>,
}

struct Inner {
    programs: Vec<String>,
    events: Arc<EventBus>,
    in_front: Mutex<BTreeMap<SessionId, AgentInFront>>,
}

/// A coding agent that has a session's terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInFront {
    /// The program's name.
    pub program: String,
    /// Its process.
    pub pid: Option<u32>,
}

impl CodingAgents {
    /// Looks for programs with these names.
    pub(crate) fn new(programs: Vec<String>, events: Arc<EventBus>) -> Self {
        Self {
            inner: Arc::new(Inner {
                programs,
                events,
                in_front: Mutex::default(),
            }),
        }
    }

    /// Follows a session until it is over.
    pub(crate) fn follow(&self, session: &Arc<Session>) {
        if self.inner.programs.is_empty() {
            return;
        }
        let follower = Follower {
            agents: Arc::clone(&self.inner),
            id: session.id.clone(),
            read: Cursor::START,
            shown: false,
            agent: None,
        };
        let changes = session.terminal.changes();
        tokio::spawn(follower.follow(Arc::downgrade(session), changes));
    }

    /// Those that are in front now.
    pub(crate) fn in_front(&self) -> Vec<AgentInFront> {
        self.inner.lock().values().cloned().collect()
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, AgentInFront>> {
        self.in_front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The coding agent that a session runs, by the program in front or, where
    /// that is an interpreter, by the command that was given.
    fn agent_in(&self, status: &Status) -> Option<AgentInFront> {
        let foreground = status.foreground.as_ref()?;
        let known = |name: &str| {
            self.programs
                .iter()
                .find(|program| *program == name)
                .cloned()
        };
        let command = match &status.shell {
            ShellState::Running {
                command: Some(command),
                ..
            } => command.split_whitespace().next(),
            _ => None,
        };
        let by_command = || {
            let program = Path::new(command?).file_name()?;
            known(program.to_str()?)
        };
        known(&foreground.name)
            .or_else(by_command)
            .map(|program| AgentInFront {
                program,
                pid: Some(foreground.pid),
            })
    }
}

struct Follower {
    agents: Arc<Inner>,
    id: SessionId,
    /// Output up to here was there before the agent, or has been told.
    read: Cursor,
    /// Whether the agent has shown anything.
    shown: bool,
    agent: Option<AgentInFront>,
}

impl Follower {
    async fn follow(
        mut self,
        session: Weak<Session>,
        mut changes: tokio::sync::watch::Receiver<u64>,
    ) {
        while changes.changed().await.is_ok() {
            tokio::time::sleep(LOOK_AFTER).await;
            changes.mark_unchanged();
            let Some(session) = session.upgrade() else {
                break;
            };
            let status = session.terminal.status().await;
            self.look(&session, &status).await;
            if status.has_ended() {
                break;
            }
        }
        self.gone(None);
    }

    async fn look(&mut self, session: &Session, status: &Status) {
        let now = self.agents.agent_in(status);
        if self.agent.is_some() {
            self.tell_output(session, status.cursor).await;
        }
        if now != self.agent {
            self.gone(status.last_exit_status);
            if let Some(agent) = now {
                self.tell(&agent, AgentProcess::Starting, "is starting");
                self.agents.lock().insert(self.id.clone(), agent.clone());
                self.agent = Some(agent);
                self.tell_output(session, status.cursor).await;
            }
        }
        self.read = status.cursor;
    }

    /// Tells what was shown since the last look, up to `end`.
    async fn tell_output(&mut self, session: &Session, end: Cursor) {
        for _ in 0..OUTPUTS_AT_ONCE {
            let output = session
                .terminal
                .read_until(self.read, end, OUTPUT_BYTES)
                .await;
            if output.text.is_empty() {
                return;
            }
            self.read = output.next;
            self.tell_content(inert(&output.text));
            if !output.more {
                return;
            }
        }
        let left_out = end.offset().saturating_sub(self.read.offset());
        if left_out > 0 {
            self.tell_content(format!(
                "[… {left_out} bytes of output are left out here …]"
            ));
            self.read = end;
        }
    }

    fn tell_content(&mut self, content: String) {
        if !std::mem::replace(&mut self.shown, true)
            && let Some(agent) = self.agent.clone()
        {
            self.tell(&agent, AgentProcess::Running, "is running");
        }
        self.agents.events.publish(ClaudeOutput {
            content,
            stream: OutputStream::Stdout,
            session_id: self.id.to_string(),
        });
    }

    fn gone(&mut self, exit_status: Option<i32>) {
        let Some(agent) = self.agent.take() else {
            return;
        };
        self.shown = false;
        self.agents.lock().remove(&self.id);
        match exit_status {
            Some(status) if status != 0 => {
                let ended = format!("ended with exit status {status}");
                self.tell(&agent, AgentProcess::Error, &ended);
            }
            _ => self.tell(&agent, AgentProcess::Stopped, "has stopped"),
        }
    }

    fn tell(&self, agent: &AgentInFront, status: AgentProcess, what: &str) {
        self.agents.events.publish(ClaudeStatus {
            status,
            pid: agent.pid,
            message: format!("{} {what}", agent.program),
            session_id: Some(self.id.to_string()),
            program: agent.program.clone(),
        });
    }
}
