//! `quarterdeck rule remove`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use quarterdeck_core::allow_rules::AllowRulesFile;

use super::own_rules::OwnRules;
use crate::Setup;
use crate::hosting::runtime;

/// Takes away a rule of one's own by its id, or an allow rule by its number.
pub(super) fn run(setup: &Setup, rule: &str) -> Result<ExitCode> {
    if let Some(number) = rule.strip_prefix("allow-") {
        let number: usize = number
            .parse()
            .with_context(|| format!("{rule:?} is no allow rule: they are allow-1, allow-2, …"))?;
        let file = AllowRulesFile::at(setup.paths.allow_rules_file());
        let removed = match number.checked_sub(1) {
            Some(place) => file.remove(place)?,
            None => None,
        };
        match removed {
            Some(removed) => anstream::println!("removed: {}", super::list::shown(&removed)),
            None => bail!("there is no {rule}; `quarterdeck rule list` numbers them"),
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
    Ok(ExitCode::SUCCESS)
}
