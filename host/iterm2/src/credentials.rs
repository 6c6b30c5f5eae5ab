//! The cookie and the key that let a client in.
//!
//! A cookie is good for one handshake. The environment may bring one (iTerm2 puts it there for
//! scripts that it starts); every further one is asked for through macOS's `osascript`.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;

/// How long a person may take to answer iTerm2's question.
const PATIENCE: Duration = Duration::from_secs(60);

/// One cookie with its key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) cookie: String,
    pub(crate) key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

/// Why there is no cookie.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// Scripts are not let in at all.
    #[error(
        "iTerm2's Python API is not enabled: switch it on in Settings > General > Magic, and try again"
    )]
    ApiDisabled,
    /// The user said no.
    #[error("the user refused to let {name} control iTerm2; ask again when they agree")]
    Refused {
        /// The name that was asked for.
        name: String,
    },
    /// macOS does not let this program control others.
    #[error(
        "macOS does not let this program control iTerm2: allow it in System Settings > Privacy & Security > Automation"
    )]
    AutomationDenied,
    /// The program that asks could not be run.
    #[error("cannot run {} to ask iTerm2 for a cookie", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nobody answered.
    #[error("iTerm2 gave no cookie within {} s; is it waiting for an answer on the screen?", PATIENCE.as_secs())]
    NoAnswer,
    /// The answer was something else.
    #[error("iTerm2 gave no cookie: {reason}")]
    Other {
        /// What was said.
        reason: String,
    },
}

/// Where cookies come from.
#[derive(Debug)]
pub struct CredentialSource {
    first: Option<Credentials>,
    /// Asks, as `osascript` does: a script on its standard input, `COOKIE KEY` as the answer.
    program: Option<PathBuf>,
    /// What the client calls itself.
    name: String,
    application: String,
}

impl CredentialSource {
    /// `ITERM2_COOKIE` and `ITERM2_KEY` first, then, on macOS, `osascript`. `name` is what the
    /// user is shown. `IT2_APP_PATH` names another iTerm2 than the usual one.
    pub fn of_environment(name: impl Into<String>) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let first = variable("ITERM2_COOKIE").map(|cookie| Credentials {
            cookie,
            key: variable("ITERM2_KEY").unwrap_or_default(),
        });
        Self {
            first,
            program: cfg!(target_os = "macos").then(|| "/usr/bin/osascript".into()),
            name: name.into(),
            application: variable("IT2_APP_PATH").unwrap_or_else(|| "iTerm2".to_owned()),
        }
    }

    /// No cookies: for an iTerm2 that does not ask for them.
    pub fn none(name: impl Into<String>) -> Self {
        Self {
            first: None,
            program: None,
            name: name.into(),
            application: "iTerm2".to_owned(),
        }
    }

    /// Asks this program, which behaves as `osascript` does, in place of the environment.
    pub fn asking(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            program: Some(program.into()),
            ..Self::none(name)
        }
    }

    /// What the client calls itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A cookie that was not used yet; none where there is nobody to ask.
    pub(crate) async fn next(&mut self) -> Result<Option<Credentials>, CredentialError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(program) = &self.program else {
            return Ok(None);
        };
        let failed = |source| CredentialError::Program {
            program: program.clone(),
            source,
        };
        let mut asking = Command::new(program)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let script = self.script();
        let answer = async {
            if let Some(mut input) = asking.stdin.take() {
                // A program that does not read the script answers all the same.
                let _ = tokio::io::AsyncWriteExt::write_all(&mut input, script.as_bytes()).await;
            }
            asking.wait_with_output().await
        };
        let output = tokio::time::timeout(PATIENCE, answer)
            .await
            .map_err(|_| CredentialError::NoAnswer)?
            .map_err(failed)?;
        let told = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(self.error_of(&complaint));
        }
        match told.trim().split_once(' ') {
            Some((cookie, key)) => Ok(Some(Credentials {
                cookie: cookie.to_owned(),
                key: key.to_owned(),
            })),
            None => Err(CredentialError::Other {
                reason: "the answer was no cookie and key".to_owned(),
            }),
        }
    }

    fn script(&self) -> String {
        format!(
            "tell application {} to request cookie and key for app named {}",
            quoted(&self.application),
            quoted(&self.name)
        )
    }

    /// AppleScript says what went wrong in words, with a number in brackets at the end.
    fn error_of(&self, complaint: &str) -> CredentialError {
        let complaint = complaint.trim();
        let number = complaint
            .rsplit_once('(')
            .and_then(|(_, number)| number.strip_suffix(')'))
            .and_then(|number| number.parse::<i32>().ok());
        match number {
            Some(1) => CredentialError::ApiDisabled,
            Some(2) => CredentialError::Refused {
                name: self.name.clone(),
            },
            Some(-1743) => CredentialError::AutomationDenied,
            _ => CredentialError::Other {
                reason: complaint.to_owned(),
            },
        }
    }
}

/// A text as AppleScript writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that can be run at once. Another process writes it: a child that a
    /// test beside this one is about to start would hold our descriptor open, and
    /// what is open for writing cannot be executed.
    fn program(folder: &std::path::Path, script: &str) -> PathBuf {
        let (text, path) = (folder.join("script"), folder.join("osascript"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).expect("a file");
        let mut install = std::process::Command::new("install");
        let installed = install.args(["-m", "700"]).args([&text, &path]).status();
        assert!(installed.expect("install runs").success());
        path
    }

    #[tokio::test]
    async fn the_program_is_asked_with_the_name_of_the_client() {
        let folder = tempfile::tempdir().expect("a folder");
        let asked = program(
            folder.path(),
            "read -r line; case $line in *'named \"q \\\"x\\\"\"'*) echo cafe KEY-1;; *) exit 1;; esac",
        );
        let mut source = CredentialSource::asking("q \"x\"", asked);
        let credentials = source.next().await.expect("an answer").expect("a cookie");
        assert_eq!(credentials.cookie, "cafe");
        assert_eq!(credentials.key, "KEY-1");
        assert!(!format!("{credentials:?}").contains("cafe"));
    }

    #[tokio::test]
    async fn every_refusal_has_a_sentence_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, sentence) in [
            ("1", "not enabled"),
            ("2", "refused"),
            ("-1743", "Privacy & Security"),
            ("77", "gave no cookie: 0:5: error: Hm. (77)"),
        ] {
            let complaint = format!("echo '0:5: error: Hm. ({number})' >&2; exit 1");
            let mut source = CredentialSource::asking("q", program(folder.path(), &complaint));
            let error = source.next().await.expect_err("a refusal");
            assert!(error.to_string().contains(sentence), "{error}");
        }
    }
}
