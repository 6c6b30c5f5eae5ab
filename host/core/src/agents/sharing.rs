//! Sharing sessions: locks, asking for access, tags, the active session, focus.

use std::sync::Arc;
use std::time::Duration;

use super::lease::{Acquired, Released};
use super::notifications::Level;
use super::{Agents, AgentsChanged, AgentsError};
use crate::caller::Caller;
use crate::clock::{now_ms, rfc3339_of_ms};
use crate::error::HostError;
use crate::host::Host;
use crate::session::{Session, SessionId};

/// A session has fewer tags than this, each shorter than [`LONGEST_TAG`].
pub(super) const MOST_TAGS: usize = 100;
pub(super) const LONGEST_TAG: usize = 200;

/// The answer to a wish for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockAnswer {
    /// Whether it is the asker's.
    pub acquired: bool,
    /// Whose it is.
    pub owner: String,
    /// Of the lease.
    pub fencing_token: u64,
    /// RFC 3339.
    pub expires_at: String,
}

/// The answer to giving a lock back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlockAnswer {
    /// Whether the session is free now.
    pub unlocked: bool,
    /// Who held it before.
    pub previous_owner: Option<String>,
    /// Who holds it now.
    pub locked_by: Option<String>,
}

/// The answer to asking for access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessAnswer {
    /// Whether the asker may type already.
    pub allowed: bool,
    /// Who was told of the wish.
    pub locked_by: Option<String>,
}

impl Host {
    /// Agents and teams.
    pub fn agents(&self) -> &Arc<Agents> {
        &self.agents
    }

    /// Locks a session for an agent, or renews its lock.
    pub async fn lock_session(
        &self,
        id: &str,
        agent: &str,
        lasts: Duration,
    ) -> Result<LockAnswer, HostError> {
        let session = self.registry.get(id)?;
        if agent.trim().is_empty() {
            return Err(AgentsError::NobodysLock.into());
        }
        if lasts.is_zero() {
            return Err(AgentsError::LockOfNoTime.into());
        }
        let acquired = self
            .agents
            .acquire(session.id.as_str(), agent, lasts)
            .await?;
        let yes = matches!(acquired, Acquired::Yes(_));
        let (Acquired::Yes(lease) | Acquired::No(lease)) = acquired;
        Ok(LockAnswer {
            acquired: yes,
            owner: lease.owner,
            fencing_token: lease.fencing_token,
            expires_at: rfc3339_of_ms(lease.expires_ms),
        })
    }

    /// Gives a lock back; another than its owner has to force it.
    pub async fn unlock_session(
        &self,
        id: &str,
        agent: Option<&str>,
        force: bool,
    ) -> Result<UnlockAnswer, HostError> {
        let session = self.registry.get(id)?;
        Ok(
            match self
                .agents
                .release(session.id.as_str(), agent, force)
                .await?
            {
                Released::Yes(lease) => UnlockAnswer {
                    unlocked: true,
                    previous_owner: Some(lease.owner),
                    locked_by: None,
                },
                Released::WasFree => UnlockAnswer {
                    unlocked: false,
                    previous_owner: None,
                    locked_by: None,
                },
                Released::No(lease) => UnlockAnswer {
                    unlocked: false,
                    previous_owner: Some(lease.owner.clone()),
                    locked_by: Some(lease.owner),
                },
            },
        )
    }

    /// Asks the owner of a locked session to let an agent type into it.
    pub async fn request_session_access(
        &self,
        id: &str,
        agent: &str,
    ) -> Result<AccessAnswer, HostError> {
        let session = self.registry.get(id)?;
        let owner = self.agents.ask_for(session.id.as_str(), agent).await?;
        if let Some(owner) = &owner {
            self.agents
                .notify(
                    owner,
                    Level::Blocked,
                    &format!("{agent} asks for access to session {}", session.name),
                    Some(format!("session {id}")),
                    Some("give up the lock to let it in".to_owned()),
                )
                .await?;
        }
        Ok(AccessAnswer {
            allowed: owner.is_none(),
            locked_by: owner,
        })
    }

    /// Sets a session's tags, or adds to them. They are trimmed, sorted and single.
    pub async fn set_session_tags(
        &self,
        id: &str,
        tags: &[String],
        append: bool,
    ) -> Result<Vec<String>, HostError> {
        let session = self.registry.get(id)?;
        let before = if append {
            session.tags.list()
        } else {
            Vec::new()
        };
        let mut all: Vec<String> = (before.into_iter())
            .chain(tags.iter().map(|tag| tag.trim().to_owned()))
            .filter(|tag| !tag.is_empty())
            .collect();
        all.sort();
        all.dedup();
        if let Some(long) = all.iter().find(|tag| tag.len() > LONGEST_TAG) {
            return Err(AgentsError::LongTag(long.clone()).into());
        }
        if all.len() > MOST_TAGS {
            return Err(AgentsError::TooManyTags(all.len()).into());
        }
        session.tags.set(all.clone());
        self.agents.keep_tags(id, &all).await?;
        Ok(all)
    }

    /// Makes a session the one that the caller means when it names none.
    pub fn set_active_session(&self, id: &SessionId, caller: &Caller) {
        self.agents
            .desk()
            .set_active(&caller.connection, id.as_str());
        self.agents.tell(AgentsChanged::Sessions);
    }

    /// Whether a session is the one that the caller means when it names none.
    pub fn is_active_session(&self, id: &SessionId, caller: &Caller) -> bool {
        self.agents.desk().active(&caller.connection) == Some(id.as_str())
    }

    /// Brings a session to the front, unless another agent has done so just now.
    pub fn focus_session(&self, id: &SessionId, agent: Option<&str>) -> Result<(), HostError> {
        let taken = (self.agents.desk().focus).take(id.as_str(), agent, now_ms());
        taken.map_err(|cooling| AgentsError::from(cooling).into())
    }

    /// The agent of the session that a process runs in, if it runs in one.
    pub fn agent_of_process(&self, pid: u32) -> Option<String> {
        let sessions = self.registry.all();
        let inside = |session: &&Arc<Session>| {
            crate::ancestry::is_descendant_of(pid, session.terminal.pid()).unwrap_or(false)
        };
        let session = sessions.iter().find(inside)?;
        Some(self.agents.agent_of(session.id.as_str())?.name)
    }
}
