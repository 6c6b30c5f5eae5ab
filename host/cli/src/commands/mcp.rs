//! `quarterdeck mcp`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::Transport;
use quarterdeck_server::mcp::{ClientSettings, McpDoor};
use quarterdeck_server::socket::{SocketDoor, join};
use rmcp::ServiceExt;
use rmcp::transport::io::stdio_pipes;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::Setup;
use crate::hosting::{runtime, start_host};
use crate::signals::StopSignals;

/// After standard input has closed, answers under way may still be written for
/// this long.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Speaks MCP on standard input and output until standard input closes. What
/// `client` leaves open, the host that runs, or the configuration, says.
pub(crate) fn run(setup: Setup, alone: bool, client: ClientSettings) -> Result<ExitCode> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        if !alone {
            let socket = setup.paths.shared_socket();
            if let Ok(host) = join(&socket, &client).await {
                return pass_through(host).await;
            }
        }
        host_alone(&setup, client, None).await
    });
    // A blocked read of standard input must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_millis(100));
    done
}

/// Speaks MCP where there is no backend: each tool answers with `remedy`.
pub(crate) fn run_without_backend(
    setup: Setup,
    client: ClientSettings,
    remedy: &str,
) -> Result<ExitCode> {
    let runtime = runtime()?;
    let done = runtime.block_on(host_alone(&setup, client, Some(remedy)));
    runtime.shutdown_timeout(Duration::from_millis(100));
    done
}

/// Hands everything to the host that runs already.
async fn pass_through(host: UnixStream) -> Result<ExitCode> {
    let mut stop_signals = StopSignals::watch()?;
    let (mut input, mut output) = stdio_pipes();
    let (mut from_host, mut to_host) = host.into_split();
    let upward = async {
        tokio::io::copy(&mut input, &mut to_host).await?;
        to_host.shutdown().await
    };
    let downward = async {
        tokio::io::copy(&mut from_host, &mut output).await?;
        output.flush().await
    };
    tokio::pin!(downward);
    tokio::select! {
        sent = upward => {
            sent.context("passing requests on to the running host")?;
            // Met or not, this is the end.
            let _ = tokio::time::timeout(LAST_ANSWERS, downward).await;
            Ok(ExitCode::SUCCESS)
        }
        received = &mut downward => {
            received.context("passing answers on from the running host")?;
            anyhow::bail!("the host that this agent had joined has ended; its sessions are gone");
        }
        () = stop_signals.received() => Ok(ExitCode::SUCCESS),
    }
}

async fn host_alone(
    setup: &Setup,
    client: ClientSettings,
    no_backend: Option<&str>,
) -> Result<ExitCode> {
    let mut stop_signals = StopSignals::watch()?;
    let host = start_host(setup)?;
    if no_backend.is_none() {
        host.resume_tasks().await;
    }
    let stop = CancellationToken::new();
    let socket = SocketDoor::bind(&setup.paths.private_socket())
        .await
        .context("opening the socket on which `quarterdeck approve` is heard")?;
    let tools = client.tools.as_ref().unwrap_or(&setup.config.tools);
    let socket = tokio::spawn(socket.serve(host.clone(), tools.clone(), stop.clone()));

    let mut door = McpDoor::of_client(host.clone(), Transport::Stdio, &setup.config.tools, client);
    if let Some(remedy) = no_backend {
        door = door.without_backend(remedy);
    }
    let served = tokio::select! {
        served = serve_client(door) => served,
        () = stop_signals.received() => Ok(()),
    };
    stop.cancel();
    host.shutdown().await;
    socket.await.context("closing the socket")?;
    served.map(|()| ExitCode::SUCCESS)
}

async fn serve_client(door: McpDoor) -> Result<()> {
    match door.serve(stdio_pipes()).await {
        Ok(service) => {
            service.waiting().await.context("serving the client")?;
            Ok(())
        }
        // A client that goes away before it said anything is no failure.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(error).context("starting the MCP session"),
    }
}
