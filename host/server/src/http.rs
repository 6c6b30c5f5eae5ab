//! The HTTP door: MCP at `/mcp` over Streamable HTTP, streams of events at
//! `/events` and `/monitor`, figures for Prometheus at `/metrics`, and the
//! dashboard at `/`, for this machine's own clients.
//!
//! Checks, in this order: the Host header names this machine (a page that had
//! its name rebound to 127.0.0.1 does not), the Origin, where a browser sends
//! one, is this server's own, and the bearer token is right (streams and the
//! dashboard have their own ways to tell who may come in). Only then is a body
//! read.

pub(crate) mod guard;
mod protocol;
pub(crate) mod rates;
pub(crate) mod serving;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use quarterdeck_core::Host;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::dashboard::{Dashboard, SignIns};
use crate::mcp::ToolFamily;
use crate::streams::{StreamEntry, Streams};
use crate::token::Token;
use crate::{dashboard, metrics, streams};
use guard::Guard;

/// So long may a request's body stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The HTTP door, bound to its address.
pub struct HttpDoor {
    listener: TcpListener,
    address: SocketAddr,
    sign_ins: Option<PathBuf>,
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "{0} is taken by another program (another `quarterdeck serve`?); stop that one, or choose another address with --listen"
    )]
    Taken(SocketAddr),
    /// Another reason.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Binds `address`, and says which it is where the port was 0.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let listener = TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            BindError::Taken(address)
        } else {
            BindError::Other { address, source }
        }
    })?;
    let address = listener
        .local_addr()
        .map_err(|source| BindError::Other { address, source })?;
    Ok((listener, address))
}

impl HttpDoor {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let (listener, address) = bind(address).await?;
        Ok(Self {
            listener,
            address,
            sign_ins: None,
        })
    }

    /// Keeps who is signed in at the dashboard in this file, for the next host.
    pub fn keeping_sign_ins_in(mut self, file: PathBuf) -> Self {
        self.sign_ins = Some(file);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the tools of `families`, the streams and the dashboard until `stop`
    /// is cancelled.
    pub async fn serve(
        self,
        host: Arc<Host>,
        families: Vec<ToolFamily>,
        streams: Arc<Streams>,
        token: Token,
        stop: CancellationToken,
    ) {
        let sign_ins = Arc::new(SignIns::new(token.clone(), self.sign_ins));
        let guard = Arc::new(Guard::new(token, self.address, streams.origins()));
        let router = router(host, families, streams, (guard, sign_ins), stop.clone());
        serving::serve(self.listener, router, stop).await;
    }
}

fn router(
    host: Arc<Host>,
    families: Vec<ToolFamily>,
    streams: Arc<Streams>,
    (guard, sign_ins): (Arc<Guard>, Arc<SignIns>),
    stop: CancellationToken,
) -> Router {
    let by_token = middleware::from_fn_with_state(Arc::clone(&guard), with_token);
    let by_rate = middleware::from_fn_with_state(Arc::clone(&host), rates::limit);
    let mcp = Router::new()
        .nest("/mcp", protocol::mcp(Arc::clone(&host), families, stop))
        .layer(by_token.clone());
    let metrics = Router::new()
        .route("/metrics", get(metrics::metrics))
        .with_state((Arc::clone(&host), Arc::clone(&streams)))
        .route_layer(by_rate.clone())
        .layer(by_token);
    let streams = streams::routes(StreamEntry {
        streams,
        guard: Arc::clone(&guard),
        sign_ins: Arc::clone(&sign_ins),
    });
    let dashboard = Dashboard::new(host, Arc::clone(&guard), sign_ins);
    let sign_in = dashboard::sign_in_route(Arc::clone(&dashboard)).route_layer(by_rate);
    Router::new()
        .merge(mcp)
        .merge(metrics)
        .merge(streams)
        .merge(sign_in)
        .merge(dashboard::routes(dashboard))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(middleware::from_fn_with_state(guard, from_here))
}

async fn from_here(
    State(guard): State<Arc<Guard>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match guard.refuses_sender(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

async fn with_token(
    State(guard): State<Arc<Guard>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match guard.refuses_token(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}
