//! `quarterdeck serve`.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use quarterdeck_core::Host;
use quarterdeck_core::policy::{PolicyState, PolicyStatus};
use quarterdeck_server::grpc::GrpcDoor;
use quarterdeck_server::http::{BindError, HttpDoor};
use quarterdeck_server::mcp::ToolFamily;
use quarterdeck_server::socket::SocketDoor;
use quarterdeck_server::streams::{StreamDoor, Streams};
use quarterdeck_server::token::Token;
use tokio_util::sync::CancellationToken;

use crate::Setup;
use crate::config::{listens_to_others, unknown_strategy, unknown_variables};
use crate::hosting::{runtime, start_host};
use crate::paths::find;
use crate::signals::ServiceSignals;

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const NAME: Style = AnsiColor::Cyan.on_default();

/// Runs the host until it is told to stop.
pub(crate) fn run(
    setup: Setup,
    listen: Option<SocketAddr>,
    tools: Option<Vec<ToolFamily>>,
) -> Result<ExitCode> {
    let listen = listen.unwrap_or(setup.config.listen);
    let tools = tools.unwrap_or_else(|| setup.config.tools.clone());
    runtime()?.block_on(serve(&setup, listen, tools))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(setup: &Setup, listen: SocketAddr, tools: Vec<ToolFamily>) -> Result<()> {
    let mut signals = ServiceSignals::watch()?;
    setup.paths.make()?;
    tell_doubts(setup, listen);
    let http = HttpDoor::bind(listen)
        .await?
        .keeping_sign_ins_in(setup.paths.sign_ins_file());
    let socket = SocketDoor::bind(&setup.paths.shared_socket()).await?;
    let grpc = match &setup.config.grpc {
        grpc if grpc.enabled => {
            Some(GrpcDoor::bind(grpc.listen, &setup.paths.grpc_socket()).await?)
        }
        _ => None,
    };
    let token = Token::load_or_create(&setup.paths.token_file())?;
    let host = start_host(setup)?;
    host.resume_tasks().await;

    let stop = CancellationToken::new();
    let address = http.address();
    let streams = Streams::new(
        Arc::clone(&host),
        setup.config.stream_settings(),
        stop.clone(),
    )
    .context("starting the threads of the streams")?;
    let stream_door = bind_streams(setup).await;
    let stream_address = stream_door.as_ref().map(StreamDoor::address);
    let grpc_address = grpc.as_ref().map(GrpcDoor::address);
    let mut doors = vec![
        tokio::spawn(http.serve(
            Arc::clone(&host),
            tools.clone(),
            Arc::clone(&streams),
            token.clone(),
            stop.clone(),
        )),
        tokio::spawn(socket.serve(Arc::clone(&host), tools, stop.clone())),
    ];
    if let Some(door) = stream_door {
        doors.push(tokio::spawn(door.serve(streams, token.clone())));
    }
    if let Some(grpc) = grpc {
        doors.push(tokio::spawn(grpc.serve(
            Arc::clone(&host),
            token.clone(),
            setup.config.grpc.require_token,
            stop.clone(),
        )));
    }
    let also = Also {
        streams: stream_address,
        grpc: grpc_address,
    };
    // Whoever reads it may go away, or the terminal: the host goes on.
    let _ = print_addresses(&mut anstream::stdout(), setup, address, &also, &token);
    tracing::info!(
        "the host serves on {address}, process {}",
        std::process::id()
    );
    let announced_for_good = async {
        tell_policies(setup, &host).await;
        std::future::pending().await
    };
    tokio::select! {
        () = announced_for_good => {}
        () = signals.told_to_stop() => {}
    }
    let _ = writeln!(
        anstream::stderr(),
        "stopping: sessions are closed, those on tmux and iTerm2 left to be found again"
    );
    tracing::info!("the host has been told to stop");
    stop.cancel();
    host.shutdown().await;
    for door in doors {
        door.await.context("closing a door")?;
    }
    tracing::info!("the host has ended");
    Ok(())
}

/// The second address of streams. A host is of use without it: somebody else may be
/// there already, for one the server whose clients look there.
async fn bind_streams(setup: &Setup) -> Option<StreamDoor> {
    let address = setup.config.streams_address()?;
    match StreamDoor::bind(address).await {
        Ok(door) => Some(door),
        Err(error) => {
            let reason = match error {
                BindError::Taken(_) => "another program listens there".to_owned(),
                other => other.to_string(),
            };
            anstream::eprintln!(
                "no streams on {address}: {reason}; streams.listen in the configuration sets another address, and /events on the first one has the same streams"
            );
            None
        }
    }
}

/// Says in the log what is set in a way that is probably not meant.
fn tell_doubts(setup: &Setup, listen: SocketAddr) {
    let unknown = unknown_variables();
    let doubts = setup.config.doubts(|program| find(program).is_some());
    for doubt in listens_to_others("listen", listen)
        .into_iter()
        .chain(doubts)
        .chain(unknown)
    {
        tracing::warn!("{doubt}");
    }
}

/// Where else the host listens.
struct Also {
    streams: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
}

fn print_addresses(
    out: &mut impl Write,
    setup: &Setup,
    address: SocketAddr,
    also: &Also,
    token: &Token,
) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "{STRONG}Quarterdeck {version}{STRONG:#} is listening\n"
    )?;
    writeln!(out, "  MCP over HTTP   {NAME}http://{address}/mcp{NAME:#}")?;
    writeln!(out, "  bearer token    {}", token.reveal())?;
    writeln!(
        out,
        "                  {FAINT}(kept in {}){FAINT:#}",
        setup.paths.token_file().display()
    )?;
    writeln!(
        out,
        "  dashboard       {NAME}http://{address}/{NAME:#}   takes the same token"
    )?;
    let streams = also.streams.map_or_else(String::new, |streams| {
        format!(" and {NAME}ws://{streams}{NAME:#}")
    });
    writeln!(
        out,
        "  events          {NAME}ws://{address}/events{NAME:#}{streams}"
    )?;
    if let Some(grpc) = also.grpc {
        writeln!(
            out,
            "  gRPC            {NAME}{grpc}{NAME:#}   {}",
            match setup.config.grpc.require_token {
                true => "with the same token",
                false => "without a token for your own processes",
            }
        )?;
    }
    writeln!(
        out,
        "  MCP over stdio  {NAME}quarterdeck mcp{NAME:#}   joins this host"
    )?;
    writeln!(out, "  sessions on     {}", setup.config.backend_name())?;
    writeln!(
        out,
        "  gate            {}",
        setup.config.gate_settings().mode
    )
}

/// Comes after the addresses, which nobody has to wait for: a policy that is new
/// is compiled first.
async fn tell_policies(setup: &Setup, host: &Host) {
    let policies = host.policies().await;
    if let Some(doubt) = unknown_strategy(&setup.config, &policies) {
        tracing::warn!("{doubt}");
    }
    let _ = print_policies(&mut anstream::stdout(), &policies);
}

fn print_policies(out: &mut impl Write, policies: &[PolicyStatus]) -> io::Result<()> {
    writeln!(out, "  policies")?;
    let (dormant, awake): (Vec<_>, Vec<_>) = policies
        .iter()
        .partition(|policy| policy.state == PolicyState::Dormant);
    for policy in awake {
        writeln!(
            out,
            "    {NAME}{}{NAME:#}  {}, generation {}, {} ({})",
            policy.name,
            policy.kind_name(),
            policy.generation,
            policy.trust,
            policy.state,
        )?;
    }
    if !dormant.is_empty() {
        // One line, or the token is off the screen of a small terminal.
        writeln!(
            out,
            "    {FAINT}and {} that sleep until they are needed (`quarterdeck plugin list`){FAINT:#}",
            dormant.len()
        )?;
    }
    writeln!(out, "\nTry next, in another terminal:")?;
    writeln!(
        out,
        "  quarterdeck check 'rm -rf ~'      what the policies say to a command"
    )?;
    writeln!(
        out,
        "  quarterdeck run 'cargo --version' run one through the gate"
    )?;
    writeln!(
        out,
        "  quarterdeck approve               see what waits for your yes"
    )?;
    writeln!(out, "\nStop with Ctrl-C.")
}
