//! The host's side of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::agents::import;
use quarterdeck_core::operations::ApprovalOrigin;
use quarterdeck_core::{Caller, Host, HostError, Transport};
use rmcp::ServiceExt;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::{LONGEST_LINE, Reply, Request, STILL_LOADING};
use crate::glance;
use crate::mcp::{McpDoor, ToolFamily, in_order};
use crate::own_socket::{self, SocketFile};

/// The opening line has to arrive within this time.
const OPENING_TIMEOUT: Duration = Duration::from_secs(5);

/// Who asks a host that still loads hears so this often.
const BETWEEN_SIGNS: Duration = Duration::from_millis(200);

/// The socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A host answers there.
    #[error("a host runs already and listens on {}", .0.display())]
    Taken(PathBuf),
    /// Another reason.
    #[error("cannot listen on the socket {}: {source}", .path.display())]
    Other {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The socket, with its file; removes the file when dropped.
pub struct SocketDoor {
    listener: UnixListener,
    _file: SocketFile,
}

impl SocketDoor {
    /// Listens on `path` (mode 0600). A file that a dead host left behind is
    /// replaced.
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let listening = own_socket::listen(path).await;
        let (listener, file) = listening.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => SocketError::Taken(path.to_owned()),
            _ => SocketError::Other {
                path: path.to_owned(),
                source,
            },
        })?;
        Ok(Self {
            listener,
            _file: file,
        })
    }

    /// Serves until `stop` is cancelled. A client that names no tool families
    /// sees those of `families`.
    pub async fn serve(self, host: Arc<Host>, families: Vec<ToolFamily>, stop: CancellationToken) {
        let families: Arc<[ToolFamily]> = families.into();
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection on the socket");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = stop.cancelled() => break,
            };
            let host = Arc::clone(&host);
            let families = Arc::clone(&families);
            let stop = stop.clone();
            tokio::spawn(async move {
                let served = tokio::select! {
                    served = serve_connection(stream, host, &families) => served,
                    () = stop.cancelled() => Ok(()),
                };
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection on the socket ended early");
                }
            });
        }
    }
}

async fn serve_connection(
    stream: UnixStream,
    host: Arc<Host>,
    families: &[ToolFamily],
) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    if peer.uid() != rustix::process::geteuid().as_raw() && peer.uid() != 0 {
        return Ok(());
    }
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    let mut opening = Vec::new();
    let mut first_line = (&mut reading).take(LONGEST_LINE);
    let read = first_line.read_until(b'\n', &mut opening);
    tokio::time::timeout(OPENING_TIMEOUT, read)
        .await
        .map_err(io::Error::from)??;
    let request = match serde_json::from_slice(&opening) {
        Ok(request) => request,
        Err(error) => {
            let wrong = format!("the opening line is not a request: {error}");
            let reply = Err::<(), _>(HostError::InvalidParameters(wrong));
            return send(&mut writing, reply).await;
        }
    };
    match request {
        Request::Mcp(mut client) => {
            client.agent = host.agent_of_process(peer_pid(&peer)).or(client.agent);
            let door = McpDoor::of_client(host, Transport::Stdio, families, client)
                .of_process(peer_pid(&peer));
            match door.serve(in_order(reading, writing)).await {
                Ok(service) => {
                    let _ = service.waiting().await;
                    Ok(())
                }
                Err(error) => Err(io::Error::other(error)),
            }
        }
        Request::Confirmations => send(&mut writing, Ok(host.waiting_confirmations())).await,
        Request::Answer { id, answer } => {
            let origin = ApprovalOrigin::Process {
                pid: peer_pid(&peer),
                user: peer.uid(),
            };
            let answered = host.answer_confirmation(&id, answer, &origin);
            send(&mut writing, answered).await
        }
        Request::Check {
            command,
            cwd,
            purpose,
        } => {
            let caller = command_line(&peer);
            let verdict = host.check(&command, cwd, purpose, &caller).await;
            send(&mut writing, verdict).await
        }
        Request::Explain { command, cwd } => {
            let explanation = host.explain(&command, cwd, &command_line(&peer)).await;
            send(&mut writing, explanation).await
        }
        Request::Hook(event) => {
            let judged = std::pin::pin!(host.hook(event));
            let judged = while_loading(&host, &mut writing, judged).await?;
            send(&mut writing, judged).await
        }
        Request::ImportAgents { folder } => {
            let counts = import_agents(&host, folder).await;
            send(&mut writing, counts.map_err(HostError::InvalidParameters)).await
        }
        Request::Glance => send(&mut writing, glance::look(&host).await).await,
        Request::AmInside => {
            let inside = host.is_inside_a_session(peer_pid(&peer));
            send(&mut writing, Ok(inside)).await
        }
        Request::PoliciesReread => {
            let policies = match host.reload_policies(&command_line(&peer)).await {
                Ok(_) => Ok(host.policies().await),
                Err(error) => Err(error),
            };
            send(&mut writing, policies).await
        }
        Request::Policies => send(&mut writing, Ok(host.policies().await)).await,
    }
}

/// Whoever is at the other end, as one who gives commands by hand.
fn command_line(peer: &UCred) -> Caller {
    Caller {
        connection: format!("cli-{}", peer_pid(peer)).into(),
        ..Caller::command_line()
    }
}

/// How many agents and teams are new, or what is wrong with the files.
async fn import_agents(host: &Host, folder: PathBuf) -> Result<(usize, usize), String> {
    let read = tokio::task::spawn_blocking(move || import::read_folder(&folder)).await;
    let found = read
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    let counts = host.agents().import(found).await;
    counts.map_err(|error| error.to_string())
}

/// 0, which no process has, where the system does not tell; such a peer counts
/// as inside.
fn peer_pid(peer: &UCred) -> u32 {
    peer.pid()
        .and_then(|pid| u32::try_from(pid).ok())
        .unwrap_or(0)
}

/// Awaits an answer. While policies are loaded for the first time, the one who asks is sent
/// [`STILL_LOADING`] now and then, and waits longer.
async fn while_loading<T>(
    host: &Host,
    writing: &mut (impl AsyncWriteExt + Unpin),
    mut answer: impl Future<Output = T> + Unpin,
) -> io::Result<T> {
    while !host.policies_are_ready() {
        writing.write_all(STILL_LOADING).await?;
        if let Ok(answer) = tokio::time::timeout(BETWEEN_SIGNS, &mut answer).await {
            return Ok(answer);
        }
    }
    Ok(answer.await)
}

async fn send<T: Serialize>(
    writing: &mut (impl AsyncWriteExt + Unpin),
    done: Result<T, HostError>,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Reply::from(done))?;
    line.push(b'\n');
    writing.write_all(&line).await?;
    writing.shutdown().await
}
