//! The dashboard: what happens on the host, for a person in a browser.
//!
//! The page has scripts, one for each part of it, and a style sheet of its own; nothing
//! is built and nothing comes from elsewhere. What it shows is put in as text, never as
//! markup: terminals print what they like. It learns what changes from the stream
//! at `/events`, which knows the same cookie.

mod actions;
mod assets;
mod person;
mod screen;
mod sign_in;
mod sign_ins;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use quarterdeck_core::Host;

use crate::http::guard::Guard;
pub(crate) use sign_ins::{SignIn, SignIns};

/// What the dashboard's answers are made from.
pub(crate) struct Dashboard {
    host: Arc<Host>,
    guard: Arc<Guard>,
    sign_ins: Arc<SignIns>,
}

impl Dashboard {
    /// The dashboard of one door.
    pub(crate) fn new(host: Arc<Host>, guard: Arc<Guard>, sign_ins: Arc<SignIns>) -> Arc<Self> {
        Arc::new(Self {
            host,
            guard,
            sign_ins,
        })
    }
}

/// Signing in: the one thing that strangers may try.
pub(crate) fn sign_in_route(dashboard: Arc<Dashboard>) -> Router {
    Router::new()
        .route("/sign-in", post(sign_in::sign_in))
        .layer(middleware::from_fn(secured))
        .with_state(dashboard)
}

/// The page and all that it asks for.
pub(crate) fn routes(dashboard: Arc<Dashboard>) -> Router {
    let signed_in = middleware::from_fn_with_state(Arc::clone(&dashboard), person::signed_in);
    let page_data = Router::new()
        .route("/dashboard/state", get(state::state))
        .route("/dashboard/screen/{id}", get(screen::screen))
        .route("/dashboard/confirmations/{id}", post(actions::answer))
        .route("/dashboard/sessions", post(actions::open_session))
        .route(
            "/dashboard/sessions/{id}/close",
            post(actions::close_session),
        )
        .route_layer(signed_in);
    Router::new()
        .route("/", get(sign_in::front_page))
        .route("/sign-out", post(sign_in::sign_out))
        .merge(page_data)
        .merge(assets::routes())
        .layer(middleware::from_fn(secured))
        .with_state(dashboard)
}

/// Tells the browser what this page may do: load its own files, speak to its own
/// server, and nothing else.
async fn secured(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Without any, a browser would not say which page a form comes from.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
