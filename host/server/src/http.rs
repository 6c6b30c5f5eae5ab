//! Streamable HTTP: MCP at `/mcp`, behind a token, for this machine's own
//! clients.
//!
//! Checks, in this order: the Host header names this machine (a page that had
//! its name rebound to 127.0.0.1 does not), the Origin, where a browser sends
//! one, is this server's own, and the bearer token is right. Only then is a
//! body read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use quarterdeck_core::{Host, Transport};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::mcp::{McpDoor, ToolFamily};
use crate::token::Token;

/// A request's headers have to arrive within this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// So long may a request's body stand still.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest request body. `session_type` takes 1 MiB of text.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// More connections wait to be accepted.
const MAX_CONNECTIONS: usize = 512;
/// How long open requests may go on after the host was told to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The HTTP door, bound to its address.
pub struct HttpDoor {
    listener: TcpListener,
    address: SocketAddr,
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

struct Guard {
    token: Token,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl HttpDoor {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
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
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the tools of `families` until `stop` is cancelled.
    pub async fn serve(
        self,
        host: Arc<Host>,
        families: Vec<ToolFamily>,
        token: Token,
        stop: CancellationToken,
    ) {
        let router = router(host, families, token, self.address, stop.clone());
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        loop {
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
                break;
            };
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of descriptors, for one: others may close theirs.
                        tracing::warn!(%error, "cannot accept an HTTP connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = stop.cancelled() => break,
            };
            let connection = graceful.watch(connection(stream, router.clone()));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "an HTTP connection ended early");
                }
                drop(permit);
            });
        }
        if tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::debug!("some HTTP requests were cut off");
        }
    }
}

type Connection =
    hyper::server::conn::http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn connection(stream: TcpStream, router: Router) -> Connection {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

fn router(
    host: Arc<Host>,
    families: Vec<ToolFamily>,
    token: Token,
    address: SocketAddr,
    stop: CancellationToken,
) -> Router {
    let guard = Arc::new(Guard {
        token,
        hosts: own_names(address),
        origins: own_names(address)
            .into_iter()
            .map(|name| format!("http://{name}"))
            .collect(),
    });
    let config = StreamableHttpServerConfig::default()
        .with_max_request_body_bytes(MAX_BODY_BYTES)
        // The guard has checked both already.
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_cancellation_token(stop);
    let service = StreamableHttpService::new(
        move || Ok(McpDoor::new(Arc::clone(&host), Transport::Http, &families)),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    Router::new()
        .nest_service("/mcp", service)
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(middleware::from_fn_with_state(guard, admit))
}

/// What this server may be called: its address and, for a loopback address, the
/// names of the loopback.
fn own_names(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    let mut names = vec![address.to_string()];
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        names.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
    }
    names
}

async fn admit(State(guard): State<Arc<Guard>>, request: Request<Body>, next: Next) -> Response {
    match guard.refuses(request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal,
    }
}

impl Guard {
    fn refuses(&self, headers: &HeaderMap) -> Option<Response> {
        let host = text(headers, header::HOST);
        if !host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))) {
            return Some(refusal(
                StatusCode::FORBIDDEN,
                "the Host header does not name this server",
            ));
        }
        if headers.contains_key(header::ORIGIN) {
            let origin = text(headers, header::ORIGIN);
            let own = origin.is_some_and(|origin| {
                self.origins
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(origin))
            });
            if !own {
                return Some(refusal(
                    StatusCode::FORBIDDEN,
                    "requests from other web pages are refused",
                ));
            }
        }
        let shown = text(headers, header::AUTHORIZATION).and_then(bearer);
        if !shown.is_some_and(|shown| self.token.matches(shown)) {
            let mut response = refusal(
                StatusCode::UNAUTHORIZED,
                "this server wants the header `Authorization: Bearer TOKEN`; `quarterdeck serve` prints where the token is",
            );
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Bearer"),
            );
            return Some(response);
        }
        None
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The token of an `Authorization` header; the scheme's case does not matter
/// (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Closes the connection, so that nobody has to read a body that was refused.
fn refusal(status: StatusCode, message: &'static str) -> Response {
    let body = serde_json::json!({ "error": { "code": "PERMISSION_DENIED", "message": message } });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let folder = tempfile::tempdir().expect("temporary folder");
        Guard {
            token: Token::load_or_create(&folder.path().join("token")).expect("token"),
            hosts: vec!["127.0.0.1:3456".into()],
            origins: vec!["http://127.0.0.1:3456".into()],
        }
    }

    fn status(guard: &Guard, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                header::HeaderName::from_bytes(name.as_bytes()).expect("name"),
                value.parse().expect("value"),
            );
        }
        guard.refuses(&map).map(|response| response.status())
    }

    #[test]
    fn only_the_right_host_origin_and_token_pass() {
        let guard = guard();
        let token = format!("bearer {}", guard.token.reveal());
        let host = ("host", "127.0.0.1:3456");
        let auth = ("authorization", token.as_str());
        assert_eq!(status(&guard, &[host, auth]), None);
        assert_eq!(
            status(&guard, &[host, auth, ("origin", "http://127.0.0.1:3456")]),
            None
        );
        for refused in [
            vec![auth],
            vec![("host", "evil.example"), auth],
            vec![("host", "127.0.0.1:80"), auth],
            vec![host, auth, ("origin", "http://evil.example")],
            vec![host, auth, ("origin", "null")],
        ] {
            assert_eq!(status(&guard, &refused), Some(StatusCode::FORBIDDEN));
        }
        for refused in [
            vec![host],
            vec![host, ("authorization", "Bearer nonsense")],
            vec![host, ("authorization", "Basic abc")],
        ] {
            assert_eq!(status(&guard, &refused), Some(StatusCode::UNAUTHORIZED));
        }
    }
}
