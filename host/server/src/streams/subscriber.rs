//! One client that listens.
//!
//! Its task owns the socket. Events come in batches that all listeners share: whoever
//! reads too slowly finds that events are gone, is told which, and has cost nobody
//! memory. What comes together is written together.

use std::io;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use quarterdeck_core::ErrorCode;
use quarterdeck_core::deadline::sleep_until;
use quarterdeck_core::events::{EventFilter, KeptEvent};
use quarterdeck_core::monitor::SamplingWish;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::batch::Batch;
use super::command::{Command, Said};
use super::frames::{self, CloseCode};
use super::hearing::Listening;
use super::pace::Pace;
use super::socket::Socket;
use super::{NO_PLACE, StreamEntry, messages, monitored};

/// A client that has to show the token does so within this time.
const TOKEN_PATIENCE: Duration = Duration::from_secs(10);
/// A client that has not taken what it was given for so long is dead.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How often a silent client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client that has said nothing for so long, not even that it is there, is dead.
const SILENCE_PATIENCE: Duration = Duration::from_secs(90);
/// Events of the past written before others get their turn.
const WRITTEN_AT_ONCE: usize = 256;
/// Events told again to a client that says where it stopped.
const MOST_REPLAYED: usize = 5_000;
/// Events told to a client that comes when nobody has heard them.
const MOST_UNHEARD: usize = 100;
/// So long they are held back, for a client that says at once what it wants to hear.
const FIRST_WORD_PATIENCE: Duration = Duration::from_millis(300);
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
    /// What is told to whoever comes, if nobody has heard it.
    kept: EventFilter,
}

impl Manner {
    /// As claude-mpm: greets with `system.status` and tells everything.
    pub(super) fn events() -> Self {
        Self {
            greets: true,
            filter: EventFilter::EVERYTHING,
            offered: EventFilter::EVERYTHING,
            kept: EventFilter::of(["session", "claude", "agent", "todo", "ticket"]).0,
        }
    }

    /// As enhanced-iterm-mcp: silent until it is asked for something.
    pub(super) fn monitor() -> Self {
        Self {
            greets: false,
            filter: EventFilter::NOTHING,
            offered: monitored(),
            kept: EventFilter::NOTHING,
        }
    }
}

/// Why a stream ended before its client wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("nothing more can be written: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] tungstenite::Error),
    #[error("the client did not take what it was given within {} s", WRITE_PATIENCE.as_secs())]
    Stuck,
    #[error("the client said nothing for {} s", SILENCE_PATIENCE.as_secs())]
    Silent,
    #[error("the token is missing or wrong")]
    NoToken,
    #[error("too many clients listen already")]
    NoPlace,
    #[error("the browser has signed out")]
    SignedOut,
    #[error("the host stops")]
    HostStops,
}

impl StreamError {
    /// What the client is told as the last thing; nothing, where it would not hear it.
    fn close_code(&self) -> Option<CloseCode> {
        use tungstenite::Error;
        use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
        match self {
            Self::Write(_) | Self::Stuck => None,
            Self::Read(Error::Protocol(ResetWithoutClosingHandshake)) => None,
            Self::Read(Error::Capacity(_)) => Some(CloseCode::TooLong),
            Self::Read(Error::Utf8(_)) => Some(CloseCode::NotText),
            Self::Read(Error::Protocol(_)) => Some(CloseCode::Protocol),
            Self::Read(_) => None,
            Self::NoToken | Self::SignedOut => Some(CloseCode::Policy),
            Self::Silent | Self::HostStops => Some(CloseCode::Away),
            Self::NoPlace => Some(CloseCode::ComeAgain),
        }
    }
}

pub(super) struct Subscriber {
    entry: StreamEntry,
    socket: Socket<TcpStream>,
    manner: Manner,
    /// Among those who listen, or among those who still have to show the token.
    place: OwnedSemaphorePermit,
    /// Says that there is something new.
    news: watch::Receiver<u64>,
    filter: EventFilter,
    /// The newest event that was told or passed over.
    last: u64,
    pace: Pace,
    /// Has performance measured as often as the client wants to hear of it.
    sampling: Option<SamplingWish>,
    commands: DefaultDirectRateLimiter,
    asked_for_the_past: bool,
}

impl Subscriber {
    pub(super) fn new(
        entry: StreamEntry,
        socket: Socket<TcpStream>,
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
            sampling: None,
            commands: RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)),
            asked_for_the_past: false,
        }
    }

    /// Serves the client until it leaves, or the host stops.
    pub(super) async fn serve(mut self, admission: Admission, stop: CancellationToken) {
        let ended = tokio::select! {
            ended = self.tell_and_hear(&admission) => ended,
            () = admission.is_over() => Err(StreamError::SignedOut),
            () = stop.cancelled() => Err(StreamError::HostStops),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a stream ended early");
            if let Some(code) = error.close_code() {
                self.socket.leave(code, &error.to_string()).await;
            }
        }
    }

    async fn tell_and_hear(&mut self, admission: &Admission) -> Result<(), StreamError> {
        if matches!(admission, Admission::WithToken) && !self.is_shown_the_token().await? {
            return Ok(());
        }
        // While it listens, everything is heard.
        let (_listening, mut unheard) = match self.manner.greets {
            true => {
                let (listening, unheard) = Listening::begin(&self.entry.streams, self.last);
                (Some(listening), unheard)
            }
            false => (None, None),
        };
        let mut first_word = unheard
            .as_ref()
            .map(|_| Instant::now() + FIRST_WORD_PATIENCE);
        if self.manner.greets {
            let status = messages::status(&self.entry.streams);
            self.say(&status).await?;
        }
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.reset();
        loop {
            let held_until = self.pace.next_due();
            tokio::select! {
                message = self.socket.hear() => {
                    heard = Instant::now();
                    match message? {
                        Message::Text(text) => {
                            self.hear(&text).await?;
                            first_word = first_word.map(|_| Instant::now());
                        }
                        Message::Binary(_) => {
                            self.complain(&"messages are text, not binary").await?;
                        }
                        Message::Close(_) => return self.flush().await,
                        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                            self.flush().await?;
                        }
                    }
                }
                () = sleep_until(first_word) => {
                    first_word = None;
                    if let Some(numbers) = unheard.take() {
                        self.tell_unheard(numbers).await?;
                    }
                }
                // In the order in which it happened.
                changed = self.news.changed(), if first_word.is_none() => match changed {
                    Ok(()) => self.tell_news().await?,
                    Err(_) => return Ok(()),
                },
                () = sleep_until(held_until) => self.tell_held().await?,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE_PATIENCE {
                        return Err(StreamError::Silent);
                    }
                    self.socket.put(frames::ping());
                    self.flush().await?;
                }
            }
        }
    }

    /// Waits for the first message of a client that has to show the token in it,
    /// and does what else the message says.
    async fn is_shown_the_token(&mut self) -> Result<bool, StreamError> {
        let first = tokio::time::timeout(TOKEN_PATIENCE, self.socket.hear()).await;
        let said = match &first {
            Ok(Ok(Message::Text(text))) => Said::parse(text).ok(),
            Ok(Ok(Message::Close(_))) => {
                self.flush().await?;
                return Ok(false);
            }
            Ok(Err(_)) => return Ok(false),
            _ => None,
        };
        let shown = said.as_ref().and_then(|said| said.token.as_deref());
        if !shown.is_some_and(|shown| self.entry.guard.knows(shown)) {
            let wanted = r#"this stream wants the token: as the header Authorization: Bearer TOKEN, as ?token=TOKEN, or in the first message, {"token": "TOKEN"}"#;
            self.say(&messages::error(ErrorCode::PermissionDenied, &wanted))
                .await?;
            return Err(StreamError::NoToken);
        }
        let places = Arc::clone(&self.entry.streams.places);
        let Ok(place) = places.try_acquire_owned() else {
            self.say(&messages::error(ErrorCode::ResourceExhausted, &NO_PLACE))
                .await?;
            return Err(StreamError::NoPlace);
        };
        self.place = place;
        // What happened while it had no place is not kept for it.
        self.last = self.entry.streams.host.events().last();
        match said.map(|said| said.command) {
            Some(Command::ShowToken) => self.say(&messages::authenticated()).await?,
            Some(command) => self.carry_out(command).await?,
            None => {}
        }
        Ok(true)
    }

    async fn hear(&mut self, text: &str) -> Result<(), StreamError> {
        if let Err(early) = self.commands.check() {
            let retry_in = early.wait_time_from(DefaultClock::default().now());
            return self.say(&messages::too_often(retry_in)).await;
        }
        match Said::parse(text) {
            // Where none is wanted, a wrong one is refused all the same, as in a header: its
            // client would take this for the host that it knows.
            Ok(Said {
                token: Some(shown), ..
            }) if !self.entry.guard.knows(&shown) => {
                let wrong = "this is not the token; `quarterdeck serve` prints where it is";
                self.say(&messages::error(ErrorCode::PermissionDenied, &wrong))
                    .await
            }
            Ok(said) => self.carry_out(said.command).await,
            Err(misunderstood) => self.complain(&misunderstood).await,
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), StreamError> {
        match command {
            Command::ShowToken => self.say(&messages::authenticated()).await,
            Command::GetStatus => {
                let status = messages::status(&self.entry.streams);
                self.say(&status).await
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
                let (filter, unknown) = match &types {
                    Some(types) => EventFilter::of(types.iter().map(String::as_str)),
                    None => (self.manner.offered, Vec::new()),
                };
                let history = self.entry.streams.host.event_history();
                let numbers = since.saturating_add(1)..=u64::MAX;
                match history.newest(&filter, numbers, limit).await {
                    Ok(events) => self.say(&messages::history(&events, &unknown)).await,
                    Err(error) => {
                        self.say(&messages::error(ErrorCode::InternalError, &error))
                            .await
                    }
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
            self.sampling = Some(self.entry.streams.host.sample_every(interval));
        }
        let channels = channels.unwrap_or_else(|| vec!["*".to_owned()]);
        let (filter, unknown) = EventFilter::of(channels.iter().map(String::as_str));
        self.filter = filter.within(&self.manner.offered);
        self.say(&messages::subscribed(&channels, &unknown, interval))
            .await?;
        match since {
            Some(since) => {
                self.asked_for_the_past = true;
                self.replay(since).await
            }
            None => Ok(()),
        }
    }

    /// Tells of events with these numbers what the client wants to hear, unless it has
    /// asked for events of the past itself.
    async fn tell_unheard(&mut self, numbers: RangeInclusive<u64>) -> Result<(), StreamError> {
        if self.asked_for_the_past {
            return Ok(());
        }
        let host = Arc::clone(&self.entry.streams.host);
        let filter = self.filter.within(&self.manner.kept);
        match (host.event_history().newest(&filter, numbers, MOST_UNHEARD)).await {
            Ok(events) => self.tell_again(&events).await,
            Err(error) => {
                self.say(&messages::error(ErrorCode::InternalError, &error))
                    .await
            }
        }
    }

    async fn tell_again(&mut self, events: &[KeptEvent]) -> Result<(), StreamError> {
        for events in events.chunks(WRITTEN_AT_ONCE) {
            for event in events {
                self.socket.put(frames::text(&event.text));
            }
            self.flush().await?;
        }
        Ok(())
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
            Err(error) => {
                return self
                    .say(&messages::error(ErrorCode::InternalError, &error))
                    .await;
            }
        };
        if events.len() == MOST_REPLAYED {
            let first_told = events.first().map_or(newest, |event| event.sequence);
            if first_told > since + 1 {
                let missed = messages::missed(since + 1, first_told - 1);
                self.socket.put(frames::text(&missed));
            }
        }
        self.tell_again(&events).await?;
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
            self.socket
                .put(frames::text(&messages::missed(first, last)));
        }
        for batch in &news.batches {
            self.tell(batch);
        }
        self.flush().await?;
        if news.more {
            self.news.mark_changed();
        }
        Ok(())
    }

    fn tell(&mut self, batch: &Batch) {
        let after = std::mem::replace(&mut self.last, batch.last());
        if !batch.has_any_of(&self.filter) {
            return;
        }
        // Told already, by a replay, or not wanted, or not yet.
        let frames = batch.frames_of(|told| {
            told.event.sequence > after
                && self.filter.wants(told.event_type)
                && !self.pace.holds_back(&told.event)
        });
        for frames in frames {
            self.socket.put(frames);
        }
    }

    async fn tell_held(&mut self) -> Result<(), StreamError> {
        for event in self.pace.take_due() {
            self.socket.put(frames::text(event.text()));
        }
        self.flush().await
    }

    async fn complain(&mut self, what: &impl std::fmt::Display) -> Result<(), StreamError> {
        self.say(&messages::error(ErrorCode::InvalidParameters, what))
            .await
    }

    async fn say(&mut self, text: &str) -> Result<(), StreamError> {
        self.socket.put(frames::text(text));
        self.flush().await
    }

    /// Writes all that was put into the socket.
    async fn flush(&mut self) -> Result<(), StreamError> {
        match tokio::time::timeout(WRITE_PATIENCE, self.socket.flush()).await {
            Ok(flushed) => Ok(flushed?),
            Err(_) => Err(StreamError::Stuck),
        }
    }
}
