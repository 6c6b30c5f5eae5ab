//! The side of whoever asks a running host.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quarterdeck_core::ErrorCode;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{LONGEST_LINE, Reply, Request, STILL_LOADING};
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
    /// The host has not loaded its policies yet.
    #[error("the host on {} has been loading its policies for {} s", .0.display(), .1.as_secs())]
    StillLoading(PathBuf, Duration),
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

/// How long a host is waited for that says it is loading its policies, as is compiling them
/// where there is no host.
const PATIENCE_WITH_LOADING: Duration = Duration::from_secs(30);

/// Asks the host on `path` without a runtime, as a program that has only this to
/// ask: a host that says nothing for `patience` is too slow, and one that says that it is
/// loading its policies has 30 seconds.
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
            let said = |said| drop(sender.send(said));
            let replied = exchange(&socket, &line, || said(Said::Loading));
            said(Said::Reply(replied));
        })
        .map_err(broken)?;
    let loading_until = Instant::now() + PATIENCE_WITH_LOADING;
    loop {
        match answered.recv_timeout(patience) {
            Ok(Said::Reply(reply)) => return understood(path, &reply?),
            Ok(Said::Loading) if Instant::now() < loading_until => {}
            Ok(Said::Loading) => {
                let loading = AskError::StillLoading(path.to_owned(), PATIENCE_WITH_LOADING);
                return Err(loading);
            }
            Err(_) => return Err(AskError::TooSlow(path.to_owned(), patience)),
        }
    }
}

/// What a host has said.
enum Said {
    /// That it loads its policies.
    Loading,
    /// All of its reply.
    Reply(Result<Vec<u8>, AskError>),
}

/// Sends a line and reads all that comes back.
fn exchange(path: &Path, line: &[u8], is_loading: impl Fn()) -> Result<Vec<u8>, AskError> {
    use std::io::{BufRead, BufReader, Read, Write};
    let broken = |source| AskError::broken(path, source);
    let mut stream = std::os::unix::net::UnixStream::connect(path)
        .map_err(|error| AskError::of_connecting(path, error))?;
    stream.write_all(line).map_err(broken)?;
    let mut replying = BufReader::new(stream.take(LONGEST_LINE));
    loop {
        let arrived = replying.fill_buf().map_err(broken)?;
        if arrived.is_empty() || arrived.iter().any(|byte| !STILL_LOADING.contains(byte)) {
            break;
        }
        let blanks = arrived.len();
        replying.consume(blanks);
        is_loading();
    }
    let mut reply = Vec::new();
    replying.read_to_end(&mut reply).map_err(broken)?;
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    /// Asks a host that does this with the connection.
    fn asked_of(
        host: impl FnOnce(&mut UnixStream) + Send + 'static,
        patience: Duration,
    ) -> Result<u8, AskError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody who asks");
            let mut line = String::new();
            let reading = stream.try_clone().expect("the stream again");
            BufReader::new(reading)
                .read_line(&mut line)
                .expect("a line");
            host(&mut stream);
        });
        ask_in_time(&path, &Request::Glance, patience)
    }

    #[test]
    fn a_host_that_says_it_is_loading_is_waited_for_and_one_that_says_nothing_is_not() {
        let patience = Duration::from_millis(300);
        let loads = move |stream: &mut UnixStream| {
            for _ in 0..8 {
                stream.write_all(STILL_LOADING).expect("a listener");
                std::thread::sleep(patience / 4);
            }
            stream.write_all(b"{\"done\":7}\n").expect("a listener");
        };
        assert_eq!(asked_of(loads, patience).expect("an answer"), 7);
        let hangs = move |stream: &mut UnixStream| {
            stream.write_all(STILL_LOADING).expect("a listener");
            std::thread::sleep(4 * patience);
        };
        let hung = asked_of(hangs, patience);
        assert!(matches!(hung, Err(AskError::TooSlow(..))), "{hung:?}");
    }
}
