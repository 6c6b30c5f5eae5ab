//! The owner's side: errands that are out, and the one connection for all of them.
//!
//! Nothing is connected before the first errand. The map of errands is shared by those
//! who send ([`sending`](crate::sending)) and the one who listens
//! ([`news`](crate::news)); it is locked for moments only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use quarterdeck_core::tasks::{
    Errand, ErrandKey, ErrandNews, ErrandSentBefore, ErrandTold, Machine, Machines, OwnerId,
    Pending, Unreachable,
};
use tokio::sync::{OnceCell, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::announcing::keep_roster;
use crate::connection::{Connection, NatsError};
use crate::news::{answer_claims, hear_progress, hear_what_is_held, take_news};
use crate::sending;
use crate::settings::NatsSettings;
use crate::subjects::{Claim, TagSet};

/// News of one errand that may wait for whoever follows it.
const NEWS: usize = 16;

/// After a connection could not be made, so long until the next try.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Machines on a NATS server.
pub struct NatsMachines {
    owner: Arc<Owner>,
}

/// What all the tasks of this side share; they end with [`NatsMachines`].
pub(crate) struct Owner {
    settings: NatsSettings,
    connection: OnceCell<Connection>,
    out: Mutex<HashMap<ErrandKey, ErrandOut>>,
    roster: watch::Sender<Arc<[Machine]>>,
    gone: CancellationToken,
}

/// An errand that is out.
pub(crate) struct ErrandOut {
    news: mpsc::Sender<ErrandTold>,
    /// Where the work queue has it, once it is sent.
    pub(crate) subject: String,
    /// The tags that it asks for.
    pub(crate) tags: TagSet,
    pub(crate) sent: bool,
    /// The machine that may begin it, or has.
    pub(crate) machine: Option<String>,
    /// Whether an earlier host may have let a machine begin it.
    asked_before: bool,
    /// When a machine last said that it has it.
    held: Option<Instant>,
}

impl ErrandOut {
    /// Whether a machine has said that it has it, within this time.
    pub(crate) fn is_held(&self, within: Duration) -> bool {
        self.held.is_some_and(|held| held.elapsed() < within)
    }

    /// Who may have begun it, as far as is known here: whoever begins asks first.
    pub(crate) fn may_have_begun(&self) -> Option<String> {
        let somebody = || self.asked_before.then(|| "(some machine)".to_owned());
        self.machine.clone().or_else(somebody)
    }
}

impl NatsMachines {
    /// Machines on the server that `settings` speaks of. Connects when they are first
    /// asked for.
    pub fn new(settings: NatsSettings) -> Self {
        Self {
            owner: Arc::new(Owner {
                settings,
                connection: OnceCell::new(),
                out: Mutex::default(),
                roster: watch::Sender::new(Arc::from([])),
                gone: CancellationToken::new(),
            }),
        }
    }
}

impl Machines for NatsMachines {
    fn reach(&self, patience: Duration) -> Pending<'_, Result<(), Unreachable>> {
        Box::pin(async move {
            let unreachable = |error: String| Unreachable(error);
            match tokio::time::timeout(patience, self.owner.connection()).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(unreachable(error.to_string())),
                Err(_) => Err(unreachable(format!(
                    "the NATS server at {} does not answer",
                    self.owner.settings.told()
                ))),
            }
        })
    }

    fn listen(&self, owner: OwnerId) {
        let (this, silence) = (Arc::downgrade(&self.owner), self.owner.settings.silence);
        tokio::spawn(async move {
            let Some(connection) = connected(&this).await else {
                return;
            };
            let sweep = sending::look_for_the_lost(
                this.clone(),
                connection.clone(),
                owner.clone(),
                silence,
            );
            let progress = hear_progress(this.clone(), connection.clone(), owner.clone());
            let held = hear_what_is_held(this.clone(), connection.clone(), owner.clone());
            let claims = answer_claims(this.clone(), connection.clone(), owner.clone());
            let news = take_news(this, connection, owner);
            tokio::join!(news, progress, held, claims, sweep);
        });
    }

    fn send(&self, errand: Errand, way: Option<&ErrandSentBefore>) -> mpsc::Receiver<ErrandTold> {
        let (news, told) = mpsc::channel(NEWS);
        let was_sent = way.is_some_and(|way| way.was_sent);
        let out = ErrandOut {
            news,
            subject: sending::subject(&errand),
            tags: TagSet::of(&errand.tags),
            sent: was_sent,
            machine: way.and_then(ErrandSentBefore::machine).map(str::to_owned),
            asked_before: was_sent,
            held: None,
        };
        self.owner.out().insert(errand.key.clone(), out);
        if !was_sent {
            tokio::spawn(sending::send(Arc::downgrade(&self.owner), errand));
        }
        told
    }

    fn recall(&self, key: &ErrandKey) {
        let owner = Arc::downgrade(&self.owner);
        tokio::spawn(sending::recall(owner, key.clone()));
    }

    fn trouble(&self) -> Option<Unreachable> {
        let connection = self.owner.connection.get();
        let lost =
            |connection: &Connection| connection.client.connection_state() != State::Connected;
        connection.is_none_or(lost).then(|| {
            Unreachable(format!(
                "there is no connection to the NATS server at {} now: it is tried again until there is one",
                self.owner.settings.told()
            ))
        })
    }

    fn roster(&self) -> watch::Receiver<Arc<[Machine]>> {
        self.owner.roster.subscribe()
    }
}

/// The connection of an owner, however long it takes; `None` once the owner has gone.
pub(crate) async fn connected(owner: &Weak<Owner>) -> Option<Connection> {
    loop {
        let error = match owner.upgrade()?.connection().await {
            Ok(connection) => return Some(connection.clone()),
            Err(error) => error,
        };
        tracing::warn!("tasks for machines wait: {error}");
        tokio::time::sleep(TRY_AGAIN_AFTER).await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl Owner {
    async fn connection(&self) -> Result<&Connection, NatsError> {
        let open = async || {
            let connection = Connection::open(&self.settings, "quarterdeck").await?;
            let gone = self.gone.child_token();
            tokio::spawn(keep_roster(connection.clone(), self.roster.clone(), gone));
            Ok(connection)
        };
        self.connection.get_or_try_init(open).await
    }

    /// The errands that are out.
    pub(crate) fn out(&self) -> MutexGuard<'_, HashMap<ErrandKey, ErrandOut>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody waits for news of it.
    pub(crate) fn is_out(&self, key: &ErrandKey) -> bool {
        self.out().contains_key(key)
    }

    /// Takes note that a machine has it. `false` where nobody waits for it.
    pub(crate) fn is_held(&self, key: &ErrandKey) -> bool {
        let mut errands = self.out();
        let out = errands.get_mut(key);
        out.map(|out| out.held = Some(Instant::now())).is_some()
    }

    /// Whether a machine may begin an errand: one may, however many ask.
    pub(crate) fn claim(&self, key: &ErrandKey, machine: &str) -> Claim {
        let mut errands = self.out();
        let Some(out) = errands.get_mut(key) else {
            return Claim::Gone;
        };
        match out.machine.get_or_insert_with(|| machine.to_owned()) == machine {
            true => Claim::Granted,
            false => Claim::Another,
        }
    }

    /// Tells whoever follows an errand. What is told last ends its being out. `false`
    /// where nobody follows it.
    pub(crate) async fn tell(&self, key: &ErrandKey, mut told: ErrandTold) -> bool {
        let news = {
            let mut errands = self.out();
            match &mut told.news {
                ErrandNews::Ended(_) => errands.remove(key).map(|out| out.news),
                ErrandNews::FellSilent { may_have_begun, .. } => errands.remove(key).map(|out| {
                    if may_have_begun.is_none() {
                        *may_have_begun = out.machine;
                    }
                    out.news
                }),
                ErrandNews::Begun { machine, .. } => errands.get_mut(key).map(|out| {
                    out.machine = Some(machine.clone());
                    out.news.clone()
                }),
                ErrandNews::Sent | ErrandNews::Progress { .. } => {
                    errands.get(key).map(|out| out.news.clone())
                }
            }
        };
        match news {
            // Whoever follows it may have gone with the host: then nothing is settled.
            Some(news) => {
                let _ = news.send(told).await;
                true
            }
            None => false,
        }
    }
}
