//! `quarterdeck rule add`: a rule made of one example.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use quarterdeck_core::audit::{Change, ChangeKind};
use quarterdeck_core::policy::{Tier, Verdict};
use quarterdeck_core::spelled_out;

use super::own_rules::{OwnRule, OwnRules, POLICY, by_rule, verdict};
use crate::Setup;
use crate::arguments::RuleAddArguments;
use crate::commands::changes;
use crate::commands::plugin::taken_over::wait_for_running_host;
use crate::hosting::runtime;

/// Makes the rule, tries it on its examples, and writes it only if it holds.
pub(super) fn run(setup: &Setup, arguments: RuleAddArguments) -> Result<ExitCode> {
    let turn = OwnRules::turn(setup)?;
    let present = OwnRules::open(setup)?;
    let known = present.rules();
    let candidates = of_example(&arguments)?;
    let rule = &candidates[0];
    ensure!(
        known.iter().all(|other| other.id != rule.id),
        "there is a rule {} already; `quarterdeck rule remove {}` takes it away, --id names the new one otherwise",
        rule.id,
        rule.id
    );
    let example = rule.matches[0].clone();
    let (was, (rule, rules)) = runtime()?.block_on(async {
        let was = verdict(&present.load(setup).await?, &example).await?;
        weakens_as_was_said(&was, &arguments)?;
        anyhow::Ok((was, first_that_holds(setup, candidates).await?))
    })?;
    rules.save()?;
    drop(turn);
    let instead_of = format!("{}{}", was.tier, by_rule(&was));
    let change = Change::by_person("rule add", ChangeKind::RuleAdded, &rule.id)
        .saying(format!("{} (it was {instead_of})", rule.in_words()));
    changes::keep(setup, &change);
    anstream::println!("{} is {} from now on", spelled_out(&example), rule.tier);
    anstream::println!("  rule {} in {}", rule.id, rules.path.display());
    if arguments.tier < was.tier {
        anstream::println!(
            "  it was {instead_of}: {}",
            spelled_out(was.reason.trim_end_matches('.'))
        );
        anstream::println!(
            "  the rule holds in every folder and for whatever else stands behind these words; `quarterdeck rule allow` is for this one line in one folder"
        );
    }
    wait_for_running_host(setup, POLICY)
}

/// What is dangerous becomes less only if the rule that says so is named, as for an
/// allow rule.
fn weakens_as_was_said(was: &Verdict, arguments: &RuleAddArguments) -> Result<()> {
    if was.tier < Tier::Dangerous || arguments.tier >= was.tier {
        return Ok(());
    }
    let Some(rule) = &was.rule else {
        bail!(
            "{:?} is dangerous by no rule that could be overridden: {}",
            arguments.command,
            was.reason
        );
    };
    ensure!(
        arguments.overrides.as_ref() == Some(rule),
        "{:?} is dangerous by rule {rule}: {} If it is to be {} all the same, in every folder and whatever stands behind these words, say --overrides {rule}; `quarterdeck rule allow --overrides {rule}` is for this one line in one folder",
        arguments.command,
        was.reason,
        arguments.tier,
    );
    Ok(())
}

/// The first rule that decides its examples and nothing that it should not. If
/// none does, the error is what is wrong with the first.
async fn first_that_holds(setup: &Setup, candidates: Vec<OwnRule>) -> Result<(OwnRule, OwnRules)> {
    let mut wrong = None;
    for rule in candidates {
        let mut rules = OwnRules::open(setup)?;
        rules.push(&rule)?;
        match holds(setup, &rules, &rule).await {
            Ok(()) => return Ok((rule, rules)),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    Err(wrong.context("the example is empty")?)
}

async fn holds(setup: &Setup, rules: &OwnRules, rule: &OwnRule) -> Result<()> {
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
    Ok(())
}

/// The program, what it is to do and with which flags, as far as the example
/// says. Which words belong to flags, and whether `-rf` is one flag or two, is
/// the program's secret: there is a rule for each reading, the likeliest first.
fn of_example(arguments: &RuleAddArguments) -> Result<Vec<OwnRule>> {
    let example = arguments.command.trim();
    let words = shlex::split(example)
        .filter(|words| !words.is_empty())
        .with_context(|| format!("{example:?} is no command: mind the quotes"))?;
    let (program, rest) = words.split_first().context("the command is empty")?;
    ensure!(
        !program.contains('=') && !["sudo", "env", "bash", "sh"].contains(&program.as_str()),
        "the example begins with {program:?}: leave it out, rules are looked for behind it anyway"
    );
    let program = program.rsplit('/').next().unwrap_or(program).to_owned();
    let id = match &arguments.id {
        Some(id) => id.clone(),
        None => id_of(&program, rest),
    };
    let rule = |(flags, operands): (Vec<String>, Vec<String>)| OwnRule {
        id: id.clone(),
        programs: vec![program.clone()],
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
    };
    let clusters = rest.iter().flat_map(|word| taken_apart(word)).collect();
    Ok([plain(rest.to_vec()), plain(clusters), with_values(rest)]
        .map(rule)
        .into())
}

/// What begins with a dash is a flag.
fn plain(words: Vec<String>) -> (Vec<String>, Vec<String>) {
    words.into_iter().partition(|word| word.starts_with('-'))
}

/// `-rf` as `-r` and `-f`.
fn taken_apart(word: &str) -> Vec<String> {
    match word.strip_prefix('-') {
        Some(letters) if !letters.is_empty() && letters.chars().all(char::is_alphanumeric) => {
            letters.chars().map(|letter| format!("-{letter}")).collect()
        }
        _ => vec![word.to_owned()],
    }
}

/// What follows a flag is its value.
fn with_values(words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut flags, mut operands): (Vec<String>, Vec<String>) = Default::default();
    let mut after_flag = false;
    for word in words {
        if word.starts_with('-') {
            after_flag = !word.contains('=');
            flags.push(word.clone());
        } else if std::mem::take(&mut after_flag)
            && let Some(flag) = flags.last_mut()
        {
            flag.push_str(&format!("={word}"));
        } else {
            operands.push(word.clone());
        }
    }
    (flags, operands)
}

/// `own/` and the words of the example, in letters and digits.
fn id_of(program: &str, rest: &[String]) -> String {
    let words = std::iter::once(program)
        .chain(rest.iter().map(String::as_str))
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

    fn rules(command: &str) -> Result<Vec<OwnRule>> {
        of_example(&RuleAddArguments {
            command: command.to_owned(),
            tier: Tier::Dangerous,
            why: "No.".to_owned(),
            instead: None,
            overrides: None,
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
            let rule = rules(example).expect(example).swap_remove(0);
            let texts = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
            assert_eq!(
                (&*rule.id, rule.subcommands, rule.flags),
                (id, texts(subcommands), texts(flags))
            );
        }
        for wrong in ["", "  ", "'open", "sudo rm", "A=1 make"] {
            assert!(rules(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_reading_of_flags_is_offered() {
        let readings: Vec<_> = rules("tool -rf x --to y")
            .expect("an example")
            .into_iter()
            .map(|rule| (rule.flags.join(" "), rule.subcommands.join(" ")))
            .collect();
        let texts = |flags: &str, operands: &str| (flags.to_owned(), operands.to_owned());
        assert_eq!(
            readings,
            [
                texts("-rf --to", "x y"),
                texts("-r -f --to", "x y"),
                texts("-rf=x --to=y", ""),
            ]
        );
    }
}
