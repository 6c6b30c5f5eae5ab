//! `quarterdeck install` and `quarterdeck uninstall`: Quarterdeck in a coding
//! agent's configuration.
//!
//! [`agent`] says what belongs into which file of which agent, [`edit`] changes
//! the text of one, [`file`] reads, backs up and writes.

mod agent;
mod edit;
mod file;
mod switched_off;

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};

pub(crate) use agent::CodingAgent;
use agent::{Homes, Started};
use file::{ConfiguredFile, FileChange};

use crate::Setup;
use crate::arguments::InstallArguments;
use crate::inside::refuse_inside;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Put it there.
    Install,
    /// Take it away.
    Uninstall,
}

/// Shows what changes in the agent's files, and changes them.
pub(crate) fn run(
    setup: &Setup,
    direction: Direction,
    arguments: &InstallArguments,
) -> Result<ExitCode> {
    if !arguments.dry_run {
        refuse_inside(setup, "changing an agent's configuration")?;
    }
    let program = std::env::current_exe().context("finding this program")?;
    let program = program
        .to_str()
        .context("this program lies in a folder whose name is no text")?;
    let started = Started {
        program: program.to_owned(),
        flags: setup.common.written_out()?,
    };
    let homes = Homes::from_environment(|name| std::env::var(name).ok(), std::env::home_dir())?;
    let files: Vec<ConfiguredFile> = arguments
        .agent
        .files(&homes, &started, !arguments.no_hook)?
        .into_iter()
        .map(ConfiguredFile::read)
        .collect::<Result<_>>()?;
    // All of them are understood before the first is written.
    let changes = files
        .iter()
        .map(|file| match direction {
            Direction::Install => file.installed(),
            Direction::Uninstall => file.uninstalled(),
        })
        .collect::<Result<Vec<_>>>()?;
    let mut changed = false;
    for (file, change) in files.iter().zip(&changes) {
        if matches!(change, FileChange::Nothing) {
            anstream::println!("{}: nothing to change", file.path().display());
            continue;
        }
        changed = true;
        print_diff(&file.diff(change));
        if !arguments.dry_run {
            file.carry_out(change)?;
        }
    }
    match (changed, arguments.dry_run, direction) {
        (true, true, _) => anstream::println!("nothing was written: this was a dry run"),
        (true, false, Direction::Install) => {
            anstream::println!(
                "Quarterdeck is installed in {}; {}",
                arguments.agent,
                arguments.agent.what_next()
            );
        }
        (true, false, Direction::Uninstall) => {
            anstream::println!("Quarterdeck is gone from {}", arguments.agent);
        }
        (false, ..) => {}
    }
    if direction == Direction::Install && !arguments.no_hook {
        for (file, switch) in files.iter().filter_map(|it| Some((it, it.hooks_off()?))) {
            anstream::eprintln!(
                "the hook is never called while hooks are switched off in {} ({switch}): {}'s own shell tool is not judged",
                file.path().display(),
                arguments.agent
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_diff(diff: &str) {
    for line in diff.lines() {
        let colour = match line.chars().next() {
            Some('-') => AnsiColor::Red.on_default(),
            Some('+') => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        anstream::println!("{colour}{line}{colour:#}");
    }
}
