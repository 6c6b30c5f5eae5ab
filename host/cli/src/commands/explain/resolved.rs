//! What a command line comes to: every command that would run, as the bundled
//! approver resolved it, with the rule that decided about it.
//!
//! A component says a verdict and no more. But the bundled one is compiled from
//! a crate that is at hand here as well, so its own reading can be shown, as long
//! as it was that component that answered.

use std::fs;

use anstyle::Style;
use policy_safety_tiers as approver;
use quarterdeck_core::inert_text;
use quarterdeck_core::policy::{Certainty, Entry, PromptState, ReviewRequest, Tier};
use quarterdeck_core::quoting::posix_word;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::shown::style_of;
use crate::Setup;
use crate::bundled;
use crate::hosting::plugins_dir;

/// The approver whose reading is shown.
const POLICY: &str = "safety-tiers";

/// One command that would run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resolved {
    /// How many scripts, functions and other commands it is nested in.
    depth: u32,
    /// The program and its arguments after every expansion; `…` stands for what
    /// only the machine knows.
    command: Vec<String>,
    tier: Tier,
    rule: String,
    reason: String,
}

/// The commands in the line of `request`, if the bundled approver, known by its
/// digest, was asked about it.
pub(super) fn resolved(setup: &Setup, request: &ReviewRequest, digest: &str) -> Vec<Resolved> {
    let bundled = bundled::policies()
        .into_iter()
        .find(|policy| policy.name == POLICY)
        .is_some_and(|policy| format!("{:x}", Sha256::digest(policy.wasm)) == digest);
    if !bundled {
        return Vec::new();
    }
    let Some(rules) = rules(setup) else {
        return Vec::new();
    };
    approver::explain(&rules, &asked(request))
        .steps
        .into_iter()
        .map(|step| Resolved {
            depth: step.depth,
            command: step.command,
            tier: match step.tier {
                approver::Tier::Safe => Tier::Safe,
                approver::Tier::Review => Tier::Review,
                approver::Tier::Dangerous => Tier::Dangerous,
            },
            rule: step.rule,
            reason: step.reason,
        })
        .collect()
}

/// As the sidecar configures them.
fn rules(setup: &Setup) -> Option<approver::Rules> {
    let sidecar = plugins_dir(setup).join(POLICY).with_extension("toml");
    let config = fs::read_to_string(sidecar)
        .ok()
        .and_then(|text| text.parse::<toml::Table>().ok())
        .and_then(|mut sidecar| sidecar.remove("config"));
    match config {
        Some(config) => approver::Rules::configured(&serde_json::to_string(&config).ok()?).ok(),
        None => Some(approver::Rules::default()),
    }
}

fn asked(request: &ReviewRequest) -> approver::Request {
    let session = &request.session;
    let attribute = |name: &str| {
        let told = request.attributes.iter().chain(&session.attributes);
        told.into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    approver::Request {
        command_line: request.command_line.clone(),
        entry: match request.entry {
            Entry::Command => approver::Entry::Command,
            Entry::Typed => approver::Entry::Typed,
            Entry::Pasted => approver::Entry::Pasted,
            Entry::Keys => approver::Entry::Keys,
            Entry::Hook => approver::Entry::Hook,
        },
        certainty: match request.certainty {
            Certainty::Exact => approver::Certainty::Exact,
            Certainty::Typed => approver::Certainty::Typed,
            Certainty::Unknown => approver::Certainty::Unknown,
        },
        prompt: match session.prompt {
            PromptState::AtPrompt => approver::Prompt::AtPrompt,
            PromptState::Running => approver::Prompt::Running,
            PromptState::Unknown => approver::Prompt::Unknown,
        },
        full_screen: session.full_screen,
        cwd: session.cwd.clone(),
        program: attribute("reader").or_else(|| session.program.clone()),
        recent: request.recent.clone(),
        project: attribute("project"),
        role: request.caller.role.clone().or_else(|| session.role.clone()),
        surroundings: attribute("host")
            .into_iter()
            .chain(session.tags.iter().cloned())
            .collect(),
        running: attribute("running"),
        shell_reads: attribute("shell-reads").as_deref() == Some("line"),
        typed_ahead: attribute("program-reads").as_deref() == Some("nothing"),
        asking: approver::AskingShell::told(
            attribute("program-reads").as_deref(),
            attribute("program-runs"),
        ),
        earlier: approver::EarlierLines::told(
            attribute("earlier-bytes").as_deref(),
            attribute("waits-for-more").as_deref(),
        ),
    }
}

/// For people: one line for each command, what it runs below it.
pub(super) fn print(resolved: &[Resolved]) {
    const FAINT: Style = Style::new().dimmed();
    for step in resolved {
        let style = style_of(step.tier);
        let words: Vec<String> = step.command.iter().map(|word| shown(word)).collect();
        anstream::println!(
            "    {}{}  {style}{}{style:#} {FAINT}{}{FAINT:#}",
            "  ".repeat(step.depth as usize),
            words.join(" "),
            step.tier,
            step.rule,
        );
    }
}

/// A word as one would write it, in quotes where it would not be one otherwise.
fn shown(word: &str) -> String {
    let word = inert_text(word);
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"|&;<>()`\\".contains(c))
    {
        posix_word(&word)
    } else {
        word.to_string()
    }
}
