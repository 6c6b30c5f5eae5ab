//! How often an HTTP endpoint may be asked for, or a tool through it, and the headers that
//! say so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::{Allowance, HTTP, Host, HostError, TooOften};
use serde_json::json;
use tokio::sync::oneshot;

use super::guard::text;
use crate::peer::Connection;

/// What counting a request came to.
type Counted = Result<Option<Allowance>, TooOften>;

/// What a request of the newest revision asks for.
const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// An answer that begins before its call was counted is held back for so long; counting
/// is the first thing that happens to a call.
const COUNTING: Duration = Duration::from_secs(1);

/// Goes with a request to the tool that it calls, and takes back how its call was counted.
#[derive(Clone)]
pub(crate) struct CallCount(Arc<Mutex<Option<oneshot::Sender<Counted>>>>);

impl CallCount {
    /// Tells the answer to this request how its call was counted.
    pub(crate) fn tell(request: &Parts, counted: &Result<Option<Allowance>, HostError>) {
        let Some(Self(waiting)) = request.extensions.get() else {
            return;
        };
        let counted = match counted {
            Ok(allowance) => Ok(*allowance),
            Err(HostError::RateLimitExceeded(too_often)) => Err(too_often.clone()),
            Err(_) => return,
        };
        let waiting = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // An answer that has begun meanwhile has its headers.
        waiting.map(|waiting| waiting.send(counted));
    }
}

/// Tells in the headers of an answer what is left to whoever has called a tool.
pub(super) async fn tell_callers(mut request: Request<Body>, next: Next) -> Response {
    let calls = request.method() == Method::POST
        && text(request.headers(), MCP_METHOD).is_none_or(|method| method == "tools/call");
    if !calls {
        return next.run(request).await;
    }
    let (sender, counted) = oneshot::channel();
    let count = CallCount(Arc::new(Mutex::new(Some(sender))));
    request.extensions_mut().insert(count);
    let mut response = next.run(request).await;
    // Whatever is no call ends without having been counted.
    if let Ok(Ok(counted)) = tokio::time::timeout(COUNTING, counted).await {
        tell(response.headers_mut(), &counted);
    }
    response
}

/// Counts requests against the limits of the sort `http`. A caller is what asks
/// from one address under one name.
pub(super) async fn limit(
    State(host): State<Arc<Host>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let endpoint = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("/", MatchedPath::as_str)
        .to_owned();
    let address = request
        .extensions()
        .get::<Connection>()
        .map_or_else(String::new, |connection| connection.peer.ip().to_string());
    let client = text(request.headers(), header::USER_AGENT).unwrap_or_default();
    let caller = format!("http {address} {client}");
    match host.count_request(HTTP, &caller, Some(client), &endpoint) {
        Ok(allowance) => {
            let mut response = next.run(request).await;
            tell(response.headers_mut(), &Ok(allowance));
            response
        }
        Err(HostError::RateLimitExceeded(too_often)) => refuse(too_often),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn refuse(too_often: TooOften) -> Response {
    let error = HostError::RateLimitExceeded(too_often.clone());
    let body = json!({ "error": {
        "code": error.code(),
        "message": error.to_string(),
        "details": { "retryAfterMs": too_often.retry_in.as_millis() },
    }});
    let mut response = (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    tell(response.headers_mut(), &Err(too_often));
    response
}

/// The headers of the enhanced-iterm-mcp document, if there is a limit. The reset is a
/// time in seconds since the Unix epoch.
fn tell(headers: &mut HeaderMap, counted: &Counted) {
    let (limit, remaining, reset_in) = match counted {
        Ok(None) => return,
        Ok(Some(left)) => (left.limit, left.remaining, left.full_in),
        Err(too_often) => {
            let seconds = whole_seconds(too_often.retry_in);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            (too_often.per_minute, 0, too_often.retry_in)
        }
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
    headers.insert(
        "x-ratelimit-reset",
        HeaderValue::from(whole_seconds(now + reset_in)),
    );
}

/// Rounded up: who waits so long does not come too early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
