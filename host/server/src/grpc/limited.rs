//! Before a call: how often a client may, as the tools of iterm-mcp, which do the same; and
//! the sessions of an earlier host, which it may name.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quarterdeck_core::{Host, HostError};
use tonic::body::Body;
use tonic::codegen::http::{Request, Response, header};
use tonic::server::NamedService;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

use super::answers::status;
use crate::mcp::ToolFamily;

/// `S`, each of whose calls is counted, and finds the sessions that there are.
#[derive(Clone)]
pub(super) struct Limited<S> {
    pub(super) host: Arc<Host>,
    pub(super) service: S,
}

impl<S> Limited<S> {
    /// Counts a call. A caller is what calls from one address under one name:
    /// connections cost nothing.
    fn count<B>(&self, request: &Request<B>) -> Result<(), HostError> {
        let address = (request.extensions().get::<TcpConnectInfo>())
            .and_then(TcpConnectInfo::remote_addr)
            .map_or_else(|| "socket".to_owned(), |address| address.ip().to_string());
        let client = (request.headers().get(header::USER_AGENT))
            .and_then(|client| client.to_str().ok())
            .unwrap_or_default();
        let caller = format!("grpc {address} {client}");
        let path = request.uri().path();
        let method = path.rsplit('/').next().unwrap_or(path);
        let family = ToolFamily::ItermMcp.as_str();
        self.host
            .count_request(family, &caller, Some(client), method)
            .map(drop)
    }
}

impl<S: NamedService> NamedService for Limited<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.count(&request) {
            Ok(()) => {
                // The one that is ready is called, and another kept.
                let another = self.service.clone();
                let mut service = std::mem::replace(&mut self.service, another);
                let host = Arc::clone(&self.host);
                Box::pin(async move {
                    host.find_earlier_sessions().await;
                    service.call(request).await
                })
            }
            Err(too_often) => {
                let refused = status(&too_often).into_http();
                Box::pin(std::future::ready(Ok(refused)))
            }
        }
    }
}
