//! `quarterdeck worker`.

use std::process::ExitCode;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};
use quarterdeck_core::store::{Store, StoreError};
use quarterdeck_core::tasks::{Errands, Fate};
use quarterdeck_nats::{Doing, MachineName, MachineSettings, take_errands};

use crate::Setup;
use crate::arguments::WorkerArguments;
use crate::hosting::{runtime, start_host_for_others};
use crate::signals::StopSignals;

const NAME: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// What was interrupted ends within this time, and its owner hears of it.
const HANDED_BACK_WITHIN: Duration = Duration::from_secs(15);

/// Takes tasks until it is told to stop.
pub(crate) fn run(mut setup: Setup, arguments: WorkerArguments) -> Result<ExitCode> {
    if let Some(url) = &arguments.nats {
        setup.config.nats.url.clone_from(url);
    }
    // Sessions that outlive this process would go on with what is given to somebody else.
    setup.config.set_backend("pty".to_owned());
    runtime()?.block_on(serve(&setup, arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(setup: &Setup, arguments: WorkerArguments) -> Result<()> {
    let mut stop_signals = StopSignals::watch()?;
    let Some(nats) = setup.config.nats.settings()? else {
        bail!(
            "no NATS server is set: give --nats nats://host:port, or set nats.url in the configuration"
        );
    };
    let settings = MachineSettings {
        nats,
        name: arguments.name.unwrap_or_else(this_machine),
        tags: arguments.tags,
        slots: arguments.slots.unwrap_or_else(cores),
    };
    let store = own_store(setup, &settings.name)?;
    let host = start_host_for_others(setup, store)?;
    let taking = take_errands(settings.clone(), Errands::of(host.clone())).await;
    let mut taking = match taking {
        Ok(taking) => taking,
        Err(error) => {
            host.shutdown().await;
            return Err(error.into());
        }
    };
    announce(&settings);
    loop {
        tokio::select! {
            Some(doing) = taking.doing.recv() => print(&doing),
            _ = stop_signals.received() => break,
        }
    }
    anstream::eprintln!(
        "stopping: no more tasks are taken; those that run have {} s to end (Ctrl-C again hands them back at once)",
        arguments.grace
    );
    let grace = Duration::from_secs(arguments.grace);
    let finished = tokio::select! {
        finished = tokio::time::timeout(grace, taking.finish()) => finished.is_ok(),
        _ = stop_signals.received() => false,
    };
    if !finished {
        taking.hand_back();
        // What cannot be told now, the server finds out by the silence.
        let _ = tokio::time::timeout(HANDED_BACK_WITHIN, taking.finish()).await;
    }
    while let Ok(doing) = taking.doing.try_recv() {
        print(&doing);
    }
    taking.close().await;
    host.shutdown().await;
    Ok(())
}

fn this_machine() -> MachineName {
    let name = rustix::system::uname();
    MachineName::of_host(&name.nodename().to_string_lossy())
}

fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(cores).unwrap_or(1)
}

/// Where this machine keeps what it has done. Two of one name would answer for each
/// other.
fn own_store(setup: &Setup, name: &MachineName) -> Result<std::path::PathBuf> {
    setup.paths.make()?;
    let path = setup.paths.machine_store_file(name.as_str());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("making the folder {}", folder.display()))?;
    }
    match Store::open(&path) {
        Ok(_) => Ok(path),
        Err(StoreError::InUse { .. }) => {
            bail!(
                "a machine of the name {name} takes tasks here already: give this one another with --name"
            )
        }
        Err(error) => Err(error.into()),
    }
}

fn announce(settings: &MachineSettings) {
    let tags = match settings.tags.as_slice() {
        [] => "none".to_owned(),
        tags => tags.join(", "),
    };
    anstream::println!(
        "{NAME}{}{NAME:#} takes tasks: {} at once, tags: {tags}\nStop with Ctrl-C.",
        settings.name,
        settings.slots
    );
}

fn print(doing: &Doing) {
    match doing {
        Doing::Begins { task, session } => {
            anstream::println!("{NAME}{task}{NAME:#} begins {FAINT}in session {session}{FAINT:#}");
        }
        Doing::Ended { task, fate } => anstream::println!("{NAME}{task}{NAME:#} {}", told(fate)),
        Doing::FellSilent { task } => anstream::println!(
            "{NAME}{task}{NAME:#} was with a machine that fell silent: its owner is told"
        ),
    }
}

fn told(fate: &Fate) -> String {
    match fate {
        Fate::NotTyped => "is handed back: nothing was typed".to_owned(),
        Fate::Impossible(why) => format!("does not run: {why}"),
        Fate::Finished(result) => {
            let status = result
                .exit_status
                .map_or_else(|| "an unknown status".to_owned(), |it| it.to_string());
            format!("ended with {status} after {} ms", result.duration_ms)
        }
        Fate::TimedOut { .. } => "took too long".to_owned(),
        Fate::Cancelled(_) => "was called off".to_owned(),
        Fate::Lost(how) => format!("is lost: {how}"),
    }
}
