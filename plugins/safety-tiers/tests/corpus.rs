//! Judges `corpus/*.jsonl`: commands with the tier, and where it matters the
//! rule, that is right for them.
//!
//! A line is a JSON object. `command` and `tier` are needed; `rule`, `cwd`,
//! `program`, `prompt`, `certainty`, `entry`, `fullScreen` and `recent` may
//! stand beside them.

use std::fs;

use policy_safety_tiers::{Certainty, Entry, Prompt, Request, Rules, review};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Case {
    command: String,
    tier: String,
    rule: Option<String>,
    cwd: Option<String>,
    program: Option<String>,
    prompt: Option<String>,
    certainty: Option<String>,
    entry: Option<String>,
    #[serde(default)]
    full_screen: bool,
    #[serde(default)]
    recent: Vec<String>,
}

impl Case {
    fn request(&self) -> Request {
        Request {
            command_line: self.command.clone(),
            entry: match self.entry.as_deref() {
                None | Some("command") => Entry::Command,
                Some("typed") => Entry::Typed,
                Some("pasted") => Entry::Pasted,
                Some("keys") => Entry::Keys,
                Some("hook") => Entry::Hook,
                Some(other) => panic!("there is no entry {other:?}"),
            },
            certainty: match self.certainty.as_deref() {
                None | Some("exact") => Certainty::Exact,
                Some("typed") => Certainty::Typed,
                Some("unknown") => Certainty::Unknown,
                Some(other) => panic!("there is no certainty {other:?}"),
            },
            prompt: match self.prompt.as_deref() {
                None if self.program.is_some() => Prompt::Running,
                None | Some("at-prompt") => Prompt::AtPrompt,
                Some("running") => Prompt::Running,
                Some("unknown") => Prompt::Unknown,
                Some(other) => panic!("there is no prompt {other:?}"),
            },
            cwd: Some(
                self.cwd
                    .clone()
                    .unwrap_or_else(|| "/home/dev/shop".to_owned()),
            )
            .filter(|cwd| !cwd.is_empty()),
            program: self.program.clone(),
            full_screen: self.full_screen,
            recent: self.recent.clone(),
        }
    }
}

#[test]
fn every_command_has_the_tier_that_is_right_for_it() {
    let rules = Rules::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus is beside the sources") {
        let path = entry.expect("the folder can be listed").path();
        let text = fs::read_to_string(&path).expect("a corpus is text");
        for (index, line) in text.lines().enumerate() {
            let place = format!(
                "{}:{}",
                path.file_name().unwrap_or_default().display(),
                index + 1
            );
            let case: Case =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            let verdict = review(&rules, &case.request());
            let tier = format!("{:?}", verdict.tier).to_lowercase();
            let rule = verdict.rule.unwrap_or_default();
            let other_rule = case.rule.as_ref().is_some_and(|expected| *expected != rule);
            if tier != case.tier || other_rule {
                let expected = case.rule.unwrap_or_default();
                wrong.push(format!(
                    "{place}: {:?} is {tier} {rule}, not {} {expected}",
                    case.command, case.tier
                ));
            }
            count += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 250, "the corpus has only {count} commands left");
}
