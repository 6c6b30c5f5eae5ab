//! A session as iterm-mcp's clients are told of it.

use quarterdeck_core::agents::SharedSession;
use quarterdeck_core::{rfc3339, rfc3339_of_ms};
use serde::Serialize;
use serde_json::{Value, json};

use super::looks::Appearance;

/// All that is told of a session.
#[derive(Serialize)]
pub(super) struct ToldSession {
    session_id: String,
    /// The same, under the name that older clients know.
    id: String,
    name: String,
    /// Names the session for good.
    persistent_id: String,
    pub(super) agent: Option<String>,
    /// The first of its teams.
    pub(super) team: Option<String>,
    teams: Vec<String>,
    is_processing: bool,
    is_monitoring: bool,
    suspended: bool,
    suspended_at: Option<String>,
    suspended_by: Option<String>,
    tags: Vec<String>,
    locked: bool,
    locked_by: Option<String>,
    locked_at: Option<String>,
    pending_access_requests: usize,
    role: Option<&'static str>,
    pub(super) cwd: Option<String>,
    last_activity: String,
    pub(super) last_message: Option<String>,
    /// The program in front.
    process_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appearance: Option<Appearance>,
}

impl From<SharedSession> for ToldSession {
    fn from(shared: SharedSession) -> Self {
        let SharedSession {
            session,
            lease,
            suspended,
            ..
        } = shared;
        let id = session.id.to_string();
        Self {
            session_id: id.clone(),
            id,
            name: session.name,
            persistent_id: session.id.uuid().to_string(),
            agent: shared.agent,
            team: shared.teams.first().cloned(),
            teams: shared.teams,
            is_processing: shared.is_processing,
            is_monitoring: shared.is_monitored,
            suspended: suspended.is_some(),
            suspended_at: suspended.as_ref().map(|it| rfc3339_of_ms(it.at_ms)),
            suspended_by: suspended.and_then(|it| it.by),
            tags: session.tags,
            locked: lease.is_some(),
            locked_by: lease.as_ref().map(|lease| lease.owner.clone()),
            locked_at: lease.as_ref().map(|lease| rfc3339_of_ms(lease.acquired_ms)),
            pending_access_requests: lease.map_or(0, |lease| lease.waiting.len()),
            role: shared.role.map(|role| role.as_str()),
            cwd: session.cwd.map(|cwd| cwd.display().to_string()),
            last_activity: rfc3339(session.last_activity),
            last_message: shared.last_message,
            process_name: session.program,
            appearance: Appearance::of(shared.look),
        }
    }
}

impl ToldSession {
    /// What matters of it; what is not the case is left out.
    pub(super) fn compact(&self) -> Value {
        let mut fields = json!({
            "session_id": self.session_id,
            "name": self.name,
            "is_processing": self.is_processing,
        });
        let optional = [
            ("agent", self.agent.as_deref()),
            ("team", self.team.as_deref()),
            ("locked_by", self.locked_by.as_deref()),
            ("role", self.role),
            ("cwd", self.cwd.as_deref()),
            ("process_name", self.process_name.as_deref()),
            ("last_message", self.last_message.as_deref()),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                fields[name] = value.into();
            }
        }
        if !self.tags.is_empty() {
            fields["tags"] = json!(self.tags);
        }
        if self.suspended {
            fields["suspended"] = true.into();
        }
        fields
    }
}
