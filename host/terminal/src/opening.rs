//! What opening a session takes on every backend: the program, its environment
//! and its shell integration before, the session's task after.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;
use thiserror::Error;
use tokio::sync::{mpsc, watch};

use crate::backend::Backend;
use crate::environment;
use crate::integration::{Integration, ShellKind};
use crate::iterm2::Iterm2Error;
use crate::keyboard::Keyboard;
use crate::marks::MarkKey;
use crate::request::{OpenRequest, Size};
use crate::session::{Beginning, Session};
use crate::stream::Stream;
use crate::terminal::Terminal;
use crate::tmux::TmuxError;

/// A session that has begun.
#[derive(Debug)]
pub struct Opened {
    /// For everybody.
    pub terminal: Terminal,
    /// For the gate.
    pub keyboard: Keyboard,
    /// For a later host, where the session outlives this one.
    pub marks: Option<KeptMarks>,
}

/// What it takes to understand the marks of a session's shell: which shell it is,
/// and their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMarks {
    pub(crate) shell: ShellKind,
    pub(crate) key: MarkKey,
}

impl KeptMarks {
    /// A text that [`KeptMarks::of_secret`] reads. Whoever knows it can claim that a
    /// command has ended.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("{} {}", self.shell.name(), self.key.as_str())
    }

    /// Reads what [`KeptMarks::secret`] has written; `None` if it is none of that.
    #[must_use]
    pub fn of_secret(text: &str) -> Option<Self> {
        let (shell, key) = text.split_once(' ')?;
        Some(Self {
            shell: ShellKind::of_program(Path::new(shell))?,
            key: MarkKey::of(key),
        })
    }
}

/// Why a session could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The system gave no terminal device.
    #[error("cannot get a terminal device from the system; close sessions that are not needed")]
    Device(#[source] io::Error),
    /// The folder to start in is none.
    #[error("cannot start in {}: not a folder that can be entered", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot start {}; name a program that is installed, for example bash", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The files of the shell integration could not be written.
    #[error(
        "cannot write the files of the shell integration; make room in the temporary folder, or open without"
    )]
    Integration(#[source] io::Error),
    /// tmux could not carry it.
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    /// iTerm2 could not carry it.
    #[error(transparent)]
    Iterm2(#[from] Iterm2Error),
    /// The backend has no places beside sessions.
    #[error("a session on {backend} cannot be put beside another one; open it on tmux or iterm2")]
    NoPlaces {
        /// The backend.
        backend: &'static str,
    },
}

/// Requests that wait for a session's task.
const WAITING_REQUESTS: usize = 64;

/// What is to be started.
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    pub(crate) cwd: Option<PathBuf>,
    integration: Option<Integration>,
    keeping: Keeping,
}

/// What is kept of a session, and how large its screen is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    pub(crate) size: Size,
    pub(crate) scrollback_lines: usize,
    pub(crate) transcript_bytes: usize,
}

impl Launch {
    /// Finds the program, checks the folder and prepares the integration.
    pub(crate) async fn prepare(request: OpenRequest) -> Result<Self, OpenError> {
        let program = program(&request);
        if let Some(folder) = &request.cwd {
            let failed = |source| OpenError::Folder {
                path: folder.clone(),
                source,
            };
            let metadata = tokio::fs::metadata(folder).await.map_err(failed)?;
            if !metadata.is_dir() {
                return Err(failed(io::ErrorKind::NotADirectory.into()));
            }
        }
        let mut env = environment::of_session(&request, std::env::vars_os());
        let integration = if request.shell_integration {
            let zdotdir = env.get(OsStr::new("ZDOTDIR")).map(OsString::as_os_str);
            Integration::prepare(&program, &request.args, zdotdir)
                .map_err(OpenError::Integration)?
        } else {
            None
        };
        if let Some(integration) = &integration {
            env.extend(integration.env.iter().cloned());
        }
        let args = match &integration {
            Some(integration) => integration.args.clone(),
            None => request.args,
        };
        Ok(Self {
            program,
            args,
            env,
            cwd: request.cwd,
            integration,
            keeping: Keeping {
                size: request.size,
                scrollback_lines: request.scrollback_lines,
                transcript_bytes: request.transcript_bytes,
            },
        })
    }

    /// Columns and rows to start with.
    pub(crate) fn size(&self) -> Size {
        self.keeping.size
    }

    /// The backend gives another size than was asked for.
    pub(crate) fn of_size(mut self, size: Size) -> Self {
        self.keeping.size = size;
        self
    }

    /// The program runs, as process `pid`, on `backend`: its session begins.
    pub(crate) fn begin(self, backend: Backend, pid: u32) -> Opened {
        let marking = self.integration.map(Marking::of);
        begin(backend, pid, marking, self.keeping, None)
    }

    /// As [`Launch::begin`], where the terminal turned out to have another size.
    pub(crate) fn begin_sized(mut self, backend: Backend, pid: u32, size: Size) -> Opened {
        self.keeping.size = size;
        self.begin(backend, pid)
    }

    /// The shell that writes marks, and their key.
    pub(crate) fn marks(&self) -> Option<(ShellKind, &MarkKey)> {
        let integration = self.integration.as_ref()?;
        Some((integration.kind, &integration.key))
    }
}

/// A shell that writes marks.
pub(crate) struct Marking {
    pub(crate) shell: ShellKind,
    pub(crate) key: MarkKey,
    /// The integration's scripts, where the shell has not read them yet.
    pub(crate) scripts: Option<TempDir>,
}

impl Marking {
    pub(crate) fn of_earlier_host(marks: KeptMarks) -> Self {
        Self {
            shell: marks.shell,
            key: marks.key,
            scripts: None,
        }
    }

    fn of(integration: Integration) -> Self {
        Self {
            shell: integration.kind,
            key: integration.key,
            scripts: Some(integration.scripts),
        }
    }
}

/// What was there before a session began.
pub(crate) enum Before {
    /// A screen.
    Shown(Seed),
    /// What its program has written lately, as it wrote it; and somebody may have begun a line.
    Written(Vec<u8>),
}

/// What a session shows already when it begins.
pub(crate) struct Seed {
    /// What its programs have printed.
    pub(crate) printed: Vec<u8>,
    /// What makes a screen of it.
    pub(crate) drawn: Vec<u8>,
}

/// Starts the task of a session.
pub(crate) fn begin(
    backend: Backend,
    pid: u32,
    marking: Option<Marking>,
    keeping: Keeping,
    before: Option<Before>,
) -> Opened {
    let created_at = SystemTime::now();
    let (handle, guardian) = (backend.handle(), backend.guardian());
    let (sender, requests) = mpsc::channel(WAITING_REQUESTS);
    let (changes, changed) = watch::channel(0);
    let key = marking.as_ref().map(|marking| marking.key.clone());
    let marks = marking.as_ref().map(|marking| KeptMarks {
        shell: marking.shell,
        key: marking.key.clone(),
    });
    let session = Session::new(
        Beginning {
            backend,
            pid,
            integration: marking.map(|marking| (marking.shell, marking.scripts)),
            stream: Stream::new(key),
            size: keeping.size,
            scrollback_lines: keeping.scrollback_lines,
            transcript_bytes: keeping.transcript_bytes,
            created_at,
            changes,
        },
        before,
    );
    tokio::spawn(session.live(requests));
    Opened {
        terminal: Terminal::new(
            (pid, guardian.unwrap_or(pid)),
            handle,
            keeping.size,
            created_at,
            sender.clone(),
            changed,
        ),
        keyboard: Keyboard::new(sender),
        marks,
    }
}

/// The program of a session: the one asked for, or the user's shell.
fn program(request: &OpenRequest) -> PathBuf {
    let of_user = || {
        let shell = PathBuf::from(std::env::var_os("SHELL")?);
        shell.is_file().then_some(shell)
    };
    let installed = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    };
    request
        .shell
        .clone()
        .or_else(of_user)
        .or_else(|| installed("bash"))
        .unwrap_or_else(|| Path::new("/bin/sh").to_owned())
}
