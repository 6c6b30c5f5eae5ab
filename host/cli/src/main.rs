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

use quarterdeck_server::mcp::ClientSettings;

use arguments::{
    Arguments, Backend, Command, Common, ConfiguredCommand, Hosting, PlainCommand, PluginCommand,
};
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
    let arguments = Arguments::of_this_process();
    if arguments.command.is_brief() {
        fail_plainly_where_nothing_can_be_printed();
    }
    let failed = match arguments.command {
        Command::Configured(ConfiguredCommand::Run { .. }) => ExitCode::from(RUN_FAILED),
        Command::Configured(ConfiguredCommand::Plugin {
            command: PluginCommand::Diff { .. },
        }) => ExitCode::from(DIFF_FAILED),
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
    let mut common = arguments.common;
    let command = match arguments.command {
        Command::Plain(command) => return carry_out_plainly(command, &common),
        Command::Configured(command) => command,
    };
    if let ConfiguredCommand::Mcpretentious { .. } = command {
        common.verbose += commands::mcpretentious::verbosity();
    }
    let mut setup = Setup::load(&common, command.hosting(), command.is_brief())?;
    if command.hosting() != Hosting::None && !setup.config.gate_asks() {
        inside::refuse_inside(&setup, "a host whose gate does not ask")?;
    }
    if let Some(backend) = command.backend() {
        setup.config.set_backend(backend.to_string());
    }
    let paths = setup.paths.clone();
    let hosted = command.hosting() != Hosting::None;
    let done = carry_out(command, setup);
    if hosted {
        paths.leave();
    }
    done
}

fn carry_out_plainly(command: PlainCommand, common: &Common) -> anyhow::Result<ExitCode> {
    match command {
        PlainCommand::Relay { socket } => commands::relay::run(&socket),
        PlainCommand::Config => Ok(commands::config::print()),
        PlainCommand::Events { schema, docs } => Ok(commands::events::print(schema, docs)),
        PlainCommand::Man { folder } => commands::man::write(&folder),
        PlainCommand::Completions { shell } => Ok(commands::completions::print(shell)),
        PlainCommand::CompilePolicy => commands::compile_policy::run(),
        PlainCommand::Hook { agent } => Ok(commands::hook::run(agent, common)),
    }
}

fn carry_out(command: ConfiguredCommand, setup: Setup) -> anyhow::Result<ExitCode> {
    match command {
        ConfiguredCommand::Serve { listen, tools, .. } => {
            commands::serve::run(setup, listen, tools)
        }
        ConfiguredCommand::Mcp {
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
        ConfiguredCommand::Mcpretentious { backend } => {
            commands::mcpretentious::run(setup, backend)
        }
        ConfiguredCommand::Run {
            command,
            cwd,
            timeout,
            ..
        } => commands::run::run(setup, &command, cwd, timeout),
        ConfiguredCommand::Worker(arguments) => commands::worker::run(setup, arguments),
        ConfiguredCommand::Check {
            command, json, cwd, ..
        } => commands::check::run(setup, command.as_deref(), json, cwd),
        ConfiguredCommand::Explain(arguments) => commands::explain::run(setup, arguments),
        ConfiguredCommand::Approve(arguments) => commands::approve::run(&setup, &arguments),
        ConfiguredCommand::Install(arguments) => {
            commands::install::run(&setup, Direction::Install, &arguments)
        }
        ConfiguredCommand::Uninstall(arguments) => {
            commands::install::run(&setup, Direction::Uninstall, &arguments)
        }
        ConfiguredCommand::Import { folder } => commands::import::run(&setup, folder),
        ConfiguredCommand::Plugin { command } => commands::plugin::run(&setup, command),
        ConfiguredCommand::Rule { command } => commands::rule::run(setup, command),
        ConfiguredCommand::Audit { command } => commands::audit::run(&setup, command),
        ConfiguredCommand::Top { once, json, every } => {
            commands::top::run(&setup, once, json, Duration::from_secs_f64(every))
        }
        ConfiguredCommand::Service { command } => commands::service::run(&setup, &command),
        ConfiguredCommand::Logs { lines, follow } => commands::logs::run(&setup, lines, follow),
        ConfiguredCommand::Backup { file } => commands::backup::back_up(&setup, &file),
        ConfiguredCommand::Restore { file } => commands::backup::restore(&setup, &file),
        ConfiguredCommand::Doctor => commands::doctor::run(setup),
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
