//! `quarterdeck rule remove`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_core::allow_rules::AllowRulesFile;

use super::own_rules::{OwnRules, POLICY};
use crate::Setup;
use crate::commands::plugin::taken_over::wait_for_running_host;
use crate::hosting::runtime;

/// Takes away a rule of one's own by its id, or an allow rule by its own.
pub(super) fn run(setup: &Setup, rule: &str) -> Result<ExitCode> {
    if rule.starts_with("allow-") {
        let file = AllowRulesFile::at(setup.paths.allow_rules_file());
        match file.remove(rule)? {
            Some(removed) => anstream::println!("removed: {}", super::list::shown(&removed)),
            None => bail!("there is no {rule}; `quarterdeck rule list` names those that there are"),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut rules = OwnRules::open(setup)?;
    if !rules.remove(rule)? {
        bail!(
            "there is no rule {rule} in {}; `quarterdeck rule list` names those of your own. A bundled rule gets another tier under [config.tiers] there",
            rules.path.display()
        );
    }
    // Something else may refer to it.
    runtime()?.block_on(rules.load(setup))?;
    rules.save()?;
    anstream::println!("{rule} is removed from {}", rules.path.display());
    wait_for_running_host(setup, POLICY)
}
