//! What belongs to a session becomes another one's, whether that is a backup or the
//! shell that was started in its place.

use std::sync::Arc;

use crate::agents::Belongings;
use crate::agents::notifications::Level;
use crate::error::HostError;
use crate::events::SessionFailover;
use crate::host::Host;
use crate::session::{Session, SessionId};
use crate::tasks::TaskId;

/// What another session has now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Its agent, lock, role and tags.
    pub belongings: Belongings,
    /// Tasks that wait for their turn there, or have it already.
    pub tasks: Vec<TaskId>,
    /// Connections whose default session it is now.
    pub connections: usize,
}

impl HandedOver {
    /// The same for whoever listens.
    pub(super) fn as_event(&self, from: &SessionId, to: &SessionId) -> SessionFailover {
        let Belongings {
            agent,
            lock,
            role,
            tags,
        } = self.belongings.clone();
        SessionFailover {
            session_id: from.to_string(),
            new_session_id: to.to_string(),
            teams: (agent.as_ref()).map_or_else(Vec::new, |agent| agent.teams.clone()),
            agent: agent.map(|agent| agent.name),
            role: role.map(|role| role.as_str().to_owned()),
            tags,
            fencing_token: lock.as_ref().map(|lock| lock.fencing_token),
            lock_owner: lock.map(|lock| lock.owner),
            tasks: self.tasks.iter().map(ToString::to_string).collect(),
        }
    }

    /// What moved, in words: `agent ada (night), the lock of ada`.
    pub fn in_words(&self) -> Vec<String> {
        let Belongings {
            agent,
            lock,
            role,
            tags,
        } = &self.belongings;
        let mut words = Vec::new();
        if let Some(agent) = agent {
            words.push(match agent.teams.is_empty() {
                true => format!("the agent {}", agent.name),
                false => format!("the agent {} of {}", agent.name, agent.teams.join(", ")),
            });
        }
        if let Some(lock) = lock {
            words.push(format!(
                "the lock of {} (fencing token {})",
                lock.owner, lock.fencing_token
            ));
        }
        words.extend(role.map(|role| format!("the role {}", role.as_str())));
        if !tags.is_empty() {
            words.push(format!("the tags {}", tags.join(", ")));
        }
        if !self.tasks.is_empty() {
            let ids: Vec<&str> = self.tasks.iter().map(TaskId::as_str).collect();
            words.push(format!("the tasks {}", ids.join(", ")));
        }
        if self.connections > 0 {
            words.push(format!("{} callers' default", self.connections));
        }
        words
    }
}

impl Host {
    /// Gives `to` everything that belongs to `from`. Fails where `to` is somebody
    /// else's; then nothing has moved.
    pub(super) async fn hand_over(
        self: &Arc<Self>,
        from: &Session,
        to: &Session,
    ) -> Result<HandedOver, HostError> {
        let belongings = self.agents.move_belongings(from, to).await?;
        let connections = self.defaults.replace(&from.id, &to.id);
        let tasks = self.tasks.move_to(self, from, &to.id).await?;
        if let Some(lock) = &belongings.lock {
            self.tell_owner(&lock.owner, from, to).await;
        }
        Ok(HandedOver {
            belongings,
            tasks,
            connections,
        })
    }

    /// Whoever holds a lock has to learn its new token.
    async fn tell_owner(&self, owner: &str, from: &Session, to: &Session) {
        let summary = format!("your lock on session {} has moved to {}", from.name, to.id);
        let told = self.agents.notify(
            owner,
            Level::Warning,
            &summary,
            Some(format!("session {} failed", from.id)),
            Some("take it again there, which tells its new fencing token".to_owned()),
        );
        if let Err(error) = told.await {
            tracing::warn!(%error, "the owner of a lock that has moved is not told");
        }
    }

    /// What has become of a session in whose place there is another, in words.
    pub(super) async fn left_behind(&self, id: &SessionId) -> String {
        let Ok(session) = self.registry.get(id.as_str()) else {
            return "closed".to_owned();
        };
        let status = session.terminal.status().await;
        match status.ending() {
            Some(how) => format!("it has ended ({how}): closing it clears it away"),
            None if status.is_running() => "it lives, and so does what runs there: resetting it ends that, closing it ends all of it".to_owned(),
            None => "it lives, and nothing belongs to it".to_owned(),
        }
    }
}
