//! A server that runs: its sockets and its tasks.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::application::{Application, Event};
use crate::control::{self, Control};
use crate::websocket::{Admission, Entrance};

/// Events and outputs that wait for the application's task.
const WAITING: usize = 256;

/// The shell integration that a user of iTerm2 would have installed.
const INTEGRATION: &str = include_str!("integration.bash");

/// How the stand-in behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The home folder below which the socket is, and in which programs run. Keep it short: a
    /// socket's path has at most 108 bytes on Linux.
    pub home: PathBuf,
    /// Where to listen besides the Unix socket.
    pub tcp: Option<SocketAddr>,
    /// Whether a cookie is needed, as iTerm2 wants it.
    pub cookie_needed: bool,
    /// How long closing a session could be undone: then its end is told.
    pub undo: Duration,
    /// A person would have to confirm closing, and there is none.
    pub nobody_confirms: bool,
    /// The shell of sessions; by default bash with integration.
    pub shell: Vec<String>,
}

impl Options {
    /// A server below a home folder, with cookies, without TCP.
    pub fn new(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        let integration = support_folder(&home).join("integration.bash");
        Self {
            tcp: None,
            cookie_needed: true,
            undo: Duration::from_millis(20),
            nobody_confirms: false,
            shell: vec![
                "bash".to_owned(),
                "--noprofile".to_owned(),
                "--rcfile".to_owned(),
                integration.to_string_lossy().into_owned(),
                "-i".to_owned(),
            ],
            home,
        }
    }

    pub(crate) fn support_folder(&self) -> PathBuf {
        support_folder(&self.home)
    }

    /// The API's socket.
    pub fn socket(&self) -> PathBuf {
        self.support_folder().join("private").join("socket")
    }

    /// The control door's socket.
    pub fn control_socket(&self) -> PathBuf {
        self.support_folder().join("private").join("control")
    }
}

fn support_folder(home: &Path) -> PathBuf {
    home.join("Library/Application Support/iTerm2")
}

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The folders or files below the home folder could not be made.
    #[error("cannot prepare {}; name a home folder that can be written to", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The shell of the first window could not be started.
    #[error("cannot start `{0}` in a first window; is it installed?")]
    Shell(String),
    /// A socket could not be listened at.
    #[error("cannot listen at {address}; is another server there, or is the path too long?")]
    Listen {
        /// Where.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A running stand-in. Ends with all its sessions when it is dropped.
#[derive(Debug)]
pub struct Server {
    options: Arc<Options>,
    tcp: Option<SocketAddr>,
    tasks: JoinSet<()>,
}

impl Server {
    /// Starts a server with one window. Must be called within a Tokio runtime.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        prepare(&options)?;
        let options = Arc::new(options);
        let door = listen(&options.socket())?;
        let control_door = listen(&options.control_socket())?;
        let tcp_door = match options.tcp {
            None => None,
            Some(address) => {
                Some(
                    TcpListener::bind(address)
                        .await
                        .map_err(|source| StartError::Listen {
                            address: address.to_string(),
                            source,
                        })?,
                )
            }
        };
        let tcp = tcp_door.as_ref().and_then(|door| door.local_addr().ok());

        let (events, event_queue) = mpsc::channel::<Event>(WAITING);
        let (outputs, output_queue) = mpsc::channel(WAITING);
        let admission = Admission::new(options.cookie_needed);
        let mut application = Application::new(
            options.clone(),
            admission.clone(),
            outputs,
            events.downgrade(),
        );
        if !application.open_first_window() {
            return Err(StartError::Shell(options.shell.join(" ")));
        }
        let entrance = Entrance {
            admission,
            events: events.clone(),
            next_client: Arc::new(AtomicU64::new(1)),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(application.run(event_queue, output_queue));
        tasks.spawn(entrance.clone().listen_unix(door));
        if let Some(door) = tcp_door {
            tasks.spawn(entrance.listen_tcp(door));
        }
        tasks.spawn(control::listen(control_door, events));
        Ok(Self {
            options,
            tcp,
            tasks,
        })
    }

    /// The API's socket.
    pub fn socket(&self) -> PathBuf {
        self.options.socket()
    }

    /// Where it listens over TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// The door for those who test.
    pub fn control(&self) -> Control {
        Control::new(self.options.control_socket())
    }

    /// Waits until the server ends, which it does when one of its tasks fails.
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }
}

fn prepare(options: &Options) -> Result<(), StartError> {
    use std::os::unix::fs::PermissionsExt as _;
    let support = options.support_folder();
    let private = support.join("private");
    let integration = support.join("integration.bash");
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| StartError::Folder { path, source }
    };
    std::fs::create_dir_all(&private).map_err(failed(&private))?;
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700))
        .map_err(failed(&private))?;
    std::fs::write(&integration, INTEGRATION).map_err(failed(&integration))
}

/// Listens at a socket, in place of what a server that is dead has left.
fn listen(socket: &Path) -> Result<UnixListener, StartError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |source| StartError::Listen {
        address: socket.display().to_string(),
        source,
    };
    if socket.exists() && std::os::unix::net::UnixStream::connect(socket).is_err() {
        std::fs::remove_file(socket).map_err(failed)?;
    }
    let door = UnixListener::bind(socket).map_err(failed)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(door)
}
