//! Streams of events over WebSockets, for clients of claude-mpm (`/events`, and a
//! port of its own) and of enhanced-iterm-mcp (`/monitor`).
//!
//! [`admission`] decides who may listen, [`handshake`] makes a [`socket`] of a
//! request, [`command`] reads what a client says on it, [`subscriber`] is one client,
//! [`hearing`] tells what nobody has heard, and [`fan_out`] is what all of them hear, in [`batch`]es whose [`frames`] are made
//! once. They run on threads of their own, so that a thousand listeners take no turn
//! of whoever types. Nobody can type through a stream.

mod admission;
mod batch;
mod command;
mod fan_out;
mod frames;
mod handshake;
mod hearing;
mod messages;
mod pace;
mod socket;
mod subscriber;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Extension, Query, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use quarterdeck_core::Host;
use quarterdeck_core::events::{EventFilter, EventType};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::dashboard::SignIns;
use crate::http::guard::{Guard, refusal};
use crate::http::{BindError, bind, serving};
use crate::peer::Connection;
use crate::token::Token;
use admission::Admission;
use fan_out::FanOut;
use hearing::Hearing;
use subscriber::{Manner, Subscriber};

/// Clients that listen at once; more are told to come later.
const MOST_SUBSCRIBERS: usize = 2_048;
/// Clients at once that still have to show the token, so that strangers do not take
/// the places of others.
const MOST_STRANGERS: usize = 64;

/// Threads that write to listeners.
const THREADS: usize = 2;
/// What those threads yield to others, as nice(2) counts it.
const NICENESS: i32 = 5;

/// Who may listen.
#[derive(Clone, Debug, Default)]
pub struct StreamSettings {
    /// Whether everybody has to show the token. If not, processes of the host's own
    /// user on this machine need none: they could read the token's file.
    pub require_token: bool,
    /// Origins of web pages that may connect, with the token.
    pub origins: Vec<String>,
}

/// The streams of one host, on whichever ports they are offered.
pub struct Streams {
    host: Arc<Host>,
    settings: StreamSettings,
    /// What the claude-mpm document calls the session: this run of the host.
    run: String,
    places: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    missed: AtomicU64,
    fan_out: Arc<FanOut>,
    hearing: Hearing,
    threads: Threads,
    stop: CancellationToken,
}

impl Streams {
    /// Streams of `host`, until `stop` is cancelled. The error is that of a system
    /// which gives no threads.
    pub fn new(
        host: Arc<Host>,
        settings: StreamSettings,
        stop: CancellationToken,
    ) -> io::Result<Arc<Self>> {
        let fan_out = FanOut::new();
        let threads = Threads::start()?;
        let places = Arc::new(Semaphore::new(MOST_SUBSCRIBERS));
        threads.spawn({
            let (feed, fan_out, places) = (
                host.events().subscribe(),
                Arc::clone(&fan_out),
                Arc::clone(&places),
            );
            let stop = stop.clone();
            async move {
                let subscribers = || MOST_SUBSCRIBERS - places.available_permits();
                tokio::select! {
                    () = fan_out.run(feed, subscribers) => {}
                    () = stop.cancelled() => {}
                }
            }
        });
        Ok(Arc::new(Self {
            settings,
            run: format!("{:032x}", rand::random::<u128>()),
            places,
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
            missed: AtomicU64::new(0),
            hearing: Hearing::since(host.events().last()),
            fan_out,
            threads,
            stop,
            host,
        }))
    }

    /// How many clients listen.
    pub(crate) fn subscribers(&self) -> usize {
        MOST_SUBSCRIBERS - self.places.available_permits()
    }

    /// How many events were left out for clients that read too slowly.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    pub(crate) fn origins(&self) -> &[String] {
        &self.settings.origins
    }
}

/// A runtime beside the host's, which ends with its owner.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("streams")
            .on_thread_start(|| {
                // On Linux that is this thread alone; elsewhere the whole process.
                #[cfg(target_os = "linux")]
                if let Err(error) = rustix::process::nice(NICENESS) {
                    tracing::debug!(%error, "streams have the priority of everything else");
                }
            })
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The last owner may be a task of another runtime, where nobody may wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The streams behind one door.
#[derive(Clone)]
pub(crate) struct StreamEntry {
    pub(crate) streams: Arc<Streams>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) sign_ins: Arc<SignIns>,
}

/// `/events` and `/monitor`.
pub(crate) fn routes(entry: StreamEntry) -> Router {
    Router::new()
        .route("/events", events())
        .route("/monitor", monitor())
        .with_state(entry)
}

fn events() -> MethodRouter<StreamEntry> {
    get(|entry, connection, request| listen(entry, connection, request, Manner::events()))
}

fn monitor() -> MethodRouter<StreamEntry> {
    get(|entry, connection, request| listen(entry, connection, request, Manner::monitor()))
}

/// The port of the claude-mpm document.
pub struct StreamDoor {
    listener: TcpListener,
    address: SocketAddr,
}

impl StreamDoor {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let (listener, address) = bind(address).await?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the streams end. Every path is the stream of events, since the
    /// document names none.
    pub async fn serve(self, streams: Arc<Streams>, token: Token) {
        let stop = streams.stop.clone();
        let entry = StreamEntry {
            // Nobody signs in here.
            sign_ins: Arc::new(SignIns::new(token.clone(), None)),
            guard: Arc::new(Guard::new(token, self.address, streams.origins())),
            streams,
        };
        let router = Router::new()
            .route("/monitor", monitor())
            .fallback(events())
            .with_state(entry);
        serving::serve(self.listener, router, stop).await;
    }
}

/// What may stand behind the address of a stream.
#[derive(Deserialize)]
struct StreamQuery {
    token: Option<String>,
}

async fn listen(
    State(entry): State<StreamEntry>,
    Extension(connection): Extension<Connection>,
    (Query(query), request): (Query<StreamQuery>, Request),
    manner: Manner,
) -> Response {
    let token = query.token.as_deref();
    let admission = match admission::decide(&entry, request.headers(), token, connection).await {
        Ok(admission) => admission,
        Err(refused) => return *refused,
    };
    let (response, upgrade) = match handshake::agree(request) {
        Ok(agreed) => agreed,
        Err(refused) => return *refused,
    };
    let places = match admission {
        Admission::Granted | Admission::SignedIn(_) => &entry.streams.places,
        Admission::WithToken => &entry.streams.strangers,
    };
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, NO_PLACE);
    };
    let streams = Arc::clone(&entry.streams);
    streams.threads.spawn(async move {
        match handshake::take_over(upgrade).await {
            Ok(socket) => {
                let stop = entry.streams.stop.clone();
                let subscriber = Subscriber::new(entry, socket, manner, place);
                subscriber.serve(admission, stop).await;
            }
            Err(error) => tracing::debug!(%error, "a stream did not begin"),
        }
    });
    response
}

/// Why a client that might listen cannot now.
const NO_PLACE: &str = "too many clients listen already; come again later";

/// What the enhanced-iterm-mcp document streams.
fn monitored() -> EventFilter {
    EventFilter::only(&[
        EventType::PerformanceUpdate,
        EventType::HealthAlert,
        EventType::ProgressUpdate,
    ])
}
