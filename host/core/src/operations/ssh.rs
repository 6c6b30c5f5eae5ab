//! Sessions on another machine, through the system's `ssh`.
//!
//! ssh runs on the session's terminal like a shell. What it asks for there, a
//! password or a passphrase, the gate types where nothing shows it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quarterdeck_terminal::deadline::LONGEST_WAIT;
use quarterdeck_terminal::quoting::posix_word;
use quarterdeck_terminal::{Cursor, Until, WaitEnd};
use regex::Regex;

use super::create::{CreateSession, Program};
use super::read::read_text;
use crate::backends::BackendChoice;
use crate::caller::Caller;
use crate::error::HostError;
use crate::host::Host;
use crate::secret::Secret;
use crate::session::{BackendKind, Session, SessionId};

/// After the login the remote shell may take this long to say something, and is
/// taken to be ready when it has been quiet for [`READY_AFTER`].
const READY_PATIENCE: Duration = Duration::from_secs(3);
const READY_AFTER: Duration = Duration::from_millis(200);

/// What ssh said last is told with a failure: so much of it.
const MOST_DETAIL: usize = 2000;

/// How ssh is used.
#[derive(Clone, Debug)]
pub struct SshSettings {
    /// Whether the key of a host that was never seen is accepted. A changed key
    /// never is.
    pub accept_new_hosts: bool,
    /// The file of known hosts; ssh's own where there is none.
    pub known_hosts: Option<PathBuf>,
    /// How long a login may take.
    pub timeout: Duration,
}

impl Default for SshSettings {
    fn default() -> Self {
        Self {
            accept_new_hosts: true,
            known_hosts: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Where to log in. Made by [`SshTarget::new`], which lets nothing through that
/// ssh could take for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    host: String,
    user: String,
    port: u16,
    key_file: Option<PathBuf>,
}

impl SshTarget {
    /// A target; the error names the argument that cannot be.
    pub fn new(
        host: &str,
        user: &str,
        port: u16,
        key_file: Option<&Path>,
    ) -> Result<Self, HostError> {
        check_word("host", host, "._:%-")?;
        check_word("username", user, "._@+\\-")?;
        if port == 0 {
            return Err(HostError::InvalidParameters(
                "port 0 is none: give 1 to 65535".to_owned(),
            ));
        }
        if let Some(file) = key_file {
            let text = file.to_string_lossy();
            if !file.is_absolute() || text.chars().any(|c| c.is_control() || "%$\"".contains(c)) {
                return Err(HostError::InvalidParameters(format!(
                    "key_file {text:?} cannot be: give an absolute path without %, $ and quotes"
                )));
            }
            if !file.is_file() {
                return Err(HostError::InvalidParameters(format!(
                    "key_file {text:?} is not a file on this machine"
                )));
            }
        }
        Ok(Self {
            host: host.to_owned(),
            user: user.to_owned(),
            port,
            key_file: key_file.map(Path::to_owned),
        })
    }

    /// The command line that policies judge.
    fn command_line(&self) -> String {
        let key = match &self.key_file {
            Some(file) => format!("-i {} ", posix_word(&file.to_string_lossy())),
            None => String::new(),
        };
        format!(
            "ssh {key}-p {} -l {} -- {}",
            self.port, self.user, self.host
        )
    }

    fn arguments(&self, settings: &SshSettings) -> Vec<OsString> {
        let hosts = match settings.accept_new_hosts {
            true => "accept-new",
            false => "yes",
        };
        let mut options = vec![
            format!("StrictHostKeyChecking={hosts}"),
            format!("ConnectTimeout={}", settings.timeout.as_secs().max(1)),
            "NumberOfPasswordPrompts=1".to_owned(),
            // Says so when it has logged in.
            "LogLevel=VERBOSE".to_owned(),
            // Keys must not reach ssh's own command line, which runs commands here.
            "EscapeChar=none".to_owned(),
            "PermitLocalCommand=no".to_owned(),
            // A connection that is lost ends the session within a minute.
            "ServerAliveInterval=15".to_owned(),
            "ServerAliveCountMax=3".to_owned(),
        ];
        if let Some(file) = &settings.known_hosts {
            options.push(format!("UserKnownHostsFile=\"{}\"", file.display()));
        }
        let mut arguments: Vec<OsString> = Vec::new();
        for option in options {
            arguments.extend(["-o".into(), option.into()]);
        }
        if let Some(file) = &self.key_file {
            arguments.extend(["-o".into(), "IdentitiesOnly=yes".into()]);
            arguments.extend(["-i".into(), file.into()]);
        }
        arguments.extend(["-p".into(), self.port.to_string().into()]);
        arguments.extend(["-l".into(), OsString::from(&self.user)]);
        arguments.extend(["--".into(), OsString::from(&self.host)]);
        arguments
    }
}

/// Letters, digits and `others`, not beginning with `-`.
fn check_word(name: &str, word: &str, others: &str) -> Result<(), HostError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    if !word.is_empty() && word.len() <= 255 && !word.starts_with('-') && word.chars().all(fits) {
        return Ok(());
    }
    Err(HostError::InvalidParameters(format!(
        "{name} {word:?} cannot be: give letters, digits and any of {others}, not beginning with -"
    )))
}

/// A login that came to nothing. The texts are those that clients know.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// Not even tried, or not finished for reasons of the host's own.
    #[error(transparent)]
    Host(#[from] HostError),
    /// ssh asked, and there was nothing to answer.
    #[error("Password required")]
    PasswordRequired,
    /// Nobody answered in time.
    #[error("SSH connection timed out")]
    TimedOut {
        /// What ssh said.
        detail: String,
    },
    /// ssh gave up.
    #[error("SSH connection failed")]
    Failed {
        /// What ssh said.
        detail: String,
    },
}

/// What ssh says that matters, in the order in which it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    LoggedIn,
    AsksPassword,
    AsksPassphrase,
}

impl Said {
    /// The line that tells of a login, or a question at the end of what was
    /// printed: the cursor stands behind it.
    const PATTERN: &str = r"(?im)^Authenticated to |^[^\n]*(?:password|passphrase)[^\n]*: ?\z";

    fn of(matched: &str) -> Self {
        let matched = matched.to_ascii_lowercase();
        if matched.starts_with("authenticated to ") {
            Self::LoggedIn
        } else if matched.contains("passphrase") {
            Self::AsksPassphrase
        } else {
            Self::AsksPassword
        }
    }
}

impl Host {
    /// Opens a session on another machine and logs in. The login is judged as the
    /// command line that it amounts to; `password` answers ssh's question for a
    /// password, or for the passphrase of the key.
    pub async fn connect_ssh(
        &self,
        target: &SshTarget,
        password: Option<&Secret>,
        caller: &Caller,
    ) -> Result<SessionId, SshError> {
        let name = format!("ssh {}@{}", target.user, target.host);
        self.gate
            .pass_opening(&target.command_line(), &name, caller)
            .await?;
        let settings = &self.sessions.ssh;
        let program = Program {
            path: Some("ssh".into()),
            args: target.arguments(settings),
            remote_host: Some(target.host.clone()),
        };
        let request = CreateSession {
            name: Some(name),
            // Questions are put on the terminal, to nobody else's window.
            env: vec![("SSH_ASKPASS_REQUIRE".to_owned(), "never".to_owned())],
            // Only of a device of our own is it known whether it shows a password.
            backend: Some(BackendChoice::Only(BackendKind::Pty)),
            ..CreateSession::default()
        };
        let session = self.open_program(program, request).await?;
        let login = self.log_in(&session, target, password, settings.timeout, caller);
        if let Err(error) = login.await {
            session.close().await;
            return Err(error);
        }
        Ok(session.keep().id.clone())
    }

    async fn log_in(
        &self,
        session: &Arc<Session>,
        target: &SshTarget,
        password: Option<&Secret>,
        timeout: Duration,
        caller: &Caller,
    ) -> Result<(), SshError> {
        let pattern = Regex::new(Said::PATTERN)
            .map_err(|error| HostError::Internal(format!("ssh's questions: {error}")))?;
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut from = Cursor::START;
        let mut answered: Option<Said> = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let until = Until::Pattern(pattern.clone());
            let waited = session.terminal.wait(until, Some(from), left).await;
            let said = match (waited.end, waited.matched) {
                (WaitEnd::Met, Some(matched)) => Said::of(&matched),
                (WaitEnd::TimedOut, _) => {
                    let detail = last_words(session).await;
                    return Err(SshError::TimedOut { detail });
                }
                _ => return Err(ended(last_words(session).await)),
            };
            from = waited.cursor;
            match (said, password) {
                (Said::LoggedIn, _) => break,
                (_, None) => return Err(SshError::PasswordRequired),
                (question, Some(_)) if answered == Some(question) => {
                    let detail = "the password was not accepted".to_owned();
                    return Err(SshError::Failed { detail });
                }
                (question, Some(password)) => {
                    let purpose = match question {
                        Said::AsksPassphrase => "the passphrase of an ssh key",
                        _ => "an ssh login",
                    };
                    let purpose = format!("{purpose}, {}@{}", target.user, target.host);
                    self.gate
                        .type_secret(session, password, &purpose, caller)
                        .await?;
                    answered = Some(question);
                }
            }
        }
        session
            .terminal
            .wait(Until::Quiet(READY_AFTER), None, READY_PATIENCE)
            .await;
        Ok(())
    }
}

/// Why ssh ended before it had logged in.
fn ended(detail: String) -> SshError {
    if detail.contains("timed out") {
        SshError::TimedOut { detail }
    } else {
        SshError::Failed { detail }
    }
}

async fn last_words(session: &Session) -> String {
    let words = read_text(session, Cursor::START, None, 64 * 1024)
        .await
        .text;
    let words = words.trim();
    let start = words.len().saturating_sub(MOST_DETAIL);
    words[words.ceil_char_boundary(start)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_for_an_option_or_a_second_word() {
        for (host, user) in [
            ("-oProxyCommand=id", "ada"),
            ("--", "ada"),
            ("host", "-v"),
            ("host name", "ada"),
            ("host;id", "ada"),
            ("host\nid", "ada"),
            ("", "ada"),
            ("host", ""),
            ("host", "ada;id"),
            ("ssh://host", "ada"),
        ] {
            assert!(
                SshTarget::new(host, user, 22, None).is_err(),
                "{host:?} {user:?}"
            );
        }
        assert!(SshTarget::new("host", "ada", 0, None).is_err());
        for file in ["key", "-oProxyCommand=id", "/no/such/key"] {
            let file = Some(Path::new(file));
            assert!(SshTarget::new("host", "ada", 22, file).is_err(), "{file:?}");
        }
        for host in ["example.org", "10.0.0.7", "::1", "fe80::1%eth0", "my-box_2"] {
            assert!(SshTarget::new(host, "ada", 22, None).is_ok(), "{host}");
        }
    }

    #[test]
    fn the_host_comes_last_behind_the_end_of_options() {
        let target = SshTarget::new("host", "ada", 2222, None).expect("a target");
        let arguments = target.arguments(&SshSettings::default());
        let last: Vec<_> = arguments.iter().rev().take(6).rev().collect();
        assert_eq!(last, ["-p", "2222", "-l", "ada", "--", "host"]);
        assert_eq!(target.command_line(), "ssh -p 2222 -l ada -- host");
    }

    #[test]
    fn questions_are_known_at_the_end_of_what_was_printed() {
        let pattern = Regex::new(Said::PATTERN).expect("a pattern");
        let said = |text| pattern.find(text).map(|found| Said::of(found.as_str()));
        assert_eq!(said("ada@host's password: "), Some(Said::AsksPassword));
        assert_eq!(said("(ada@host) Password:"), Some(Said::AsksPassword));
        assert_eq!(
            said("Enter passphrase for key '/k': "),
            Some(Said::AsksPassphrase)
        );
        assert_eq!(
            said("Authenticated to host ([::1]:22) using \"publickey\".\n"),
            Some(Said::LoggedIn)
        );
        assert_eq!(said("Change your password: soon\nWelcome"), None);
    }
}
