//! The stand-in as a program, for tests in other languages.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use iterm2_server::{Control, Options, Server};

/// Stands in for iTerm2. Prints `ready` when it listens, and runs until its standard input ends.
#[derive(Debug, Parser)]
struct Arguments {
    /// The home folder below which the socket is.
    #[arg(long)]
    home: PathBuf,
    /// Listens here too, for example 127.0.0.1:1912.
    #[arg(long)]
    tcp: Option<SocketAddr>,
    /// Lets clients in without a cookie.
    #[arg(long)]
    no_cookies: bool,
    /// Closing is declined, as if a person said no.
    #[arg(long)]
    nobody_confirms: bool,
    /// Starts nothing, but asks the server that runs below this home folder for a cookie and
    /// prints it with a key, as `osascript` would.
    #[arg(long)]
    ask_cookie: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.ask_cookie {
        let control = Control::new(Options::new(arguments.home).control_socket());
        println!("{} key", control.say("cookie").await?);
        return Ok(());
    }
    let mut server = Server::start(Options {
        tcp: arguments.tcp,
        cookie_needed: !arguments.no_cookies,
        nobody_confirms: arguments.nobody_confirms,
        ..Options::new(arguments.home)
    })
    .await?;
    println!("ready");
    let mut input = tokio::io::stdin();
    let mut nothing = tokio::io::sink();
    tokio::select! {
        _ = tokio::io::copy(&mut input, &mut nothing) => (),
        () = server.ended() => anyhow::bail!("a task of the server has ended"),
    }
    Ok(())
}
