//! The host and its sessions at a glance, for `quarterdeck top`.

use quarterdeck_core::gate::Mode;
use quarterdeck_core::operations::{MeasuredSession, SessionState};
use quarterdeck_core::{Host, HostError, inert_text, rfc3339};
use serde::{Deserialize, Serialize};

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Glance {
    /// Since when the host runs (RFC 3339).
    pub started_at: String,
    /// How the host is: healthy, degraded or critical.
    pub health: String,
    /// What is not as it should be, the host's own troubles and those of its sessions.
    #[serde(default)]
    pub troubles: Vec<String>,
    /// What its gate does with verdicts.
    #[serde(default)]
    pub gate: Mode,
    /// Commands that wait for a person.
    pub waiting: usize,
    /// Percent of one core, of all sessions.
    pub cpu: f64,
    /// MB, of all sessions.
    pub memory: f64,
    /// Each session, oldest first.
    pub sessions: Vec<SessionGlance>,
}

/// A session at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionGlance {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub state: SessionState,
    /// What carries it.
    pub backend: String,
    /// Percent of one core, of its process tree.
    pub cpu: f64,
    /// MB, of its process tree.
    pub memory: f64,
    /// The program in front.
    pub program: Option<String>,
    /// The command line that was accepted last.
    pub last_command: Option<String>,
    /// When something was last typed or printed (RFC 3339).
    pub last_activity: String,
}

impl From<MeasuredSession> for SessionGlance {
    fn from(MeasuredSession { session, usage }: MeasuredSession) -> Self {
        Self {
            id: session.id.to_string(),
            name: inert_text(&session.name),
            state: session.state,
            backend: session.backend.as_str().to_owned(),
            cpu: usage.cpu_percent,
            memory: usage.memory_mb,
            program: session.program.map(|program| inert_text(&program)),
            last_command: session.last_command.map(|command| inert_text(&command)),
            last_activity: rfc3339(session.last_activity),
        }
    }
}

/// Looks at the host.
pub(crate) async fn look(host: &Host) -> Result<Glance, HostError> {
    let sessions: Vec<SessionGlance> =
        (host.list_sessions().await?.into_iter().map(Into::into)).collect();
    let overview = host.overview();
    let health = host.health().await?;
    Ok(Glance {
        started_at: rfc3339(overview.started_at),
        health: health.status.as_str().to_owned(),
        troubles: health
            .issues
            .iter()
            .map(|issue| inert_text(&issue.message))
            .collect(),
        gate: overview.gate,
        waiting: overview.waiting,
        cpu: total(&sessions, |session| session.cpu),
        memory: total(&sessions, |session| session.memory),
        sessions,
    })
}

/// The sum of no figures is -0 by itself; here it is 0.
fn total(sessions: &[SessionGlance], figure: impl Fn(&SessionGlance) -> f64) -> f64 {
    sessions.iter().map(figure).sum::<f64>() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sessions_use_nothing_rather_than_less() {
        assert!(total(&[], |session| session.cpu).is_sign_positive());
    }
}
