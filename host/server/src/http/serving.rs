//! Accepting connections for a router.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::peer::Connection;

/// A request's headers have to arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// More connections wait to be accepted. A connection that has become a WebSocket
/// does not count.
const MAX_CONNECTIONS: usize = 512;
/// How long open requests may go on after the host was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Serves `router` on `listener` until `stop` is cancelled. Requests carry the
/// [`Connection`] that they came on.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_at_most(MAX_CONNECTIONS, listener, router, stop).await;
}

async fn serve_at_most(
    connections_at_once: usize,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(connections_at_once));
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, for one: others may close theirs.
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let served = serve_connection(stream, peer, router.clone(), stop.clone());
        connections.spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(%error, "an HTTP connection ended early");
            }
            drop(place);
        });
    }
    connections.close();
    if tokio::time::timeout(SHUTDOWN_GRACE, connections.wait())
        .await
        .is_err()
    {
        tracing::debug!("some HTTP requests were cut off");
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> hyper::Result<()> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let ends = Connection {
        peer,
        local: stream.local_addr().ok(),
    };
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ends);
        router.clone().oneshot(request)
    });
    let mut connection = pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::AsyncWriteExt;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_stop_is_heard_while_no_more_connections_are_taken() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (begun, mut begins) = mpsc::channel(1);
        let router = Router::new().route(
            "/",
            get(move || async move {
                let _ = begun.send(()).await;
                std::future::pending::<()>().await;
            }),
        );
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve_at_most(1, listener, router, stop.clone()));
        let mut client = TcpStream::connect(address).await.expect("connected");
        let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        client.write_all(request).await.expect("asked");
        begins.recv().await.expect("the one place is taken");
        stop.cancel();
        tokio::time::timeout(SHUTDOWN_GRACE * 5, served)
            .await
            .expect("it ends though the request does not")
            .expect("without a panic");
    }
}
