//! Panes that are opened for sessions, or restarted for them: in each a relay starts the session's
//! program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use quarterdeck_iterm2::{CloseTarget, NewTab, SessionId, Split};
use serde_json::Value;
use tokio::net::UnixListener;

use super::application::{Application, RelayProgram};
use super::error::Iterm2Error;
use super::finding::RELAYED;
use super::relay::frames::{FromRelay, Marks, Running, Start, ToRelay};
use super::relay::waiting_host;
use super::relayed::{RelayLink, Relayed};
use super::sizing;
use crate::backend::Backend;
use crate::opening::{Launch, OpenError, Opened};
use crate::quoting::posix_word;
use crate::request::{Beside, OpenRequest, Side, Size};

/// How long a pane may take until its relay reports, and a relay until it has started a program.
const RELAY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a relay may take to report from a pane that iTerm2 may have opened and gave no
/// answer about.
const UNSURE_PATIENCE: Duration = Duration::from_secs(3);

impl Application {
    /// Opens a session in a window of its own, or beside another pane.
    pub async fn open(&self, request: OpenRequest) -> Result<Opened, OpenError> {
        let beside = request.beside.clone();
        let profile = request.profile.clone();
        let socket = self.socket(&request.session_id);
        let launch = Launch::prepare(request).await?;
        let path = waiting_host(&socket);
        let door = Door::open(&path)?;
        let asked = match &beside {
            Some(beside) => self.split(beside, profile, &socket).await,
            None => self.open_window(profile, &socket).await,
        };
        let (pane, link) = match asked {
            Ok(pane) => (pane, None),
            Err(error) => self.opened_all_the_same(error, &door).await?,
        };
        let opening = async {
            // Programs can set variables, too: at worst a pane is left alone that could be
            // attached to.
            let noted = self.note(&pane, RELAYED, &socket.to_string_lossy()).await;
            noted.map_err(Iterm2Error::from)?;
            let link = match link {
                Some(link) => link,
                None => self.relay_at(&door).await?,
            };
            if beside.is_none() {
                let (columns, rows) = (launch.size().columns(), launch.size().rows());
                // In full screen it has the size that it has.
                let _ = self.client.set_grid_size(&pane, columns, rows).await;
            }
            self.start(launch, pane.clone(), link).await
        };
        match opening.await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let target = CloseTarget::Sessions(vec![pane]);
                // It may have closed by itself.
                let _ = self.client.close(&target, true).await;
                Err(error)
            }
        }
    }

    /// Ends the program of a session that was opened here, and begins another one in its pane.
    /// `request` bears the session's id; its size and place are the pane's. iTerm2 calls the pane
    /// otherwise afterwards.
    pub async fn restart(&self, handle: &str, request: OpenRequest) -> Result<Opened, OpenError> {
        let socket = self.socket(&request.session_id);
        let former = SessionId::new(handle);
        if self.relay_of(&former).await?.as_deref() != socket.to_str() {
            let pane = handle.to_owned();
            return Err(Iterm2Error::NotOurs { pane }.into());
        }
        let launch = Launch::prepare(request).await?;
        let path = waiting_host(&socket);
        let door = Door::open(&path)?;
        let restarted = self.client.restart_session(&former, false).await;
        restarted.map_err(Iterm2Error::from)?;
        let link = self.relay_at(&door).await?;
        let layout = self.client.list_sessions().await;
        for pane in layout.map_err(Iterm2Error::from)?.panes() {
            if self.relay_of(&pane.session).await?.as_deref() == socket.to_str() {
                return self.start(launch, pane.session.clone(), link).await;
            }
        }
        Err(self.no_relay().into())
    }

    /// The pane that iTerm2 opened without saying so, or `error`: a relay reports from there.
    async fn opened_all_the_same(
        &self,
        error: Iterm2Error,
        door: &Door<'_>,
    ) -> Result<(SessionId, Option<RelayLink>), Iterm2Error> {
        if !matches!(&error, Iterm2Error::Call(error) if error.is_uncertain()) {
            return Err(error);
        }
        let reported = tokio::time::timeout(UNSURE_PATIENCE, async {
            let mut link = door.relay().await?;
            match link.heard.recv().await? {
                FromRelay::Hello(hello) => Some((SessionId::new(&hello.pane), link)),
                _ => None,
            }
        });
        let Ok(Some((pane, link))) = reported.await else {
            return Err(error);
        };
        self.client.connected(RELAY_PATIENCE).await?;
        Ok((pane, Some(link)))
    }

    async fn relay_at(&self, door: &Door<'_>) -> Result<RelayLink, Iterm2Error> {
        door.relay().await.ok_or_else(|| self.no_relay())
    }

    async fn open_window(
        &self,
        profile: Option<String>,
        socket: &Path,
    ) -> Result<SessionId, Iterm2Error> {
        let new = NewTab {
            profile,
            command: Some(self.command(socket)),
            customizations: ends_with_its_program(),
            in_background: true,
            ..NewTab::default()
        };
        Ok(self.client.create_tab(&new).await?.session)
    }

    async fn split(
        &self,
        beside: &Beside,
        profile: Option<String>,
        socket: &Path,
    ) -> Result<SessionId, Iterm2Error> {
        let split = Split {
            vertical: matches!(beside.side, Side::Left | Side::Right),
            before: matches!(beside.side, Side::Above | Side::Left),
            profile,
            command: Some(self.command(socket)),
            customizations: ends_with_its_program(),
        };
        let neighbour = SessionId::new(&beside.handle);
        match self.client.split_pane(&neighbour, &split).await {
            Err(error) if error.is_not_found() => Err(Iterm2Error::NoPane {
                pane: beside.handle.clone(),
            }),
            split => Ok(split?),
        }
    }

    /// Has the relay of a pane start the program.
    async fn start(
        &self,
        launch: Launch,
        pane: SessionId,
        mut link: RelayLink,
    ) -> Result<Opened, OpenError> {
        let size = sizing::size_of(&self.client, &pane).await;
        let size = size.unwrap_or(launch.size());
        let start = start(&launch, size);
        let gone = |_| OpenError::from(self.no_relay());
        let started = ToRelay::Start(Box::new(start));
        link.said.send(started).await.map_err(gone)?;
        let started = tokio::time::timeout(RELAY_PATIENCE, hear_start(&mut link)).await;
        let running = match started {
            Ok(Some(Ok(running))) => running,
            Ok(Some(Err(source))) => {
                return Err(OpenError::Program {
                    program: launch.program,
                    source,
                });
            }
            Ok(None) | Err(_) => return Err(self.no_relay().into()),
        };
        let pid = running.pid;
        let carrier = Relayed::new(self.client.clone(), pane, link, running);
        Ok(launch.begin_sized(Backend::Relayed(carrier), pid, size))
    }

    fn no_relay(&self) -> Iterm2Error {
        Iterm2Error::NoRelay {
            program: self.settings.relay.program.clone(),
            seconds: RELAY_PATIENCE.as_secs(),
        }
    }

    fn socket(&self, session_id: &str) -> PathBuf {
        let name = if session_id.is_empty() {
            format!("{}-{:x}", std::process::id(), unique())
        } else {
            session_id.to_owned()
        };
        self.settings.relays.join(name)
    }

    fn command(&self, socket: &Path) -> String {
        let RelayProgram { program, args } = &self.settings.relay;
        let program = program.to_string_lossy();
        let socket = socket.to_string_lossy();
        let words = std::iter::once(&*program).chain(args.iter().map(String::as_str));
        let words: Vec<String> = words.chain([&*socket]).map(posix_word).collect();
        words.join(" ")
    }
}

/// What became of the program that a relay was to start; `None` where the relay has gone.
async fn hear_start(link: &mut RelayLink) -> Option<std::io::Result<Running>> {
    loop {
        match link.heard.recv().await? {
            FromRelay::Hello(hello) => {
                if let Some(running) = hello.running {
                    return Some(Ok(running));
                }
            }
            FromRelay::NotStarted(number) => {
                return Some(Err(std::io::Error::from_raw_os_error(number)));
            }
            _ => (),
        }
    }
}

/// Where a relay that is being started finds its host. Gone with its last use.
struct Door<'a> {
    path: &'a Path,
    listener: UnixListener,
}

impl<'a> Door<'a> {
    fn open(path: &'a Path) -> Result<Self, Iterm2Error> {
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(|source| Iterm2Error::Folder {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self { path, listener })
    }

    async fn relay(&self) -> Option<RelayLink> {
        let accepted = tokio::time::timeout(RELAY_PATIENCE, self.listener.accept()).await;
        let (stream, _) = accepted.ok()?.ok()?;
        Some(RelayLink::over(stream))
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path);
    }
}

/// A pane goes when its program ends, whatever the user's profile says: what it showed is the
/// session's to keep.
fn ends_with_its_program() -> Vec<(String, Value)> {
    vec![("Close Sessions On End".to_owned(), true.into())]
}

fn start(launch: &Launch, size: Size) -> Start {
    let env = launch.env.iter().filter_map(|(name, value)| {
        // A name that is no text is nobody's to look for.
        Some((name.to_str()?.to_owned(), value.clone()))
    });
    Start {
        program: launch.program.clone(),
        args: launch.args.clone(),
        env: env.collect(),
        cwd: launch.cwd.clone().or_else(|| std::env::current_dir().ok()),
        columns: size.columns(),
        rows: size.rows(),
        marks: launch.marks().map(|(shell, key)| Marks {
            shell: shell.name().to_owned(),
            key: key.as_str().to_owned(),
        }),
    }
}

/// A number that no other call of this process gets.
fn unique() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
