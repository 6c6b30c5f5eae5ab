//! iTerm2, as whoever opens sessions sees it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_iterm2::{Address, Client, ConnectionState, CredentialSource, Interest};

use super::error::Iterm2Error;

/// How long a fresh connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The program that runs in panes that are opened, and whose last argument is a socket.
#[derive(Debug, Clone)]
pub struct RelayProgram {
    /// The program.
    pub program: PathBuf,
    /// What comes before the socket.
    pub args: Vec<String>,
}

/// How to work with iTerm2.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub address: Address,
    /// What runs in panes that are opened.
    pub relay: RelayProgram,
    /// The folder of the relays' sockets, made for this user alone where it is missing. A later host
    /// with the same folder finds its sessions there.
    pub relays: PathBuf,
}

impl Settings {
    /// Whether there is something that could be iTerm2. Looks at a file, and takes no time.
    pub fn may_be_there(&self) -> bool {
        self.address.socket.exists()
    }
}

/// A connection to iTerm2, which is tried again when it is lost. Cheap to clone; ends with the
/// last clone and the last session on it.
#[derive(Debug, Clone)]
pub struct Application {
    pub(super) client: Client,
    pub(super) settings: Arc<Settings>,
    is_ready: Arc<tokio::sync::Mutex<bool>>,
}

impl Application {
    /// Begins to connect. Must be called within a Tokio runtime, which then carries the
    /// connection.
    pub fn new(settings: Settings, credentials: CredentialSource) -> Result<Self, Iterm2Error> {
        if !settings.may_be_there() {
            return Err(Iterm2Error::Absent {
                socket: settings.address.socket,
            });
        }
        Ok(Self {
            client: Client::new(settings.address.clone(), credentials),
            settings: Arc::new(settings),
            is_ready: Arc::default(),
        })
    }

    /// Waits until it can be worked with, at most so long. Whether this is the first time.
    pub async fn ready(&self, patience: Duration) -> Result<bool, Iterm2Error> {
        self.client.connected(patience).await?;
        let mut is_ready = self.is_ready.lock().await;
        if *is_ready {
            return Ok(false);
        }
        self.client.subscribe(Interest::EndedSessions).await?;
        self.client.subscribe(Interest::Layout).await?;
        let folder = &self.settings.relays;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| Iterm2Error::Folder {
                path: folder.clone(),
                source,
            })?;
        *is_ready = true;
        Ok(true)
    }

    /// As [`Application::new`] and [`Application::ready`].
    pub async fn connect(
        settings: Settings,
        credentials: CredentialSource,
    ) -> Result<Self, Iterm2Error> {
        let application = Self::new(settings, credentials)?;
        application.ready(CONNECT_PATIENCE).await?;
        Ok(application)
    }

    /// Whether it is not tried any more, for example because a person has said no.
    pub fn has_given_up(&self) -> bool {
        matches!(self.client.state(), ConnectionState::GivenUp(_))
    }
}
