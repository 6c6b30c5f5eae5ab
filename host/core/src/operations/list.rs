//! Sessions with what they use: all that there are, or one.

use super::describe::SessionDescription;
use crate::error::HostError;
use crate::host::Host;
use crate::monitor::Usage;

/// A session with what it uses.
#[derive(Clone, Debug)]
pub struct MeasuredSession {
    /// The session.
    pub session: SessionDescription,
    /// Processor and memory of its process tree.
    pub usage: Usage,
}

impl Host {
    /// All sessions, oldest first.
    pub async fn list_sessions(&self) -> Result<Vec<MeasuredSession>, HostError> {
        self.find_sessions().await?;
        let measured = self.monitor.look(self.monitor.settings.interval).await?;
        let mut sessions = Vec::with_capacity(measured.sessions.len());
        for it in measured.sessions {
            sessions.push(MeasuredSession {
                session: match it.status {
                    Some(status) => SessionDescription::of(&it.session, status),
                    None => SessionDescription::now(&it.session).await,
                },
                usage: it.usage,
            });
        }
        Ok(sessions)
    }

    /// Looks at one session closely.
    pub async fn session_status(&self, id: &str) -> Result<MeasuredSession, HostError> {
        let session = self.registry.get(id)?;
        let measured = self.monitor.look(self.monitor.settings.interval).await?;
        let usage = (measured.sessions.iter())
            .find(|it| it.session.id == session.id)
            .map(|it| it.usage)
            .unwrap_or_default();
        Ok(MeasuredSession {
            session: SessionDescription::now(&session).await,
            usage,
        })
    }
}
