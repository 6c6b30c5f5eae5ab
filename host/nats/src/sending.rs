//! Errands on their way out: sent, called off, looked for.

use std::collections::{HashMap, HashSet};
use std::sync::Weak;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use quarterdeck_core::tasks::{Errand, ErrandKey, ErrandNews, ErrandTold, Fate, OwnerId};

use crate::announcing::MachineName;
use crate::connection::{Connection, NatsError, later};
use crate::owner::{ErrandOut, Owner, connected};
use crate::subjects::{self, ERRANDS, TagSet};

/// What the server did not take is sent again after so long.
const SENT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An errand that was called off is called off again after so long.
const RECALLED_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Where an errand is sent.
pub(crate) fn subject(errand: &Errand) -> String {
    subjects::errand(&TagSet::of(&errand.tags), &errand.key)
}

/// Sends an errand until the server has it, or nobody waits for it any more.
pub(crate) async fn send(owner: Weak<Owner>, errand: Errand) {
    let key = &errand.key;
    while owner.upgrade().is_some_and(|owner| owner.is_out(key)) {
        let Some(connection) = connected(&owner).await else {
            return;
        };
        let news = match send_once(&connection, &errand).await {
            Ok(()) => {
                let Some(owner) = owner.upgrade() else {
                    return;
                };
                if let Some(out) = owner.out().get_mut(key) {
                    out.sent = true;
                }
                ErrandNews::Sent
            }
            Err(error @ NatsError::TooLarge(_)) => {
                ErrandNews::Ended(Fate::Impossible(error.to_string()))
            }
            Err(error) => {
                tracing::warn!("the errand {key} waits: {error}");
                tokio::time::sleep(SENT_AGAIN_AFTER).await;
                continue;
            }
        };
        if let Some(owner) = owner.upgrade() {
            let told = ErrandTold {
                news,
                settled: None,
            };
            owner.tell(key, told).await;
        }
        return;
    }
}

async fn send_once(connection: &Connection, errand: &Errand) -> Result<(), NatsError> {
    connection.consumer_of(&TagSet::of(&errand.tags)).await?;
    let id = errand.key.to_string();
    // Now or before: it is there.
    connection
        .publish(&subject(errand), &id, errand, true)
        .await
        .map(drop)
}

/// Calls an errand off: takes it back while no machine has begun it, else tells the
/// machine, until it has ended.
pub(crate) async fn recall(owner: Weak<Owner>, key: ErrandKey) {
    loop {
        let Some(connection) = connected(&owner).await else {
            return;
        };
        let (subject, machine) = {
            let Some(owner) = owner.upgrade() else {
                return;
            };
            let out = owner.out();
            match out.get(&key) {
                None => return,
                Some(out) => (out.subject.clone(), out.machine.clone()),
            }
        };
        match machine {
            Some(machine) => tell_machine(&connection, &machine, &key).await,
            None => match take_back(&connection, &subject).await {
                Ok(true) => {
                    let told = ErrandTold {
                        news: ErrandNews::Ended(Fate::NotTyped),
                        settled: None,
                    };
                    if let Some(owner) = owner.upgrade() {
                        owner.tell(&key, told).await;
                    }
                    return;
                }
                // A machine has it, and says so soon; or it was not sent yet.
                Ok(false) => {}
                Err(error) => tracing::warn!("the errand {key} cannot be called off yet: {error}"),
            },
        }
        tokio::time::sleep(RECALLED_AGAIN_AFTER).await;
    }
}

async fn take_back(connection: &Connection, subject: &str) -> Result<bool, NatsError> {
    match connection.errand_at(subject).await? {
        Some(sequence) => connection.take_back(sequence).await,
        None => Ok(false),
    }
}

/// Tells a machine that an errand is called off.
pub(crate) async fn tell_machine(connection: &Connection, machine: &str, key: &ErrandKey) {
    let (Ok(machine), Ok(payload)) = (machine.parse::<MachineName>(), serde_json::to_vec(key))
    else {
        return;
    };
    let subject = subjects::recall(&machine);
    // It is told again, or has gone.
    let _ = connection.client.publish(subject, payload.into()).await;
}

/// Looks for errands that the server has lost, with its disk for example: those that it
/// has not at two looks, half of what a machine may be silent apart at least, while there are no news of them and no
/// machine says that it has them. It is asked so often while errands are out, and when
/// the connection has come back.
pub(crate) async fn look_for_the_lost(
    owner: Weak<Owner>,
    connection: Connection,
    id: OwnerId,
    silence: Duration,
) {
    let mut connects = connection.connects();
    let mut missing: HashMap<ErrandKey, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(silence) => {}
            // The sender goes with the connection, which is here.
            _ = connects.changed() => {}
        }
        let Some(owner) = owner.upgrade() else {
            return;
        };
        let gone = match missing_from(&owner, &connection, &id, silence).await {
            Ok(gone) => gone,
            Err(error) => {
                // No machine can say that it has them, either.
                missing.clear();
                tracing::debug!("cannot look for errands: {error}");
                continue;
            }
        };
        missing.retain(|key, _| gone.contains(key));
        for key in gone {
            let since = missing.entry(key.clone()).or_insert_with(Instant::now);
            if since.elapsed() < silence / 2 {
                continue;
            }
            missing.remove(&key);
            let may_have_begun = (owner.out().get(&key)).and_then(ErrandOut::may_have_begun);
            let told = ErrandTold {
                news: ErrandNews::FellSilent {
                    how: "the NATS server does not have it any more".to_owned(),
                    may_have_begun,
                },
                settled: None,
            };
            owner.tell(&key, told).await;
        }
    }
}

/// The errands that were sent, that the server has not and no machine speaks of.
async fn missing_from(
    owner: &Owner,
    connection: &Connection,
    id: &OwnerId,
    silence: Duration,
) -> Result<HashSet<ErrandKey>, NatsError> {
    let (sent, tags): (Vec<ErrandKey>, HashSet<TagSet>) = {
        let out = owner.out();
        let sent = out.iter().filter(|(_, out)| out.sent);
        sent.map(|(key, out)| (key.clone(), out.tags.clone()))
            .unzip()
    };
    if sent.is_empty() {
        return Ok(HashSet::new());
    }
    // Somebody may have removed them, and errands wait there.
    for tags in &tags {
        connection.keep_consumer_of(tags).await?;
    }
    let had = errands_at(connection, id).await?;
    let out = owner.out();
    let gone = sent.into_iter().filter(|key| {
        let is_held = out.get(key).is_some_and(|out| out.is_held(silence));
        !is_held && !had.contains(&(key.task, key.sending))
    });
    Ok(gone.collect())
}

/// The errands of an owner that the server has. News come before an errand goes, so
/// none is taken for lost whose news wait.
async fn errands_at(
    connection: &Connection,
    owner: &OwnerId,
) -> Result<HashSet<(u64, u64)>, NatsError> {
    let news = connection.news_of(owner).await?;
    let stream = connection.jetstream.get_stream_no_info(ERRANDS).await;
    let stream = stream.map_err(|error| later(&error))?;
    let subjects = stream
        .info_with_subjects(subjects::errands_of(owner))
        .await
        .map_err(|error| later(&error))?;
    let subjects: Vec<(String, usize)> = subjects
        .try_collect()
        .await
        .map_err(|error| later(&error))?;
    let waiting = news.cached_info();
    if waiting.num_pending > 0 || waiting.num_ack_pending > 0 {
        return Err(NatsError::Later("news of errands wait".to_owned()));
    }
    Ok(subjects
        .iter()
        .filter_map(|(subject, _)| subjects::errand_named(subject))
        .collect())
}
