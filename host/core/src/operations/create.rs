//! Opening a session.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use quarterdeck_terminal::{Beside, OpenRequest, Opened, Size};

use super::shells;
use crate::backends::BackendChoice;
use crate::caller::Caller;
use crate::error::HostError;
use crate::gate::{Door, VerdictReport};
use crate::host::Host;
use crate::seen::Seen;
use crate::session::{BackendKind, CurrentTask, Session, SessionId, Tags};

/// Names of environment variables that run code when a shell or a program
/// starts, or that change what a command line means. What they hold would pass
/// the gate unseen.
const VARIABLES_THAT_RUN_CODE: &[&str] = &[
    "BASHOPTS",
    "BASH_ENV",
    "ENV",
    "FPATH",
    "GCONV_PATH",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "IFS",
    "INPUTRC",
    "LESSCLOSE",
    "LESSOPEN",
    "NODE_OPTIONS",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PYTHONSTARTUP",
    "RUBYOPT",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "ZDOTDIR",
];

/// Beginnings of such names.
const PREFIXES_THAT_RUN_CODE: &[&str] =
    &["BASH_FUNC_", "DYLD_", "GIT_CONFIG", "LD_", "QUARTERDECK_"];

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
    /// What is to carry it; the configured one where there is none.
    pub backend: Option<BackendChoice>,
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
        let command = request.command.clone();
        let session = self.open(request).await?;
        let verdict = match command {
            None => None,
            Some(command) => match self.gate.run(&session, &command, caller).await {
                Ok(running) => Some(running.verdict),
                // No session is left behind for a command that may not run. One
                // that waits for a yes is bound to its session, which stays.
                Err(confirmation @ HostError::ConfirmationRequired(_)) => return Err(confirmation),
                Err(error) => {
                    self.session_ends(&session.id);
                    session.terminal.close().await;
                    return Err(error);
                }
            },
        };
        Ok(CreatedSession {
            id: session.id.clone(),
            name: session.name.clone(),
            created_at: session.created_at,
            verdict,
        })
    }

    /// The session with this id, or the caller's default session, opened when it
    /// is first needed and again when its shell has ended.
    pub(crate) async fn session_or_default(
        &self,
        id: Option<&str>,
        caller: &Caller,
    ) -> Result<Arc<Session>, HostError> {
        if let Some(id) = id {
            return self.registry.get(id);
        }
        let mut defaults = self.registry.defaults().await;
        if let Some(id) = defaults.get(&caller.connection)
            && let Ok(session) = self.registry.get(id.as_str())
            && !session.terminal.status().await.has_ended()
        {
            return Ok(session);
        }
        let session = self
            .open(CreateSession {
                name: Some("default".to_owned()),
                ..CreateSession::default()
            })
            .await?;
        defaults.insert(caller.connection.clone(), session.id.clone());
        Ok(session)
    }

    /// The id of the session that a call without one would use, opened if need be; or
    /// the one that was given, if it exists.
    pub async fn session_of(
        &self,
        id: Option<&str>,
        caller: &Caller,
    ) -> Result<SessionId, HostError> {
        let session = self.session_or_default(id, caller).await?;
        Ok(session.id.clone())
    }

    /// Closes what a connection leaves behind: its default session, unless a
    /// command still runs there.
    pub async fn connection_ended(&self, connection: &str) {
        self.agents.connection_ended(connection);
        let Some(id) = self.registry.defaults().await.remove(connection) else {
            return;
        };
        let Ok(session) = self.registry.get(id.as_str()) else {
            return;
        };
        if !session.terminal.status().await.is_running() {
            self.session_ends(&id);
            session.terminal.close().await;
        }
    }

    pub(crate) async fn open(&self, request: CreateSession) -> Result<Arc<Session>, HostError> {
        self.open_beside(request, None).await
    }

    /// Opens a session with a shell, without its first command, in a place of its
    /// own or beside another session of its backend.
    pub(crate) async fn open_beside(
        &self,
        request: CreateSession,
        beside: Option<Beside>,
    ) -> Result<Arc<Session>, HostError> {
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
    ) -> Result<Arc<Session>, HostError> {
        self.open_program_beside(program, request, None).await
    }

    async fn open_program_beside(
        &self,
        program: Program,
        request: CreateSession,
        beside: Option<Beside>,
    ) -> Result<Arc<Session>, HostError> {
        refuse_variables_that_run_code(&request.env)?;
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
        let id = self.registry.free_id()?;
        let backend = request.backend.unwrap_or(self.sessions.backend);
        let backend = self.kind_of(backend).await;
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
        let opening = OpenRequest {
            shell: program.path.clone(),
            args: program.args,
            cwd: request.working_directory,
            env: request.env,
            size,
            beside,
            scrollback_lines: self.sessions.scrollback_lines,
            transcript_bytes: self.sessions.transcript_bytes,
            shell_integration: self.sessions.shell_integration,
            session_id: id.to_string(),
        };
        let Opened {
            terminal,
            keyboard,
            marks,
        } = self.open_on(backend, opening).await?;
        let session = Arc::new(Session {
            name: request
                .name
                .filter(|name| !name.trim().is_empty())
                .unwrap_or_else(|| id.to_string()),
            id,
            backend,
            program: program_name(program.path),
            remote_host: program.remote_host,
            reopening,
            tags: Tags::new(request.tags),
            created_at: SystemTime::now(),
            terminal,
            door: Door::new(keyboard),
            run_turn: tokio::sync::Mutex::default(),
            task: CurrentTask::default(),
            seen: Seen::default(),
        });
        self.session_begins(&session, folder, marks.as_ref());
        Ok(session)
    }
}

/// The program in words; where nobody chose one, it is the user's shell.
fn program_name(path: Option<PathBuf>) -> String {
    path.map(|path| path.display().to_string())
        .or_else(|| std::env::var("SHELL").ok())
        .unwrap_or_else(|| "the user's shell".to_owned())
}

fn refuse_variables_that_run_code(env: &[(String, String)]) -> Result<(), HostError> {
    for (name, _) in env {
        let runs_code = VARIABLES_THAT_RUN_CODE.contains(&name.as_str())
            || PREFIXES_THAT_RUN_CODE
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if runs_code {
            return Err(HostError::InvalidParameters(format!(
                "env may not set {name}: its value would run or change commands without passing the gate; set it by a command in the session instead"
            )));
        }
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(HostError::InvalidParameters(format!(
                "env has the impossible variable name {name:?}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_run_code_are_refused() {
        for name in [
            "PROMPT_COMMAND",
            "LD_PRELOAD",
            "BASH_FUNC_ls%%",
            "BASH_ENV",
            "A=B",
            "",
        ] {
            let env = [(name.to_owned(), "x".to_owned())];
            assert!(refuse_variables_that_run_code(&env).is_err(), "{name}");
        }
        let env = [("PATH".to_owned(), "/bin".to_owned())];
        assert!(refuse_variables_that_run_code(&env).is_ok());
    }
}
