//! MCP over Streamable HTTP: rmcp's service, and what clients expect of its answers
//! that it does differently.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use quarterdeck_core::{Host, Transport};
use rmcp::model::ProtocolVersion;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::guard::text;
use super::rates;
use crate::mcp::{Choices, McpDoor, Questions, ToolFamily};

/// The largest request body. `session_type` takes 1 MiB of text.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Which revision was agreed on; sent with every request after the first.
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// More than rmcp says of a body that it cannot read.
const MAX_COMPLAINT_BYTES: usize = 64 * 1024;

/// The endpoint.
pub(super) fn mcp(host: Arc<Host>, families: Vec<ToolFamily>, stop: CancellationToken) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_max_request_body_bytes(MAX_BODY_BYTES)
        // The guard has checked both already.
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_cancellation_token(stop);
    let choices = Arc::<Choices>::default();
    let questions = Arc::<Questions>::default();
    let service = StreamableHttpService::new(
        move || {
            let door = McpDoor::new(Arc::clone(&host), Transport::Http, &families);
            Ok(door
                .with_choices(Arc::clone(&choices))
                .with_questions(Arc::clone(&questions)))
        },
        Arc::new(LocalSessionManager::default()),
        config,
    );
    Router::new()
        .fallback_service(service)
        .layer(middleware::from_fn(rates::tell_callers))
        .layer(middleware::from_fn(as_clients_expect))
}

/// Whether the client's revision has streams begin with an event without data, from
/// which they can be resumed (2025-11-25, "Sending Messages to the Server"). Clients
/// of former ones take it for a message that they cannot read.
fn knows_empty_events(headers: &HeaderMap) -> bool {
    text(headers, PROTOCOL_VERSION)
        .is_some_and(|version| version >= ProtocolVersion::V_2025_11_25.as_str())
}

/// A body that is no message is answered with an error of JSON-RPC, the end of a
/// session with the status of something that is done, and streams begin with what
/// the client can read.
async fn as_clients_expect(request: Request<Body>, next: Next) -> Response {
    let ends_session = request.method() == Method::DELETE;
    let brings_json = text(request.headers(), header::CONTENT_TYPE)
        .is_some_and(|content_type| content_type.starts_with("application/json"));
    let reads_empty_events = knows_empty_events(request.headers());
    let request = match read_whole(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let response = next.run(request).await;
    match response.status() {
        StatusCode::OK if !reads_empty_events => response.map(without_empty_event),
        StatusCode::ACCEPTED if ends_session => StatusCode::NO_CONTENT.into_response(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE if brings_json => unreadable(response).await,
        _ => response,
    }
}

/// The request with all of its body, which is read here to say which end is to blame where
/// it does not come.
async fn read_whole(request: Request<Body>) -> Result<Request<Body>, Response> {
    let too_large = || {
        unread(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than the {MAX_BODY_BYTES} bytes that are read"),
        )
    };
    let (parts, body) = request.into_parts();
    let announced = text(&parts.headers, header::CONTENT_LENGTH);
    if announced.is_some_and(|length| length.parse().is_ok_and(|it: usize| it > MAX_BODY_BYTES)) {
        return Err(too_large());
    }
    let mut whole = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| {
            tracing::debug!(%error, "the rest of a request's body did not come");
            unread(
                StatusCode::REQUEST_TIMEOUT,
                "the rest of the body did not come in time",
            )
        })?;
        if whole.len() + piece.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Request::from_parts(parts, Body::from(whole)))
}

/// Closes the connection, on which the rest of the body would come.
fn unread(status: StatusCode, why: &str) -> Response {
    (status, [(header::CONNECTION, "close")], why.to_owned()).into_response()
}

/// The stream from its first event with data on. rmcp writes each event in one piece.
fn without_empty_event(body: Body) -> Body {
    let is_empty = |event: &Bytes| {
        event.starts_with(b"data:")
            && event.ends_with(b"\n\n")
            && !event
                .split(|byte| *byte == b'\n')
                .filter_map(|line| line.strip_prefix(b"data:"))
                .any(|data| data.iter().any(|byte| *byte != b' '))
    };
    let events = body.into_data_stream().skip_while(move |event| {
        let skipped = event.as_ref().is_ok_and(is_empty);
        std::future::ready(skipped)
    });
    Body::from_stream(events)
}

async fn unreadable(response: Response) -> Response {
    const INVALID_REQUEST: i32 = -32600;
    const PARSE_ERROR: i32 = -32700;
    let complaint = to_bytes(response.into_body(), MAX_COMPLAINT_BYTES).await;
    let complaint = String::from_utf8_lossy(&complaint.unwrap_or_default()).into_owned();
    // What is said where JSON has another shape; all else is about its syntax.
    let is_json = ["unrecognized JSON-RPC message", "did not match any variant"];
    let code = match is_json.iter().any(|words| complaint.contains(words)) {
        true => INVALID_REQUEST,
        false => PARSE_ERROR,
    };
    let message = match code {
        INVALID_REQUEST => "the body is JSON, but no message of JSON-RPC 2.0".to_owned(),
        _ => {
            let why = complaint.trim_start_matches("fail to deserialize request body ");
            format!("the body is not JSON: {why}")
        }
    };
    let body = json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": { "code": code, "message": message },
    });
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}
