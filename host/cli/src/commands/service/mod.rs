//! `quarterdeck service`: the host as a service of the user's own service manager.

mod manager;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_server::socket::{Request, ask_in_time};

use crate::Setup;
use crate::arguments::ServiceCommand;
use crate::inside::refuse_inside;
use manager::Manager;

/// What systemctl says of a unit that does not run.
const NOT_RUNNING: u8 = 3;

/// How long a host may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what was asked.
pub(crate) fn run(setup: &Setup, command: &ServiceCommand) -> Result<ExitCode> {
    let manager = Manager::of_this_system()?;
    match command {
        ServiceCommand::Install { dry_run } => install(setup, &manager, *dry_run),
        ServiceCommand::Uninstall => uninstall(setup, &manager),
        ServiceCommand::Status => Ok(status(setup, &manager)),
    }
}

fn install(setup: &Setup, manager: &Manager, dry_run: bool) -> Result<ExitCode> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let definition = manager.definition(&program);
    let file = manager.file();
    if dry_run {
        anstream::println!("would write {}:\n\n{definition}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    refuse_inside(setup, "installing a service")?;
    write(file, &definition).with_context(|| format!("writing {}", file.display()))?;
    anstream::println!("wrote {}", file.display());
    manager.start()?;
    anstream::println!(
        "the host runs now, and with every login; `quarterdeck service status` looks after it, `quarterdeck logs` shows its log"
    );
    Ok(ExitCode::SUCCESS)
}

fn uninstall(setup: &Setup, manager: &Manager) -> Result<ExitCode> {
    refuse_inside(setup, "uninstalling the service")?;
    let file = manager.file();
    if !file.exists() {
        anstream::println!("there is no service: {} is missing", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    manager.stop()?;
    std::fs::remove_file(file).with_context(|| format!("removing {}", file.display()))?;
    manager.forget()?;
    anstream::println!("stopped the host and removed {}", file.display());
    Ok(ExitCode::SUCCESS)
}

fn status(setup: &Setup, manager: &Manager) -> ExitCode {
    let file = manager.file();
    match file.exists() {
        true => anstream::println!("installed   {}", file.display()),
        false => anstream::println!("installed   no: `quarterdeck service install` does it"),
    }
    anstream::println!("{:<11} {}", manager.name(), manager.says());
    let socket = setup.paths.shared_socket();
    match ask_in_time::<bool>(&socket, &Request::AmInside, PATIENCE) {
        Ok(_) => {
            anstream::println!("host        answers on {}", socket.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            anstream::println!("host        {error}");
            ExitCode::from(NOT_RUNNING)
        }
    }
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}
