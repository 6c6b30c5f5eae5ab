//! The `quarterdeck` program.
//!
//! `main` reads the command line and the configuration and hands over to one
//! file in [`commands`]. Standard output belongs to what a command prints (for
//! `mcp`, to the protocol alone); everything else goes to standard error.

mod arguments;
mod bundled;
mod commands;
mod config;
mod hosting;
mod idle_pages;
mod inside;
mod logging;
mod paths;
mod signals;
mod telemetry;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use quarterdeck_server::mcp::ClientSettings;

use arguments::{Arguments, Backend, Command, Common, Hosting, PluginCommand};
use commands::install::Direction;
use config::{Config, ConfigFile};
use paths::Paths;
use telemetry::Telemetry;

/// Exit status of `quarterdeck run` when Quarterdeck itself failed or nobody knows how
/// the command ended, apart from those of the commands that it runs.
const RUN_FAILED: u8 = 125;

/// Exit status of `quarterdeck plugin diff` when nothing could be compared, as
/// that of diff(1).
const DIFF_FAILED: u8 = 2;

/// What every command is given.
struct Setup {
    /// The flags that brought it, for programs that are to be started with the same.
    common: Common,
    config: Config,
    config_file: ConfigFile,
    paths: Paths,
    /// Where traces and metrics go, for a command that hosts.
    telemetry: Option<Telemetry>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.command.is_brief() {
        fail_plainly_where_nothing_can_be_printed();
    }
    let failed = match arguments.command {
        Command::Run { .. } => ExitCode::from(RUN_FAILED),
        Command::Plugin {
            command: PluginCommand::Diff { .. },
        } => ExitCode::from(DIFF_FAILED),
        _ => ExitCode::FAILURE,
    };
    match run(arguments) {
        Ok(status) => status,
        Err(error) => {
            anstream::eprintln!("quarterdeck: {}", told(&error));
            failed
        }
    }
}

/// `println!` panics where its text cannot be written, as on a full disk. That is no
/// mistake of this program: it is told like any other failure.
fn fail_plainly_where_nothing_can_be_printed() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        match said.filter(|said| said.starts_with("failed printing to")) {
            Some(said) => {
                anstream::eprintln!("quarterdeck: {said}");
                std::process::exit(1);
            }
            None => usual(panic),
        }
    }));
}

/// An error with its causes, each unless it was told already.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match told.as_str() {
            "" => cause,
            said if said.contains(&cause) => told,
            _ => format!("{told}: {cause}"),
        }
    })
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        // These need no configuration, and work when it is broken.
        Command::Relay { socket } => return commands::relay::run(&socket),
        Command::Config => return Ok(commands::config::print()),
        Command::Events { schema, docs } => return Ok(commands::events::print(schema, docs)),
        Command::Man { folder } => return commands::man::write(&folder),
        Command::Completions { shell } => return Ok(commands::completions::print(shell)),
        Command::CompilePolicy => return commands::compile_policy::run(),
        // Is answered even then.
        Command::Hook { agent } => return Ok(commands::hook::run(agent, &arguments.common)),
        _ => {}
    }
    let mut common = arguments.common;
    if let Command::Mcpretentious { .. } = arguments.command {
        common.verbose += commands::mcpretentious::verbosity();
    }
    let mut setup = Setup::load(
        &common,
        arguments.command.hosting(),
        arguments.command.is_brief(),
    )?;
    if arguments.command.hosting() != Hosting::None && !setup.config.gate_asks() {
        inside::refuse_inside(&setup, "a host whose gate does not ask")?;
    }
    if let Some(backend) = arguments.command.backend() {
        setup.config.set_backend(backend.to_string());
    }
    let paths = setup.paths.clone();
    let hosted = arguments.command.hosting() != Hosting::None;
    let done = carry_out(arguments.command, setup);
    if hosted {
        paths.leave();
    }
    done
}

fn carry_out(command: Command, setup: Setup) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { listen, tools, .. } => commands::serve::run(setup, listen, tools),
        Command::Mcp {
            alone,
            tools,
            agent,
            backend: Backend { backend },
        } => {
            let client = ClientSettings {
                tools,
                agent,
                backend,
                ..ClientSettings::default()
            };
            commands::mcp::run(setup, alone, client)
        }
        Command::Mcpretentious { backend } => commands::mcpretentious::run(setup, backend),
        Command::Run {
            command,
            cwd,
            timeout,
            ..
        } => commands::run::run(setup, &command, cwd, timeout),
        Command::Worker(arguments) => commands::worker::run(setup, arguments),
        Command::Check {
            command, json, cwd, ..
        } => commands::check::run(setup, command.as_deref(), json, cwd),
        Command::Explain(arguments) => commands::explain::run(setup, arguments),
        Command::Approve(arguments) => commands::approve::run(&setup, &arguments),
        Command::Install(arguments) => {
            commands::install::run(&setup, Direction::Install, &arguments)
        }
        Command::Uninstall(arguments) => {
            commands::install::run(&setup, Direction::Uninstall, &arguments)
        }
        Command::Import { folder } => commands::import::run(&setup, folder),
        Command::Plugin { command } => commands::plugin::run(&setup, command),
        Command::Rule { command } => commands::rule::run(setup, command),
        Command::Audit { command } => commands::audit::run(&setup, command),
        Command::Top { once, json, every } => {
            commands::top::run(&setup, once, json, Duration::from_secs_f64(every))
        }
        Command::Service { command } => commands::service::run(&setup, &command),
        Command::Logs { lines, follow } => commands::logs::run(&setup, lines, follow),
        Command::Backup { file } => commands::backup::back_up(&setup, &file),
        Command::Restore { file } => commands::backup::restore(&setup, &file),
        Command::Doctor => commands::doctor::run(setup),
        Command::Config
        | Command::Events { .. }
        | Command::Completions { .. }
        | Command::CompilePolicy
        | Command::Man { .. }
        | Command::Hook { .. }
        | Command::Relay { .. } => Ok(ExitCode::SUCCESS),
    }
}

impl Setup {
    /// `brief` is whether the command does one thing and is over.
    fn load(common: &Common, hosting: Hosting, brief: bool) -> anyhow::Result<Self> {
        let environment = |name: &str| std::env::var(name).ok();
        let paths = Paths::of_this_process()?;
        let file = match &common.config {
            Some(file) => ConfigFile::Named(file.clone()),
            None => ConfigFile::Usual(paths.config_file()),
        };
        let mut config = Config::load(&file, environment)?;
        if let Some(folder) = &common.plugins_dir {
            config.plugins_dir.clone_from(folder);
        }
        if let Some(mode) = common.gate {
            config.set_gate_mode(mode.into());
        }
        let telemetry = match config.telemetry.with_environment(environment) {
            Some(exports) if hosting != Hosting::None => Some(Telemetry::start(&exports)?),
            _ => None,
        };
        let logs = paths.logs_dir();
        let folder = (hosting == Hosting::Shared).then_some(logs.as_path());
        if folder.is_some() {
            paths.make()?;
            paths.make_logs_dir()?;
        }
        // A command that is soon over has a person for a reader, not a log.
        let level = match config.log.level.as_str() {
            "info" if brief => "warn",
            level => level,
        };
        logging::start(level, common.verbose, folder, telemetry.as_ref())?;
        Ok(Self {
            common: common.clone(),
            config,
            config_file: file,
            paths,
            telemetry,
        })
    }
}
