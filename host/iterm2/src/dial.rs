//! The way in: a socket, then a handshake with all that iTerm2 insists on.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::address::Address;
use crate::credentials::{CredentialError, CredentialSource, Credentials};

/// How long iTerm2 may take for a handshake; it answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A screen with a long history can be megabytes; more than this is no answer.
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;

/// A connection of either kind.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// What a connection is made of.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum DialError {
    /// Nobody listens.
    #[error("iTerm2 does not answer at {}; is it running, with the Python API enabled?", socket.display())]
    Nobody {
        /// The socket that was tried, the port after it.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is no cookie to come in with.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// 401, also with a fresh cookie.
    #[error(
        "iTerm2 does not let this program in (401): it runs as another user, or its cookie was used already"
    )]
    NotAuthorised,
    /// 406.
    #[error("iTerm2 says that this program is too old for it (406): update it")]
    TooOld,
    /// The handshake failed in another way.
    #[error("the handshake with iTerm2 failed")]
    Handshake(#[source] Box<tungstenite::Error>),
    /// No answer.
    #[error("iTerm2 gave no answer to the handshake within {} s", PATIENCE.as_secs())]
    NoAnswer,
}

impl DialError {
    /// Whether trying again by itself is of no use, or would ask the user again and again.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::TooOld
                | Self::NotAuthorised
                | Self::Credentials(
                    CredentialError::Refused { .. } | CredentialError::AutomationDenied
                )
        )
    }
}

/// Connects. Refused with 401, it asks for a fresh cookie and tries once more.
pub(crate) async fn dial(
    address: &Address,
    source: &mut CredentialSource,
) -> Result<Socket, DialError> {
    let credentials = source.next().await?;
    let had_cookie = credentials.is_some();
    match attempt(address, source.name(), credentials).await {
        Err(DialError::NotAuthorised) if had_cookie => match source.next().await? {
            None => Err(DialError::NotAuthorised),
            fresh => attempt(address, source.name(), fresh).await,
        },
        outcome => outcome,
    }
}

async fn attempt(
    address: &Address,
    name: &str,
    credentials: Option<Credentials>,
) -> Result<Socket, DialError> {
    let stream = reach(address).await?;
    let request = request(name, credentials).map_err(|error| DialError::Handshake(error.into()))?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let handshake = client_async_with_config(request, stream, Some(config));
    match tokio::time::timeout(PATIENCE, handshake).await {
        Err(_) => Err(DialError::NoAnswer),
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => Err(match response.status() {
            StatusCode::UNAUTHORIZED => DialError::NotAuthorised,
            StatusCode::NOT_ACCEPTABLE => DialError::TooOld,
            _ => DialError::Handshake(tungstenite::Error::Http(response).into()),
        }),
        Ok(Err(error)) => Err(DialError::Handshake(error.into())),
    }
}

/// The socket, and the port where there is no socket.
async fn reach(address: &Address) -> Result<Box<dyn Stream>, DialError> {
    let of_socket = match UnixStream::connect(&address.socket).await {
        Ok(stream) => return Ok(Box::new(stream)),
        Err(error) => error,
    };
    if of_socket.kind() == io::ErrorKind::NotFound
        && let Ok(stream) = TcpStream::connect(("127.0.0.1", address.port)).await
    {
        return Ok(Box::new(stream));
    }
    Err(DialError::Nobody {
        socket: address.socket.clone(),
        source: of_socket,
    })
}

fn request(name: &str, credentials: Option<Credentials>) -> Result<Request, tungstenite::Error> {
    let mut request = "ws://localhost/".into_client_request()?;
    let headers = request.headers_mut();
    // What is no header value is left out: it cannot be right anyway.
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("sec-websocket-protocol", "api.iterm2.com");
    set("origin", "ws://localhost/");
    // Two words: iTerm2 demands a least version of clients that call themselves `python` only.
    let version = concat!("quarterdeck ", env!("CARGO_PKG_VERSION"));
    set("x-iterm2-library-version", version);
    set("x-iterm2-disable-auth-ui", "true");
    set("x-iterm2-advisory-name", name);
    if let Some(Credentials { cookie, key }) = credentials {
        set("x-iterm2-cookie", &cookie);
        set("x-iterm2-key", &key);
    }
    Ok(request)
}
