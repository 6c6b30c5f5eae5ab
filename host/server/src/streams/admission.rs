//! Who may listen to a stream.
//!
//! The documents' clients show no token, and what a stream tells (command lines,
//! what coding agents print) is not for everybody on the machine. So without a
//! token a listener has to be a process of the host's own user, which could read
//! the token's file as well, and no web page: every browser names the page's
//! Origin, and a foreign one is refused with and without the token.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::StreamEntry;
use crate::dashboard::SignIn;
use crate::http::guard::{refusal, shown_token};
use crate::peer::Connection;

/// What is wanted of a client that may connect.
#[derive(Clone, Debug)]
pub(super) enum Admission {
    /// Nothing more.
    Granted,
    /// Nothing more, as long as this is good.
    SignedIn(SignIn),
    /// The token, in its first message.
    WithToken,
}

impl Admission {
    /// Returns when it is good no more.
    pub(super) async fn is_over(&self) {
        match self {
            Self::SignedIn(sign_in) => sign_in.is_over().await,
            Self::Granted | Self::WithToken => std::future::pending().await,
        }
    }
}

/// Decides by the handshake; the error is the answer to a client that may not
/// connect.
pub(super) async fn decide(
    entry: &StreamEntry,
    headers: &HeaderMap,
    token_in_query: Option<&str>,
    connection: Connection,
) -> Result<Admission, Box<Response>> {
    if let Some(refused) = entry.guard.refuses_sender(headers) {
        return Err(Box::new(refused));
    }
    if let Some(shown) = shown_token(headers).or(token_in_query) {
        return match entry.guard.knows(shown) {
            true => Ok(Admission::Granted),
            false => Err(Box::new(refusal(
                StatusCode::UNAUTHORIZED,
                "this is not the token; `quarterdeck serve` prints where it is",
            ))),
        };
    }
    let from_page = headers.contains_key(header::ORIGIN);
    if from_page && let Some(sign_in) = entry.sign_ins.of(headers) {
        return Ok(Admission::SignedIn(sign_in));
    }
    let needs_none =
        !from_page && !entry.streams.settings.require_token && connection.is_own_users().await;
    match needs_none {
        true => Ok(Admission::Granted),
        false => Ok(Admission::WithToken),
    }
}
