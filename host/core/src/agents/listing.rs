//! Sessions as agents look at them: by tag, lock, folder or team.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarterdeck_terminal::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Look;
use crate::clock::{now_ms, rfc3339, rfc3339_of_ms};
use crate::error::HostError;
use crate::host::Host;
use crate::session::Session;

/// How several tags are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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
    fn lets_through(&self, info: &SessionInfo) -> bool {
        let has = |tag: &String| info.tags.contains(tag);
        let tagged = self.tags.is_empty()
            || match self.tag_match {
                TagMatch::Any => self.tags.iter().any(has),
                TagMatch::All => self.tags.iter().all(has),
            };
        tagged
            && self.locked.is_none_or(|locked| info.locked == locked)
            && (self.locked_by.as_ref()).is_none_or(|agent| info.locked_by.as_ref() == Some(agent))
            && (!self.agents_only || info.agent.is_some())
    }
}

/// All that is known of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SessionInfo {
    /// The session.
    pub session_id: String,
    /// The same, under the name that older clients know.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Names the session for good: here the same as `session_id`.
    pub persistent_id: Option<String>,
    /// The agent that works there.
    pub agent: Option<String>,
    /// Its first team.
    pub team: Option<String>,
    /// All its teams.
    pub teams: Vec<String>,
    /// Whether a command runs.
    pub is_processing: bool,
    /// Whether somebody has asked to be told of its output.
    pub is_monitoring: bool,
    /// Whether its program was stopped.
    pub suspended: bool,
    /// When; RFC 3339.
    pub suspended_at: Option<String>,
    /// By which agent.
    pub suspended_by: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whether only one agent may type.
    pub locked: bool,
    /// Which.
    pub locked_by: Option<String>,
    /// Since when; RFC 3339.
    pub locked_at: Option<String>,
    /// How many agents ask for access.
    pub pending_access_requests: usize,
    /// What it is for.
    pub role: Option<String>,
    /// The shell's folder.
    pub cwd: Option<String>,
    /// When something was last typed or printed; RFC 3339.
    pub last_activity: Option<String>,
    /// What it was told last.
    pub last_message: Option<String>,
    /// The program in front.
    pub process_name: Option<String>,
    /// How it looks, where it was given a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appearance: Option<Look>,
}

impl Host {
    /// The sessions that a filter lets through, oldest first.
    pub async fn sessions_of_agents(
        &self,
        filter: &SessionFilter,
    ) -> Result<Vec<SessionInfo>, HostError> {
        self.find_sessions().await?;
        let sessions = self.registry.all();
        let statuses = sessions.iter().map(|session| session.terminal.status());
        let statuses = futures_util::future::join_all(statuses).await;
        Ok((sessions.iter().zip(statuses))
            .map(|(session, status)| self.info(session, &status))
            .filter(|info| filter.lets_through(info))
            .collect())
    }

    /// All that is known of one session.
    pub async fn session_info(&self, id: &str) -> Result<SessionInfo, HostError> {
        let session = self.registry.get(id)?;
        let status = session.terminal.status().await;
        Ok(self.info(&session, &status))
    }

    fn info(&self, session: &Arc<Session>, status: &Status) -> SessionInfo {
        let id = session.id.as_str();
        let on_desk = self.agents.desk().session(id);
        let state = self.agents.state();
        let agent = state.roster.agent_of(id);
        let lease = state.leases.on(id, now_ms());
        let suspended = on_desk.suspended.as_ref();
        SessionInfo {
            session_id: id.to_owned(),
            id: id.to_owned(),
            name: session.name.clone(),
            persistent_id: Some(id.to_owned()),
            agent: agent.map(|agent| agent.name.clone()),
            team: agent.and_then(|agent| agent.teams.first().cloned()),
            teams: agent.map(|agent| agent.teams.clone()).unwrap_or_default(),
            is_processing: status.is_running(),
            is_monitoring: on_desk.followed_in().is_some(),
            suspended: suspended.is_some(),
            suspended_at: suspended.map(|it| rfc3339_of_ms(it.at_ms)),
            suspended_by: suspended.and_then(|it| it.by.clone()),
            tags: session.tags.list(),
            locked: lease.is_some(),
            locked_by: lease.map(|lease| lease.owner.clone()),
            locked_at: lease.map(|lease| rfc3339_of_ms(lease.acquired_ms)),
            pending_access_requests: lease.map_or(0, |lease| lease.waiting.len()),
            role: (state.roles.get(id)).map(|it| it.config.role.as_str().to_owned()),
            cwd: status.cwd.as_ref().map(|cwd| cwd.display().to_string()),
            last_activity: Some(rfc3339(status.last_activity)),
            last_message: on_desk.last_message.clone(),
            process_name: status.foreground.as_ref().map(|it| it.name.clone()),
            appearance: Some(on_desk.look).filter(|look| *look != Look::default()),
        }
    }
}

/// Sessions under the folder or the team that they have in common.
pub fn grouped(
    sessions: &[SessionInfo],
    key: impl Fn(&SessionInfo) -> String,
) -> BTreeMap<String, Vec<&SessionInfo>> {
    let mut groups: BTreeMap<String, Vec<&SessionInfo>> = BTreeMap::new();
    for session in sessions {
        groups.entry(key(session)).or_default().push(session);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_tag_lock_and_agent() {
        let info = SessionInfo {
            tags: vec!["a".to_owned(), "b".to_owned()],
            locked: true,
            locked_by: Some("alice".to_owned()),
            ..SessionInfo::default()
        };
        let tags = |tags: &[&str], tag_match| SessionFilter {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            tag_match,
            ..SessionFilter::default()
        };
        assert!(tags(&["a", "c"], TagMatch::Any).lets_through(&info));
        assert!(!tags(&["a", "c"], TagMatch::All).lets_through(&info));
        assert!(tags(&["a", "b"], TagMatch::All).lets_through(&info));
        let by = |agent: &str| SessionFilter {
            locked: Some(true),
            locked_by: Some(agent.to_owned()),
            ..SessionFilter::default()
        };
        assert!(by("alice").lets_through(&info));
        assert!(!by("bob").lets_through(&info));
        let agents_only = SessionFilter {
            agents_only: true,
            ..SessionFilter::default()
        };
        assert!(!agents_only.lets_through(&info));
    }
}
