//! `quarterdeck serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use quarterdeck_core::Host;
use quarterdeck_server::grpc::GrpcDoor;
use quarterdeck_server::http::{BindError, HttpDoor};
use quarterdeck_server::mcp::ToolFamily;
use quarterdeck_server::socket::SocketDoor;
use quarterdeck_server::streams::{StreamDoor, Streams};
use quarterdeck_server::token::Token;
use tokio_util::sync::CancellationToken;

use crate::Setup;
use crate::hosting::{StopSignals, runtime, start_host};

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
    let mut stop_signals = StopSignals::watch()?;
    setup.paths.make()?;
    let http = HttpDoor::bind(listen).await?;
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
    let stream_door = bind_streams(setup).await?;
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
            stop.clone(),
        )));
    }
    let also = Also {
        streams: stream_address,
        grpc: grpc_address,
    };
    print_addresses(setup, address, &also, &token);
    let announced_for_good = async {
        print_policies(&host).await;
        std::future::pending().await
    };
    tokio::select! {
        () = announced_for_good => {}
        () = stop_signals.received() => {}
    }
    anstream::eprintln!(
        "stopping: sessions are closed, those on tmux and iTerm2 left to be found again"
    );
    stop.cancel();
    host.shutdown().await;
    for door in doors {
        door.await.context("closing a door")?;
    }
    Ok(())
}

/// The second address of streams. A host is of use without it: somebody else may be
/// there already, for one the server whose clients look there.
async fn bind_streams(setup: &Setup) -> Result<Option<StreamDoor>> {
    let Some(address) = setup.config.streams_address()? else {
        return Ok(None);
    };
    match StreamDoor::bind(address).await {
        Ok(door) => Ok(Some(door)),
        Err(error) => {
            let reason = match error {
                BindError::Taken(_) => "another program listens there".to_owned(),
                other => other.to_string(),
            };
            anstream::eprintln!(
                "no streams on {address}: {reason}; streams.listen in the configuration sets another address, and /events on the first one has the same streams"
            );
            Ok(None)
        }
    }
}

/// Where else the host listens.
struct Also {
    streams: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
}

fn print_addresses(setup: &Setup, address: SocketAddr, also: &Also, token: &Token) {
    let version = env!("CARGO_PKG_VERSION");
    anstream::println!("{STRONG}Quarterdeck {version}{STRONG:#} is listening\n");
    anstream::println!("  MCP over HTTP   {NAME}http://{address}/mcp{NAME:#}");
    anstream::println!("  bearer token    {}", token.reveal());
    anstream::println!(
        "                  {FAINT}(kept in {}){FAINT:#}",
        setup.paths.token_file().display()
    );
    anstream::println!("  dashboard       {NAME}http://{address}/{NAME:#}   takes the same token");
    let streams = also.streams.map_or_else(String::new, |streams| {
        format!(" and {NAME}ws://{streams}{NAME:#}")
    });
    anstream::println!("  events          {NAME}ws://{address}/events{NAME:#}{streams}");
    if let Some(grpc) = also.grpc {
        anstream::println!("  gRPC            {NAME}{grpc}{NAME:#}   with the same token");
    }
    anstream::println!("  MCP over stdio  {NAME}quarterdeck mcp{NAME:#}   joins this host");
    anstream::println!("  sessions on     {}", setup.config.backend_name());
    anstream::println!(
        "  gate            {}",
        format!("{:?}", setup.config.gate_settings().mode).to_lowercase()
    );
}

/// Comes after the addresses, which nobody has to wait for: a policy that is new
/// is compiled first.
async fn print_policies(host: &Host) {
    anstream::println!("  policies");
    for policy in host.policies().await {
        anstream::println!(
            "    {NAME}{}{NAME:#}  {}, generation {}, {} ({})",
            policy.name,
            policy.kind_name(),
            policy.generation,
            policy.trust,
            policy.state,
        );
    }
    anstream::println!("\nTry next, in another terminal:");
    anstream::println!("  quarterdeck check 'rm -rf ~'      what the policies say to a command");
    anstream::println!("  quarterdeck run 'cargo --version' run one through the gate");
    anstream::println!("  quarterdeck approve               see what waits for your yes");
    anstream::println!("\nStop with Ctrl-C.");
}
