//! From an HTTP request to a socket.

use std::io;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::socket::Socket;

/// The connection cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeOverError {
    #[error("the connection ended before it became a WebSocket: {0}")]
    Ended(#[from] hyper::Error),
    #[error("the connection is none of TCP")]
    NotTcp,
    #[error("the connection cannot be moved to other threads: {0}")]
    Stays(#[from] io::Error),
}

/// Agrees to a request for a WebSocket: the answer, and the connection as soon as
/// that is sent. The error is the answer to any other request.
pub(super) fn agree(mut request: Request) -> Result<(Response, OnUpgrade), Box<Response>> {
    let response = create_response_with_body(&request, Default::default).map_err(refuse)?;
    Ok((response, hyper::upgrade::on(&mut request)))
}

/// Takes the connection over, for the runtime that this is called in: that one waits
/// for it from now on.
pub(super) async fn take_over(connection: OnUpgrade) -> Result<Socket<TcpStream>, TakeOverError> {
    let taken = connection.await?.downcast::<TokioIo<TcpStream>>();
    let parts = taken.map_err(|_| TakeOverError::NotTcp)?;
    let stream = TcpStream::from_std(parts.io.into_inner().into_std()?)?;
    Ok(Socket::new(stream, &parts.read_buf))
}

fn refuse(error: Error) -> Box<Response> {
    let asks_for_something_else = matches!(
        error,
        Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader
                | ProtocolError::MissingSecWebSocketVersionHeader
        )
    );
    let told = format!("this is a WebSocket (RFC 6455): {error}\n");
    let refused = match asks_for_something_else {
        true => {
            let wanted = [
                (header::CONNECTION, "upgrade"),
                (header::UPGRADE, "websocket"),
                (header::SEC_WEBSOCKET_VERSION, "13"),
            ];
            (StatusCode::UPGRADE_REQUIRED, wanted, told).into_response()
        }
        false => (StatusCode::BAD_REQUEST, told).into_response(),
    };
    Box::new(refused)
}
