//! The relay alone: `quarterdeck-relay SOCKET`, see `quarterdeck_terminal::iterm2`.

use std::path::PathBuf;
use std::process::ExitCode;

use quarterdeck_terminal::iterm2::relay;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(socket) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: quarterdeck-relay SOCKET");
        return ExitCode::from(2);
    };
    match relay::run(&socket).await {
        Ok(status) => ExitCode::from(relay::exit_code(status)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
