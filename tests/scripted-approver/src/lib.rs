//! An approver whose sidecar says what it does with a command line: judge it
//! as told, or misbehave in one of the ways that a host has to survive.
//!
//! It is built for the end-to-end tests alone and never shipped. One component
//! plays every part, so the tests need one build and differ in a sidecar:
//!
//! ```toml
//! [config]
//! match = "deploy"        # acts on command lines that hold this; others are safe
//! act = "judge"           # or one of the other acts below
//! tier = "review"
//! reason = "Deploying is a person's decision."
//! ```
//!
//! Start reading at [`Act`].

// The bindings are generated, and export their entry points as unsafe functions.
#![allow(missing_docs, unsafe_code)]

wit_bindgen::generate!({ path: "../../wit", world: "approver" });

use std::sync::OnceLock;

use exports::quarterdeck::policy::approve::{self, Request, Tier, Verdict};
use exports::quarterdeck::policy::configuration;
use serde::Deserialize;

/// What happens to a command line that holds the configured text.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    /// Answers the configured tier, reason and rule.
    #[default]
    Judge,
    /// Ends in a trap.
    Trap,
    /// Never returns.
    Loop,
    /// Takes memory until there is none.
    Memory,
    /// Returns strings that are not UTF-8.
    Garbage,
    /// Returns a reason of four megabytes.
    Flood,
    /// Returns a reason that would command a terminal and deceive a reader.
    Escapes,
    /// Calls itself without end.
    Recursion,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Script {
    r#match: String,
    act: Act,
    tier: String,
    reason: String,
    rule: String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            r#match: "scripted".to_owned(),
            act: Act::Judge,
            tier: "dangerous".to_owned(),
            reason: "The script of this test says so.".to_owned(),
            rule: "scripted/rule".to_owned(),
        }
    }
}

static SCRIPT: OnceLock<Script> = OnceLock::new();

struct ScriptedApprover;

impl configuration::Guest for ScriptedApprover {
    fn configure(config: String) -> Result<(), String> {
        let script: Script = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        tier_named(&script.tier)?;
        SCRIPT
            .set(script)
            .map_err(|_| "configured twice".to_owned())
    }
}

impl approve::Guest for ScriptedApprover {
    fn review(request: Request) -> Verdict {
        let script = SCRIPT.get_or_init(Script::default);
        if !request.command_line.contains(&script.r#match) {
            return verdict(
                Tier::Safe,
                "Not in the script.".to_owned(),
                "scripted/other",
            );
        }
        match script.act {
            Act::Judge => {
                let tier = tier_named(&script.tier).unwrap_or(Tier::Dangerous);
                verdict(tier, script.reason.clone(), &script.rule)
            }
            Act::Trap => std::process::abort(),
            Act::Loop => loop {
                std::hint::black_box(());
            },
            Act::Memory => {
                let mut held = Vec::new();
                loop {
                    held.push(vec![1_u8; 1 << 20]);
                    std::hint::black_box(&held);
                }
            }
            Act::Garbage => {
                // SAFETY: none; the lie is the point. Nothing in this guest reads the
                // string, it is only handed to the host.
                let reason = unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe, 0xc0, 0x80]) };
                verdict(Tier::Safe, reason, "scripted/garbage")
            }
            Act::Flood => verdict(Tier::Safe, "A".repeat(4 << 20), "scripted/flood"),
            Act::Escapes => verdict(
                Tier::Dangerous,
                "\u{1b}]0;owned\u{7}\u{1b}[2Jfine\r\u{202e}desrever\u{0}".to_owned(),
                "scripted/escapes",
            ),
            Act::Recursion => verdict(
                Tier::Safe,
                format!("{} levels", descend(0)),
                "scripted/recursion",
            ),
        }
    }
}

/// Goes down until the stack ends; not a tail call, so that it really takes
/// stack.
#[allow(unconditional_recursion)]
fn descend(level: u64) -> u64 {
    let frame = std::hint::black_box([level; 16]);
    descend(frame[0] + 1) + std::hint::black_box(frame[15])
}

fn tier_named(name: &str) -> Result<Tier, String> {
    match name {
        "safe" => Ok(Tier::Safe),
        "review" => Ok(Tier::Review),
        "dangerous" => Ok(Tier::Dangerous),
        other => Err(format!("tier {other:?} is none of safe, review, dangerous")),
    }
}

fn verdict(tier: Tier, reason: String, rule: &str) -> Verdict {
    Verdict {
        tier,
        reason,
        rule: Some(rule.to_owned()),
        span: None,
        suggestion: None,
    }
}

export!(ScriptedApprover);
