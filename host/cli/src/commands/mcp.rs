//! `quarterdeck mcp`.

mod conversation;
mod joined;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_core::Transport;
use quarterdeck_server::mcp::{ClientSettings, McpDoor, in_order};
use quarterdeck_server::socket::{SocketDoor, join};
use rmcp::ServiceExt;
use rmcp::transport::io::stdio_pipes;
use tokio_util::sync::CancellationToken;

use self::joined::Joined;
use crate::Setup;
use crate::hosting::{runtime, start_host};
use crate::signals::StopSignals;

/// Speaks MCP on standard input and output until standard input closes. What
/// `client` leaves open, the host that runs, or the configuration, says.
pub(crate) fn run(setup: Setup, alone: bool, mut client: ClientSettings) -> Result<ExitCode> {
    client.folder = std::env::current_dir().ok();
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        if !alone {
            let socket = setup.paths.shared_socket();
            if let Ok(host) = join(&socket, &client).await {
                return Joined::new(socket, client).pass_on(host).await;
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
        _ = stop_signals.received() => Ok(()),
    };
    stop.cancel();
    host.shutdown().await;
    socket.await.context("closing the socket")?;
    served.map(|()| ExitCode::SUCCESS)
}

async fn serve_client(door: McpDoor) -> Result<()> {
    let (reading, writing) = stdio_pipes();
    match door.serve(in_order(reading, writing)).await {
        Ok(service) => {
            service.waiting().await.context("serving the client")?;
            Ok(())
        }
        // A client that goes away before it said anything is no failure.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(error).context("starting the MCP session"),
    }
}
