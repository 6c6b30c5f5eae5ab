//! What can be seen of a session while a prompt is on its way: which program is in front,
//! whether it is ready, and what stands in its box.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::coding_agents::{Activity, AgentActivity, AgentRules, BoxText, Frame};
use crate::error::HostError;
use crate::host::Host;
use crate::session::Session;

/// A screen is looked at again after so long, should no change of it be told.
const NEXT_LOOK: Duration = Duration::from_millis(50);

/// A program in front that is not known to be an agent's by then is none.
const UNKNOWN_AFTER: Duration = Duration::from_secs(3);

/// Why nothing is typed where no program takes a prompt.
pub(super) const NO_AGENT: &str =
    "its shell is in front, and no agent's program: start one there, or run a command instead";

/// What can be seen of a session while a prompt is on its way.
pub(super) struct Eyes {
    pub(super) session: Arc<Session>,
    pub(super) activity: watch::Receiver<AgentActivity>,
    changes: watch::Receiver<u64>,
    pub(super) rules: Option<Arc<AgentRules>>,
}

impl Eyes {
    /// Opens them once a program is in front, within this time.
    pub(super) async fn on(
        host: &Host,
        session: &Arc<Session>,
        within: Duration,
    ) -> Result<Self, HostError> {
        let activity = host.coding_agents.watch(&session.id);
        let activity =
            activity.ok_or_else(|| HostError::SessionNotFound(session.id.to_string()))?;
        let mut eyes = Self {
            changes: session.terminal.changes(),
            session: Arc::clone(session),
            activity,
            rules: None,
        };
        if let Some(program) = eyes.program_in_front(host, within).await? {
            eyes.rules = host.coding_agents.rules(&program).await;
        }
        Ok(eyes)
    }

    /// The agent's program in front; `None` for one that nobody knows.
    async fn program_in_front(
        &mut self,
        host: &Host,
        within: Duration,
    ) -> Result<Option<String>, HostError> {
        let began = Instant::now();
        loop {
            if let now = self.now()
                && !now.activity.has_ended()
                && let Some(program) = now.program
            {
                return Ok(Some(program));
            }
            let status = self.session.terminal.status().await;
            if let Some(how) = status.ending() {
                return Err(HostError::SessionEnded {
                    session: self.session.id.clone(),
                    how,
                });
            }
            let runs = status.is_running() || status.full_screen;
            let waited = began.elapsed();
            // An agent that is known by its name is never typed into unseen.
            match runs {
                true if waited < UNKNOWN_AFTER => {}
                true if !host.coding_agents.know(&status) => return Ok(None),
                true if waited >= within => return Err(self.not_ready("it is starting")),
                false if waited >= within => return Err(self.not_ready(NO_AGENT)),
                _ => {}
            }
            tokio::select! {
                // An error means that the session is over, which its status tells.
                _ = self.activity.changed() => {}
                () = tokio::time::sleep(NEXT_LOOK) => {}
            }
        }
    }

    pub(super) fn now(&self) -> AgentActivity {
        self.activity.borrow().clone()
    }

    /// Waits until a prompt can be taken.
    pub(super) async fn ready(&mut self, within: Duration) -> Result<AgentActivity, HostError> {
        if self.rules.is_none() {
            // Nobody can tell when such a program is ready.
            return Ok(self.now());
        }
        let ready = tokio::time::timeout(within, self.idle()).await;
        match ready {
            Ok(Some(now)) if now.activity == Activity::Idle => self.with_empty_box(now).await,
            Ok(_) => Err(self.not_ready("its program is not in front any more")),
            Err(_) => Err(self.busy()),
        }
    }

    /// Waits until the program is idle, or over.
    async fn idle(&mut self) -> Option<AgentActivity> {
        let idle = self.activity.wait_for(|now| {
            now.activity == Activity::Idle || now.activity.has_ended() || now.program.is_none()
        });
        let now = idle.await.ok()?.clone();
        now.program.is_some().then_some(now)
    }

    /// Why nothing is typed into a program that is not idle.
    fn busy(&self) -> HostError {
        let now = self.now();
        self.not_ready(&match now.activity.is_asking() {
            true => format!("{}: look at its screen and answer that first", now.why),
            false => format!(
                "it is {} ({}); wait until it is idle",
                now.activity.as_str(),
                now.why
            ),
        })
    }

    async fn with_empty_box(&self, now: AgentActivity) -> Result<AgentActivity, HostError> {
        match self.box_text().await {
            Some(text) if !text.is_empty() => Err(self.not_ready(&format!(
                "something was typed there before and not submitted ({:?}): submit it or clear it first",
                text.text.chars().take(80).collect::<String>()
            ))),
            _ => Ok(now),
        }
    }

    fn not_ready(&self, why: &str) -> HostError {
        HostError::AgentNotReady {
            session: self.session.id.clone(),
            why: why.to_owned(),
        }
    }

    pub(super) async fn box_text(&self) -> Option<BoxText> {
        let frame = Frame::of_screen(&self.session.terminal.screen().await);
        frame.box_text(self.rules.as_ref()?)
    }

    /// Looks at the box, and again whenever something is shown, until `found` finds what
    /// it looks for or time is over; then what was seen last is the error.
    pub(super) async fn look_until<T>(
        &mut self,
        patience: Duration,
        mut found: impl FnMut(Option<&BoxText>, &AgentActivity) -> Option<T>,
    ) -> Result<T, Option<BoxText>> {
        let deadline = Instant::now() + patience;
        loop {
            self.changes.mark_unchanged();
            let text = self.box_text().await;
            if let Some(found) = found(text.as_ref(), &self.now()) {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(text);
            }
            tokio::select! {
                // An error means that the session is over: then the clock decides.
                _ = self.changes.changed() => {}
                () = tokio::time::sleep(NEXT_LOOK) => {}
            }
        }
    }
}
