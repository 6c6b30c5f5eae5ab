//! Who asks for something.

use std::path::PathBuf;

use quarterdeck_policy::CallerFacts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::BackendChoice;

/// What kind of party stands behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallerKind {
    /// A model, through an MCP client.
    Agent,
    /// A person, through the command line or the dashboard.
    Human,
    /// A policy that mends a session.
    Recovery,
}

impl CallerKind {
    /// The word that policies and the audit log see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Human => "human",
            Self::Recovery => "recovery",
        }
    }
}

/// The door a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// MCP on standard input and output, of this process or of one that joined.
    Stdio,
    /// MCP over Streamable HTTP.
    Http,
    /// The command line.
    Cli,
    /// A coding agent's hook.
    Hook,
    /// The dashboard, in a browser.
    Dashboard,
    /// None: the host itself.
    Host,
    /// gRPC.
    Grpc,
}

impl Transport {
    /// The word that policies and the audit log see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
            Self::Cli => "cli",
            Self::Hook => "hook",
            Self::Dashboard => "dashboard",
            Self::Host => "host",
            Self::Grpc => "grpc",
        }
    }
}

/// One connection, or what stands for one where a door has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(String);

/// What connections that stand alone are called, before the client's name.
const STANDS_ALONE: &str = "http-client-";

impl ConnectionId {
    /// That of requests of which each stands alone: all that ties them together is the
    /// client's name, and nobody hears when the client has gone.
    pub fn standing_alone(client: Option<&str>) -> Self {
        Self(format!("{STANDS_ALONE}{}", client.unwrap_or("unnamed")))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of those that stand alone.
    pub fn stands_alone(&self) -> bool {
        self.0.starts_with(STANDS_ALONE)
    }
}

impl From<String> for ConnectionId {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&str> for ConnectionId {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Who asks. Travels with every request to the gate and into the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Person or model.
    pub kind: CallerKind,
    /// The client program with its version, as it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The door.
    pub transport: Transport,
    /// Tells apart the connections of one kind: a default session belongs to
    /// one of them.
    pub connection: ConnectionId,
    /// The agent that it speaks for, where it says so or runs in an agent's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The number of the lock that it believes to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fencing_token: Option<u64>,
    /// What its sessions are opened on where a call does not say; the host's own
    /// choice where there is none.
    #[serde(skip)]
    pub backend: Option<BackendChoice>,
    /// Where its sessions start where a call does not say; the host's own folder where
    /// there is none.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
}

impl Caller {
    /// A person at the command line.
    pub fn command_line() -> Self {
        Self {
            kind: CallerKind::Human,
            client: None,
            transport: Transport::Cli,
            connection: ConnectionId::from(format!("cli-{}", std::process::id())),
            agent: None,
            fencing_token: None,
            backend: None,
            folder: None,
        }
    }

    /// The recovery of this name.
    pub(crate) fn recovery(strategy: &str) -> Self {
        Self {
            kind: CallerKind::Recovery,
            client: Some(strategy.to_owned()),
            transport: Transport::Host,
            connection: ConnectionId::from("recovery"),
            agent: None,
            fencing_token: None,
            backend: None,
            folder: None,
        }
    }
}

/// The caller as policies see it.
impl From<&Caller> for CallerFacts {
    fn from(caller: &Caller) -> Self {
        Self {
            kind: caller.kind.as_str().to_owned(),
            agent: caller.agent.clone(),
            client: caller.client.clone(),
            role: None,
            transport: caller.transport.as_str().to_owned(),
        }
    }
}
