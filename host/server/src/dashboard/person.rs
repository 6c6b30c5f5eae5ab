//! Whether a request comes from a person.
//!
//! A program in a session may have read the token and could sign in: then an agent
//! would approve its own command. So what only a person may do is done for a
//! process that is known to run outside of every session, and for nobody else.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use quarterdeck_core::{Caller, CallerKind, Host, Transport};

use super::Dashboard;
use crate::http::guard::refusal;
use crate::peer::Connection;

/// Where the process at the other end of a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Outside of every session.
    Outside {
        /// The process.
        pid: u32,
        /// Its user.
        user: u32,
    },
    /// In a session.
    Inside,
    /// It cannot be told: it is on another machine, hides what it has open, or this
    /// system does not say.
    Unknown,
}

/// Finds out. Looks at processes, so it takes some milliseconds.
pub(super) async fn standing(host: &Arc<Host>, connection: Connection) -> Standing {
    let host = Arc::clone(host);
    let looked = tokio::task::spawn_blocking(move || {
        let holder = connection.holder()?;
        let pid = holder.process()?;
        Some(match host.is_inside_a_session(pid) {
            true => Standing::Inside,
            false => Standing::Outside {
                pid,
                user: holder.user,
            },
        })
    });
    looked.await.ok().flatten().unwrap_or(Standing::Unknown)
}

/// Why somebody who is signed in may not do what only a person may.
pub(super) const NOT_A_PERSON: &str = "only a browser on this machine, outside of every session, may do this, and yours could not be told to be one; use `quarterdeck approve` or `quarterdeck run` in a terminal of your own";

/// The person at the dashboard, as the gate and the audit log see one.
pub(super) fn caller(session: &str) -> Caller {
    Caller {
        kind: CallerKind::Human,
        client: Some("dashboard".to_owned()),
        transport: Transport::Dashboard,
        connection: format!("dashboard-{session}"),
        agent: None,
        fencing_token: None,
    }
}

/// Lets through who is signed in; what changes something also needs the page's
/// secret.
pub(super) async fn signed_in(
    State(dashboard): State<Arc<Dashboard>>,
    request: Request,
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
    next.run(request).await
}

/// The other end, for handlers.
pub(super) type OtherEnd = Extension<Connection>;
