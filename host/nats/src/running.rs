//! One errand on a machine: from its message to its acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use quarterdeck_core::tasks::{
    CallOffReceiver, Errand, ErrandKey, ErrandNews, Errands, Fate, Pending, TaskId,
};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::announcing::MachineName;
use crate::connection::{Connection, Published, WorkQueue};
use crate::machine::Shared;
use crate::subjects::{self, Claim, Letter, StillHeld};

/// What the server did not take is sent again after so long.
const SENT_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// An errand begins only if its owner can be told within this time.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// An owner that is there answers within this time.
const CLAIM_PATIENCE: Duration = Duration::from_secs(2);

/// Steps of progress that wait to be sent.
const STEPS: usize = 8;

/// What a machine does, for whoever watches.
#[derive(Clone, Debug)]
pub enum Doing {
    /// An errand begins.
    Begins {
        /// The task, as its owner calls it.
        task: TaskId,
        /// The session.
        session: String,
    },
    /// An errand has ended.
    Ended {
        /// The task, as its owner calls it.
        task: TaskId,
        /// How.
        fate: Fate,
    },
    /// An errand came that another machine had: its owner is told.
    FellSilent {
        /// The task, as its owner calls it.
        task: TaskId,
    },
}

/// What is to be done about an errand's message.
enum MessageOutcome {
    /// It is over here: its owner is told.
    Tell(ErrandNews),
    /// Another machine has begun it.
    Leave,
    /// Nobody waits for it.
    Drop,
}

/// Whose news the server keeps.
enum NewsKept {
    /// Those of this machine.
    Now,
    /// Those of another one.
    Before,
    /// Those of this machine, which it has sent more than once, or of another one.
    Perhaps,
}

/// An errand that this machine has.
pub(crate) struct HeldErrand {
    pub(crate) machine: MachineName,
    pub(crate) connection: Connection,
    pub(crate) errands: Arc<Errands>,
    pub(crate) shared: Arc<Shared>,
    /// The server hears of it at least this often.
    pub(crate) silence: Duration,
    /// The work queue that it came from.
    pub(crate) queue: WorkQueue,
}

impl HeldErrand {
    /// Carries the errand out and acknowledges it, once its end is with the server.
    pub(crate) async fn carry_out(self, message: Message) {
        let errand: Errand = match serde_json::from_slice(&message.payload) {
            Ok(errand) => errand,
            Err(error) => {
                tracing::error!(%error, "something that is no errand came over {}", message.subject);
                // Nobody can do it.
                let _ = message.ack_with(AckKind::Term).await;
                return;
            }
        };
        let Some(called_off) = self.shared.holds(&errand.key) else {
            // It runs here: its first message acknowledges it.
            return;
        };
        let done = CancellationToken::new();
        let alive = self.stays_alive(&errand.key, &message, &done);
        let carried = async {
            let (delivered, sequence) =
                (message.info()).map_or((1, 0), |info| (info.delivered, info.stream_sequence));
            let after = if delivered > 1 {
                self.was_delivered(&errand, "the machine that had it fell silent")
                    .await
            } else {
                match self.claim(&errand.key).await {
                    Some(Claim::Granted) => self.outcome(&errand, called_off).await,
                    Some(Claim::Another) => MessageOutcome::Leave,
                    Some(Claim::Gone) => MessageOutcome::Drop,
                    None if self.connection.may_be_delivered_again(sequence).await => {
                        self.was_delivered(&errand, "the NATS server forgot who had it")
                            .await
                    }
                    None => self.outcome(&errand, called_off).await,
                }
            };
            if let MessageOutcome::Tell(news) = &after {
                self.tell(&errand.key, news.clone()).await;
            }
            done.cancel();
            after
        };
        let (after, ()) = tokio::join!(carried, alive);
        self.shared.releases(&errand.key);
        if let MessageOutcome::Leave = after {
            // The machine that began it acknowledges it; or it comes again.
            return;
        }
        if !self.queue_is_there().await {
            return;
        }
        if let Err(error) = message.double_ack().await {
            // It comes again, and is answered from what is kept of it.
            tracing::debug!("an errand was not acknowledged: {error}");
        }
    }

    /// Says again and again that somebody is at it: to the server, which gives it to
    /// nobody else, and to the owner, who may have given it up.
    async fn stays_alive(&self, key: &ErrandKey, message: &Message, done: &CancellationToken) {
        let held = StillHeld {
            key: key.clone(),
            machine: self.machine.to_string(),
        };
        let mut pace = tokio::time::interval(self.silence / 4);
        pace.tick().await;
        loop {
            tokio::select! {
                () = done.cancelled() => return,
                _ = pace.tick() => {
                    if self.queue_is_there().await
                        && let Err(error) = message.ack_with(AckKind::Progress).await
                    {
                        tracing::debug!("the server does not hear that an errand runs: {error}");
                    }
                    self.tell_once(subjects::held(&key.owner), &held).await;
                }
            }
        }
    }

    /// Whether the server still has the work queue that the errand came from. In another
    /// one the message's number is that of another errand.
    async fn queue_is_there(&self) -> bool {
        let queue = self.connection.queue().await;
        queue.is_ok_and(|queue| queue == self.queue)
    }

    /// Whether nobody else has begun the errand, in its owner's words; one that is down
    /// says nothing.
    async fn claim(&self, key: &ErrandKey) -> Option<Claim> {
        let held = StillHeld {
            key: key.clone(),
            machine: self.machine.to_string(),
        };
        let payload = serde_json::to_vec(&held).ok()?;
        let client = &self.connection.client;
        let asked = client.request(subjects::claim(&key.owner), payload.into());
        match tokio::time::timeout(CLAIM_PATIENCE, asked).await {
            Ok(Ok(answer)) => serde_json::from_slice(&answer.payload).ok(),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// What its owner is told of an errand that somebody has had, perhaps this machine:
    /// it is not begun again.
    async fn was_delivered(&self, errand: &Errand, how: &str) -> MessageOutcome {
        if let Some(fate) = self.errands.fate_of(&errand.key).await {
            return MessageOutcome::Tell(ErrandNews::Ended(fate));
        }
        self.shared.tell(Doing::FellSilent {
            task: errand.task.id.clone(),
        });
        MessageOutcome::Tell(ErrandNews::FellSilent {
            how: how.to_owned(),
            may_have_begun: None,
        })
    }

    /// Carries the errand out.
    async fn outcome(&self, errand: &Errand, called_off: CallOffReceiver) -> MessageOutcome {
        let (news, mut steps) = mpsc::channel(STEPS);
        let begun_elsewhere = AtomicBool::new(false);
        let begins = |session: String| -> Pending<'_, bool> {
            let elsewhere = &begun_elsewhere;
            Box::pin(async move { self.begins(errand, &session, elsewhere).await })
        };
        let run = self.errands.carry_out(errand, &begins, &news, called_off);
        tokio::pin!(run);
        let fate = loop {
            tokio::select! {
                fate = &mut run => break fate,
                Some(step) = steps.recv() => self.tell_step(&errand.key, step).await,
            }
        };
        if begun_elsewhere.load(Ordering::Relaxed) {
            return MessageOutcome::Leave;
        }
        self.shared.tell(Doing::Ended {
            task: errand.task.id.clone(),
            fate: fate.clone(),
        });
        MessageOutcome::Tell(ErrandNews::Ended(fate))
    }

    /// Whether its owner is sure to hear that it begins, and has not heard so of another
    /// machine, which `elsewhere` then tells.
    async fn begins(&self, errand: &Errand, session: &str, elsewhere: &AtomicBool) -> bool {
        let news = ErrandNews::Begun {
            machine: self.machine.to_string(),
            session: session.to_owned(),
        };
        if self.shared.is_stopping() {
            return false;
        }
        let told = self.tell(&errand.key, news);
        match tokio::time::timeout(TOLD_WITHIN, told).await {
            Ok(NewsKept::Now) => {}
            // What this machine sent may have arrived at first, and another's, too, where
            // the server has forgotten who had it. Its owner let one of them begin.
            Ok(NewsKept::Perhaps) if self.claim(&errand.key).await == Some(Claim::Granted) => {}
            Ok(NewsKept::Before | NewsKept::Perhaps) => {
                elsewhere.store(true, Ordering::Relaxed);
                return false;
            }
            Err(_) => {
                tracing::warn!(
                    "the errand {} does not begin: the server does not answer",
                    errand.key
                );
                return false;
            }
        }
        self.shared.tell(Doing::Begins {
            task: errand.task.id.clone(),
            session: session.to_owned(),
        });
        true
    }

    /// Has the server keep news for the owner, however long that takes.
    async fn tell(&self, key: &ErrandKey, news: ErrandNews) -> NewsKept {
        let stage = match &news {
            ErrandNews::Begun { .. } => "begun",
            ErrandNews::FellSilent { .. } => "silent",
            _ => "ended",
        };
        let id = format!("{key}-{stage}");
        let letter = Letter {
            key: key.clone(),
            news,
        };
        let subject = subjects::news(&key.owner);
        let mut tried = false;
        loop {
            let told = self.connection.publish(&subject, &id, &letter, false).await;
            match told {
                Ok(Published::Now) => return NewsKept::Now,
                Ok(Published::Before) if tried => return NewsKept::Perhaps,
                Ok(Published::Before) => return NewsKept::Before,
                Err(error) => tracing::debug!("news of the errand {key} wait: {error}"),
            }
            tried = true;
            tokio::time::sleep(SENT_AGAIN_AFTER).await;
        }
    }

    async fn tell_step(&self, key: &ErrandKey, news: ErrandNews) {
        let letter = Letter {
            key: key.clone(),
            news,
        };
        self.tell_once(subjects::progress(&key.owner), &letter)
            .await;
    }

    /// Tells what is of no weight if nobody hears it: the next time tells as much.
    async fn tell_once(&self, subject: String, told: &impl Serialize) {
        if let Ok(payload) = serde_json::to_vec(told) {
            let client = &self.connection.client;
            if let Err(error) = client.publish(subject, payload.into()).await {
                tracing::debug!("the owner of an errand does not hear of it: {error}");
            }
        }
    }
}
