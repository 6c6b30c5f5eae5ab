//! gRPC: the service that iterm-mcp's clients speak, over the same operations as its
//! tools; with health and reflection.
//!
//! On TCP each call shows the bearer token that HTTP wants, unless the configuration
//! spares the host's own user. On the Unix socket, which is its owner's alone, none is
//! needed.

mod admission;
mod answers;
mod limited;
mod questions;
mod service;
mod to_its_end;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::Host;
use tokio::net::{TcpListener, UnixListener};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::layer::layer_fn;

use crate::own_socket::{self, SocketFile};
use crate::token::Token;
use admission::{Admission, Admitting};
use limited::Limited;
use proto::i_term_service_server::ITermServiceServer;
use service::Service;
use to_its_end::ToItsEnd;

/// What `proto/iterm_mcp.proto` was compiled to.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated; its words are those of the clients"
)]
mod proto {
    tonic::include_proto!("iterm_mcp");

    /// For reflection.
    pub(super) const DESCRIPTORS: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/iterm_mcp.bin"));
}

/// Calls of one connection that are carried out at once; more wait.
const CALLS_AT_ONCE: usize = 64;

/// How long calls that are under way may take to be answered once the host stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// The gRPC door, bound to its address and its socket.
pub struct GrpcDoor {
    tcp: TcpListener,
    address: SocketAddr,
    listener: UnixListener,
    /// The socket's, for as long as the door is open.
    file: SocketFile,
}

/// The address or the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GrpcBindError {
    /// The address.
    #[error(
        "gRPC cannot listen on {address}: {source}; choose another address with listen under [grpc] in the configuration"
    )]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The socket.
    #[error("gRPC cannot listen on the socket {}: {source}", .path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl GrpcDoor {
    /// Binds `address` (port 0 takes a free one) and the socket `path` (mode 0600). A
    /// socket that a dead host left behind is replaced.
    pub async fn bind(address: SocketAddr, path: &Path) -> Result<Self, GrpcBindError> {
        let failed = |source| GrpcBindError::Address { address, source };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let bound = tcp.local_addr().map_err(failed)?;
        let listening = own_socket::listen(path).await;
        let (listener, file) = listening.map_err(|source| GrpcBindError::Socket {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            tcp,
            address: bound,
            listener,
            file,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled. Unless `require_token`, processes of the host's
    /// own user need none.
    pub async fn serve(
        self,
        host: Arc<Host>,
        token: Token,
        require_token: bool,
        stop: CancellationToken,
    ) {
        let routes = match routes(host).await {
            Ok(routes) => routes,
            Err(error) => {
                tracing::error!(%error, "gRPC cannot describe itself and does not serve");
                return;
            }
        };
        let admission = Admission {
            token,
            require_token,
        };
        let admitting = layer_fn(move |service| Admitting {
            admission: admission.clone(),
            service,
        });
        let guarded = Server::builder()
            .concurrency_limit_per_connection(CALLS_AT_ONCE)
            .layer(admitting)
            .add_routes(routes.clone());
        let on_tcp = guarded.serve_with_incoming_shutdown(
            TcpListenerStream::new(self.tcp),
            stop.clone().cancelled_owned(),
        );
        let on_socket = Server::builder()
            .concurrency_limit_per_connection(CALLS_AT_ONCE)
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                UnixListenerStream::new(self.listener),
                stop.clone().cancelled_owned(),
            );
        let served = async {
            let (tcp, socket) = tokio::join!(on_tcp, on_socket);
            for ended in [tcp, socket] {
                if let Err(error) = ended {
                    tracing::warn!(%error, "gRPC ended early");
                }
            }
        };
        // Whoever watches the service's health, or only keeps a connection open, would
        // keep the host from ending.
        let out_of_patience = async {
            stop.cancelled().await;
            tokio::time::sleep(SHUTDOWN_GRACE).await;
        };
        tokio::select! {
            () = served => {}
            () = out_of_patience => tracing::debug!("gRPC connections that stayed open are closed"),
        }
        drop(self.file);
    }
}

/// The service, with health and both versions of reflection.
async fn routes(host: Arc<Host>) -> Result<Routes, tonic_reflection::server::Error> {
    let (health_reporter, health) = tonic_health::server::health_reporter();
    health_reporter
        .set_serving::<ITermServiceServer<Service>>()
        .await;
    let describe = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let service = ITermServiceServer::new(Service::new(Arc::clone(&host)));
    let service = Limited {
        host,
        service: ToItsEnd(service),
    };
    Ok(Routes::new(service)
        .add_service(health)
        .add_service(describe().build_v1()?)
        .add_service(describe().build_v1alpha()?))
}
