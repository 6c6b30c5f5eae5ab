//! How often an HTTP endpoint may be asked for, and the headers that say so.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use quarterdeck_core::{Host, HostError, TooOften};
use serde_json::json;

use super::guard::text;
use crate::peer::Connection;

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
    match host.count_request("http", &caller, Some(client), &endpoint) {
        Ok(allowance) => {
            let mut response = next.run(request).await;
            if let Some(left) = allowance {
                tell(
                    response.headers_mut(),
                    left.limit,
                    left.remaining,
                    left.full_in,
                );
            }
            response
        }
        Err(HostError::RateLimitExceeded(too_often)) => refuse(&too_often),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn refuse(too_often: &TooOften) -> Response {
    let error = HostError::RateLimitExceeded(too_often.clone());
    let body = json!({ "error": {
        "code": error.code(),
        "message": error.to_string(),
        "details": { "retryAfterMs": too_often.retry_in.as_millis() },
    }});
    let mut response = (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response();
    let headers = response.headers_mut();
    tell(headers, too_often.per_minute, 0, too_often.retry_in);
    headers.insert(
        header::RETRY_AFTER,
        HeaderValue::from(whole_seconds(too_often.retry_in)),
    );
    response
}

/// The headers of the enhanced-iterm-mcp document. The reset is a time in seconds
/// since the Unix epoch.
fn tell(headers: &mut HeaderMap, limit: u32, remaining: u32, reset_in: Duration) {
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
