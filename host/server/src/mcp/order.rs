//! The order of a connection's calls.
//!
//! The protocol library gives each request a task of its own, so that calls that came one
//! after the other may begin in any order: keys that a client sends without waiting for
//! the answers would be typed as the scheduler likes. [`in_order`] numbers calls as they
//! are read, and [`begin`] lets each take its place in its session's queue before the next
//! one does. From there on they go on side by side.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::poll;
use rmcp::RoleServer;
use rmcp::model::{ClientRequest, Extensions, JsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A client that sends one message a line, whose calls begin in the order in which they
/// came.
pub fn in_order(
    reading: impl AsyncRead + Send + Unpin + 'static,
    writing: impl AsyncWrite + Send + Unpin + 'static,
) -> impl Transport<RoleServer, Error = io::Error> {
    InOrder {
        client: AsyncRwTransport::new(reading, writing),
        last: None,
    }
}

struct InOrder<T> {
    client: T,
    /// That the last call has begun.
    last: Option<CancellationToken>,
}

/// A call's place among those of its connection. It is free again with its last copy, so
/// that a call that comes to nothing holds up nobody.
#[derive(Clone)]
struct Place {
    before: Option<CancellationToken>,
    begun: CancellationToken,
    _given_up: Arc<DropGuard>,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for InOrder<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.client.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let mut message = self.client.receive().await?;
        if let JsonRpcMessage::Request(request) = &mut message
            && let ClientRequest::CallToolRequest(call) = &mut request.request
        {
            let begun = CancellationToken::new();
            let before = self.last.replace(begun.clone());
            call.extensions.insert(Place {
                before,
                begun: begun.clone(),
                _given_up: Arc::new(begun.drop_guard()),
            });
        }
        Some(message)
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.client.close()
    }
}

/// Carries a call out, once the one before it has begun.
pub(super) async fn begin<C: Future>(extensions: &Extensions, call: C) -> C::Output {
    let Some(place) = extensions.get::<Place>() else {
        return call.await;
    };
    if let Some(before) = &place.before {
        before.cancelled().await;
    }
    let mut call = pin!(call);
    let first = poll!(call.as_mut());
    place.begun.cancel();
    match first {
        Poll::Ready(answer) => answer,
        Poll::Pending => call.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn calls_begin_as_they_came_and_end_when_they_are_done() {
        let (client, server) = tokio::io::duplex(4096);
        let (_reading, mut writing) = tokio::io::split(client);
        let (reading, answering) = tokio::io::split(server);
        let mut transport = in_order(reading, answering);
        let mut places = Vec::new();
        for id in 0..3 {
            let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "x"}});
            let line = format!("{call}\n");
            writing.write_all(line.as_bytes()).await.expect("written");
            let Some(JsonRpcMessage::Request(request)) = transport.receive().await else {
                panic!("no request");
            };
            let ClientRequest::CallToolRequest(call) = request.request else {
                panic!("no call");
            };
            places.push(call.extensions);
        }
        let seen = Mutex::new(Vec::new());
        let call = |id: usize| {
            let (places, seen) = (&places, &seen);
            async move {
                let work = async {
                    seen.lock().expect("not poisoned").push(("begun", id));
                    // The first takes the longest.
                    tokio::time::sleep(Duration::from_millis(20 * (3 - id as u64))).await;
                    seen.lock().expect("not poisoned").push(("done", id));
                };
                begin(&places[id], work).await;
            }
        };
        tokio::join!(call(2), call(1), call(0));
        let seen = seen.into_inner().expect("not poisoned");
        let ids = |of: &str| -> Vec<usize> {
            let of_these = seen.iter().filter(|(what, _)| *what == of);
            of_these.map(|(_, id)| *id).collect()
        };
        assert_eq!(ids("begun"), [0, 1, 2]);
        assert_eq!(ids("done"), [2, 1, 0]);
    }
}
