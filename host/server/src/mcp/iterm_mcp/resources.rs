//! The family's resources: sessions, agents, teams and telemetry, by URI.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use quarterdeck_core::agents::{AgentsChanged, SeenOutput, SessionFilter};
use quarterdeck_core::events::{Event, Happening};
use quarterdeck_core::orchestration::target::Target;
use quarterdeck_core::orchestration::{ReadSessions, ReadTarget};
use quarterdeck_core::{Caller, Host, HostError};
use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::telemetry::Dashboard;
use super::told_session::ToldSession;
use super::{agents, teams};

const JSON: &str = "application/json";

/// One of the family's resources.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ResourceUri {
    /// What a session shows.
    Output(String),
    /// What is known of a session.
    Info(String),
    /// All sessions.
    Sessions,
    /// All agents.
    Agents,
    /// All teams.
    Teams,
    /// All of it in numbers.
    Dashboard,
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(id) => write!(f, "terminal://{id}/output"),
            Self::Info(id) => write!(f, "terminal://{id}/info"),
            Self::Sessions => f.write_str("terminal://sessions"),
            Self::Agents => f.write_str("agents://all"),
            Self::Teams => f.write_str("teams://all"),
            Self::Dashboard => f.write_str("telemetry://dashboard"),
        }
    }
}

impl FromStr for ResourceUri {
    type Err = String;

    fn from_str(uri: &str) -> Result<Self, String> {
        let parts = uri
            .split_once("://")
            .map(|(scheme, path)| (scheme, path.split_once('/')));
        match (uri, parts) {
            ("terminal://sessions", _) => Ok(Self::Sessions),
            ("agents://all", _) => Ok(Self::Agents),
            ("teams://all", _) => Ok(Self::Teams),
            ("telemetry://dashboard", _) => Ok(Self::Dashboard),
            (_, Some(("terminal", Some((id, "output"))))) => Ok(Self::Output(id.to_owned())),
            (_, Some(("terminal", Some((id, "info"))))) => Ok(Self::Info(id.to_owned())),
            _ => Err(format!(
                "there is no resource {uri:?}; resources/list and resources/templates/list name those that exist"
            )),
        }
    }
}

/// The resources that exist now.
pub(crate) async fn list(host: &Host) -> Vec<Resource> {
    let fixed = [
        (ResourceUri::Sessions, "All terminal sessions"),
        (ResourceUri::Agents, "All registered agents"),
        (ResourceUri::Teams, "All teams"),
        (ResourceUri::Dashboard, "Agents and sessions in numbers"),
    ];
    let fixed = fixed
        .into_iter()
        .map(|(uri, what)| resource(&uri, what.to_owned(), JSON));
    let of_sessions = host
        .describe_sessions()
        .await
        .into_iter()
        .flat_map(|session| {
            let id = session.id.to_string();
            let name = session.name;
            [
                resource(
                    &ResourceUri::Output(id.clone()),
                    format!("Output of {name}"),
                    "text/plain",
                ),
                resource(
                    &ResourceUri::Info(id),
                    format!("What is known of {name}"),
                    JSON,
                ),
            ]
        });
    fixed.chain(of_sessions).collect()
}

fn resource(uri: &ResourceUri, description: String, mime_type: &str) -> Resource {
    Resource::new(uri.to_string(), uri.to_string())
        .with_description(description)
        .with_mime_type(mime_type)
}

/// Resources that there is one of for each session.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    [
        (
            "terminal://{session_id}/output",
            "Output of a terminal session",
            "text/plain",
        ),
        (
            "terminal://{session_id}/info",
            "What is known of a terminal session",
            JSON,
        ),
    ]
    .map(|(uri, what, mime_type)| {
        ResourceTemplate::new(uri, uri)
            .with_description(what)
            .with_mime_type(mime_type)
    })
    .to_vec()
}

/// What a resource holds now.
pub(crate) async fn read(
    host: &Host,
    uri: &ResourceUri,
    caller: &Caller,
) -> Result<ResourceContents, HostError> {
    let value: Value = match uri {
        ResourceUri::Output(id) => {
            let request = ReadSessions {
                targets: vec![ReadTarget {
                    target: Target::Session(id.clone()),
                    lines: None,
                }],
                ..ReadSessions::default()
            };
            let read = host.read_sessions(&request, caller).await?;
            let output = (read.outputs.into_iter().next())
                .ok_or_else(|| HostError::SessionNotFound(id.clone()))?;
            return Ok(ResourceContents::text(output.text, uri.to_string()));
        }
        ResourceUri::Info(id) => json!(ToldSession::from(host.shared_session(id).await?)),
        ResourceUri::Sessions => {
            let sessions = host.shared_sessions(&SessionFilter::default()).await?;
            let sessions = sessions.into_iter().map(ToldSession::from);
            json!(sessions.collect::<Vec<_>>())
        }
        ResourceUri::Agents => Value::Array(agents::told(host.agents().agents(None))),
        ResourceUri::Teams => Value::Array(teams::all(host)),
        ResourceUri::Dashboard => json!(Dashboard::from(host.telemetry().await)),
    };
    Ok(ResourceContents::text(format!("{value:#}"), uri.to_string()).with_mime_type(JSON))
}

/// One resource, followed.
pub(crate) struct Followed {
    host: Arc<Host>,
    uri: ResourceUri,
    changes: Receiver<AgentsChanged>,
    events: Receiver<Arc<Event>>,
    seen: Option<SeenOutput>,
}

impl Followed {
    /// Follows it from now on.
    pub(crate) async fn begin(host: Arc<Host>, uri: ResourceUri) -> Result<Self, HostError> {
        let seen = match &uri {
            ResourceUri::Output(id) => Some(host.output_now(id).await?),
            ResourceUri::Info(id) => host.shared_session(id).await.map(|_| None)?,
            _ => None,
        };
        Ok(Self {
            changes: host.agents().changes(),
            events: host.events().subscribe(),
            host,
            uri,
            seen,
        })
    }

    /// Waits until it has changed; `None` when it never will again.
    pub(crate) async fn changed(&mut self) -> Option<()> {
        if let (ResourceUri::Output(id), Some(seen)) = (&self.uri, &self.seen) {
            let now = self.host.output_after(id, seen).await.ok()?;
            self.seen = Some(now);
            return Some(());
        }
        loop {
            let concerns = tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(change) => self.is_changed_by(change),
                    // Whoever has missed some reads it again.
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return None,
                },
                event = self.events.recv() => match event {
                    Ok(event) => self.is_changed_by_event(&event.what),
                    Err(RecvError::Lagged(_)) => true,
                    Err(RecvError::Closed) => return None,
                },
            };
            if concerns {
                return Some(());
            }
        }
    }

    fn is_changed_by(&self, change: AgentsChanged) -> bool {
        match self.uri {
            ResourceUri::Agents => change == AgentsChanged::Agents,
            ResourceUri::Teams => matches!(change, AgentsChanged::Teams | AgentsChanged::Agents),
            ResourceUri::Sessions | ResourceUri::Info(_) => {
                matches!(change, AgentsChanged::Sessions | AgentsChanged::Agents)
            }
            ResourceUri::Dashboard => true,
            ResourceUri::Output(_) => false,
        }
    }

    fn is_changed_by_event(&self, what: &Happening) -> bool {
        let of_session = matches!(
            what,
            Happening::SessionStart { .. } | Happening::SessionEnd { .. }
        );
        of_session && matches!(self.uri, ResourceUri::Sessions | ResourceUri::Dashboard)
    }
}

#[cfg(test)]
mod tests {
    use super::ResourceUri;

    #[test]
    fn uris_are_read_as_they_are_written() {
        for uri in [
            "terminal://abcd1234/output",
            "terminal://abcd1234/info",
            "terminal://sessions",
            "agents://all",
            "teams://all",
            "telemetry://dashboard",
        ] {
            let read: ResourceUri = uri.parse().expect(uri);
            assert_eq!(read.to_string(), uri);
        }
        for uri in [
            "",
            "terminal://abcd1234",
            "terminal://a/b",
            "agents://some",
            "file:///etc/passwd",
        ] {
            assert!(uri.parse::<ResourceUri>().is_err(), "{uri}");
        }
    }
}
