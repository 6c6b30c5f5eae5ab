//! The person at the dashboard: who is signed in, and what only a browser outside of
//! every session may do.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use quarterdeck_core::{Caller, CallerKind, Transport};

use super::Dashboard;
use crate::http::guard::refusal;
use crate::peer::Connection;

/// Why somebody who is signed in may not do what only a person may.
pub(super) const NOT_A_PERSON: &str = "only a browser on this machine, outside of every session, may do this, and yours could not be told to be one; use `quarterdeck approve` or `quarterdeck run` in a terminal of your own";

/// The person at the dashboard, as the gate and the audit log see one.
pub(super) fn caller(session: &str) -> Caller {
    Caller {
        kind: CallerKind::Human,
        client: Some("dashboard".to_owned()),
        transport: Transport::Dashboard,
        connection: format!("dashboard-{session}").into(),
        agent: None,
        fencing_token: None,
        backend: None,
        folder: None,
    }
}

/// Lets through who is signed in, and says by which sign-in; what changes something
/// also needs the page's secret.
pub(super) async fn signed_in(
    State(dashboard): State<Arc<Dashboard>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(sign_in) = dashboard.sign_ins.of(request.headers()) else {
        return refusal(StatusCode::UNAUTHORIZED, "sign in first, at /");
    };
    let reads = request.method().is_safe();
    if !reads && !sign_in.sent_in(request.headers()) {
        return refusal(
            StatusCode::FORBIDDEN,
            "the request does not come from the dashboard's own page",
        );
    }
    // A browser says which page opens a WebSocket, and the guard has checked that
    // it is our own.
    let opens_socket = request.headers().contains_key(header::UPGRADE);
    if opens_socket && !request.headers().contains_key(header::ORIGIN) {
        return refusal(StatusCode::FORBIDDEN, "the Origin header is missing");
    }
    request.extensions_mut().insert(sign_in);
    next.run(request).await
}

/// The other end, for handlers.
pub(super) type OtherEnd = Extension<Connection>;
