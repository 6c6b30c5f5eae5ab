//! iTerm2, as whoever opens sessions sees it.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_iterm2::{
    Address, CallError, Client, CloseTarget, ConnectionState, CredentialSource, Interest, NewTab,
    SessionId, Split, VariableScope,
};
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};

use super::error::Iterm2Error;
use super::mirrored::Mirrored;
use super::relay::frames::{FromRelay, Hello, Marks, Running, Start, ToRelay};
use super::relay::waiting_host;
use super::relayed::{RelayLink, Relayed};
use super::sizing;
use crate::backend::Backend;
use crate::integration::ShellKind;
use crate::marks::MarkKey;
use crate::opening::{Before, Keeping, Launch, Marking, OpenError, Opened, begin};
use crate::request::{Beside, OpenRequest, Side, Size};

/// How long a fresh connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a pane may take until its relay reports.
const RELAY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a relay may take to say hello to a host that comes later.
const HELLO_PATIENCE: Duration = Duration::from_secs(2);

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

/// A pane that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPane {
    /// What iTerm2 calls its session.
    pub handle: String,
    /// What its tab shows.
    pub title: String,
    /// The pane that the host was started from.
    pub is_own: bool,
    /// A relay runs there: it is a session that was opened, by whatever host.
    pub is_relayed: bool,
    /// The id that it had as a session of an earlier host.
    pub session_id: Option<String>,
}

/// The variables of a pane that say what it is to hosts.
const RELAYED: &str = "quarterdeckRelayed";
const SESSION: &str = "quarterdeckSession";

/// A session of an earlier host that lives on.
pub struct FoundRelay {
    /// The id that the session had.
    pub session_id: String,
    /// What iTerm2 calls its session.
    pub handle: String,
    link: RelayLink,
    running: Running,
    recent: Vec<u8>,
}

/// A connection to iTerm2, which is tried again when it is lost. Cheap to clone; ends with the
/// last clone and the last session on it.
#[derive(Debug, Clone)]
pub struct Application {
    pub(super) client: Client,
    settings: Arc<Settings>,
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

    /// Opens a session in a window of its own, or beside another pane.
    pub async fn open(&self, request: OpenRequest) -> Result<Opened, OpenError> {
        let beside = request.beside.clone();
        let socket = self.socket(&request.session_id);
        let launch = Launch::prepare(request).await?;
        let door = waiting_host(&socket);
        let listener = Door::open(&door)?;
        let pane = match &beside {
            Some(beside) => self.split(beside, &socket).await?,
            None => self.open_window(&socket).await?,
        };
        // Programs can set variables, too: at worst a pane is left alone that could be attached to.
        let noted = self.note(&pane, RELAYED, &socket.to_string_lossy()).await;
        noted.map_err(Iterm2Error::from)?;
        let opened = self.start(launch, pane.clone(), &listener, beside.is_some());
        match opened.await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let target = CloseTarget::Sessions(vec![pane]);
                // It may have closed by itself.
                let _ = self.client.close(&target, true).await;
                Err(error)
            }
        }
    }

    async fn open_window(&self, socket: &Path) -> Result<SessionId, Iterm2Error> {
        let new = NewTab {
            command: Some(self.command(socket)),
            customizations: ends_with_its_program(),
            in_background: true,
            ..NewTab::default()
        };
        Ok(self.client.create_tab(&new).await?.session)
    }

    async fn split(&self, beside: &Beside, socket: &Path) -> Result<SessionId, Iterm2Error> {
        let split = Split {
            vertical: matches!(beside.side, Side::Left | Side::Right),
            before: matches!(beside.side, Side::Above | Side::Left),
            command: Some(self.command(socket)),
            customizations: ends_with_its_program(),
            ..Split::default()
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
        door: &Door<'_>,
        has_neighbours: bool,
    ) -> Result<Opened, OpenError> {
        let mut link = door
            .relay()
            .await
            .ok_or_else(|| self.no_relay())
            .map_err(OpenError::from)?;
        if !has_neighbours {
            let wanted = launch.size();
            let (columns, rows) = (wanted.columns(), wanted.rows());
            // In full screen it has the size that it has.
            let _ = self.client.set_grid_size(&pane, columns, rows).await;
        }
        let size = sizing::size_of(&self.client, &pane).await;
        let size = size.unwrap_or(launch.size());
        let start = start(&launch, size);
        let gone = |_| OpenError::from(self.no_relay());
        let started = ToRelay::Start(Box::new(start));
        link.said.send(started).await.map_err(gone)?;
        let running = loop {
            match link.heard.recv().await {
                Some(FromRelay::Hello(hello)) => match hello.running {
                    Some(running) => break running,
                    None => continue,
                },
                Some(FromRelay::NotStarted(number)) => {
                    return Err(OpenError::Program {
                        program: launch.program,
                        source: std::io::Error::from_raw_os_error(number),
                    });
                }
                Some(_) => (),
                None => return Err(self.no_relay().into()),
            }
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
        let words: Vec<String> = words.chain([&*socket]).map(quoted).collect();
        words.join(" ")
    }

    /// Sessions of earlier hosts whose relays live, and that no other host has; `known` are the ids of
    /// those that need not be looked at. Sockets of those that ended without a word are removed.
    pub async fn relays(&self, known: &[&str]) -> Vec<FoundRelay> {
        let Ok(entries) = std::fs::read_dir(&self.settings.relays) else {
            return Vec::new();
        };
        let sockets = entries.flatten().map(|entry| entry.path());
        let is_unknown = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            path.extension().is_none() && name.is_some_and(|name| !known.contains(&name))
        };
        let sockets: Vec<PathBuf> = sockets.filter(is_unknown).collect();
        let mut found = Vec::new();
        for socket in sockets {
            found.extend(find(&socket).await);
        }
        found
    }

    /// Goes on with a session of an earlier host. Its transcript begins with what was written recently.
    pub fn rejoin(&self, found: FoundRelay, request: &OpenRequest) -> Opened {
        let FoundRelay {
            link,
            running,
            recent,
            ..
        } = found;
        let keeping = Keeping {
            size: running.size().unwrap_or(request.size),
            scrollback_lines: request.scrollback_lines,
            transcript_bytes: request.transcript_bytes,
        };
        let marking = running.marks.as_ref().and_then(|marks| {
            Some(Marking {
                shell: ShellKind::of_program(Path::new(&marks.shell))?,
                key: MarkKey::of(&marks.key),
                scripts: None,
            })
        });
        let pid = running.pid;
        let pane = SessionId::new(&found.handle);
        let backend = Backend::Relayed(Relayed::new(self.client.clone(), pane, link, running));
        begin(
            backend,
            pid,
            marking,
            keeping,
            Some(Before::Written(recent)),
        )
    }

    /// All panes, and sessions that are not shown.
    pub async fn panes(&self) -> Result<Vec<FoundPane>, Iterm2Error> {
        let layout = self.client.list_sessions().await?;
        let own = own_pane();
        let names = [RELAYED, SESSION].map(|name| format!("user.{name}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        for pane in layout.panes() {
            let scope = VariableScope::Session(pane.session.clone());
            let variables = match self.client.variables(&scope, &names).await {
                Ok(variables) => variables,
                // It has gone meanwhile.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let text = |index: usize| variables.get(index).and_then(Value::as_str);
            found.push(FoundPane {
                handle: pane.session.to_string(),
                title: pane.title.clone(),
                is_own: own.as_ref() == Some(&pane.session),
                is_relayed: text(0).is_some(),
                session_id: text(1).map(str::to_owned),
            });
        }
        Ok(found)
    }

    /// Writes on a pane what hosts are to know of it.
    async fn note(&self, pane: &SessionId, name: &str, value: &str) -> Result<(), CallError> {
        let scope = VariableScope::Session(pane.clone());
        let value = Value::from(value);
        self.client.set_user_variable(&scope, name, &value).await
    }

    /// Attaches to a pane that is there: its lines are followed from now on. Of `request`, the
    /// size is the pane's. Its shell's marks are not ours to believe.
    pub async fn attach(&self, handle: &str, request: &OpenRequest) -> Result<Opened, OpenError> {
        let pane = SessionId::new(handle);
        if own_pane().as_ref() == Some(&pane) {
            let pane = handle.to_owned();
            return Err(Iterm2Error::OwnPane { pane }.into());
        }
        let no_pane = |error: CallError| match error.is_not_found() {
            true => Iterm2Error::NoPane {
                pane: handle.to_owned(),
            },
            false => error.into(),
        };
        self.note(&pane, SESSION, &request.session_id)
            .await
            .map_err(no_pane)?;
        let notices = self.client.notices();
        let interests = [Interest::Screens, Interest::Prompts];
        for interest in interests {
            let interest = interest(Some(pane.clone()));
            self.client.subscribe(interest).await.map_err(no_pane)?;
        }
        let names = ["pid", "columns", "rows"];
        let scope = VariableScope::Session(pane.clone());
        let variables = self.client.variables(&scope, &names).await;
        let variables = variables.map_err(no_pane)?;
        let number = |index: usize| variables.get(index).and_then(Value::as_u64);
        let small = |index: usize| number(index).and_then(|it| u16::try_from(it).ok());
        let shown = sizing::size_of(&self.client, &pane).await;
        let told = small(1).zip(small(2));
        let told = told.and_then(|(columns, rows)| Size::new(columns, rows).ok());
        let size = shown.or(told).unwrap_or(request.size);
        let pid = number(0)
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or(0);
        let keeping = Keeping {
            size,
            scrollback_lines: request.scrollback_lines,
            transcript_bytes: request.transcript_bytes,
        };
        let above = u32::try_from(request.scrollback_lines).unwrap_or(u32::MAX);
        let carrier = Mirrored::new(self.client.clone(), notices, pane, pid, size, above);
        Ok(begin(Backend::Mirrored(carrier), pid, None, keeping, None))
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

/// The relay at a socket, if it lives and is free.
async fn find(socket: &Path) -> Option<FoundRelay> {
    let session_id = socket.file_name()?.to_str()?.to_owned();
    let stream = match UnixStream::connect(socket).await {
        Ok(stream) => stream,
        Err(error) => {
            if error.kind() == std::io::ErrorKind::ConnectionRefused {
                let _ = std::fs::remove_file(socket);
            }
            return None;
        }
    };
    let mut link = RelayLink::over(stream);
    let told = tokio::time::timeout(HELLO_PATIENCE, hear_hello(&mut link)).await;
    // Another host has it, where it says nothing.
    let (Hello { pane, running, .. }, recent) = told.ok()??;
    Some(FoundRelay {
        session_id,
        handle: SessionId::new(&pane).to_string(),
        link,
        running: running?,
        recent,
    })
}

/// What a relay says first, and what its program has written recently.
async fn hear_hello(link: &mut RelayLink) -> Option<(Hello, Vec<u8>)> {
    let Some(FromRelay::Hello(hello)) = link.heard.recv().await else {
        return None;
    };
    let recent = match hello.recent_follows {
        true => match link.heard.recv().await? {
            FromRelay::Output(recent) => recent,
            _ => return None,
        },
        false => Vec::new(),
    };
    Some((*hello, recent))
}

/// The pane of this process, where it runs in one.
fn own_pane() -> Option<SessionId> {
    let pane = std::env::var("ITERM_SESSION_ID").ok()?;
    Some(SessionId::new(&pane))
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

/// A word of a command line, as shells and iTerm2 read it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        assert_eq!(quoted("/usr/bin/quarterdeck"), "/usr/bin/quarterdeck");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
