//! The side of whoever asks a running host.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quarterdeck_core::ErrorCode;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{LONGEST_LINE, Reply, Request};
use crate::mcp::ClientSettings;

/// Talking to a running host failed.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No host listens there.
    #[error("no host listens on {}", .0.display())]
    NoHost(PathBuf),
    /// The connection broke.
    #[error("the host on {} did not answer: {source}", .path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The host took too long.
    #[error("the host on {} did not answer within {} ms", .0.display(), .1.as_millis())]
    TooSlow(PathBuf, Duration),
    /// The host refused.
    #[error("{message}")]
    Refused {
        /// What kind of error it was.
        code: ErrorCode,
        /// What the host said.
        message: String,
    },
}

impl AskError {
    /// No file and nobody behind it mean that there is no host; anything else is
    /// a host that cannot be asked.
    fn of_connecting(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Self::NoHost(path.to_owned())
            }
            _ => Self::broken(path, source),
        }
    }

    fn broken(path: &Path, source: io::Error) -> Self {
        Self::Broken {
            path: path.to_owned(),
            source,
        }
    }
}

/// Asks the host on `path` without a runtime, as a program that has only this to
/// ask: all of it takes at most `patience`, whatever the host does.
pub fn ask_in_time<T: DeserializeOwned + Send + 'static>(
    path: &Path,
    request: &Request,
    patience: Duration,
) -> Result<T, AskError> {
    let broken = |source| AskError::broken(path, source);
    let line = opening_line(path, request)?;
    let (sender, answered) = std::sync::mpsc::sync_channel(1);
    let socket = path.to_owned();
    // On a thread of its own, because a connection to a full socket blocks
    // without a limit. It is left behind when time runs out.
    std::thread::Builder::new()
        .name("asking-the-host".to_owned())
        .spawn(move || {
            // Nobody listens any more when it is too late.
            let _ = sender.send(exchange(&socket, &line));
        })
        .map_err(broken)?;
    let reply = match answered.recv_timeout(patience) {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => return Err(error),
        Err(_) => return Err(AskError::TooSlow(path.to_owned(), patience)),
    };
    understood(path, &reply)
}

/// Sends a line and reads all that comes back.
fn exchange(path: &Path, line: &[u8]) -> Result<Vec<u8>, AskError> {
    use std::io::{Read, Write};
    let broken = |source| AskError::broken(path, source);
    let mut stream = std::os::unix::net::UnixStream::connect(path)
        .map_err(|error| AskError::of_connecting(path, error))?;
    stream.write_all(line).map_err(broken)?;
    let mut reply = Vec::new();
    stream
        .take(LONGEST_LINE)
        .read_to_end(&mut reply)
        .map_err(broken)?;
    Ok(reply)
}

fn understood<T: DeserializeOwned>(path: &Path, reply: &[u8]) -> Result<T, AskError> {
    match serde_json::from_slice(reply) {
        Ok(Reply::Done(done)) => Ok(done),
        Ok(Reply::Failed { code, message }) => Err(AskError::Refused { code, message }),
        Err(error) => Err(AskError::broken(path, error.into())),
    }
}

/// Opens a connection for MCP; what follows on it is the protocol.
pub async fn join(path: &Path, client: &ClientSettings) -> Result<UnixStream, AskError> {
    open(path, &Request::Mcp(client.clone())).await
}

/// Asks the host on `path` and waits for its reply.
pub async fn ask<T: DeserializeOwned>(path: &Path, request: &Request) -> Result<T, AskError> {
    let broken = |source| AskError::broken(path, source);
    let stream = open(path, request).await?;
    let mut reply = Vec::new();
    stream
        .take(LONGEST_LINE)
        .read_to_end(&mut reply)
        .await
        .map_err(broken)?;
    understood(path, &reply)
}

async fn open(path: &Path, request: &Request) -> Result<UnixStream, AskError> {
    let mut stream = UnixStream::connect(path)
        .await
        .map_err(|error| AskError::of_connecting(path, error))?;
    let line = opening_line(path, request)?;
    stream
        .write_all(&line)
        .await
        .map_err(|source| AskError::broken(path, source))?;
    Ok(stream)
}

fn opening_line(path: &Path, request: &Request) -> Result<Vec<u8>, AskError> {
    let mut line =
        serde_json::to_vec(request).map_err(|error| AskError::broken(path, error.into()))?;
    line.push(b'\n');
    Ok(line)
}
