//! A connection to the server, and the two streams on it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Client;
use async_nats::datetime::DateTime;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::ConsumerErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use quarterdeck_core::tasks::OwnerId;
use serde::Serialize;
use tokio::sync::watch;

use crate::connecting::{CONNECTS_WITHIN, connect};
use crate::settings::NatsSettings;
use crate::subjects::{self, ERRANDS, NEW_TAGS, NEWS, TagSet, streams};

/// Errands of one set of tags that may be with machines at once.
const MOST_OUT: i64 = 1_000_000;

/// Machines that may wait for errands of one set of tags at once.
const MOST_WAITING: i64 = 65_536;

/// What went wrong with the server.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    /// The address cannot be read.
    #[error(
        "nats.url is no address of a NATS server: {0}; write for example nats://localhost:4222"
    )]
    Url(String),
    /// The login cannot be read.
    #[error("cannot read the NATS credentials in {}: {source}", .file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A certificate cannot be read.
    #[error("cannot read {}, which the NATS connection needs: {source}", .file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server says no.
    #[error(
        "the NATS server at {server} refuses the login: set nats.credentials to the .creds file of a user that it knows, or put user and password into nats.url"
    )]
    Login {
        /// Where.
        server: String,
    },
    /// No connection.
    #[error(
        "cannot reach the NATS server at {server}: {said}; start it, or set nats.url to where it is"
    )]
    Unreachable {
        /// Where.
        server: String,
        /// What the library said.
        said: String,
    },
    /// No encrypted connection.
    #[error(
        "no TLS connection to the NATS server at {server}: {said}; nats.ca names the authority of its certificate, nats.certificate and nats.key are a client's own"
    )]
    Tls {
        /// Where.
        server: String,
        /// What the library said.
        said: String,
    },
    /// The server does not keep messages.
    #[error(
        "the NATS server at {server} cannot keep tasks: {said}; JetStream has to be on (nats-server -js) and this user allowed to use it"
    )]
    JetStream {
        /// Where.
        server: String,
        /// What the server said.
        said: String,
    },
    /// A message is too large.
    #[error("it is larger than the NATS server takes at once (max_payload): {0}")]
    TooLarge(String),
    /// Something that a later try may bring.
    #[error("the NATS server did not take it: {0}")]
    Later(String),
}

/// When the server came to have a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Now.
    Now,
    /// It had it already.
    Before,
}

/// A connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    settings: NatsSettings,
    /// Consumers that are known to be there.
    consumers: Arc<Mutex<HashSet<TagSet>>>,
    /// How often a connection has come about.
    connects: watch::Receiver<u64>,
    met: Arc<Mutex<Option<MetServer>>>,
}

/// The server, as it was when this connection came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MetServer {
    /// How often a connection had come about.
    connects: u64,
    /// Another one each time that the server is started.
    server: String,
    /// The work queue that it has.
    queue: WorkQueue,
    /// The number of the newest errand that it had.
    last_errand: u64,
}

/// One work queue: the moment that it was made. A server that has lost its disk is given
/// another one, in which the same numbers mean other errands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkQueue(DateTime);

/// Whether the server can be reached and keeps messages; what it is.
pub async fn check(settings: &NatsSettings) -> Result<String, NatsError> {
    let connection = Connection::open(settings, "quarterdeck doctor").await?;
    let said = format!(
        "{} answers, version {}, with JetStream",
        settings.told(),
        connection.client.server_info().version
    );
    Ok(said)
}

impl Connection {
    /// Connects, once; makes the streams where they are missing. From then on the
    /// connection comes back by itself.
    pub(crate) async fn open(settings: &NatsSettings, name: &str) -> Result<Self, NatsError> {
        let (told, connects) = watch::channel(0);
        let client = connect(settings, name, told).await?;
        let jetstream = jetstream::new(client.clone());
        let connection = Self {
            client,
            jetstream,
            settings: settings.clone(),
            consumers: Arc::default(),
            connects,
            met: Arc::default(),
        };
        connection.meet().await?;
        Ok(connection)
    }

    /// Whether the server may have delivered an errand to somebody and not know so any
    /// more. One that is killed forgets its last deliveries, so that they come to a second
    /// machine as if it were the first: true of every errand from before the server was
    /// started, as far as that can be told from here.
    pub(crate) async fn may_be_delivered_again(&self, sequence: u64) -> bool {
        match self.meet().await {
            Ok(met) => sequence <= met.last_errand,
            Err(error) => {
                tracing::debug!("cannot look what the server has: {error}");
                true
            }
        }
    }

    /// The work queue that the server has now. What was delivered from another one is
    /// not acknowledged: that would strike out an errand of this one.
    pub(crate) async fn queue(&self) -> Result<WorkQueue, NatsError> {
        Ok(self.meet().await?.queue)
    }

    /// Tells when the connection has come back, perhaps to a server that has lost
    /// everything.
    pub(crate) fn connects(&self) -> watch::Receiver<u64> {
        let mut connects = self.connects.clone();
        connects.mark_unchanged();
        connects
    }

    /// Looks at the server, once for each time that a connection comes about: a new one
    /// shows in what the server says of itself before any of its messages, and is told
    /// of a little earlier or later.
    async fn meet(&self) -> Result<MetServer, NatsError> {
        let connects = *self.connects.borrow();
        let server = self.client.server_info().server_id;
        let before = self.met().clone();
        if let Some(met) = &before
            && met.connects == connects
            && met.server == server
        {
            return Ok(met.clone());
        }
        self.make_streams().await?;
        let stream = self.jetstream.get_stream(ERRANDS).await;
        let stream = stream.map_err(|error| later(&error))?;
        let info = stream.cached_info();
        // It has answered, so this is the one that was asked.
        let server = self.client.server_info().server_id;
        let queue = WorkQueue(info.created);
        let last_errand = before
            .filter(|met| met.server == server && met.queue == queue)
            .map_or(info.state.last_sequence, |met| met.last_errand);
        let met = MetServer {
            connects,
            server,
            queue,
            last_errand,
        };
        *self.met() = Some(met.clone());
        Ok(met)
    }

    fn met(&self) -> MutexGuard<'_, Option<MetServer>> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the streams where they are missing: on a server that is new, or was emptied.
    /// What is known of consumers is forgotten.
    pub(crate) async fn make_streams(&self) -> Result<(), NatsError> {
        self.known_consumers().clear();
        for stream in streams(self.settings.replicas) {
            let made = self.jetstream.get_or_create_stream(stream);
            let made = tokio::time::timeout(CONNECTS_WITHIN, made).await;
            let failed = |said: String| NatsError::JetStream {
                server: self.settings.told(),
                said,
            };
            made.map_err(|_| failed("it does not answer".to_owned()))?
                .map_err(|error| failed(said(&error)))?;
        }
        Ok(())
    }

    /// The consumer of the errands that ask for `tags`, made where it is missing.
    pub(crate) async fn consumer_of(&self, tags: &TagSet) -> Result<(), NatsError> {
        // A server that is new has none.
        self.meet().await?;
        if self.known_consumers().contains(tags) {
            return Ok(());
        }
        self.make_consumer_of(tags).await?;
        self.known_consumers().insert(tags.clone());
        // Those who do not hear it look by themselves.
        let _ = self.client.publish(NEW_TAGS, "".into()).await;
        Ok(())
    }

    /// Makes that consumer again if somebody has removed it.
    pub(crate) async fn keep_consumer_of(&self, tags: &TagSet) -> Result<(), NatsError> {
        let stream = self.jetstream.get_stream_no_info(ERRANDS).await;
        let stream = stream.map_err(|error| later(&error))?;
        match stream.consumer_info(tags.consumer()).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ConsumerInfoErrorKind::NotFound) => {
                self.known_consumers().remove(tags);
                self.consumer_of(tags).await
            }
            Err(error) => Err(later(&error)),
        }
    }

    async fn make_consumer_of(&self, tags: &TagSet) -> Result<(), NatsError> {
        let config = pull::Config {
            durable_name: Some(tags.consumer()),
            description: Some(tags.description()),
            filter_subject: tags.subjects(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.silence,
            max_ack_pending: MOST_OUT,
            max_waiting: MOST_WAITING,
            ..pull::Config::default()
        };
        let made = self.jetstream.create_consumer_on_stream(config, ERRANDS);
        made.await.map_err(|error| later(&error))?;
        Ok(())
    }

    fn known_consumers(&self) -> MutexGuard<'_, HashSet<TagSet>> {
        self.consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The consumers that machines with these tags take errands from.
    pub(crate) async fn consumers_within(
        &self,
        tags: &[String],
    ) -> Result<Vec<PullConsumer>, NatsError> {
        use futures_util::TryStreamExt;
        let stream = self.jetstream.get_stream(ERRANDS).await;
        let stream = stream.map_err(|error| later(&error))?;
        let infos: Vec<_> = stream
            .consumers()
            .try_collect()
            .await
            .map_err(|error| later(&error))?;
        let mut found = Vec::new();
        for info in infos {
            let described = info.config.description.as_deref();
            let set = described.and_then(TagSet::described);
            // Whoever made another description is none of ours.
            if set.is_some_and(|set| set.consumer() == info.name && set.is_within(tags)) {
                let consumer = stream.get_consumer(&info.name).await;
                found.push(consumer.map_err(|error| later(&*error))?);
            }
        }
        Ok(found)
    }

    /// Has the server keep a message, unless it has one with this id or (for an errand)
    /// under this subject.
    pub(crate) async fn publish(
        &self,
        subject: &str,
        id: &str,
        message: &impl Serialize,
        once: bool,
    ) -> Result<Published, NatsError> {
        let payload =
            serde_json::to_vec(message).map_err(|error| NatsError::TooLarge(error.to_string()))?;
        let mut message = PublishMessage::build()
            .payload(payload.into())
            .message_id(id);
        if once {
            message = message.expected_last_subject_sequence(0);
        }
        let sent = self.jetstream.send_publish(subject.to_owned(), message);
        let kept = match sent.await {
            Ok(kept) => kept.await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(kept) if kept.duplicate => Ok(Published::Before),
            Ok(_) => Ok(Published::Now),
            Err(error) => match error.kind() {
                PublishErrorKind::WrongLastSequence => Ok(Published::Before),
                PublishErrorKind::MaxPayloadExceeded => Err(NatsError::TooLarge(said(&error))),
                PublishErrorKind::StreamNotFound => {
                    self.make_streams().await?;
                    Err(later(&error))
                }
                _ => Err(later(&error)),
            },
        }
    }

    /// The number of the errand under this subject, if the server has it.
    pub(crate) async fn errand_at(&self, subject: &str) -> Result<Option<u64>, NatsError> {
        use jetstream::stream::LastRawMessageErrorKind;
        let stream = self.jetstream.get_stream_no_info(ERRANDS).await;
        let stream = stream.map_err(|error| later(&error))?;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Some(message.sequence)),
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {
                Ok(None)
            }
            Err(error) => Err(later(&error)),
        }
    }

    /// Takes an errand back that no machine has. Whether it was there.
    pub(crate) async fn take_back(&self, sequence: u64) -> Result<bool, NatsError> {
        use jetstream::stream::DeleteMessageErrorKind;
        let stream = self.jetstream.get_stream_no_info(ERRANDS).await;
        let stream = stream.map_err(|error| later(&error))?;
        match stream.delete_message(sequence).await {
            Ok(deleted) => Ok(deleted),
            Err(error) => match error.kind() {
                DeleteMessageErrorKind::JetStream(said)
                    if said.error_code() == ErrorCode::SEQUENCE_NOT_FOUND
                        || said.error_code() == ErrorCode::NO_MESSAGE_FOUND =>
                {
                    Ok(false)
                }
                _ => Err(later(&error)),
            },
        }
    }

    /// The durable consumer of an owner's news, made where it is missing.
    pub(crate) async fn news_of(&self, owner: &OwnerId) -> Result<PullConsumer, NatsError> {
        let config = pull::Config {
            durable_name: Some(news_consumer(owner)),
            filter_subject: subjects::news(owner),
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(30),
            ..pull::Config::default()
        };
        let made = self.jetstream.create_consumer_on_stream(config, NEWS);
        made.await.map_err(|error| later(&error))
    }

    /// Has an owner's news told from the first that is not settled, in their order: the
    /// server would tell those again late that somebody was told who is gone, after what
    /// came later.
    pub(crate) async fn news_from_the_first(&self, owner: &OwnerId) -> Result<(), NatsError> {
        let stream = self.jetstream.get_stream_no_info(NEWS).await;
        let stream = stream.map_err(|error| later(&error))?;
        match stream.delete_consumer(&news_consumer(owner)).await {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ConsumerErrorKind::JetStream(said)
                    if said.error_code() == ErrorCode::CONSUMER_NOT_FOUND =>
                {
                    Ok(())
                }
                _ => Err(later(&error)),
            },
        }
    }
}

fn news_consumer(owner: &OwnerId) -> String {
    format!("owner-{}", owner.as_str())
}

/// An error with what lies behind it.
pub(crate) fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = error.source();
    }
    said
}

pub(crate) fn later(error: &(dyn std::error::Error + 'static)) -> NatsError {
    NatsError::Later(said(error))
}
