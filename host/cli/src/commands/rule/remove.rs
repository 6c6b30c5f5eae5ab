//! `quarterdeck rule remove`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use quarterdeck_core::allow_rules::AllowRulesFile;
use quarterdeck_core::audit::{Change, ChangeKind};
use quarterdeck_core::spelled_out;

use super::own_rules::{OwnRules, POLICY, by_rule, verdict};
use crate::Setup;
use crate::commands::changes;
use crate::commands::plugin::taken_over::wait_for_running_host;
use crate::hosting::runtime;

/// Takes away a rule of one's own by its id, or an allow rule by its own.
pub(super) fn run(setup: &Setup, rule: &str) -> Result<ExitCode> {
    // Nothing keeps a rule of one's own from being called like an allow rule.
    if rule.starts_with("allow-") && !is_own(setup, rule) {
        let file = AllowRulesFile::at(setup.paths.allow_rules_file());
        let Some(removed) = file.remove(rule)? else {
            bail!("there is no {rule}; `quarterdeck rule list` names those that there are");
        };
        let shown = super::list::shown(&removed);
        let change =
            Change::by_person("rule remove", ChangeKind::AllowRuleRemoved, rule).saying(&shown);
        changes::keep(setup, &change);
        anstream::println!("removed: {shown}");
        return Ok(ExitCode::SUCCESS);
    }
    let turn = OwnRules::turn(setup)?;
    let mut rules = OwnRules::open(setup)?;
    let removed = rules.rules().into_iter().find(|it| it.id == rule);
    if !rules.remove(rule)? {
        bail!(
            "there is no rule {rule} in {}; `quarterdeck rule list` names those of your own. A bundled rule gets another tier under [config.tiers] there",
            rules.path.display()
        );
    }
    // Something else may refer to it.
    let example = removed.as_ref().and_then(|it| it.matches.first());
    let now = runtime()?.block_on(async {
        let policy = rules.load(setup).await?;
        match example {
            Some(example) => verdict(&policy, example).await.map(Some),
            None => Ok(None),
        }
    })?;
    rules.save()?;
    drop(turn);
    let change = Change::by_person("rule remove", ChangeKind::RuleRemoved, rule);
    let change = match &removed {
        Some(removed) => change.saying(format!("it was: {}", removed.in_words())),
        None => change,
    };
    changes::keep(setup, &change);
    anstream::println!("{rule} is removed from {}", rules.path.display());
    if let (Some(example), Some(now)) = (example, now) {
        anstream::println!(
            "  {} is {} from now on{}",
            spelled_out(example),
            now.tier,
            by_rule(&now)
        );
    }
    wait_for_running_host(setup, POLICY)
}

/// Whether a rule of one's own has this id. A sidecar that cannot be read keeps nobody
/// from taking back what is allowed.
fn is_own(setup: &Setup, rule: &str) -> bool {
    OwnRules::open(setup).is_ok_and(|rules| rules.rules().iter().any(|it| it.id == rule))
}
