//! `quarterdeck rule list`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::allow_rules::{AllowRule, AllowRulesFile};
use quarterdeck_core::spelled_out;
use serde_json::{Value, json};

use super::own_rules::OwnRules;
use crate::Setup;

/// Lists rules of one's own and allow rules.
pub(super) fn run(setup: &Setup, json: bool) -> Result<ExitCode> {
    let own = OwnRules::open(setup)?;
    let allowed = AllowRulesFile::at(setup.paths.allow_rules_file()).load()?;
    if json {
        let own: Vec<_> = own
            .rules()
            .into_iter()
            .map(|rule| {
                json!({
                    "id": rule.id,
                    "tier": rule.tier,
                    "programs": rule.programs,
                    "subcommands": rule.subcommands,
                    "flags": rule.flags,
                    "reason": rule.reason,
                    "matches": rule.matches,
                })
            })
            .collect();
        let allowed: Vec<_> = allowed.iter().map(with_id).collect::<Result<_>>()?;
        anstream::println!("{}", json!({ "own": own, "allow": allowed }));
        return Ok(ExitCode::SUCCESS);
    }
    let rules = own.rules();
    if rules.is_empty() && allowed.is_empty() {
        anstream::println!(
            "no rules of your own; `quarterdeck rule add` and `quarterdeck rule allow` make some"
        );
    }
    for rule in &rules {
        anstream::println!("{}  {}", rule.id, rule.tier);
        anstream::println!(
            "    {}",
            spelled_out(&rule.matches.first().cloned().unwrap_or_else(|| {
                [&rule.programs[..], &rule.subcommands, &rule.flags]
                    .concat()
                    .join(" ")
            }))
        );
        anstream::println!("    {}", spelled_out(&rule.reason));
    }
    for rule in &allowed {
        anstream::println!("{}  {}", rule.id(), shown(rule));
    }
    Ok(ExitCode::SUCCESS)
}

fn with_id(rule: &AllowRule) -> Result<Value> {
    let mut shown = serde_json::to_value(rule)?;
    shown["id"] = rule.id().into();
    Ok(shown)
}

/// An allow rule in a line.
pub(super) fn shown(rule: &AllowRule) -> String {
    let mut words = vec![format!("allows `{}`", spelled_out(&rule.command))];
    let wishes = [
        ("in", rule.cwd.clone()),
        ("to", rule.client.clone()),
        ("in session", rule.session.clone()),
        ("until", rule.until.map(|until| until.to_string())),
        ("although it is dangerous by", rule.overrides.clone()),
    ];
    for (how, wish) in wishes {
        if let Some(wish) = wish {
            words.push(format!("{how} {}", spelled_out(&wish)));
        }
    }
    if let Some(why) = &rule.why {
        words.push(format!("({})", spelled_out(why)));
    }
    words.join(" ")
}
