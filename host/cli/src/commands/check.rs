//! `quarterdeck check`.

pub(crate) mod judge;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::gate::{Mode, VerdictReport};
use quarterdeck_core::operations::CheckPurpose;
use quarterdeck_core::policy::Tier;

use crate::Setup;
use crate::hosting::runtime;
use judge::Judge;

/// Judges a command and prints the verdict; without one, those on standard
/// input.
pub(crate) fn run(
    setup: Setup,
    command: Option<&str>,
    json: bool,
    cwd: Option<PathBuf>,
) -> Result<ExitCode> {
    let cwd = match cwd {
        Some(cwd) => cwd,
        None => std::env::current_dir().context("finding the current folder")?,
    };
    let cwd = cwd.to_string_lossy().into_owned();
    let runtime = runtime()?;
    let Some(command) = command else {
        return runtime.block_on(stream::run(&setup, &cwd));
    };
    runtime.block_on(async {
        let judge = Judge::find(&setup).await?;
        let verdict = judge.check(command, cwd, CheckPurpose::Opinion).await;
        let gate = judge.gate().await;
        judge.leave().await;
        let (verdict, gate) = (verdict?, gate?);
        if json {
            anstream::println!("{}", serde_json::to_string(&verdict)?);
        } else {
            anstream::println!("{}: {}", verdict.tier, verdict.reason);
            if let Some(said_by) = said_by(&verdict) {
                anstream::println!("  {said_by}");
            }
            if let Some(suggestion) = &verdict.suggestion {
                anstream::println!("  instead: {suggestion}");
            }
            if gate != Mode::Enforce && verdict.tier != Tier::Safe {
                anstream::println!("  and it runs all the same: the gate is on `{gate}`");
            }
        }
        Ok(ExitCode::from(match verdict.tier {
            Tier::Safe => 0,
            Tier::Review => 10,
            Tier::Dangerous => 20,
        }))
    })
}

/// Which policy said so, and by which of its rules, as far as it tells.
fn said_by(verdict: &VerdictReport) -> Option<String> {
    let VerdictReport {
        rule,
        policy,
        generation,
        ..
    } = verdict;
    let policy = (!policy.is_empty()).then(|| match generation {
        0 => format!("of {policy}"),
        _ => format!("of {policy} (generation {generation})"),
    });
    match (rule, policy) {
        (Some(rule), Some(policy)) => Some(format!("rule {rule} {policy}")),
        (Some(rule), None) => Some(format!("rule {rule}")),
        (None, policy) => policy,
    }
}
