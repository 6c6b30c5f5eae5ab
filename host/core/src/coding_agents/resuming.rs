//! Going on when a limit is lifted: an agent that had reached one, and is idle now
//! because its time is over, is told to continue. Through the gate, like every prompt.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::activity::Activity;
use crate::agents::noticing::Note;
use crate::agents::notifications::Level;
use crate::caller::Caller;
use crate::events::{Event, Happening};
use crate::host::Host;
use crate::prompts::PromptAgent;
use crate::session::SessionId;

/// How agents are told to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeSettings {
    /// What they are told.
    pub prompt: String,
    /// How long after the time that they gave themselves: clocks differ.
    pub after: Duration,
}

/// Tells agents to go on for as long as the host lives. Each is told on a task of its
/// own, so that one that is slow keeps nobody else waiting.
pub(crate) async fn resume_when_limits_are_lifted(host: Weak<Host>, settings: ResumeSettings) {
    let Some(mut events) = host.upgrade().map(|host| host.events.subscribe()) else {
        return;
    };
    let settings = Arc::new(settings);
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(session) = lifted(&event) {
                    tokio::spawn(resume(host.clone(), session, Arc::clone(&settings)));
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "a limit may have been lifted unnoticed");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// The session whose agent's limit was lifted, if that is what happened.
fn lifted(event: &Event) -> Option<SessionId> {
    match &event.what {
        Happening::AgentActivityChanged(changed)
            if changed.before == Activity::RateLimited && changed.activity == Activity::Idle =>
        {
            SessionId::found(&changed.session_id)
        }
        _ => None,
    }
}

async fn resume(host: Weak<Host>, session: SessionId, settings: Arc<ResumeSettings>) {
    tokio::time::sleep(settings.after).await;
    let Some(host) = host.upgrade() else {
        return;
    };
    // Somebody may have been quicker.
    let now = host.coding_agents.activity(&session);
    if now.is_none_or(|now| now.activity != Activity::Idle) {
        return;
    }
    let Ok(in_session) = host.registry.get(session.as_str()) else {
        return;
    };
    let request = PromptAgent {
        id: None,
        text: settings.prompt.clone(),
        ready_within: Duration::ZERO,
    };
    // Not in turn: a task that waits for this agent has the session's turn.
    let caller = Caller::recovery("rate-limit");
    let told = match host.deliver_prompt(&in_session, request, &caller).await {
        Ok(delivered) => delivered.receipt.problem,
        Err(error) => Some(error.to_string()),
    };
    let (level, said) = match told {
        None => (
            Level::Info,
            "its limit is lifted: it was told to go on".to_owned(),
        ),
        Some(problem) => {
            tracing::warn!(%session, problem, "an agent could not be told to go on");
            (
                Level::Blocked,
                "its limit is lifted, but it could not be told to go on".to_owned(),
            )
        }
    };
    host.note(session.as_str(), Note::new(level, said)).await;
}
