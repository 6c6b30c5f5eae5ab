//! The way in: the handshake with all that iTerm2 insists on, and frames both ways.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use quarterdeck_iterm2::proto::{ClientOriginatedMessage, ServerOriginatedMessage};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::application::{ClientId, Event};
use crate::cookies::Cookies;

/// What this server says that it speaks.
const PROTOCOL_VERSION: &str = "1.17";

/// Messages that wait for a client that does not read.
const WAITING_MESSAGES: usize = 4096;

/// What goes to a client.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Message {
        message: ServerOriginatedMessage,
        delay: Duration,
    },
    /// The first half of a frame, and then nothing more.
    HalfMessage(ServerOriginatedMessage),
    /// The end, without a farewell.
    Close,
}

/// Who may come in. Behind a lock, because a handshake cannot wait for the application's task.
#[derive(Debug, Clone)]
pub(crate) struct Admission(Arc<Mutex<Rules>>);

#[derive(Debug)]
struct Rules {
    cookies: Cookies,
    cookie_needed: bool,
    too_old: bool,
    /// The application is away until then.
    away_until: Option<Instant>,
}

impl Admission {
    pub(crate) fn new(cookie_needed: bool) -> Self {
        Self(Arc::new(Mutex::new(Rules {
            cookies: Cookies::default(),
            cookie_needed,
            too_old: false,
            away_until: None,
        })))
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issue_cookie(&self) -> String {
        self.rules().cookies.issue()
    }

    pub(crate) fn refuse_as_too_old(&self, refuse: bool) {
        self.rules().too_old = refuse;
    }

    pub(crate) fn go_away(&self, absence: Duration) {
        let mut rules = self.rules();
        rules.cookies.forget();
        rules.away_until = Some(Instant::now() + absence);
    }

    fn is_away(&self) -> bool {
        let away_until = self.rules().away_until;
        away_until.is_some_and(|until| Instant::now() < until)
    }

    /// The status to refuse a handshake with, if it is to be refused.
    fn judge(&self, request: &Request) -> Option<StatusCode> {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let origin_host = header("origin").and_then(|origin| {
            let after = origin.split_once("://")?.1;
            after.split([':', '/']).next()
        });
        let library = header("x-iterm2-library-version").map(|version| version.split(' ').count());
        let well_formed = request.uri().path() == "/"
            // Exactly this; what browsers send is refused.
            && header("connection") == Some("Upgrade")
            && header("sec-websocket-protocol") == Some("api.iterm2.com")
            && origin_host == Some("localhost")
            && library == Some(2);
        if !well_formed {
            return Some(StatusCode::BAD_REQUEST);
        }
        let mut rules = self.rules();
        if rules.too_old {
            return Some(StatusCode::NOT_ACCEPTABLE);
        }
        let cookie = header("x-iterm2-cookie").unwrap_or_default();
        let redeemed = rules.cookies.redeem(cookie);
        (rules.cookie_needed && !redeemed).then_some(StatusCode::UNAUTHORIZED)
    }
}

/// What every way in needs.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    pub(crate) admission: Admission,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) next_client: Arc<std::sync::atomic::AtomicU64>,
}

impl Entrance {
    pub(crate) async fn listen_unix(self, door: UnixListener) {
        let own = rustix::process::geteuid().as_raw();
        while let Ok((stream, _)) = door.accept().await {
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == own) {
                tokio::spawn(self.clone().admit(stream));
            }
        }
    }

    pub(crate) async fn listen_tcp(self, door: TcpListener) {
        while let Ok((stream, _)) = door.accept().await {
            tokio::spawn(self.clone().admit(stream));
        }
    }

    async fn admit<S: AsyncRead + AsyncWrite + Unpin + Send>(self, stream: S) {
        if self.admission.is_away() {
            return;
        }
        let admission = self.admission.clone();
        #[allow(
            clippy::result_large_err,
            reason = "the library says what a refusal looks like"
        )]
        let judge = move |request: &Request, mut response: Response| {
            if let Some(status) = admission.judge(request) {
                let mut refusal = ErrorResponse::new(Some(status.to_string()));
                *refusal.status_mut() = status;
                return Err(refusal);
            }
            let headers = response.headers_mut();
            headers.insert(
                "Sec-WebSocket-Protocol",
                HeaderValue::from_static("api.iterm2.com"),
            );
            headers.insert(
                "X-iTerm2-Protocol-Version",
                HeaderValue::from_static(PROTOCOL_VERSION),
            );
            Ok(response)
        };
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let Ok(socket) = accept_hdr_async_with_config(stream, judge, Some(config)).await else {
            return;
        };
        let client = self
            .next_client
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (outbox, outgoing) = mpsc::channel(WAITING_MESSAGES);
        let connected = Event::Connected { client, outbox };
        if self.events.send(connected).await.is_ok() {
            self.converse(client, socket, outgoing).await;
            let _ = self.events.send(Event::Gone(client)).await;
        }
    }

    /// Carries messages both ways. Reads on while it writes, so that two who write much do not
    /// wait for each other.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: ClientId,
        socket: WebSocketStream<S>,
        mut outgoing: mpsc::Receiver<Outgoing>,
    ) {
        let (mut sink, mut stream) = socket.split();
        let mut unsent = false;
        loop {
            let message = tokio::select! {
                message = stream.next() => match message {
                    // iTerm2 ignores text, and what it cannot read.
                    Some(Ok(Message::Binary(bytes))) => ClientOriginatedMessage::decode(bytes),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return,
                },
                flushed = sink.flush(), if unsent => {
                    if flushed.is_err() {
                        return;
                    }
                    unsent = false;
                    continue;
                }
                next = outgoing.recv(), if !unsent => {
                    match next {
                        Some(Outgoing::Message { message, delay }) => {
                            if !delay.is_zero() {
                                tokio::time::sleep(delay).await;
                            }
                            let frame = Message::Binary(Bytes::from(message.encode_to_vec()));
                            if sink.feed(frame).await.is_err() {
                                return;
                            }
                            unsent = true;
                        }
                        Some(Outgoing::HalfMessage(message)) => {
                            if let Ok(mut socket) = sink.reunite(stream) {
                                write_half(socket.get_mut(), &message).await;
                            }
                            return;
                        }
                        Some(Outgoing::Close) | None => return,
                    }
                    continue;
                }
            };
            if let Ok(message) = message
                && self
                    .events
                    .send(Event::Request(client, message))
                    .await
                    .is_err()
            {
                return;
            }
        }
    }
}

/// The head of a frame and half of what it promises.
async fn write_half<S: AsyncWrite + Unpin>(stream: &mut S, message: &ServerOriginatedMessage) {
    let bytes = message.encode_to_vec();
    // A final binary frame whose length follows in 64 bits.
    let mut frame = vec![0x82, 127];
    frame.extend((bytes.len() as u64).to_be_bytes());
    frame.extend(&bytes[..bytes.len() / 2]);
    let _ = stream.write_all(&frame).await;
    let _ = stream.flush().await;
}
