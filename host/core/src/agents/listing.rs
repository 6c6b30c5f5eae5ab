//! Sessions as agents look at them: by tag, lock, folder or team.

use super::desk::{Look, Suspension};
use super::lease::Lease;
use super::role::Role;
use crate::clock::now_ms;
use crate::coding_agents::is_processing;
use crate::error::HostError;
use crate::host::Host;
use crate::operations::SessionDescription;

/// How several tags are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagMatch {
    /// One of them is enough.
    #[default]
    Any,
    /// All of them.
    All,
}

/// Which sessions are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// With these tags; empty for any.
    pub tags: Vec<String>,
    /// How the tags are meant.
    pub tag_match: TagMatch,
    /// Locked, or not.
    pub locked: Option<bool>,
    /// Locked by this agent.
    pub locked_by: Option<String>,
    /// Only those in which an agent works.
    pub agents_only: bool,
}

impl SessionFilter {
    fn lets_through(&self, session: &SharedSession) -> bool {
        self.fits(
            &session.session.tags,
            session.lease.as_ref().map(|lease| lease.owner.as_str()),
            session.agent.is_some(),
        )
    }

    fn fits(&self, tags: &[String], locked_by: Option<&str>, has_agent: bool) -> bool {
        let has = |tag: &String| tags.contains(tag);
        let tagged = self.tags.is_empty()
            || match self.tag_match {
                TagMatch::Any => self.tags.iter().any(has),
                TagMatch::All => self.tags.iter().all(has),
            };
        tagged
            && self
                .locked
                .is_none_or(|locked| locked_by.is_some() == locked)
            && (self.locked_by.as_deref()).is_none_or(|agent| locked_by == Some(agent))
            && (!self.agents_only || has_agent)
    }
}

/// A session, with what agents have to do with it.
#[derive(Clone, Debug)]
pub struct SharedSession {
    /// The session.
    pub session: SessionDescription,
    /// Whether something works there.
    pub is_processing: bool,
    /// The agent that works there.
    pub agent: Option<String>,
    /// The agent's teams.
    pub teams: Vec<String>,
    /// What it is for.
    pub role: Option<Role>,
    /// Its lock, where only one agent may type.
    pub lease: Option<Lease>,
    /// Whether somebody has asked to be told of its output.
    pub is_monitored: bool,
    /// Since when its program is stopped, if it was.
    pub suspended: Option<Suspension>,
    /// What it was told last.
    pub last_message: Option<String>,
    /// How it looks.
    pub look: Look,
}

impl Host {
    /// The sessions that a filter lets through, oldest first.
    pub async fn shared_sessions(
        &self,
        filter: &SessionFilter,
    ) -> Result<Vec<SharedSession>, HostError> {
        self.find_sessions().await?;
        Ok((self.describe_sessions().await.into_iter())
            .map(|session| self.shared(session))
            .filter(|session| filter.lets_through(session))
            .collect())
    }

    /// One session, with what agents have to do with it.
    pub async fn shared_session(&self, id: &str) -> Result<SharedSession, HostError> {
        Ok(self.shared(self.describe_session(id).await?))
    }

    fn shared(&self, session: SessionDescription) -> SharedSession {
        let id = session.id.as_str();
        let on_desk = self.agents.desk().session(id);
        let state = self.agents.state();
        let agent = state.roster.agent_of(id);
        let activity = self.coding_agents.activity(&session.id);
        SharedSession {
            is_processing: is_processing(activity.as_ref(), session.runs_command),
            agent: agent.map(|agent| agent.name.clone()),
            teams: agent.map(|agent| agent.teams.clone()).unwrap_or_default(),
            role: state.roles.get(id).map(|it| it.config.role),
            lease: state.leases.on(id, now_ms()).cloned(),
            is_monitored: on_desk.followed_in().is_some(),
            suspended: on_desk.suspended,
            last_message: on_desk.last_message,
            look: on_desk.look,
            session,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_tag_lock_and_agent() {
        let session_tags = ["a".to_owned(), "b".to_owned()];
        let lets_through = |filter: SessionFilter| filter.fits(&session_tags, Some("alice"), false);
        let tags = |tags: &[&str], tag_match| SessionFilter {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            tag_match,
            ..SessionFilter::default()
        };
        assert!(lets_through(tags(&["a", "c"], TagMatch::Any)));
        assert!(!lets_through(tags(&["a", "c"], TagMatch::All)));
        assert!(lets_through(tags(&["a", "b"], TagMatch::All)));
        let by = |agent: &str| SessionFilter {
            locked: Some(true),
            locked_by: Some(agent.to_owned()),
            ..SessionFilter::default()
        };
        assert!(lets_through(by("alice")));
        assert!(!lets_through(by("bob")));
        let agents_only = SessionFilter {
            agents_only: true,
            ..SessionFilter::default()
        };
        assert!(!lets_through(agents_only));
    }
}
