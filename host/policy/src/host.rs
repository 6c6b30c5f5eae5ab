//! The door to everything: start, ask, list, look again, stop.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::calling::engine::{EngineError, PolicyEngine};
use crate::folder::reload::{Command, Reloader};
use crate::serving::catalogue::Catalogue;
use crate::serving::changes::PolicyChanges;
use crate::serving::problem::Problems;
use crate::serving::reading::THREADS;
use crate::serving::slots::Published;
use crate::{
    Approvers, Distributors, PolicyKind, PolicyProblem, PolicyStatus, ProgressParsers, Recoveries,
    Settings,
};

/// How many commands may wait for the reloader.
const COMMANDS: usize = 16;

/// All policies of this process. Clones are handles to the same host, which
/// ends with the last of them or with [`PolicyHost::shutdown`].
#[derive(Clone)]
pub struct PolicyHost {
    commands: mpsc::Sender<Command>,
    published: watch::Receiver<Published>,
    problems: Problems,
}

/// The host cannot start. A bad component is never the cause: that is an
/// problem.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// WebAssembly cannot be run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The thread that loads policies cannot be started.
    #[error("the thread that loads policies cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl PolicyHost {
    /// Starts the host and returns at once; policies are loaded in the
    /// background, several at a time.
    ///
    /// `problems` is told of everything that goes wrong with a policy. It is
    /// called on the host's own threads and on those of callers, and must not
    /// block.
    pub fn start(
        settings: Settings,
        problems: impl Fn(PolicyProblem) + Send + Sync + 'static,
    ) -> Result<PolicyHost, StartError> {
        let problems = Problems::new(problems);
        let engine = PolicyEngine::new(settings.kept_instances)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("policy-load")
            .enable_all()
            .build()?;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publisher, published) = watch::channel(Published::default());
        std::thread::Builder::new()
            .name(String::from("policy-reload"))
            .spawn({
                let problems = problems.clone();
                move || {
                    let reloader = Reloader::new(settings, engine, problems, publisher);
                    runtime.block_on(reloader.run(inbox));
                    // Nobody waits for what is still being compiled.
                    runtime.shutdown_background();
                }
            })?;
        Ok(PolicyHost {
            commands,
            published,
            problems,
        })
    }

    /// Waits until everything that lay in the folder at the start is loaded or
    /// rejected.
    pub async fn ready(&self) {
        self.catalogue().await;
    }

    /// The approvers as they are now: one immutable snapshot for all calls of
    /// one request. Waits until the host is ready.
    pub async fn approvers(&self) -> Approvers {
        Approvers {
            catalogue: self.catalogue().await,
            problems: self.problems.clone(),
        }
    }

    /// The distributors as they are now. Waits until the host is ready, and the
    /// first time until what is bundled of their kind is loaded.
    pub async fn distributors(&self) -> Distributors {
        Distributors {
            catalogue: self.catalogue_with(PolicyKind::Distributor).await,
            problems: self.problems.clone(),
        }
    }

    /// The progress parsers as they are now. Waits as [`PolicyHost::distributors`]
    /// does.
    pub async fn progress_parsers(&self) -> ProgressParsers {
        ProgressParsers {
            catalogue: self.catalogue_with(PolicyKind::ProgressParser).await,
            problems: self.problems.clone(),
        }
    }

    /// The recoveries as they are now. Waits as [`PolicyHost::distributors`] does.
    pub async fn recoveries(&self) -> Recoveries {
        Recoveries {
            catalogue: self.catalogue_with(PolicyKind::Recovery).await,
            problems: self.problems.clone(),
        }
    }

    /// The latest catalogue with everything in it that is bundled of this kind.
    async fn catalogue_with(&self, kind: PolicyKind) -> Arc<Catalogue> {
        let mut published = self.published.clone();
        let awake = published.borrow().is_awake(kind);
        if !awake && self.commands.send(Command::Awaken(kind)).await.is_err() {
            return Arc::default();
        }
        match published
            .wait_for(|published| published.is_awake(kind))
            .await
        {
            Ok(published) => Arc::clone(&published.catalogue),
            Err(_) => Arc::default(),
        }
    }

    /// The latest catalogue; an empty one, under which nothing is approved,
    /// when the host stopped before it was ready.
    pub(crate) async fn catalogue(&self) -> Arc<Catalogue> {
        let mut published = self.published.clone();
        match published.wait_for(|published| published.ready).await {
            Ok(published) => Arc::clone(&published.catalogue),
            Err(_) => Arc::default(),
        }
    }

    /// Follows which policies are in charge, from those that are now.
    pub fn changes(&self) -> PolicyChanges {
        PolicyChanges::new(self.published.clone())
    }

    /// Every policy as it stands, by name. Before the host is ready, those that
    /// have been dealt with.
    pub fn list(&self) -> Vec<PolicyStatus> {
        let catalogue = Arc::clone(&self.published.borrow().catalogue);
        catalogue.status()
    }

    /// Has the folder looked at, every file read again, and waits until nothing
    /// is left to be done.
    pub async fn rescan(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Rescan(reply)).await.is_ok() {
            // An error means that the host has stopped.
            let _ = done.await;
        }
    }

    /// Stops watching and loading. Calls under way end as usual, and approvers
    /// pinned before stay usable.
    pub async fn shutdown(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Shutdown(reply)).await.is_ok() {
            let _ = done.await;
        }
    }
}
