//! `quarterdeck rule test`.

use std::process::ExitCode;

use anyhow::Result;
use quarterdeck_core::inert_text;

use super::own_rules::{OwnRules, verdict};
use crate::Setup;
use crate::hosting::runtime;

/// Holds each rule of one's own to its examples.
pub(super) fn run(setup: &Setup) -> Result<ExitCode> {
    let rules = OwnRules::open(setup)?;
    let (mut held, mut broken) = (0, 0);
    runtime()?.block_on(async {
        let policy = rules.load(setup).await?;
        for rule in rules.rules() {
            let examples = rule.matches.iter().map(|it| (it, true));
            let others = rule.does_not_match.iter().map(|it| (it, false));
            for (example, expected) in examples.chain(others) {
                let said = verdict(&policy, example).await?;
                if (said.rule.as_deref() == Some(&rule.id)) == expected {
                    held += 1;
                    continue;
                }
                broken += 1;
                let by = said.rule.as_deref().unwrap_or("no rule");
                let decides = if expected {
                    "does not decide"
                } else {
                    "decides"
                };
                anstream::println!(
                    "{} {decides} `{}`: it is {} by {by}",
                    rule.id,
                    inert_text(example),
                    said.tier
                );
            }
        }
        anyhow::Ok(())
    })?;
    anstream::println!("{held} of {} examples hold", held + broken);
    Ok(match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
