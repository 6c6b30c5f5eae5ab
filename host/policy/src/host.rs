//! The door to everything: start, ask, list, look again, stop.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::catalogue::Catalogue;
use crate::engine::{EngineError, PolicyEngine};
use crate::generation::Generation;
use crate::incident::Incidents;
use crate::quarantine::Change;
use crate::reload::{Command, Published, Reloader};
use crate::{
    IncidentKind, PolicyIncident, PolicyStatus, ReviewRequest, Ruling, Settings, Tier, Verdict,
};

/// How many commands may wait for the reloader.
const COMMANDS: usize = 16;

/// All policies of this process. Clones are handles to the same host, which
/// ends with the last of them or with [`PolicyHost::shutdown`].
#[derive(Clone)]
pub struct PolicyHost {
    commands: mpsc::Sender<Command>,
    published: watch::Receiver<Published>,
    incidents: Incidents,
}

/// The host cannot start. A bad component is never the cause: that is an
/// incident.
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
    /// background, one at a time.
    ///
    /// `incidents` is told of everything that goes wrong with a policy. It is
    /// called on the host's own threads and on those of callers, and must not
    /// block.
    pub fn start(
        settings: Settings,
        incidents: impl Fn(PolicyIncident) + Send + Sync + 'static,
    ) -> Result<PolicyHost, StartError> {
        let incidents = Incidents::new(incidents);
        let engine = PolicyEngine::new()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (publisher, published) = watch::channel(Published::default());
        std::thread::Builder::new()
            .name(String::from("policy-reload"))
            .spawn({
                let incidents = incidents.clone();
                move || {
                    let reloader = Reloader::new(settings, engine, incidents, publisher);
                    runtime.block_on(reloader.run(inbox));
                }
            })?;
        Ok(PolicyHost {
            commands,
            published,
            incidents,
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
            incidents: self.incidents.clone(),
        }
    }

    /// The latest catalogue; an empty one, under which nothing is approved,
    /// when the host stopped before it was ready.
    async fn catalogue(&self) -> Arc<Catalogue> {
        let mut published = self.published.clone();
        match published.wait_for(|published| published.ready).await {
            Ok(published) => Arc::clone(&published.catalogue),
            Err(_) => Arc::default(),
        }
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

/// The approvers at one moment. A swap does not touch it: what was pinned
/// answers to the end.
#[derive(Clone)]
pub struct Approvers {
    catalogue: Arc<Catalogue>,
    incidents: Incidents,
}

impl Approvers {
    /// Asks every approver, in their order; the strictest verdict counts.
    ///
    /// There is no error: an approver that fails, is missing or cannot be
    /// believed says `dangerous`, with the reason.
    pub async fn review(&self, request: &ReviewRequest) -> Ruling {
        let mut all = Vec::with_capacity(self.catalogue.approvers.len());
        for (generation, approver) in self.catalogue.approvers() {
            let (verdict, change) = generation.review(approver, request).await;
            if let Some(change) = change {
                self.report(generation, change, &verdict);
            }
            all.push(verdict);
        }
        for missing in &self.catalogue.missing {
            all.push(refusal(
                &missing.name,
                "host/required-missing",
                format!(
                    "refused, because the approver `{}` is required and cannot be asked: {}",
                    missing.name, missing.reason
                ),
            ));
        }
        Ruling::strictest(all, || {
            refusal(
                "none",
                "host/no-approver",
                String::from("refused, because no approver is loaded"),
            )
        })
    }

    fn report(&self, generation: &Generation, change: Change, verdict: &Verdict) {
        let (kind, reason) = match change {
            Change::Quarantined => (
                IncidentKind::Quarantined,
                format!(
                    "it failed several times in a row, and counts as `dangerous` until a trial call succeeds; last: {}",
                    verdict.reason
                ),
            ),
            Change::Released => (
                IncidentKind::Released,
                String::from("it answered again and is believed again"),
            ),
        };
        self.incidents.raise(PolicyIncident {
            kind,
            policy: generation.name.clone(),
            file: None,
            reason,
            serving: Some(generation.serving()),
        });
    }
}

/// What the host itself says when there is nobody to ask.
fn refusal(policy: &str, rule: &str, reason: String) -> Verdict {
    Verdict {
        tier: Tier::Dangerous,
        reason,
        rule: Some(rule.to_owned()),
        span: None,
        suggestion: Some(String::from(
            "look at the list of policies; it says what is wrong with each",
        )),
        policy: policy.to_owned(),
        generation: 0,
        digest: String::new(),
    }
}
