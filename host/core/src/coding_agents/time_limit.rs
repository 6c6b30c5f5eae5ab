//! Agents that work for longer than they may without a pause are interrupted, as a
//! person would do it, through the gate.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use super::activity::Activity;
use crate::agents::noticing::Note;
use crate::agents::notifications::Level;
use crate::caller::Caller;
use crate::events::{Event, Happening};
use crate::gate::Input;
use crate::host::Host;
use crate::session::SessionId;
use quarterdeck_terminal::deadline::sleep_until;

/// So long after an interruption that changed nothing another one is tried.
const AGAIN: Duration = Duration::from_secs(60);

/// Interrupts agents for as long as the host lives. Owns since when each works.
pub(crate) async fn interrupt_after(host: Weak<Host>, most: Duration) {
    let Some(mut events) = host.upgrade().map(|host| host.events.subscribe()) else {
        return;
    };
    let mut ends: HashMap<SessionId, Instant> = HashMap::new();
    loop {
        let next = ends.values().min().copied();
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => hear(&event, &mut ends, most),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "an agent's time may be counted from too late");
                }
                Err(RecvError::Closed) => return,
            },
            () = sleep_until(next) => {
                let now = Instant::now();
                let Some(host) = host.upgrade() else { return };
                // What was missed of the events is not missed for good.
                ends.retain(|session, end| *end > now || works(&host, session));
                for (session, end) in &mut ends {
                    if *end <= now {
                        // Forgotten once it is heard to have stopped.
                        *end = now + AGAIN.min(most);
                        tokio::spawn(interrupt(Arc::downgrade(&host), session.clone(), most));
                    }
                }
            }
        }
    }
}

fn works(host: &Host, session: &SessionId) -> bool {
    let now = host.coding_agents.activity(session);
    now.is_some_and(|now| now.activity == Activity::Working)
}

/// What nobody can tell is no pause.
fn hear(event: &Arc<Event>, ends: &mut HashMap<SessionId, Instant>, most: Duration) {
    match &event.what {
        Happening::AgentActivityChanged(changed) => {
            let Some(session) = SessionId::found(&changed.session_id) else {
                return;
            };
            match changed.activity {
                Activity::Working => {
                    ends.entry(session).or_insert_with(|| Instant::now() + most);
                }
                Activity::Unknown => {}
                _ => drop(ends.remove(&session)),
            }
        }
        Happening::SessionEnd(ended) => ends.retain(|id, _| id.as_str() != ended.session_id),
        _ => {}
    }
}

async fn interrupt(host: Weak<Host>, session: SessionId, most: Duration) {
    let Some(host) = host.upgrade() else {
        return;
    };
    let Some(now) = host.coding_agents.activity(&session) else {
        return;
    };
    let (Activity::Working, Some(program)) = (now.activity, now.program) else {
        return;
    };
    let (Some(rules), Ok(in_session)) = (
        host.coding_agents.rules(&program).await,
        host.registry.get(session.as_str()),
    ) else {
        return;
    };
    let key = [Input::Bytes(vec![rules.interrupt.byte()])];
    let caller = Caller::recovery("time-limit");
    let typed = host.gate.type_input(&in_session, &key, &caller).await;
    let seconds = most.as_secs();
    let said = match typed {
        Ok(_) => {
            format!("interrupted after {seconds} s of work, the limit agents.max_work_seconds")
        }
        Err(error) => {
            tracing::warn!(%session, %error, "an agent at its time limit cannot be interrupted");
            format!("it works for more than {seconds} s, and cannot be interrupted")
        }
    };
    tracing::info!(%session, "{said}");
    host.note(session.as_str(), Note::new(Level::Warning, said))
        .await;
}
