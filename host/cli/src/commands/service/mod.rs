//! `quarterdeck service`: the host as a service of the user's own service manager.

mod manager;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use quarterdeck_server::socket::{Request, ask_in_time};

use crate::Setup;
use crate::arguments::ServiceCommand;
use crate::config::variables;
use crate::inside::refuse_inside;
use manager::{Manager, Service};

/// What systemctl says of a unit that does not run.
const NOT_RUNNING: u8 = 3;

/// Variables that say where a host keeps its files. (A service has a runtime folder of
/// the manager's making.)
const FOLDERS: [&str; 3] = ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];

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
    let definition = manager.definition(&service(setup)?);
    let file = manager.file();
    if dry_run {
        anstream::println!("would write {}:\n\n{definition}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    refuse_inside(setup, "installing a service")?;
    let former = std::fs::read_to_string(file).ok();
    write(file, &definition).with_context(|| format!("writing {}", file.display()))?;
    if let Err(error) = manager.start() {
        // Nothing is left half done.
        match former {
            Some(former) => write(file, &former),
            None => std::fs::remove_file(file),
        }
        .with_context(|| format!("taking {} back after this: {error:#}", file.display()))?;
        return Err(error);
    }
    anstream::println!("wrote {}", file.display());
    anstream::println!(
        "the host runs now, and with every login; `quarterdeck service status` looks after it, `quarterdeck logs` shows its log"
    );
    Ok(ExitCode::SUCCESS)
}

/// `quarterdeck serve` with the flags and the settings that this command was given. The
/// folders go with them, since a service manager has an environment of its own.
fn service(setup: &Setup) -> Result<Service> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let program = program
        .to_str()
        .context("this program lies in a folder whose name is no text")?;
    let mut command = vec![program.to_owned()];
    command.extend(setup.common.written_out()?);
    command.push("serve".to_owned());
    let environment = variables()
        .into_iter()
        .chain(FOLDERS.map(str::to_owned))
        .filter_map(|name| std::env::var(&name).ok().map(|value| (name, value)))
        .collect();
    Ok(Service {
        command,
        environment,
    })
}

fn uninstall(setup: &Setup, manager: &Manager) -> Result<ExitCode> {
    refuse_inside(setup, "uninstalling the service")?;
    let file = manager.file();
    if !file.exists() {
        anstream::println!("there is no service: {} is missing", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let stopped = manager.stop();
    std::fs::remove_file(file).with_context(|| format!("removing {}", file.display()))?;
    if let Err(error) = stopped.and_then(|()| manager.forget()) {
        anstream::eprintln!("{error:#}");
        anstream::println!(
            "removed {}; a host that still runs is stopped with its own Ctrl-C or SIGTERM",
            file.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
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

/// For its owner alone: a setting may hold a login.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?;
    written.set_permissions(Permissions::from_mode(0o600))?;
    written.write_all(text.as_bytes())
}
