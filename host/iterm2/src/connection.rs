//! The task that owns the connection: what is asked, what is awaited, what is told.
//!
//! It alone reads and writes the socket. Requests come through a bounded channel, answers go
//! back through one channel for each call, notices through a bounded one that forgets the oldest
//! for who does not read. When the connection goes, every call that waits is ended, and the task
//! connects again after a delay that grows.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::address::Address;
use crate::client::ConnectionState;
use crate::credentials::CredentialSource;
use crate::dial::{DialError, Socket, dial};
use crate::error::CallError;
use crate::interest::{Interest, Notice};
use crate::proto::{
    ClientOriginatedMessage, ServerOriginatedMessage,
    client_originated_message::Submessage as Request, notification_response,
    server_originated_message::Submessage as Response,
};

/// Delays before the next attempt: doubled each time, up to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Calls that wait for their answers.
const MOST_WAITING: usize = 1024;

/// How long subscriptions may take to be made again before the connection counts as usable.
const SUBSCRIBING_PATIENCE: Duration = Duration::from_secs(10);

/// What the handles ask for.
#[derive(Debug)]
pub(crate) enum Order {
    Call {
        name: &'static str,
        request: Box<Request>,
        answer: oneshot::Sender<Result<Response, CallError>>,
    },
    /// Remember an interest, to subscribe again after a loss.
    Remember(Interest),
    Forget(Interest),
}

struct Waiting {
    name: &'static str,
    answer: oneshot::Sender<Result<Response, CallError>>,
}

/// Why a connection is not carried on.
enum End {
    Lost,
    /// All handles are gone.
    Unwanted,
}

pub(crate) struct Connection {
    address: Address,
    source: CredentialSource,
    orders: mpsc::Receiver<Order>,
    notices: broadcast::Sender<Notice>,
    state: watch::Sender<ConnectionState>,
    interests: Vec<Interest>,
    /// The next request's id. From 1, since 0 cannot be told from none.
    next_id: i64,
    waiting: HashMap<i64, Waiting>,
    /// Subscriptions that are being made again.
    subscribing: HashMap<i64, Interest>,
}

impl Connection {
    pub(crate) fn new(
        address: Address,
        source: CredentialSource,
        orders: mpsc::Receiver<Order>,
        notices: broadcast::Sender<Notice>,
        state: watch::Sender<ConnectionState>,
    ) -> Self {
        Self {
            address,
            source,
            orders,
            notices,
            state,
            interests: Vec::new(),
            next_id: 1,
            waiting: HashMap::new(),
            subscribing: HashMap::new(),
        }
    }

    /// Lives until the last handle is dropped.
    pub(crate) async fn live(mut self) {
        let mut delay = FIRST_DELAY;
        let mut reason: Option<Arc<DialError>> = None;
        loop {
            let dialled = {
                let dialling = dial(&self.address, &mut self.source);
                let refusing = refuse(&mut self.orders, &mut self.interests, reason.clone());
                tokio::select! {
                    dialled = dialling => dialled,
                    () = refusing => return,
                }
            };
            reason = match dialled {
                Ok(socket) => {
                    if matches!(self.carry(socket).await, End::Unwanted) {
                        return;
                    }
                    // One that was never usable is no better than none.
                    if self.on_lost() {
                        delay = FIRST_DELAY;
                    }
                    None
                }
                Err(error) => Some(Arc::new(error)),
            };
            if let Some(reason) = &reason {
                tracing::debug!(%reason, "no connection to iTerm2");
                if reason.is_final() {
                    return self.give_up(reason.clone()).await;
                }
                self.state
                    .send_replace(ConnectionState::Down(Some(reason.clone())));
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => (),
                () = refuse(&mut self.orders, &mut self.interests, reason.clone()) => return,
            }
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    async fn give_up(mut self, reason: Arc<DialError>) {
        self.state
            .send_replace(ConnectionState::GivenUp(reason.clone()));
        let _ = self.notices.send(Notice::GivenUp(reason.clone()));
        refuse(&mut self.orders, &mut self.interests, Some(reason)).await;
    }

    /// Whether the connection was usable before.
    fn on_lost(&mut self) -> bool {
        self.subscribing.clear();
        let was_up = matches!(*self.state.borrow(), ConnectionState::Connected);
        self.state.send_replace(ConnectionState::Down(None));
        for (_, waiting) in self.waiting.drain() {
            let request = waiting.name;
            let _ = waiting
                .answer
                .send(Err(CallError::ConnectionLost { request }));
        }
        if was_up {
            let _ = self.notices.send(Notice::Disconnected);
        }
        was_up
    }

    /// Carries messages both ways until the connection ends. Reads on while it writes.
    async fn carry(&mut self, socket: Socket) -> End {
        let (mut sink, mut stream) = socket.split();
        let mut outbox = self.subscribe_again();
        let usable_at_last = Instant::now() + SUBSCRIBING_PATIENCE;
        let mut unsent = false;
        loop {
            let is_up = matches!(*self.state.borrow(), ConnectionState::Connected);
            if !is_up && (self.subscribing.is_empty() || Instant::now() >= usable_at_last) {
                self.state.send_replace(ConnectionState::Connected);
                let _ = self.notices.send(Notice::Connected);
                continue;
            }
            if !unsent && let Some(frame) = outbox.pop_front() {
                if sink.feed(frame).await.is_err() {
                    return End::Lost;
                }
                unsent = true;
            }
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => match ServerOriginatedMessage::decode(bytes) {
                        Ok(message) => self.receive(message),
                        // Nobody can tell whose answer that was.
                        Err(_) => return End::Lost,
                    },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Lost,
                    Some(Ok(_)) => (),
                },
                flushed = sink.flush(), if unsent => match flushed {
                    Ok(()) => unsent = false,
                    Err(_) => return End::Lost,
                },
                order = self.orders.recv(), if !unsent && outbox.is_empty() => match order {
                    Some(order) => outbox.extend(self.on_order(order)),
                    None => return End::Unwanted,
                },
                () = tokio::time::sleep_until(usable_at_last), if !is_up => (),
            }
        }
    }

    fn subscribe_again(&mut self) -> VecDeque<Message> {
        self.subscribing.clear();
        let interests = self.interests.clone();
        interests
            .into_iter()
            .map(|interest| {
                let request = interest.request(true);
                let (id, frame) = self.frame(Request::NotificationRequest(request));
                self.subscribing.insert(id, interest);
                frame
            })
            .collect()
    }

    fn frame(&mut self, request: Request) -> (i64, Message) {
        let id = self.next_id;
        self.next_id += 1;
        let message = ClientOriginatedMessage {
            id: Some(id),
            submessage: Some(request),
        };
        (id, Message::Binary(message.encode_to_vec().into()))
    }

    fn on_order(&mut self, order: Order) -> Option<Message> {
        match order {
            Order::Remember(interest) => {
                if !self.interests.contains(&interest) {
                    self.interests.push(interest);
                }
                None
            }
            Order::Forget(interest) => {
                self.interests.retain(|known| *known != interest);
                None
            }
            Order::Call {
                name,
                request,
                answer,
            } => {
                if answer.is_closed() {
                    // Its deadline passed before it was sent.
                    return None;
                }
                // Whoever has stopped waiting is forgotten.
                self.waiting
                    .retain(|_, waiting| !waiting.answer.is_closed());
                if self.waiting.len() >= MOST_WAITING {
                    let _ = answer.send(Err(CallError::Busy { request: name }));
                    return None;
                }
                let (id, frame) = self.frame(*request);
                self.waiting.insert(id, Waiting { name, answer });
                Some(frame)
            }
        }
    }

    fn receive(&mut self, message: ServerOriginatedMessage) {
        let ServerOriginatedMessage { id, submessage } = message;
        if let Some(Response::Notification(notification)) = submessage {
            if let Some(notice) = Notice::of(notification) {
                let _ = self.notices.send(notice);
            }
            return;
        }
        let id = id.unwrap_or_default();
        if let Some(interest) = self.subscribing.remove(&id) {
            self.on_subscribed(interest, submessage);
            return;
        }
        let Some(Waiting { name, answer }) = self.waiting.remove(&id) else {
            return;
        };
        let _ = answer.send(match submessage {
            Some(Response::Error(reason)) => Err(CallError::Refused {
                request: name,
                reason,
            }),
            None => Err(CallError::Refused {
                request: name,
                reason: "the answer is empty".to_owned(),
            }),
            Some(response) => Ok(response),
        });
    }

    fn on_subscribed(&mut self, interest: Interest, response: Option<Response>) {
        use notification_response::Status;
        let stands = matches!(
            response,
            Some(Response::NotificationResponse(response))
                if matches!(response.status(), Status::Ok | Status::AlreadySubscribed)
        );
        if !stands {
            self.interests.retain(|known| *known != interest);
            let _ = self.notices.send(Notice::InterestLost(interest));
        }
    }
}

/// Refuses what is asked while there is no connection; returns when nobody can ask any more.
async fn refuse(
    orders: &mut mpsc::Receiver<Order>,
    interests: &mut Vec<Interest>,
    reason: Option<Arc<DialError>>,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Call { name, answer, .. } => {
                let _ = answer.send(Err(CallError::NotConnected {
                    request: name,
                    reason: reason.clone(),
                }));
            }
            Order::Remember(interest) => {
                if !interests.contains(&interest) {
                    interests.push(interest);
                }
            }
            Order::Forget(interest) => interests.retain(|known| *known != interest),
        }
    }
}
