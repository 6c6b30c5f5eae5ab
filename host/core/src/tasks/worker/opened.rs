//! Sessions that are opened for tasks.

use std::time::Duration;

use crate::coding_agents::Activity;
use crate::host::Host;
use crate::session::SessionId;

/// An agent's program that was started for tasks is waited for this long.
const AGENT_STARTS_WITHIN: Duration = Duration::from_secs(30);

/// The tag of a session that the queue has opened.
pub(in crate::tasks) const OPENED_TAG: &str = "task-worker";

/// Waits for an agent's program that was just started. Ready or not: whoever gives it
/// a task looks again.
pub(in crate::tasks) async fn agent_is_ready(host: &Host, session: &SessionId) {
    let Some(mut agent) = host.coding_agents.watch(session) else {
        return;
    };
    let ready = agent.wait_for(|now| {
        now.activity.has_ended() || (now.program.is_some() && now.activity == Activity::Idle)
    });
    // Too late is looked at as well.
    let _ = tokio::time::timeout(AGENT_STARTS_WITHIN, ready).await;
}
