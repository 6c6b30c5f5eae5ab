//! `quarterdeck plugin diff`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use quarterdeck_core::audit::{ChangedVerdict, DecidedBy, History, PolicyDiff, Scope};
use quarterdeck_core::inert_text;
use quarterdeck_core::policy::Workbench;

use super::check::{ensure_file, stem};
use super::folder::present_name;
use crate::Setup;
use crate::hosting::{policy_limits, runtime};

/// Puts the commands of the audit log to a component, and lists those whose
/// verdict would change.
pub(super) fn run(
    setup: &Setup,
    file: &Path,
    name: Option<&str>,
    scope: Scope,
    json: bool,
) -> Result<ExitCode> {
    let name = match name {
        Some(name) => present_name(name)?,
        None => stem(file)?,
    };
    ensure_file(file)?;
    let history = History::open(&setup.paths.audit_file())?;
    let diff = runtime()?.block_on(async {
        let workbench =
            Workbench::new(Some(&setup.paths.policy_cache()))?.with_limits(policy_limits(setup));
        let sidecar = Some(file.with_extension("toml")).filter(|sidecar| sidecar.exists());
        let policy = workbench
            .open_as(name, file, sidecar.as_deref())
            .await
            .with_context(|| format!("opening {}", file.display()))?;
        anyhow::Ok(PolicyDiff::of(history, scope, &policy, None).await?)
    })?;
    if json {
        anstream::println!("{}", serde_json::to_string(&diff)?);
    } else {
        diff.changes.iter().for_each(print);
        print_summary(&diff);
    }
    Ok(if diff.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(change: &ChangedVerdict) {
    anstream::println!("{}", inert_text(&change.command));
    let session = change.session.as_deref().unwrap_or("no session");
    let times = match change.times {
        1 => String::new(),
        times => format!(", {times} times"),
    };
    anstream::println!(
        "  {} -> {}",
        in_short(&change.before),
        in_short(&change.after)
    );
    anstream::println!("  {}", change.after.reason);
    anstream::println!("  row {} at {} in {session}{times}", change.row, change.at,);
}

fn in_short(decided: &DecidedBy) -> String {
    match &decided.rule {
        Some(rule) => format!("{} ({rule} of {})", decided.tier, decided.policy),
        None => format!("{} ({})", decided.tier, decided.policy),
    }
}

fn print_summary(diff: &PolicyDiff) {
    anstream::println!(
        "{} of {} commands would be judged otherwise: {} stricter, {} laxer, {} by another rule of the same tier",
        diff.stricter + diff.laxer + diff.other_rule,
        diff.replayed,
        diff.stricter,
        diff.laxer,
        diff.other_rule,
    );
    if diff.replayed > 0 && diff.replaced == 0 {
        anstream::println!(
            "no policy named {} judged any of them, so it was compared as one more beside the others; --name says which policy it replaces",
            diff.policy
        );
    }
    for (count, what) in [
        (
            diff.incomplete,
            "were kept by an older version, without where they ran and what ran before",
        ),
        (diff.unjudged, "were not replayed, because the gate was off"),
        (
            diff.garbled,
            "were not replayed, because their rows could not be understood",
        ),
    ] {
        if count > 0 {
            anstream::println!("{count} {what}");
        }
    }
}
