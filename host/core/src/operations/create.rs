//! Opening a session.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_terminal::{Beside, OpenRequest, Size};

use super::new_session::NewSession;
use super::shells;
use crate::backends::BackendChoice;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Guarded, VerdictReport};
use crate::host::Host;
use crate::session::{BackendKind, Identity, Session, SessionId};

/// What to open.
#[derive(Clone, Debug, Default)]
pub struct CreateSession {
    /// A name for people; the id where there is none.
    pub name: Option<String>,
    /// A first command. Passes the gate like any other.
    pub command: Option<String>,
    /// Where the shell starts; the host's own folder where there is none.
    pub working_directory: Option<PathBuf>,
    /// Columns and rows, each the configured one where there is none.
    pub columns: Option<u16>,
    /// See `columns`.
    pub rows: Option<u16>,
    /// Added to the environment.
    pub env: Vec<(String, String)>,
    /// What is to carry it; the caller's or the configured one where there is none.
    pub backend: Option<BackendChoice>,
    /// On tmux, show it in a tmux session of its own, too: `mcp-` and its id, which is
    /// hexadecimal then.
    pub own_tmux_session: bool,
    /// On iTerm2, the name of the profile that it is opened with.
    pub profile: Option<String>,
    /// Words to find the session by.
    pub tags: Vec<String>,
    /// A shell that this machine lists, by name or path; the configured one
    /// where there is none.
    pub shell: Option<String>,
}

/// What a session is opened with.
pub(super) struct Program {
    /// `None` for the user's shell.
    pub(super) path: Option<PathBuf>,
    pub(super) args: Vec<OsString>,
    /// The machine whose shell it brings, where that is another one.
    pub(super) remote_host: Option<String>,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct CreatedSession {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// When.
    pub created_at: SystemTime,
    /// The verdict on the first command, where one was given.
    pub verdict: Option<VerdictReport>,
}

impl Host {
    /// Opens a session and types its first command.
    pub async fn create_session(
        &self,
        request: CreateSession,
        caller: &Caller,
    ) -> Result<CreatedSession, HostError> {
        self.judge_environment(&request, caller).await?;
        let command = request.command.clone();
        let request = CreateSession {
            backend: request.backend.or(caller.backend),
            working_directory: (request.working_directory).or_else(|| caller.folder.clone()),
            ..request
        };
        let session = self.open(request).await?;
        let verdict = match command {
            None => None,
            Some(command) => match self.gate.run_first(&session, &command, caller).await {
                Ok(verdict) => Some(verdict),
                // No session is left behind for a command that may not run, or not yet.
                Err(error) => {
                    session.close().await;
                    return Err(error);
                }
            },
        };
        let session = session.keep();
        Ok(CreatedSession {
            id: session.id.clone(),
            name: session.name.clone(),
            created_at: session.created_at,
            verdict,
        })
    }

    pub(crate) async fn open(&self, request: CreateSession) -> Result<NewSession, HostError> {
        self.open_beside(request, None).await
    }

    /// Opens a session with a shell, without its first command, in a place of its
    /// own or beside another session of its backend.
    pub(crate) async fn open_beside(
        &self,
        request: CreateSession,
        beside: Option<Beside>,
    ) -> Result<NewSession, HostError> {
        let path = match &request.shell {
            Some(shell) => Some(shells::listed(shell)?),
            None => self.sessions.shell.clone(),
        };
        let program = Program {
            path,
            args: Vec::new(),
            remote_host: None,
        };
        self.open_program_beside(program, request, beside).await
    }

    /// Opens a session on a program of the host's choice.
    pub(super) async fn open_program(
        &self,
        program: Program,
        request: CreateSession,
    ) -> Result<NewSession, HostError> {
        self.open_program_beside(program, request, None).await
    }

    /// Opens on a task of its own: once begun, it is carried through, and what nobody
    /// waits for any more is closed again.
    async fn open_program_beside(
        &self,
        program: Program,
        request: CreateSession,
        beside: Option<Beside>,
    ) -> Result<NewSession, HostError> {
        let host_ends = || HostError::Internal("the host is ending".to_owned());
        let host = self.this.upgrade().ok_or_else(host_ends)?;
        let opening = tokio::spawn(async move {
            let session = host.open_to_the_end(program, request, beside).await?;
            Ok(NewSession::of(host, session))
        });
        opening.await.unwrap_or_else(|_| Err(host_ends()))
    }

    async fn open_to_the_end(
        &self,
        program: Program,
        request: CreateSession,
        beside: Option<Beside>,
    ) -> Result<Arc<Session>, HostError> {
        let size = Size::new(
            request.columns.unwrap_or(self.sessions.size.columns()),
            request.rows.unwrap_or(self.sessions.size.rows()),
        )
        .map_err(|error| HostError::InvalidParameters(error.to_string()))?;
        if let Some(folder) = &request.working_directory
            && !folder.is_dir()
        {
            return Err(HostError::InvalidParameters(format!(
                "workingDirectory {folder:?} is not a folder on this machine"
            )));
        }
        let backend = request.backend.unwrap_or(self.sessions.backend);
        let backend = self.kind_of(backend).await;
        let shown = request.own_tmux_session && backend == BackendKind::Tmux;
        let place = match shown {
            true => self.registry.reserve(SessionId::random_hex)?,
            false => self.registry.reserve(SessionId::random)?,
        };
        let id = place.id().clone();
        // A pseudo-terminal's program inherits the host's folder; tmux has one of its own.
        let inherited = || {
            (backend == BackendKind::Pty)
                .then(std::env::current_dir)?
                .ok()
        };
        let folder = request.working_directory.clone().or_else(inherited);
        let folder = folder.map(|it| it.display().to_string());
        // A login would need its secret again.
        let reopening = (program.args.is_empty() && program.remote_host.is_none())
            .then(|| Box::new(request.clone()));
        let tmux_session = shown.then(|| format!("mcp-{id}"));
        let opening = OpenRequest {
            shell: program.path.clone(),
            args: program.args,
            cwd: request.working_directory,
            env: request.env,
            size,
            beside,
            profile: request.profile,
            tmux_session: tmux_session.clone(),
            scrollback_lines: self.sessions.scrollback_lines,
            transcript_bytes: self.sessions.transcript_bytes,
            shell_integration: self.sessions.shell_integration,
            session_id: id.to_string(),
        };
        let Guarded {
            terminal,
            door,
            marks,
        } = self.open_on(backend, opening).await?;
        let name = request.name.map(|name| in_one_line(&name));
        let name = name.filter(|name| !name.is_empty());
        let identity = Identity {
            name: name.unwrap_or_else(|| id.to_string()),
            id,
            backend,
            program: program_name(program.path),
            tags: request.tags,
            created_at: SystemTime::now(),
            remote_host: program.remote_host,
            reopening,
        };
        let session = Session::new(identity, terminal, door);
        session.shown_by.set(tmux_session);
        self.session_begins(&session, folder, marks.as_ref());
        Ok(session)
    }
}

/// A name as it stands in lists, among others, without control characters.
fn in_one_line(name: &str) -> String {
    let words = name.split(char::is_control);
    let words: Vec<&str> = words.filter(|it| !it.trim().is_empty()).collect();
    words.join(" ").trim().to_owned()
}

/// The program in words; where nobody chose one, it is the user's shell.
fn program_name(path: Option<PathBuf>) -> String {
    path.map(|path| path.display().to_string())
        .or_else(|| std::env::var("SHELL").ok())
        .unwrap_or_else(|| "the user's shell".to_owned())
}

#[cfg(test)]
mod tests {
    use super::in_one_line;

    #[test]
    fn a_name_is_one_line_of_a_list() {
        for (given, name) in [
            ("build", "build"),
            (" two  words ", "two  words"),
            ("a\nzzzzzzzz  idle", "a zzzzzzzz  idle"),
            ("\u{1b}[31mred", "[31mred"),
            ("\r\n\u{85}", ""),
        ] {
            assert_eq!(in_one_line(given), name);
        }
    }
}
