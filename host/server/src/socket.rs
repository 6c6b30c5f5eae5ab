//! The host's Unix socket: how `quarterdeck mcp` joins a running host, and how
//! the command line asks it things.
//!
//! A connection opens with one line of JSON, a [`Request`]. After
//! [`Request::Mcp`] both sides speak MCP, a message a line; every other request
//! gets one line with its [`Reply`] and the connection ends. Only processes of
//! the same user (or root) are heard.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_core::agents::import;
use quarterdeck_core::gate::{Answer, PendingConfirmation};
use quarterdeck_core::hooks::HookEvent;
use quarterdeck_core::operations::ApprovalOrigin;
use quarterdeck_core::policy::PolicyStatus;
use quarterdeck_core::{Caller, Host, Transport};
use rmcp::ServiceExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::glance;
use crate::mcp::{ClientSettings, McpDoor, ToolFamily};
use crate::own_socket::{self, SocketFile};

/// The opening line has to arrive within this time.
const OPENING_TIMEOUT: Duration = Duration::from_secs(5);
/// No opening line or reply is longer.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// What a connection is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "wants", rename_all = "kebab-case")]
pub enum Request {
    /// MCP from here on.
    Mcp(ClientSettings),
    /// The commands that wait for a person.
    Confirmations,
    /// A person's answer to one of them.
    Answer {
        /// The confirmation.
        id: String,
        /// Yes or no, and for how long.
        answer: Answer,
    },
    /// A coding agent's hook was called; answered with a
    /// [`HookJudgement`](quarterdeck_core::gate::HookJudgement), or with nothing.
    Hook(HookEvent),
    /// The policies, as `policy_list` shows them.
    Policies,
    /// The same, once every file of the plugins folder has been read again.
    PoliciesReread,
    /// The host and its sessions: a [`Glance`](crate::glance::Glance).
    Glance,
    /// The verdict on a command line, as a
    /// [`VerdictReport`](quarterdeck_core::gate::VerdictReport).
    Check {
        /// The command line.
        command: String,
        /// The folder that it would run in.
        cwd: Option<String>,
    },
    /// What each approver says to a command line.
    Explain {
        /// The command line.
        command: String,
        /// The folder that it would run in.
        cwd: Option<String>,
    },
    /// Take over the agents and teams that iterm-mcp has kept.
    ImportAgents {
        /// The folder of its files.
        folder: PathBuf,
    },
    /// Whether the asking process runs inside one of the host's sessions.
    AmInside,
}

/// The answer to everything but [`Request::Mcp`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply<T> {
    /// It was done.
    Done(T),
    /// It was not, and why.
    Failed {
        /// The error code.
        code: String,
        /// What a person reads.
        message: String,
    },
}

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
        /// The error code.
        code: String,
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
            _ => Self::Broken {
                path: path.to_owned(),
                source,
            },
        }
    }
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
            let reply = Reply::<()>::Failed {
                code: "INVALID_PARAMETERS".to_owned(),
                message: format!("the opening line is not a request: {error}"),
            };
            return send(&mut writing, &reply).await;
        }
    };
    match request {
        Request::Mcp(mut client) => {
            client.agent = host.agent_of_process(peer_pid(&peer)).or(client.agent);
            let door = McpDoor::of_client(host, Transport::Stdio, families, client)
                .of_process(peer_pid(&peer));
            match door.serve((reading, writing)).await {
                Ok(service) => {
                    let _ = service.waiting().await;
                    Ok(())
                }
                Err(error) => Err(io::Error::other(error)),
            }
        }
        Request::Confirmations => {
            send(&mut writing, &Reply::Done(host.waiting_confirmations())).await
        }
        Request::Answer { id, answer } => {
            let origin = ApprovalOrigin::Process {
                pid: peer_pid(&peer),
                user: peer.uid(),
            };
            let reply = match host.answer_confirmation(&id, answer, &origin) {
                Ok(pending) => Reply::Done(pending),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send::<PendingConfirmation>(&mut writing, &reply).await
        }
        Request::Check { command, cwd } => {
            let caller = command_line(&peer);
            let reply = match host.check(&command, cwd, &caller).await {
                Ok(verdict) => Reply::Done(verdict),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send(&mut writing, &reply).await
        }
        Request::Explain { command, cwd } => {
            let caller = command_line(&peer);
            let reply = match host.explain(&command, cwd, &caller).await {
                Ok(explanation) => Reply::Done(explanation),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send(&mut writing, &reply).await
        }
        Request::Hook(event) => {
            let reply = match host.hook(event).await {
                Ok(judgement) => Reply::Done(judgement),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send(&mut writing, &reply).await
        }
        Request::ImportAgents { folder } => {
            let reply = match import_agents(&host, folder).await {
                Ok(counts) => Reply::Done(counts),
                Err(message) => Reply::Failed {
                    code: "INVALID_PARAMETERS".to_owned(),
                    message,
                },
            };
            send::<(usize, usize)>(&mut writing, &reply).await
        }
        Request::Glance => {
            let reply = match glance::look(&host).await {
                Ok(glance) => Reply::Done(glance),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send(&mut writing, &reply).await
        }
        Request::AmInside => {
            let inside = host.is_inside_a_session(peer_pid(&peer));
            send(&mut writing, &Reply::Done(inside)).await
        }
        Request::PoliciesReread => {
            let reply = match host.reload_policies(&command_line(&peer)).await {
                Ok(_) => Reply::Done(host.policies().await),
                Err(error) => Reply::Failed {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                },
            };
            send(&mut writing, &reply).await
        }
        Request::Policies => {
            let policies: Vec<PolicyStatus> = host.policies().await;
            send(&mut writing, &Reply::Done(policies)).await
        }
    }
}

/// Whoever is at the other end, as one who gives commands by hand.
fn command_line(peer: &UCred) -> Caller {
    Caller {
        connection: format!("cli-{}", peer_pid(peer)),
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
fn peer_pid(peer: &tokio::net::unix::UCred) -> u32 {
    peer.pid()
        .and_then(|pid| u32::try_from(pid).ok())
        .unwrap_or(0)
}

async fn send<T: Serialize>(
    writing: &mut (impl AsyncWriteExt + Unpin),
    reply: &Reply<T>,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    writing.write_all(&line).await?;
    writing.shutdown().await
}

/// Asks the host on `path` without a runtime, as a program that has only this to
/// ask: all of it takes at most `patience`, whatever the host does.
pub fn ask_in_time<T: DeserializeOwned + Send + 'static>(
    path: &Path,
    request: &Request,
    patience: Duration,
) -> Result<T, AskError> {
    let broken = |source| AskError::Broken {
        path: path.to_owned(),
        source,
    };
    let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
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
    let broken = |source| AskError::Broken {
        path: path.to_owned(),
        source,
    };
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
        Err(error) => Err(AskError::Broken {
            path: path.to_owned(),
            source: error.into(),
        }),
    }
}

/// Opens a connection for MCP; what follows on it is the protocol.
pub async fn join(path: &Path, client: &ClientSettings) -> Result<UnixStream, AskError> {
    open(path, &Request::Mcp(client.clone())).await
}

/// Asks the host on `path` and waits for its reply.
pub async fn ask<T: DeserializeOwned>(path: &Path, request: &Request) -> Result<T, AskError> {
    let broken = |source| AskError::Broken {
        path: path.to_owned(),
        source,
    };
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
    let mut line = serde_json::to_vec(request).map_err(|error| AskError::Broken {
        path: path.to_owned(),
        source: error.into(),
    })?;
    line.push(b'\n');
    stream
        .write_all(&line)
        .await
        .map_err(|source| AskError::Broken {
            path: path.to_owned(),
            source,
        })?;
    Ok(stream)
}
