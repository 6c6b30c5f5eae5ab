//! A host with one approver, in a folder of its own.

use std::fs;
use std::io;
use std::path::PathBuf;

use quarterdeck_policy::{
    CallerFacts, Certainty, Entry, Limits, PolicyHost, PolicyState, PolicyStatus, PromptState,
    ReviewRequest, SessionFacts, Settings, StartError, Verdict,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Approver;

/// The name that the component under test has in its host.
const NAME: &str = "under-test";

/// A host whose only approver is the component under test. Dropping it stops it
/// and removes its folder.
pub struct TestHost {
    runtime: Runtime,
    host: PolicyHost,
    folder: TempDir,
}

/// The component is not in charge.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The host cannot be started on this machine.
    #[error("the host cannot be started: {0}")]
    Start(#[from] StartError),
    /// Its folder cannot be made or written to.
    #[error("the host's folder cannot be written: {0}")]
    Folder(#[from] io::Error),
    /// The configuration is more than TOML can say.
    #[error("the configuration cannot be written as TOML: {0}")]
    Config(#[from] toml::ser::Error),
    /// The host refused the component, or the component its configuration.
    #[error("{0}")]
    Refused(String),
}

impl TestHost {
    /// Starts a host without any policy.
    ///
    /// # Errors
    ///
    /// When WebAssembly cannot be run here, or no temporary folder be made.
    pub fn start() -> Result<Self, LoadError> {
        let folder = tempfile::Builder::new().prefix("policy-test").tempdir()?;
        let settings = Settings {
            plugins_dir: folder.path().join("plugins"),
            cache_dir: folder.path().join("cache"),
            compiler: None,
            bundled: Vec::new(),
            limits: Limits::default(),
            // Asked to look, it looks; no test has to wait for a notification.
            watch: false,
            kept_instances: Settings::KEPT_BY_ONE_COMMAND,
            required: Vec::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // What goes wrong is read off the list of policies.
        let host = PolicyHost::start(settings, |_| {})?;
        runtime.block_on(host.ready());
        Ok(Self {
            runtime,
            host,
            folder,
        })
    }

    /// Drops `component` into the host's folder, in place of what was there,
    /// with a sidecar that holds `config`, and waits until it is in charge.
    ///
    /// # Errors
    ///
    /// [`LoadError::Refused`] with the words that a user would read.
    pub fn load(&self, component: &[u8], config: &toml::Table) -> Result<(), LoadError> {
        // Without its predecessor, a component that is refused cannot be taken
        // for one that is in charge.
        for file in [self.component(), self.sidecar()] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        self.runtime.block_on(self.host.rescan());
        let sidecar = toml::Table::from_iter([("config".to_owned(), config.clone().into())]);
        fs::write(self.sidecar(), toml::to_string(&sidecar)?)?;
        fs::write(self.component(), component)?;
        self.runtime.block_on(self.host.rescan());
        match self.status() {
            Some(status) if status.state == PolicyState::Active => Ok(()),
            Some(status) => Err(LoadError::Refused(
                status
                    .last_error
                    .unwrap_or_else(|| status.state.to_string()),
            )),
            None => Err(LoadError::Refused("the host did not see it".to_owned())),
        }
    }

    /// What the component says about a command line that an agent hands over
    /// whole, in a session at its prompt.
    pub fn review(&self, command_line: &str) -> Verdict {
        self.review_request(&handed_over(command_line))
    }

    /// What the component says about any request. A component that traps or
    /// runs out of time is `dangerous`, by a rule that begins with `host/`.
    pub fn review_request(&self, request: &ReviewRequest) -> Verdict {
        self.runtime.block_on(async {
            let approvers = self.host.approvers().await;
            approvers.review(request).await.verdict
        })
    }

    /// What the host knows about the component: its size, imports, calls and
    /// their times. `None` before the first was loaded.
    pub fn status(&self) -> Option<PolicyStatus> {
        self.host
            .list()
            .into_iter()
            .find(|status| status.name == NAME)
    }

    fn component(&self) -> PathBuf {
        self.folder
            .path()
            .join("plugins")
            .join(NAME)
            .with_extension("wasm")
    }

    fn sidecar(&self) -> PathBuf {
        self.component().with_extension("toml")
    }
}

/// A component in a [`TestHost`], swapped for itself to be configured otherwise.
pub struct HostedApprover<'a> {
    /// The host.
    pub host: &'a TestHost,
    /// The component's bytes.
    pub component: &'a [u8],
}

impl Approver for HostedApprover<'_> {
    fn configure(&mut self, config: &toml::Table) -> Result<(), LoadError> {
        self.host.load(self.component, config)
    }

    fn review(&mut self, command_line: &str) -> Result<Verdict, String> {
        Ok(self.host.review(command_line))
    }
}

/// The request to judge a command line that an agent hands over whole, in a
/// session at its prompt.
pub fn handed_over(command_line: &str) -> ReviewRequest {
    ReviewRequest {
        command_line: command_line.to_owned(),
        entry: Entry::Command,
        certainty: Certainty::Exact,
        session: SessionFacts {
            id: "test".to_owned(),
            name: "test".to_owned(),
            backend: "pty".to_owned(),
            prompt: PromptState::AtPrompt,
            ..SessionFacts::default()
        },
        caller: CallerFacts {
            kind: "agent".to_owned(),
            transport: "stdio".to_owned(),
            ..CallerFacts::default()
        },
        recent: Vec::new(),
        time_ms: 0,
        attributes: Vec::new(),
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.runtime.block_on(self.host.shutdown());
    }
}
