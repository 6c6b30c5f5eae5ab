//! `quarterdeck rule add`: a rule made of one example.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use super::own_rules::{OwnRule, OwnRules, verdict};
use crate::Setup;
use crate::arguments::RuleAddArguments;
use crate::hosting::runtime;

/// Makes the rule, tries it on its examples, and writes it only if it holds.
pub(super) fn run(setup: &Setup, arguments: RuleAddArguments) -> Result<ExitCode> {
    let mut rules = OwnRules::open(setup)?;
    let rule = of_example(&arguments)?;
    ensure!(
        rules.rules().iter().all(|other| other.id != rule.id),
        "there is a rule {} already; `quarterdeck rule remove {}` takes it away, --id names the new one otherwise",
        rule.id,
        rule.id
    );
    rules.push(&rule)?;
    runtime()?.block_on(async {
        let policy = rules.load(setup).await?;
        for example in &rule.matches {
            let said = verdict(&policy, example).await?;
            if said.rule.as_deref() != Some(&rule.id) {
                bail!(
                    "the rule would not decide {example:?}: that is {} by rule {} ({}). Give a simpler example, or write the rule into {} by hand",
                    said.tier,
                    said.rule.as_deref().unwrap_or("none"),
                    said.reason.trim_end_matches('.'),
                    rules.path.display()
                );
            }
        }
        for other in &rule.does_not_match {
            let said = verdict(&policy, other).await?;
            if said.rule.as_deref() == Some(&rule.id) {
                bail!("the rule would decide {other:?} too; give a longer example");
            }
        }
        anyhow::Ok(())
    })?;
    rules.save()?;
    anstream::println!("{} is {} from now on", rule.matches[0], rule.tier);
    anstream::println!("  rule {} in {}", rule.id, rules.path.display());
    Ok(ExitCode::SUCCESS)
}

/// The program, what it is to do and with which flags, as far as the example
/// says.
fn of_example(arguments: &RuleAddArguments) -> Result<OwnRule> {
    let example = arguments.command.trim();
    let words = shlex::split(example)
        .filter(|words| !words.is_empty())
        .with_context(|| format!("{example:?} is no command: mind the quotes"))?;
    let (program, rest) = words.split_first().context("the command is empty")?;
    ensure!(
        !program.contains('=') && !["sudo", "env", "bash", "sh"].contains(&program.as_str()),
        "the example begins with {program:?}: leave it out, rules are looked for behind it anyway"
    );
    let (flags, operands): (Vec<_>, Vec<_>) =
        rest.iter().cloned().partition(|word| word.starts_with('-'));
    let program = program.rsplit('/').next().unwrap_or(program).to_owned();
    let id = match &arguments.id {
        Some(id) => id.clone(),
        None => id_of(&program, &operands, &flags),
    };
    Ok(OwnRule {
        id,
        programs: vec![program],
        subcommands: match operands.is_empty() {
            true => Vec::new(),
            false => vec![operands.join(" ")],
        },
        flags,
        tier: arguments.tier.as_str().to_owned(),
        reason: arguments.why.clone(),
        suggestion: arguments.instead.clone(),
        matches: vec![example.to_owned()],
        does_not_match: arguments.not.clone(),
    })
}

/// `own/` and the words of the example, in letters and digits.
fn id_of(program: &str, operands: &[String], flags: &[String]) -> String {
    let words = std::iter::once(program)
        .chain(operands.iter().chain(flags).map(String::as_str))
        .collect::<Vec<_>>()
        .join("-");
    let plain: String = words
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    format!("own/{}", parts.join("-").to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::policy::Tier;

    fn rule(command: &str) -> Result<OwnRule> {
        of_example(&RuleAddArguments {
            command: command.to_owned(),
            tier: Tier::Dangerous,
            why: "No.".to_owned(),
            instead: None,
            id: None,
            not: Vec::new(),
        })
    }

    #[test]
    fn an_example_is_taken_apart() {
        for (example, id, subcommands, flags) in [
            (
                "terraform apply",
                "own/terraform-apply",
                vec!["apply"],
                vec![],
            ),
            ("/usr/bin/make", "own/make", vec![], vec![]),
            (
                "kubectl delete ns --all",
                "own/kubectl-delete-ns-all",
                vec!["delete ns"],
                vec!["--all"],
            ),
            ("npm 'run' x", "own/npm-run-x", vec!["run x"], vec![]),
        ] {
            let rule = rule(example).expect(example);
            assert_eq!(
                (&*rule.id, rule.subcommands, rule.flags),
                (
                    id,
                    subcommands.into_iter().map(str::to_owned).collect(),
                    flags.into_iter().map(str::to_owned).collect(),
                )
            );
        }
        for wrong in ["", "  ", "'open", "sudo rm", "A=1 make"] {
            assert!(rule(wrong).is_err(), "{wrong:?}");
        }
    }
}
