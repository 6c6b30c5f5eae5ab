//! A machine that takes errands.
//!
//! For each set of tags that it can do, a task of the runtime asks the server for one
//! errand at a time, as long as a slot is free. What comes when the last slot has just
//! been taken is handed back, at most one errand for each set of tags.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use quarterdeck_core::tasks::{
    CallOff, CallOffReceiver, CallOffSender, ErrandKey, Errands, Machine, call_off,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::announcing::{ANNOUNCES_EVERY, MachineName};
use crate::connection::{Connection, NatsError, later};
use crate::running::{Doing, HeldErrand};
use crate::settings::NatsSettings;
use crate::subjects::{Announcement, MACHINES, NEW_TAGS, ROLL_CALL, recall};

/// The server is asked for errands for so long at a time.
const ASKS_FOR: Duration = Duration::from_secs(20);

/// After the server could not be asked, so long until the next try.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// New sets of tags are looked for this often, where nobody tells of one.
const LOOKS_EVERY: Duration = Duration::from_secs(10);

/// What is told to whoever watches, and waits.
const TOLD: usize = 64;

/// As what a machine takes errands.
#[derive(Clone, Debug)]
pub struct MachineSettings {
    /// The server.
    pub nats: NatsSettings,
    /// Its name among machines.
    pub name: MachineName,
    /// What it has: errands that ask for other tags go elsewhere.
    pub tags: Vec<String>,
    /// How many errands it takes at once, 1 or more.
    pub slots: u32,
}

/// What a machine's tasks share.
pub(crate) struct Shared {
    /// Errands that it has, with what calls each off.
    held: Mutex<HashMap<ErrandKey, CallOffSender>>,
    free: watch::Sender<u32>,
    stopping: CancellationToken,
    told: mpsc::Sender<Doing>,
}

/// A machine that takes errands.
pub struct TakingErrands {
    /// What it does, as it does it. What nobody takes in time is not told.
    pub doing: mpsc::Receiver<Doing>,
    shared: Arc<Shared>,
    slots: u32,
    loops: JoinSet<()>,
    connection: Connection,
    leaving: Announcement,
}

/// Begins to take errands, which `errands` carries out. Fails where the server cannot be
/// reached; later it is waited for.
pub async fn take_errands(
    settings: MachineSettings,
    errands: Errands,
) -> Result<TakingErrands, NatsError> {
    let name = format!("quarterdeck worker {}", settings.name);
    let connection = Connection::open(&settings.nats, &name).await?;
    let (told, doing) = mpsc::channel(TOLD);
    let shared = Arc::new(Shared {
        held: Mutex::default(),
        free: watch::Sender::new(settings.slots),
        stopping: CancellationToken::new(),
        told,
    });
    let announcement = Announcement {
        instance: format!("{:032x}", rand::random::<u128>()),
        machine: Machine {
            name: settings.name.to_string(),
            tags: settings.tags.clone(),
            slots: settings.slots,
        },
        leaves: false,
    };
    let leaving = Announcement {
        leaves: true,
        ..announcement.clone()
    };
    let recalled = connection.client.subscribe(recall(&settings.name)).await;
    let recalled = recalled.map_err(|error| later(&error))?;
    let called = connection.client.subscribe(ROLL_CALL).await;
    let called = called.map_err(|error| later(&error))?;
    let mut loops = JoinSet::new();
    loops.spawn(hear_recalls(Arc::clone(&shared), recalled));
    loops.spawn(announce(
        Arc::clone(&shared),
        connection.clone(),
        announcement,
        called,
    ));
    let taking = Taking {
        settings: settings.clone(),
        connection: connection.clone(),
        errands: Arc::new(errands),
        shared: Arc::clone(&shared),
    };
    loops.spawn(taking.take_errands());
    Ok(TakingErrands {
        doing,
        shared,
        slots: settings.slots,
        loops,
        connection,
        leaving,
    })
}

impl TakingErrands {
    /// Takes no more errands, and waits until those that run have ended.
    pub async fn finish(&mut self) {
        self.shared.stopping.cancel();
        publish(&self.connection, &self.leaving).await;
        let slots = self.slots;
        let mut free = self.shared.free.subscribe();
        // The sender is ours.
        let _ = free.wait_for(|free| *free >= slots).await;
    }

    /// Interrupts what runs; its owners are told to give it to somebody else. To be
    /// called after [`finish`](Self::finish) was given up.
    pub fn hand_back(&self) {
        for held in self.shared.held().values() {
            held.call_off(CallOff::HandedBack);
        }
    }

    /// Closes the connection, once everything is said.
    pub async fn close(mut self) {
        self.loops.shutdown().await;
        if let Err(error) = self.connection.client.flush().await {
            tracing::debug!("closing the connection to NATS: {error}");
        }
    }
}

impl Shared {
    /// Takes note of an errand; what calls it off. `None` where it is here already.
    pub(crate) fn holds(&self, key: &ErrandKey) -> Option<CallOffReceiver> {
        let mut held = self.held();
        if held.contains_key(key) {
            return None;
        }
        let (call_off, called_off) = call_off();
        held.insert(key.clone(), call_off);
        Some(called_off)
    }

    /// An errand is over.
    pub(crate) fn releases(&self, key: &ErrandKey) {
        self.held().remove(key);
    }

    /// Whether the machine takes nothing more.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Tells whoever watches, if there is room.
    pub(crate) fn tell(&self, doing: Doing) {
        // Nobody has to watch.
        let _ = self.told.try_send(doing);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ErrandKey, CallOffSender>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot, if one is free.
    fn takes_slot(self: &Arc<Self>) -> Option<Slot> {
        let taken = self.free.send_if_modified(|free| {
            let any = *free > 0;
            *free -= u32::from(any);
            any
        });
        taken.then(|| Slot(Arc::clone(self)))
    }
}

/// A slot that is taken; free again when dropped, however its errand ends.
struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.free.send_modify(|free| *free += 1);
    }
}

async fn hear_recalls(shared: Arc<Shared>, mut recalled: async_nats::Subscriber) {
    while let Some(message) = recalled.next().await {
        let Ok(key) = serde_json::from_slice::<ErrandKey>(&message.payload) else {
            continue;
        };
        if let Some(held) = shared.held().get(&key) {
            held.call_off(CallOff::Cancelled);
        }
    }
}

async fn announce(
    shared: Arc<Shared>,
    connection: Connection,
    announcement: Announcement,
    mut called: async_nats::Subscriber,
) {
    let mut pace = tokio::time::interval(ANNOUNCES_EVERY);
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            _ = pace.tick() => {}
            Some(_) = called.next() => {}
        }
        publish(&connection, &announcement).await;
    }
}

async fn publish(connection: &Connection, announcement: &Announcement) {
    if let Ok(payload) = serde_json::to_vec(announcement) {
        // It is said again soon.
        let _ = connection.client.publish(MACHINES, payload.into()).await;
    }
}

/// Takes errands from the work queue.
#[derive(Clone)]
struct Taking {
    settings: MachineSettings,
    connection: Connection,
    errands: Arc<Errands>,
    shared: Arc<Shared>,
}

impl Taking {
    /// Finds the consumers of errands that this machine can do, and has each asked.
    async fn take_errands(self) {
        let mut asked: HashSet<String> = HashSet::new();
        let mut asking = JoinSet::new();
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        let mut connects = self.connection.connects();
        let Ok(mut new_tags) = self.connection.client.subscribe(NEW_TAGS).await else {
            return;
        };
        loop {
            tokio::select! {
                () = self.shared.stopping.cancelled() => return asking.shutdown().await,
                _ = looks.tick() => {}
                Ok(()) = connects.changed() => {}
                Some(_) = new_tags.next() => {}
                Some(Ok(gone)) = asking.join_next() => {
                    asked.remove(&gone);
                    tokio::time::sleep(TRY_AGAIN_AFTER).await;
                }
            }
            match self.connection.consumers_within(&self.settings.tags).await {
                Ok(consumers) => {
                    for consumer in consumers {
                        let name = consumer.cached_info().name.clone();
                        if asked.insert(name) {
                            asking.spawn(self.clone().ask(consumer));
                        }
                    }
                }
                Err(error) => tracing::debug!("cannot look for errands: {error}"),
            }
        }
    }

    /// Asks one consumer for errands while slots are free. Returns its name when it
    /// cannot be asked any more.
    async fn ask(self, consumer: PullConsumer) -> String {
        let mut free = self.shared.free.subscribe();
        let info = consumer.cached_info();
        let (name, silence) = (info.name.clone(), info.config.ack_wait);
        let mut connects = self.connection.connects();
        loop {
            // The sender is shared with this task.
            let _ = free.wait_for(|free| *free > 0).await;
            // The question stands also when the last slot goes meanwhile, to an errand with
            // other tags: the server may have answered it, and what comes to a question
            // that was dropped is out until whole silence has passed.
            let message = tokio::select! {
                message = next(&consumer) => message,
                // A server that was away has forgotten the question.
                Ok(()) = connects.changed() => continue,
            };
            let message = match message {
                Ok(Some(message)) => message,
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!("asking for errands: {error}");
                    return name;
                }
            };
            let Some(slot) = self.shared.takes_slot() else {
                if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
                    tracing::debug!("an errand is handed back late: {error}");
                }
                continue;
            };
            let queue = match self.connection.queue().await {
                Ok(queue) => queue,
                Err(error) => {
                    // It comes again, from the server that is there then.
                    tracing::debug!("an errand is left: {error}");
                    continue;
                }
            };
            let held = HeldErrand {
                machine: self.settings.name.clone(),
                connection: self.connection.clone(),
                errands: Arc::clone(&self.errands),
                shared: Arc::clone(&self.shared),
                silence,
                queue,
            };
            tokio::spawn(async move {
                held.carry_out(message).await;
                drop(slot);
            });
        }
    }
}

/// The next errand, if one comes within a while.
async fn next(consumer: &PullConsumer) -> Result<Option<Message>, NatsError> {
    let batch = consumer.batch().max_messages(1).expires(ASKS_FOR);
    let batch = batch.messages().await;
    let mut batch = batch.map_err(|error| later(&error))?;
    match batch.next().await {
        None => Ok(None),
        Some(Ok(message)) => Ok(Some(message)),
        Some(Err(error)) => Err(NatsError::Later(error.to_string())),
    }
}
