//! The handle.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::address::Address;
use crate::connection::{Connection, Order};
use crate::credentials::CredentialSource;
use crate::dial::DialError;
use crate::error::CallError;
use crate::interest::{Interest, Notice};
use crate::proto::{
    client_originated_message::Submessage as Request, notification_response::Status,
    server_originated_message::Submessage as Response,
};

/// How long an answer is waited for unless one says otherwise.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// Requests that wait to be sent.
const WAITING_ORDERS: usize = 64;

/// Notices that wait for who reads them.
const WAITING_NOTICES: usize = 4096;

/// How the connection is.
#[derive(Debug, Clone)]
pub enum ConnectionState {
    /// Not there, and being tried; with what went wrong last.
    Down(Option<Arc<DialError>>),
    /// There, and all subscriptions stand.
    Connected,
    /// Not there, and not tried again.
    GivenUp(Arc<DialError>),
}

/// A handle to a connection with iTerm2. Cheap to clone; the connection ends with the last one.
#[derive(Debug, Clone)]
pub struct Client {
    orders: mpsc::Sender<Order>,
    notices: broadcast::Sender<Notice>,
    state: watch::Receiver<ConnectionState>,
    deadline: Duration,
}

impl Client {
    /// Begins to connect, and goes on trying. Must be called within a Tokio runtime.
    pub fn new(address: Address, source: CredentialSource) -> Self {
        let (orders, order_queue) = mpsc::channel(WAITING_ORDERS);
        let (notices, _) = broadcast::channel(WAITING_NOTICES);
        let (told_state, state) = watch::channel(ConnectionState::Down(None));
        let connection = Connection::new(address, source, order_queue, notices.clone(), told_state);
        tokio::spawn(connection.live());
        Self {
            orders,
            notices,
            state,
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// The same connection with another deadline for each call. The default is 5 s.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// How the connection is now.
    pub fn state(&self) -> ConnectionState {
        self.state.borrow().clone()
    }

    /// Waits until there is a connection: at most so long, and not when it was given up.
    pub async fn connected(&self, at_most: Duration) -> Result<(), CallError> {
        let mut state = self.state.clone();
        let decided = state.wait_for(|state| !matches!(state, ConnectionState::Down(_)));
        let decided = match tokio::time::timeout(at_most, decided).await {
            // It may have changed again since, but there was a connection.
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => self.state(),
        };
        match decided {
            ConnectionState::Connected => Ok(()),
            ConnectionState::Down(reason) => Err(not_connected(reason)),
            ConnectionState::GivenUp(reason) => Err(not_connected(Some(reason))),
        }
    }

    /// What happens from now on.
    pub fn notices(&self) -> Notices {
        Notices {
            queue: self.notices.subscribe(),
        }
    }

    /// Asks to be told about something, also after a loss of the connection.
    pub async fn subscribe(&self, interest: Interest) -> Result<(), CallError> {
        let status = self.request_notices(&interest, true).await?;
        match status {
            Status::Ok | Status::AlreadySubscribed => {
                let _ = self.orders.send(Order::Remember(interest)).await;
                Ok(())
            }
            refused => Err(CallError::Status {
                request: "a subscription",
                status: refused.as_str_name(),
            }),
        }
    }

    /// Ends that. What is not subscribed to is ended already.
    pub async fn unsubscribe(&self, interest: Interest) -> Result<(), CallError> {
        let _ = self.orders.send(Order::Forget(interest.clone())).await;
        match self.request_notices(&interest, false).await? {
            Status::Ok | Status::NotSubscribed | Status::SessionNotFound => Ok(()),
            refused => Err(CallError::Status {
                request: "the end of a subscription",
                status: refused.as_str_name(),
            }),
        }
    }

    async fn request_notices(
        &self,
        interest: &Interest,
        subscribe: bool,
    ) -> Result<Status, CallError> {
        let request = Request::NotificationRequest(interest.request(subscribe));
        match self.call("a subscription", request).await? {
            Response::NotificationResponse(response) => Ok(response.status()),
            _ => Err(mismatched("a subscription")),
        }
    }

    /// Sends a request and waits for the answer. `name` says in errors what was asked for.
    pub async fn call(&self, name: &'static str, request: Request) -> Result<Response, CallError> {
        let (answer, answered) = oneshot::channel();
        let order = Order::Call {
            name,
            request: Box::new(request),
            answer,
        };
        let called = async {
            let gone = |_| not_connected_for(name);
            self.orders.send(order).await.map_err(|_| gone(()))?;
            answered
                .await
                .unwrap_or(Err(CallError::ConnectionLost { request: name }))
        };
        tokio::time::timeout(self.deadline, called)
            .await
            .unwrap_or(Err(CallError::Deadline {
                request: name,
                after: self.deadline,
            }))
    }
}

fn not_connected(reason: Option<Arc<DialError>>) -> CallError {
    CallError::NotConnected {
        request: "the first request",
        reason,
    }
}

fn not_connected_for(request: &'static str) -> CallError {
    CallError::NotConnected {
        request,
        reason: None,
    }
}

/// The answer to a request was one to another.
pub(crate) fn mismatched(request: &'static str) -> CallError {
    CallError::Refused {
        request,
        reason: "the answer belongs to another request".to_owned(),
    }
}

/// What happens, in order.
#[derive(Debug)]
pub struct Notices {
    queue: broadcast::Receiver<Notice>,
}

impl Notices {
    /// The next thing that happens; none when the connection's task has ended.
    pub async fn next(&mut self) -> Option<Notice> {
        match self.queue.recv().await {
            Ok(notice) => Some(notice),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Notice::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
