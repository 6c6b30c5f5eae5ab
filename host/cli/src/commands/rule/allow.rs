//! `quarterdeck rule allow`: a person's standing yes.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use quarterdeck_core::allow_rules::{AllowRule, AllowRulesFile};
use quarterdeck_core::audit::{Change, ChangeKind};

use crate::Setup;
use crate::arguments::RuleAllowArguments;
use crate::commands::changes;

/// Writes an allow rule; running hosts heed it at once.
pub(super) fn run(setup: &Setup, arguments: RuleAllowArguments) -> Result<ExitCode> {
    ensure!(!arguments.command.trim().is_empty(), "the command is empty");
    let cwd = match (arguments.anywhere, arguments.cwd) {
        (true, _) => None,
        (false, Some(folder)) => Some(folder),
        (false, None) => Some(std::env::current_dir().context("finding the current folder")?),
    };
    let cwd = cwd
        .map(|folder| {
            std::path::absolute(&folder).with_context(|| format!("finding {}", folder.display()))
        })
        .transpose()?;
    let rule = AllowRule {
        cwd: cwd.map(|folder| folder.to_string_lossy().into_owned()),
        client: arguments.client,
        session: arguments.session,
        until: arguments.until,
        overrides: arguments.overrides,
        why: arguments.why,
        by: Some(format!(
            "user {}, with quarterdeck rule allow",
            rustix::process::getuid().as_raw()
        )),
        ..AllowRule::of(arguments.command)
    };
    let file = AllowRulesFile::at(setup.paths.allow_rules_file());
    file.add(rule.clone())?;
    let change = Change::by_person("rule allow", ChangeKind::AllowRuleAdded, rule.id())
        .saying(super::list::shown(&rule));
    changes::keep(setup, &change);
    anstream::println!("{}  {}", rule.id(), super::list::shown(&rule));
    anstream::println!("  in {}", file.path().display());
    if rule.overrides.is_none() {
        anstream::println!(
            "  for what would be asked about: what a policy calls dangerous stays refused, unless --overrides names its rule"
        );
    }
    Ok(ExitCode::SUCCESS)
}
