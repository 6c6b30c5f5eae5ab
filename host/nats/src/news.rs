//! What an owner hears of its errands.

use std::sync::Weak;
use std::time::Duration;

use async_nats::jetstream::Message;
use futures_util::StreamExt;
use quarterdeck_core::tasks::{ErrandNews, ErrandTold, OwnerId};
use tokio::sync::oneshot;

use crate::connection::{Connection, NatsError, later};
use crate::owner::Owner;
use crate::sending::tell_machine;
use crate::subjects::{self, Letter, StillHeld};

/// After news could not be taken, so long until the next try.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Takes the owner's news as they come, until the owner has gone.
pub(crate) async fn take_news(owner: Weak<Owner>, connection: Connection, id: OwnerId) {
    while owner.strong_count() > 0 {
        if let Err(error) = take_until_broken(&owner, &connection, &id).await {
            tracing::debug!("news of errands: {error}");
            // The server may be new, or was emptied.
            if let Err(error) = connection.make_streams().await {
                tracing::debug!("news of errands: {error}");
            }
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
    }
}

async fn take_until_broken(
    owner: &Weak<Owner>,
    connection: &Connection,
    id: &OwnerId,
) -> Result<(), NatsError> {
    let mut connects = connection.connects();
    connection.news_from_the_first(id).await?;
    let consumer = connection.news_of(id).await?;
    let messages = consumer.messages().await;
    let mut messages = messages.map_err(|error| later(&error))?;
    loop {
        tokio::select! {
            // What has come is taken before anything else is asked for.
            biased;
            message = messages.next() => {
                let Some(message) = message else {
                    return Ok(());
                };
                let message = message.map_err(|error| later(&error))?;
                if !take(owner, connection, message).await {
                    return Ok(());
                }
            }
            // The server may have lost the consumer.
            Ok(()) = connects.changed() => drop(connection.news_of(id).await?),
        }
    }
}

/// Hands on one piece of news. `false` once the owner has gone.
async fn take(owner: &Weak<Owner>, connection: &Connection, message: Message) -> bool {
    let Some(owner) = owner.upgrade() else {
        return false;
    };
    let Ok(Letter { key, news }) = serde_json::from_slice(&message.payload) else {
        tracing::warn!(
            "something that is no news of an errand came over {}",
            message.subject
        );
        acknowledge(message).await;
        return true;
    };
    let begun_by = match &news {
        ErrandNews::Begun { machine, .. } => Some(machine.clone()),
        _ => None,
    };
    let (settle, settled) = oneshot::channel();
    let told = ErrandTold {
        news,
        settled: Some(settle),
    };
    if owner.tell(&key, told).await {
        tokio::spawn(async move {
            // Unsettled news are told again, to this host or the next.
            if settled.await.is_ok() {
                acknowledge(message).await;
            }
        });
        return true;
    }
    tracing::info!("news of the errand {key}, which nobody waits for any more, are dropped");
    if let Some(machine) = begun_by {
        tell_machine(connection, &machine, &key).await;
    }
    acknowledge(message).await;
    true
}

async fn acknowledge(message: Message) {
    if let Err(error) = message.ack().await {
        tracing::debug!("news are told again: {error}");
    }
}

/// Hears what machines are at, so that it is not taken for lost, and tells those to stop
/// whose errand nobody waits for: they were cut off, and it was given up.
pub(crate) async fn hear_what_is_held(owner: Weak<Owner>, connection: Connection, id: OwnerId) {
    let Ok(mut heard) = connection.client.subscribe(subjects::held(&id)).await else {
        return;
    };
    while let Some(message) = heard.next().await {
        let Ok(held) = serde_json::from_slice::<StillHeld>(&message.payload) else {
            continue;
        };
        let Some(owner) = owner.upgrade() else {
            return;
        };
        if held.key.owner == id && !owner.is_held(&held.key) {
            tell_machine(&connection, &held.machine, &held.key).await;
        }
    }
}

/// Says whether errands may begin. A server that was killed forgets what it delivered
/// last, so that an errand comes to a second machine as if it were the first.
pub(crate) async fn answer_claims(owner: Weak<Owner>, connection: Connection, id: OwnerId) {
    let Ok(mut asked) = connection.client.subscribe(subjects::claim(&id)).await else {
        return;
    };
    while let Some(message) = asked.next().await {
        let Some(owner) = owner.upgrade() else {
            return;
        };
        let Some(reply) = message.reply else {
            continue;
        };
        let Ok(held) = serde_json::from_slice::<StillHeld>(&message.payload) else {
            continue;
        };
        if let Ok(answer) = serde_json::to_vec(&owner.claim(&held.key, &held.machine)) {
            // A machine that hears nothing goes by the news.
            let _ = connection.client.publish(reply, answer.into()).await;
        }
    }
}

/// Hears how far errands are: of no weight, so kept nowhere.
pub(crate) async fn hear_progress(owner: Weak<Owner>, connection: Connection, id: OwnerId) {
    let Ok(mut heard) = connection.client.subscribe(subjects::progress(&id)).await else {
        return;
    };
    while let Some(message) = heard.next().await {
        let Some(owner) = owner.upgrade() else {
            return;
        };
        if let Ok(Letter {
            key,
            news: news @ ErrandNews::Progress { .. },
        }) = serde_json::from_slice(&message.payload)
        {
            let told = ErrandTold {
                news,
                settled: None,
            };
            owner.tell(&key, told).await;
        }
    }
}
