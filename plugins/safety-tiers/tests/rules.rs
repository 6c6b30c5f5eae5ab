//! Holds every rule of `rules/*.toml` to the command lines that stand beside
//! it.

use std::collections::BTreeSet;
use std::fs;

use policy_safety_tiers::{Entry, Request, Rules, review};
use serde::Deserialize;

/// One file of `rules/`, as far as this test reads it.
#[derive(Deserialize)]
struct Pack {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Rule {
    id: String,
    tier: String,
    suggestion: Option<String>,
    /// Asked for hooks alone.
    #[serde(default)]
    left_open: bool,
    #[serde(default)]
    matches: Vec<String>,
    #[serde(default)]
    does_not_match: Vec<String>,
}

/// Where the commands are run: a project in somebody's home folder.
const CWD: &str = "/home/dev/shop";

fn packs() -> Vec<(String, Pack)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    fs::read_dir(folder)
        .expect("the rules are beside the sources")
        .map(|entry| entry.expect("the folder can be listed").path())
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a pack is text");
            let pack =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.display().to_string(), pack)
        })
        .collect()
}

fn judged(command: &str, entry: Entry) -> (String, String) {
    let request = Request {
        command_line: command.to_owned(),
        entry,
        cwd: Some(CWD.to_owned()),
        ..Request::default()
    };
    let verdict = review(&Rules::default(), &request);
    (
        format!("{:?}", verdict.tier).to_lowercase(),
        verdict.rule.unwrap_or_default(),
    )
}

#[test]
fn every_rule_decides_the_commands_beside_it() {
    let mut wrong = Vec::new();
    for (_, pack) in packs() {
        for rule in pack.rules {
            let entry = match rule.left_open {
                true => Entry::Hook,
                false => Entry::Command,
            };
            for command in &rule.matches {
                let (tier, id) = judged(command, entry);
                // Of several safe answers the first is told, which may be another rule's.
                if tier != rule.tier || id != rule.id && tier != "safe" {
                    wrong.push(format!(
                        "{command:?}: {} {}, not {tier} {id}",
                        rule.tier, rule.id
                    ));
                }
            }
            for command in &rule.does_not_match {
                let (_, id) = judged(command, entry);
                if id == rule.id {
                    wrong.push(format!("{command:?}: not {id}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_has_an_id_of_its_own_examples_and_a_way_out() {
    let mut ids = BTreeSet::new();
    for (file, pack) in packs() {
        for rule in pack.rules {
            assert!(
                !rule.matches.is_empty(),
                "{file}: `{}` has no example in `matches`",
                rule.id
            );
            assert!(
                !rule.does_not_match.is_empty(),
                "{file}: `{}` has no example in `does-not-match`",
                rule.id
            );
            assert!(
                rule.tier == "safe" || rule.suggestion.is_some(),
                "{file}: `{}` suggests nothing",
                rule.id
            );
            assert!(
                ids.insert(rule.id.clone()),
                "{file}: there are two rules `{}`",
                rule.id
            );
        }
    }
}
