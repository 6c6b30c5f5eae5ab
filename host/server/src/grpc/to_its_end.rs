//! A call that has begun is carried to its end, whether or not its client waits for it.
//!
//! The server drops what a client has given up, wherever it stands. Half a message would
//! then be typed, and count as delivered or not depending on the moment.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::codegen::http::Request;
use tonic::server::NamedService;
use tower::Service;

/// `S`, each of whose calls has a task of its own.
#[derive(Clone)]
pub(super) struct ToItsEnd<S>(pub(super) S);

impl<S: NamedService> NamedService for ToItsEnd<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> Service<Request<B>> for ToItsEnd<S>
where
    S: Service<Request<B>, Future: Send + 'static>,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let running = tokio::spawn(self.0.call(request));
        Box::pin(async {
            match running.await {
                Ok(answered) => answered,
                // Nobody cancels it, so it has panicked: as if it had run here.
                Err(ended) => std::panic::resume_unwind(ended.into_panic()),
            }
        })
    }
}
