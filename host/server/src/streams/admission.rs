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
use crate::http::guard::{refusal, shown_token};
use crate::peer::Connection;

/// What is wanted of a client that may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nothing more.
    Granted,
    /// The token, in its first message.
    WithToken,
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
    if from_page && entry.sign_ins.of(headers).is_some() {
        return Ok(Admission::Granted);
    }
    let needs_none =
        !from_page && !entry.streams.settings.require_token && connection.is_own_users().await;
    match needs_none {
        true => Ok(Admission::Granted),
        false => Ok(Admission::WithToken),
    }
}
