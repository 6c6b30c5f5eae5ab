//! Notifications: what agents say, and what happens to them in their sessions, noted for
//! those who work with them: commands that the gate keeps back, tasks that end, and turns of
//! their programs.

use std::sync::{Arc, Weak};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::kept::Change;
use super::notifications::{Level, Notification, NotificationFilter, summary};
use super::{Agents, AgentsChanged};
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::coding_agents::Activity;
use crate::error::HostError;
use crate::events::{
    AgentActivityChanged, ConfirmationState, Event, GateConfirmation, GateDecision, Happening,
    TaskStatus,
};
use crate::host::Host;

/// What is to be noted of a session's agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    level: Level,
    summary: String,
    context: Option<String>,
    action_hint: Option<String>,
}

impl Note {
    pub(crate) fn new(level: Level, summary: impl Into<String>) -> Self {
        Self {
            level,
            summary: summary.into(),
            context: None,
            action_hint: None,
        }
    }

    fn because(mut self, context: Option<String>) -> Self {
        self.context = context;
        self
    }

    fn with_hint(mut self, action: String) -> Self {
        self.action_hint = Some(action);
        self
    }
}

impl Agents {
    /// Keeps a notification.
    pub async fn notify(
        &self,
        agent: &str,
        level: Level,
        text: &str,
        context: Option<String>,
        action_hint: Option<String>,
    ) -> Result<Notification, HostError> {
        let at_ms = now_ms();
        let notification = Notification {
            agent: agent.to_owned(),
            timestamp: rfc3339_of_ms(at_ms),
            level,
            summary: summary(text),
            context,
            action_hint,
            at_ms,
        };
        let kept = self
            .change(|state, changes| {
                state.notifications.add(notification.clone());
                changes.push(Change::Notification(notification.clone()));
                Ok(notification)
            })
            .await?;
        self.tell(AgentsChanged::Notifications);
        Ok(kept)
    }

    /// Notifications, newest first, and how many there are of this kind.
    pub fn notifications(&self, filter: &NotificationFilter) -> (Vec<Notification>, usize) {
        self.state().notifications.find(filter)
    }
}

impl Host {
    /// Keeps a notification of the agent that is registered for a session, if there is one.
    pub(crate) async fn note(&self, session: &str, note: Note) {
        let Some(agent) = self.agents.agent_of(session) else {
            return;
        };
        let kept = self.agents.notify(
            &agent.name,
            note.level,
            &note.summary,
            note.context,
            note.action_hint,
        );
        if let Err(error) = kept.await {
            tracing::warn!(%error, "a notification is not kept");
        }
    }
}

/// Notes what is published of agents' sessions.
pub(crate) async fn note_what_happens(
    host: Weak<Host>,
    mut events: broadcast::Receiver<Arc<Event>>,
) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            // Only the newest notifications are kept anyhow.
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some((session, note)) = note_of(&event.what) else {
            continue;
        };
        let Some(host) = host.upgrade() else {
            return;
        };
        host.note(session, note).await;
    }
}

/// The session that something happened in, and what is to be noted of it.
fn note_of(what: &Happening) -> Option<(&str, Note)> {
    match what {
        Happening::GateVerdict(verdict) if verdict.decision == GateDecision::Refused => {
            let note = Note::new(Level::Error, format!("refused: {}", verdict.command));
            let session = verdict.session_id.as_deref()?;
            Some((session, note.because(verdict.reason.clone())))
        }
        Happening::GateConfirmation(asked) => Some((&asked.session_id, of_confirmation(asked))),
        Happening::AgentActivityChanged(now) => Some((&now.session_id, of_activity(now)?)),
        Happening::TaskUpdate(task) => {
            let note = match task.status {
                TaskStatus::Completed => {
                    Note::new(Level::Success, format!("task {} is done", task.id))
                }
                TaskStatus::Failed => {
                    let note = Note::new(Level::Error, format!("task {} has failed", task.id));
                    note.because(task.error.clone())
                }
                TaskStatus::Queued | TaskStatus::Running | TaskStatus::Cancelled => return None,
            };
            Some((task.session_id.as_deref()?, note))
        }
        _ => None,
    }
}

fn of_confirmation(asked: &GateConfirmation) -> Note {
    let command = &asked.command;
    let (level, summary) = match asked.state {
        ConfirmationState::Waiting => (Level::Blocked, format!("waits for a yes: {command}")),
        ConfirmationState::Approved => (Level::Info, format!("approved: {command}")),
        ConfirmationState::Denied => (Level::Error, format!("denied: {command}")),
    };
    let note = Note::new(level, summary).because(Some(asked.reason.clone()));
    match asked.state {
        ConfirmationState::Waiting => {
            note.with_hint(format!("quarterdeck approve {}", asked.confirmation_id))
        }
        _ => note,
    }
}

/// What is worth telling of a turn of an agent's program.
fn of_activity(now: &AgentActivityChanged) -> Option<Note> {
    let program = &now.program;
    let (level, summary) = match now.activity {
        Activity::Idle if now.before == Activity::Working => {
            (Level::Success, format!("{program} is done with its turn"))
        }
        Activity::AskingPermission => (Level::Blocked, format!("{program} asks for permission")),
        Activity::AskingQuestion => (Level::Blocked, format!("{program} asks a question")),
        Activity::RateLimited => (Level::Blocked, format!("{program} has reached a limit")),
        Activity::Ended => (Level::Info, format!("{program} has ended")),
        Activity::Crashed => (Level::Error, format!("{program} has ended badly")),
        Activity::Idle | Activity::Working | Activity::Unknown => return None,
    };
    let until = now.resets_at.as_ref().map(|at| format!("until {at}"));
    Some(Note::new(level, summary).because(until.or_else(|| Some(now.why.clone()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coding_agents::Evidence;

    fn turn(before: Activity, activity: Activity) -> Option<(Level, String)> {
        let happening = Happening::AgentActivityChanged(AgentActivityChanged {
            session_id: "s1".to_owned(),
            program: "claude".to_owned(),
            activity,
            before,
            evidence: Evidence::Hook,
            why: "its hook says so".to_owned(),
            resets_at: None,
        });
        note_of(&happening).map(|(session, note)| {
            assert_eq!(session, "s1");
            (note.level, note.summary)
        })
    }

    #[test]
    fn turns_that_end_and_questions_are_noted_and_work_is_not() {
        let noted = |before, now| turn(before, now).map(|(level, _)| level);
        assert_eq!(
            turn(Activity::Working, Activity::Idle),
            Some((Level::Success, "claude is done with its turn".to_owned()))
        );
        assert_eq!(noted(Activity::Unknown, Activity::Idle), None);
        assert_eq!(noted(Activity::Idle, Activity::Working), None);
        assert_eq!(
            noted(Activity::Working, Activity::AskingPermission),
            Some(Level::Blocked)
        );
        assert_eq!(
            noted(Activity::Working, Activity::Crashed),
            Some(Level::Error)
        );
    }

    #[test]
    fn a_command_that_waits_says_how_it_is_approved() {
        let asked = GateConfirmation {
            confirmation_id: "c7".to_owned(),
            session_id: "s1".to_owned(),
            command: "git push".to_owned(),
            reason: "it reaches the network".to_owned(),
            state: ConfirmationState::Waiting,
            by: None,
        };
        let note = of_confirmation(&asked);
        assert_eq!(note.level, Level::Blocked);
        assert_eq!(note.summary, "waits for a yes: git push");
        assert_eq!(note.action_hint.as_deref(), Some("quarterdeck approve c7"));
        let answered = GateConfirmation {
            state: ConfirmationState::Approved,
            ..asked
        };
        assert_eq!(of_confirmation(&answered).action_hint, None);
    }
}
