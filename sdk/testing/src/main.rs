//! `policy-test`: components held to cases, and core modules made components.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use quarterdeck_policy_building::componentize;
use quarterdeck_policy_testing::{CaseFile, HostedApprover, TestHost};

#[derive(Debug, Parser)]
#[command(
    version,
    about = "Tests built policies in the engine that the host runs them in."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drop components in turn into one running host, and hold each to the cases
    Cases {
        /// The case file, in TOML
        cases: PathBuf,
        /// Components
        #[arg(required = true)]
        components: Vec<PathBuf>,
    },
    /// Make a component of a core module
    Componentize {
        /// The core module
        module: PathBuf,
        /// Where the component goes
        component: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Cases { cases, components } => hold_to_cases(&cases, &components),
        Command::Componentize { module, component } => wrap(&module, &component),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("policy-test: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn hold_to_cases(cases: &Path, components: &[PathBuf]) -> Result<bool> {
    let text =
        fs::read_to_string(cases).with_context(|| format!("cannot read {}", cases.display()))?;
    let file: CaseFile = text.parse().with_context(|| cases.display().to_string())?;
    let host = TestHost::start()?;
    let mut passed = true;
    for path in components {
        let component = read(path)?;
        let began = Instant::now();
        host.load(&component, &toml::Table::new())
            .with_context(|| path.display().to_string())?;
        let loaded = began.elapsed();
        let failures = file
            .run(&mut HostedApprover {
                host: &host,
                component: &component,
            })
            .with_context(|| path.display().to_string())?;
        println!(
            "{}: {} of {} cases; {} bytes, loaded in {loaded:.0?}, {:.1?} a verdict",
            path.display(),
            file.len() - failures.len(),
            file.len(),
            component.len(),
            cost(&host, &component)?,
        );
        for failure in &failures {
            println!("  {}", failure.to_string().replace('\n', "\n  "));
        }
        passed &= failures.is_empty();
    }
    Ok(passed)
}

/// The median of what a verdict costs, with the fresh instance that gives it.
fn cost(host: &TestHost, component: &[u8]) -> Result<Duration> {
    const CALLS: usize = 201;
    host.load(component, &toml::Table::new())?;
    let mut times: Vec<Duration> = (0..CALLS)
        .map(|_| {
            let began = Instant::now();
            host.review("git fetch && git push origin main");
            began.elapsed()
        })
        .collect();
    times.sort();
    Ok(times[CALLS / 2])
}

fn wrap(module: &Path, component: &Path) -> Result<bool> {
    let bytes = componentize(&read(module)?).with_context(|| module.display().to_string())?;
    fs::write(component, &bytes)
        .with_context(|| format!("cannot write {}", component.display()))?;
    println!("{} ({} bytes)", component.display(), bytes.len());
    Ok(true)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
