//! Who may call over TCP: whoever shows the token that HTTP wants, and, where the
//! configuration says so, processes of the host's own user on this machine.
//!
//! No web page can call: browsers do not speak HTTP/2 without TLS.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response, header};
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

use crate::http::guard::bearer;
use crate::peer::Connection;
use crate::token::Token;

/// Whose calls are let through.
#[derive(Clone)]
pub(super) struct Admission {
    pub(super) token: Token,
    pub(super) require_token: bool,
}

/// `S`, for those who may call.
#[derive(Clone)]
pub(super) struct Admitting<S> {
    pub(super) admission: Admission,
    pub(super) service: S,
}

impl Admission {
    /// A wrong token is refused also where none is wanted.
    async fn admits(&self, shown: Option<&str>, from: Option<TcpConnectInfo>) -> bool {
        match shown {
            Some(shown) => self.token.matches(shown),
            None => !self.require_token && is_own_users(from).await,
        }
    }
}

/// Whether the other end is a process of the host's own user. Elsewhere than on Linux
/// nobody can tell: there it is enough that it is on this machine.
async fn is_own_users(from: Option<TcpConnectInfo>) -> bool {
    let Some(from) = from else { return false };
    let Some(peer) = from.remote_addr() else {
        return false;
    };
    if !cfg!(target_os = "linux") {
        return peer.ip().is_loopback();
    }
    let local = from.local_addr();
    Connection { peer, local }.is_own_users().await
}

/// What is shown as `authorization: Bearer TOKEN`; anything else there is no token.
fn shown_token(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?;
    Some(bearer(shown).unwrap_or_default())
}

impl<S> Service<Request<Body>> for Admitting<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that is ready is called, and another kept.
        let another = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, another);
        let admission = self.admission.clone();
        Box::pin(async move {
            let from = request.extensions().get::<TcpConnectInfo>().cloned();
            if admission.admits(shown_token(request.headers()), from).await {
                return service.call(request).await;
            }
            let refused = Status::unauthenticated(
                "this server wants the metadata `authorization: Bearer TOKEN`; `quarterdeck serve` prints where the token is",
            );
            Ok(refused.into_http())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_token_is_let_through() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let token = Token::load_or_create(&folder.path().join("token")).expect("token");
        let right = format!("Bearer {}", token.reveal());
        let basic = format!("Basic {}", token.reveal());
        for require_token in [true, false] {
            let admission = Admission {
                token: token.clone(),
                require_token,
            };
            for (shown, admitted) in [
                (Some(right.as_str()), true),
                (Some("Bearer nonsense"), false),
                (Some(basic.as_str()), false),
                // Of nobody it can be said whose process it is.
                (None, false),
            ] {
                let mut headers = HeaderMap::new();
                if let Some(shown) = shown {
                    let shown = shown.parse().expect("a header's value");
                    headers.insert(header::AUTHORIZATION, shown);
                }
                let found = admission.admits(shown_token(&headers), None).await;
                assert_eq!(found, admitted, "{shown:?} {require_token}");
            }
        }
    }

    #[tokio::test]
    async fn a_process_of_the_hosts_user_needs_none_where_none_is_required() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let local = listener.and_then(|it| it.local_addr().map(|address| (it, address)));
        let (listener, local) = local.expect("an address");
        let client = tokio::net::TcpStream::connect(local)
            .await
            .expect("connect");
        let (accepted, _) = listener.accept().await.expect("accepted");
        let from = tonic::transport::server::Connected::connect_info(&accepted);
        assert!(is_own_users(Some(from.clone())).await);
        drop((client, accepted));
        if cfg!(target_os = "linux") {
            let stranger = TcpConnectInfo {
                remote_addr: Some(([127, 0, 0, 1], 1).into()),
                ..from
            };
            assert!(!is_own_users(Some(stranger)).await, "nobody holds that one");
        }
    }
}
