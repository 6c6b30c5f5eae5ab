//! One client that listens.
//!
//! Its task owns the socket. Events come in batches that all listeners share: whoever
//! reads too slowly finds that events are gone, is told which, and has cost nobody
//! memory. What comes together is written together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::SinkExt;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use quarterdeck_core::events::EventFilter;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::admission::Admission;
use super::command::{Command, Said};
use super::fan_out::Batch;
use super::pace::Pace;
use super::{NO_PLACE, StreamEntry, messages, monitored};

/// A client that has to show the token does so within this time.
const TOKEN_PATIENCE: Duration = Duration::from_secs(10);
/// A client that takes nothing for so long is dead.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client that has said nothing for so long, not even that it is there, is dead.
const SILENCE_PATIENCE: Duration = Duration::from_secs(90);
/// Events of the past written before others get their turn.
const WRITTEN_AT_ONCE: usize = 256;
/// Events told again to a client that says where it stopped.
const MOST_REPLAYED: usize = 5_000;
/// Commands a second, and at once.
const COMMANDS: (NonZeroU32, NonZeroU32) =
    (NonZeroU32::new(10).unwrap(), NonZeroU32::new(100).unwrap());

/// How a stream behaves before its client has said anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    greets: bool,
    filter: EventFilter,
    /// What can be subscribed to.
    offered: EventFilter,
}

impl Manner {
    /// As claude-mpm: greets with `system.status` and tells everything.
    pub(super) fn events() -> Self {
        Self {
            greets: true,
            filter: EventFilter::EVERYTHING,
            offered: EventFilter::EVERYTHING,
        }
    }

    /// As enhanced-iterm-mcp: silent until it is asked for something.
    pub(super) fn monitor() -> Self {
        Self {
            greets: false,
            filter: EventFilter::NOTHING,
            offered: monitored(),
        }
    }
}

/// Why a stream ended before its client wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error(transparent)]
    Socket(#[from] axum::Error),
    #[error("the client took nothing for {} s", WRITE_PATIENCE.as_secs())]
    Stuck,
    #[error("the client said nothing for {} s", SILENCE_PATIENCE.as_secs())]
    Silent,
    #[error("the client showed no token in its first message")]
    NoToken,
}

pub(super) struct Subscriber {
    entry: StreamEntry,
    socket: WebSocket,
    manner: Manner,
    /// Among those who listen, or among those who still have to show the token.
    place: OwnedSemaphorePermit,
    /// Says that there is something new.
    news: watch::Receiver<u64>,
    filter: EventFilter,
    /// The newest event that was told or passed over.
    last: u64,
    pace: Pace,
    commands: DefaultDirectRateLimiter,
}

impl Subscriber {
    pub(super) fn new(
        entry: StreamEntry,
        socket: WebSocket,
        manner: Manner,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let news = entry.streams.fan_out.subscribe();
        let last = entry.streams.host.events().last();
        let (rate, burst) = COMMANDS;
        Self {
            entry,
            socket,
            filter: manner.filter,
            manner,
            place,
            news,
            last,
            pace: Pace::default(),
            commands: RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)),
        }
    }

    /// Serves the client until it leaves.
    pub(super) async fn serve(mut self, admission: Admission) -> Result<(), StreamError> {
        if admission == Admission::WithToken && !self.is_shown_the_token().await? {
            return Ok(());
        }
        if self.manner.greets {
            let status = messages::status(&self.entry.streams);
            self.say(status).await?;
        }
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.reset();
        loop {
            let held_until = self.pace.next_due();
            tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(&text).await?,
                        Some(Ok(Message::Binary(_))) => {
                            self.complain(&"messages are text, not binary").await?;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Err(error)) => return Err(error.into()),
                    }
                }
                changed = self.news.changed() => match changed {
                    Ok(()) => self.tell_news().await?,
                    Err(_) => return Ok(()),
                },
                () = at(held_until) => self.tell_held().await?,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE_PATIENCE {
                        return Err(StreamError::Silent);
                    }
                    self.feed_socket(Message::Ping(Default::default())).await?;
                    self.flush().await?;
                }
            }
        }
    }

    /// Waits for the first message of a client that has to show the token in it,
    /// and does what else the message says.
    async fn is_shown_the_token(&mut self) -> Result<bool, StreamError> {
        let first = tokio::time::timeout(TOKEN_PATIENCE, self.socket.recv()).await;
        let said = match &first {
            Ok(Some(Ok(Message::Text(text)))) => Said::parse(text).ok(),
            Ok(None | Some(Err(_))) => return Ok(false),
            _ => None,
        };
        let shown = said.as_ref().and_then(|said| said.token.as_deref());
        if !shown.is_some_and(|shown| self.entry.guard.knows(shown)) {
            let wanted = r#"this stream wants the token: as the header Authorization: Bearer TOKEN, as ?token=TOKEN, or in the first message, {"token": "TOKEN"}"#;
            self.say(messages::error("PERMISSION_DENIED", &wanted))
                .await?;
            let close = CloseFrame {
                code: close_code::POLICY,
                reason: "the token is missing or wrong".into(),
            };
            self.feed_socket(Message::Close(Some(close))).await?;
            self.flush().await?;
            return Err(StreamError::NoToken);
        }
        let places = Arc::clone(&self.entry.streams.places);
        let Ok(place) = places.try_acquire_owned() else {
            self.say(messages::error("RESOURCE_EXHAUSTED", &NO_PLACE))
                .await?;
            return Ok(false);
        };
        self.place = place;
        // What happened while it had no place is not kept for it.
        self.last = self.entry.streams.host.events().last();
        match said.map(|said| said.command) {
            Some(Command::ShowToken) => self.say(messages::authenticated()).await?,
            Some(command) => self.carry_out(command).await?,
            None => {}
        }
        Ok(true)
    }

    async fn hear(&mut self, text: &Utf8Bytes) -> Result<(), StreamError> {
        if let Err(early) = self.commands.check() {
            let retry_in = early.wait_time_from(DefaultClock::default().now());
            return self.say(messages::too_often(retry_in)).await;
        }
        match Said::parse(text) {
            Ok(said) => self.carry_out(said.command).await,
            Err(misunderstood) => self.complain(&misunderstood).await,
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), StreamError> {
        match command {
            Command::ShowToken => self.say(messages::authenticated()).await,
            Command::GetStatus => {
                let status = messages::status(&self.entry.streams);
                self.say(status).await
            }
            Command::Subscribe {
                channels,
                since,
                interval,
            } => self.subscribe(channels, since, interval).await,
            Command::GetHistory {
                types,
                limit,
                since,
            } => {
                let filter = match &types {
                    Some(types) => EventFilter::of(types.iter().map(String::as_str)).0,
                    None => self.manner.offered,
                };
                let history = self.entry.streams.host.event_history();
                let numbers = since.saturating_add(1)..=u64::MAX;
                match history.newest(&filter, numbers, limit).await {
                    Ok(events) => self.say(messages::history(&events)).await,
                    Err(error) => self.say(messages::error("INTERNAL_ERROR", &error)).await,
                }
            }
        }
    }

    async fn subscribe(
        &mut self,
        channels: Option<Vec<String>>,
        since: Option<u64>,
        interval: Option<Duration>,
    ) -> Result<(), StreamError> {
        if let Some(interval) = interval {
            self.pace.set(interval);
        }
        let channels = channels.unwrap_or_else(|| vec!["*".to_owned()]);
        let (filter, unknown) = EventFilter::of(channels.iter().map(String::as_str));
        self.filter = filter.within(&self.manner.offered);
        self.say(messages::subscribed(&channels, &unknown, interval))
            .await?;
        match since {
            Some(since) => self.replay(since).await,
            None => Ok(()),
        }
    }

    /// Tells what came after number `since`, and goes on from there.
    async fn replay(&mut self, since: u64) -> Result<(), StreamError> {
        let host = Arc::clone(&self.entry.streams.host);
        // What comes meanwhile waits where all subscribers find it.
        let newest = host.events().last();
        let numbers = since.saturating_add(1)..=newest;
        let history = host.event_history();
        let events = match history.newest(&self.filter, numbers, MOST_REPLAYED).await {
            Ok(events) => events,
            Err(error) => return self.say(messages::error("INTERNAL_ERROR", &error)).await,
        };
        if events.len() == MOST_REPLAYED {
            let first_told = events.first().map_or(newest, |event| event.sequence);
            if first_told > since + 1 {
                let missed = messages::missed(since + 1, first_told - 1);
                self.feed_socket(Message::text(missed)).await?;
            }
        }
        for events in events.chunks(WRITTEN_AT_ONCE) {
            for event in events {
                self.feed_socket(Message::text(&*event.text)).await?;
            }
            self.flush().await?;
        }
        self.last = newest;
        Ok(())
    }

    /// Tells what has come since the last event that was told.
    async fn tell_news(&mut self) -> Result<(), StreamError> {
        let news = self.entry.streams.fan_out.after(self.last);
        if let Some(missed) = news.missed {
            let (first, last) = missed.into_inner();
            let count = last - first + 1;
            (self.entry.streams.missed).fetch_add(count, Ordering::Relaxed);
            self.last = last;
            self.say(messages::missed(first, last)).await?;
        }
        for batch in news.batches {
            match tokio::time::timeout(WRITE_PATIENCE, self.tell(&batch)).await {
                Ok(told) => told?,
                Err(_) => return Err(StreamError::Stuck),
            }
        }
        if news.more {
            self.news.mark_changed();
        }
        Ok(())
    }

    async fn tell(&mut self, batch: &Batch) -> Result<(), StreamError> {
        let after = std::mem::replace(&mut self.last, batch.last());
        if !batch.has_any_of(&self.filter) {
            return Ok(());
        }
        for told in &batch.events {
            let event = &told.event;
            // Told already, by a replay, or not wanted, or not yet.
            if event.sequence > after
                && self.filter.wants(event.what.event_type())
                && !self.pace.holds_back(event)
            {
                self.socket.feed(Message::Text(told.text().clone())).await?;
            }
        }
        Ok(self.socket.flush().await?)
    }

    async fn tell_held(&mut self) -> Result<(), StreamError> {
        for event in self.pace.take_due() {
            self.feed_socket(Message::text(&**event.text())).await?;
        }
        self.flush().await
    }

    async fn complain(&mut self, what: &impl std::fmt::Display) -> Result<(), StreamError> {
        self.say(messages::error("INVALID_PARAMETERS", what)).await
    }

    async fn say(&mut self, text: String) -> Result<(), StreamError> {
        self.feed_socket(Message::text(text)).await?;
        self.flush().await
    }

    /// Hands a message to the socket's buffer, which writes when it is full.
    async fn feed_socket(&mut self, message: Message) -> Result<(), StreamError> {
        match tokio::time::timeout(WRITE_PATIENCE, self.socket.feed(message)).await {
            Ok(fed) => Ok(fed?),
            Err(_) => Err(StreamError::Stuck),
        }
    }

    async fn flush(&mut self) -> Result<(), StreamError> {
        match tokio::time::timeout(WRITE_PATIENCE, self.socket.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(StreamError::Stuck),
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
