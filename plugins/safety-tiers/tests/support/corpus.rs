//! Labelled commands in files of JSON lines, and how the rules' answers compare.
//!
//! A line is a JSON object with `command` and `tier`; `why`, `rule`, `cwd`,
//! `project`, `program`, `prompt`, `certainty`, `entry`, `fullScreen`, `recent`,
//! `role` and `surroundings` may stand beside them, and what else there is does
//! not matter.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "shared by tests and an example, each of which uses a part"
)]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use policy_safety_tiers::{
    AskingShell, Certainty, EarlierLines, Entry, Prompt, Request, Rules, Tier, review,
};
use serde::Deserialize;

const TIERS: [&str; 3] = ["safe", "review", "dangerous"];

/// One command with the tier that is right for it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    pub command: String,
    pub tier: String,
    pub rule: Option<String>,
    cwd: Option<String>,
    project: Option<String>,
    program: Option<String>,
    prompt: Option<String>,
    certainty: Option<String>,
    entry: Option<String>,
    role: Option<String>,
    #[serde(default)]
    full_screen: bool,
    running: Option<String>,
    #[serde(default)]
    shell_reads: bool,
    #[serde(default)]
    typed_ahead: bool,
    /// A shell in front that was given a script waits for a `line` or a `key`.
    program_reads: Option<String>,
    program_runs: Option<String>,
    /// How many bytes of the command were handed over in earlier lines.
    earlier_bytes: Option<usize>,
    #[serde(default)]
    waits_for_more: bool,
    #[serde(default)]
    recent: Vec<String>,
    #[serde(default)]
    surroundings: Vec<String>,
    /// File and line that it comes from.
    #[serde(skip)]
    pub place: String,
}

impl Case {
    /// Whether nothing but the command itself decides.
    pub fn stands_alone(&self) -> bool {
        self.cwd.is_none()
            && self.project.is_none()
            && self.program.is_none()
            && self.prompt.is_none()
            && self.certainty.is_none()
            && self.entry.is_none()
            && self.role.is_none()
            && self.running.is_none()
            && self.recent.is_empty()
            && self.surroundings.is_empty()
    }

    pub fn request(&self) -> Request {
        Request {
            command_line: self.command.clone(),
            entry: match self.entry.as_deref() {
                None | Some("command") => Entry::Command,
                Some("typed") => Entry::Typed,
                Some("pasted") => Entry::Pasted,
                Some("keys") => Entry::Keys,
                Some("hook") => Entry::Hook,
                Some(other) => panic!("{}: there is no entry {other:?}", self.place),
            },
            certainty: match self.certainty.as_deref() {
                None | Some("exact") => Certainty::Exact,
                Some("typed") => Certainty::Typed,
                Some("unknown") => Certainty::Unknown,
                Some(other) => panic!("{}: there is no certainty {other:?}", self.place),
            },
            prompt: match self.prompt.as_deref() {
                None if self.program.is_some() => Prompt::Running,
                None | Some("at-prompt") => Prompt::AtPrompt,
                Some("running") => Prompt::Running,
                Some("unknown") => Prompt::Unknown,
                Some(other) => panic!("{}: there is no prompt {other:?}", self.place),
            },
            cwd: Some(self.cwd.clone().unwrap_or_else(|| "/home/dev/shop".into()))
                .filter(|cwd| !cwd.is_empty()),
            project: self.project.clone(),
            program: self.program.clone(),
            full_screen: self.full_screen,
            running: self.running.clone(),
            shell_reads: self.shell_reads,
            typed_ahead: self.typed_ahead,
            asking: AskingShell::told(self.program_reads.as_deref(), self.program_runs.clone()),
            earlier: self.earlier_bytes.map(|bytes| EarlierLines {
                bytes,
                awaited: self.waits_for_more,
            }),
            recent: self.recent.clone(),
            role: self.role.clone(),
            surroundings: self.surroundings.clone(),
        }
    }
}

/// The cases of a file, or of every `*.jsonl` in a folder.
pub fn read(path: &Path) -> Vec<Case> {
    let mut files: Vec<PathBuf> = if path.is_dir() {
        fs::read_dir(path)
            .expect("the folder can be listed")
            .map(|entry| entry.expect("the folder can be listed").path())
            .filter(|file| file.extension().is_some_and(|ending| ending == "jsonl"))
            .collect()
    } else {
        vec![path.to_owned()]
    };
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().unwrap_or_default().display().to_string();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("{name}:{}", index + 1);
            let mut case: Case =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(
                TIERS.contains(&case.tier.as_str()),
                "{place}: there is no tier {:?}",
                case.tier
            );
            case.place = place;
            cases.push(case);
        }
    }
    cases
}

/// How the answers compare with the labels.
#[derive(Default)]
pub struct Comparison {
    /// By label, then by answer, in the order of the tiers.
    counts: [[usize; 3]; 3],
    /// One line for each answer that is not as labelled.
    pub wrong: Vec<String>,
    times: Vec<Duration>,
}

impl Comparison {
    pub fn of(cases: &[Case]) -> Self {
        let rules = Rules::default();
        let mut comparison = Self::default();
        for case in cases {
            let request = case.request();
            let began = Instant::now();
            let verdict = review(&rules, &request);
            comparison.times.push(began.elapsed());
            let answer = match verdict.tier {
                Tier::Safe => 0,
                Tier::Review => 1,
                Tier::Dangerous => 2,
            };
            let label = TIERS.iter().position(|tier| *tier == case.tier);
            comparison.counts[label.unwrap_or_default()][answer] += 1;
            let rule = verdict.rule.unwrap_or_default();
            let other_rule = case.rule.as_ref().is_some_and(|expected| *expected != rule);
            if TIERS[answer] != case.tier || other_rule {
                comparison.wrong.push(format!(
                    "{}: {:?} is {} by {rule}, labelled {} {}",
                    case.place,
                    case.command,
                    TIERS[answer],
                    case.tier,
                    case.rule.as_deref().unwrap_or_default(),
                ));
            }
        }
        comparison.times.sort_unstable();
        comparison
    }

    /// Dangerous commands that were called safe.
    pub fn missed(&self) -> usize {
        self.counts[2][0]
    }

    /// The share of safe commands that were called anything else.
    pub fn false_alarms(&self) -> f64 {
        let safe: usize = self.counts[0].iter().sum();
        (self.counts[0][1] + self.counts[0][2]) as f64 / safe.max(1) as f64
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "{:>22} {:>8} {:>8} {:>10}",
            "answered:", "safe", "review", "dangerous"
        )?;
        for (label, row) in TIERS.iter().zip(self.counts) {
            writeln!(
                out,
                "{:>22} {:>8} {:>8} {:>10}",
                format!("labelled {label}"),
                row[0],
                row[1],
                row[2]
            )?;
        }
        let right: usize = (0..3).map(|tier| self.counts[tier][tier]).sum();
        writeln!(
            out,
            "{right} of {} as labelled; dangerous called safe: {}; safe called otherwise: {:.2} %",
            self.times.len(),
            self.missed(),
            self.false_alarms() * 100.0
        )?;
        let at = |share: usize| self.times.get((self.times.len().max(1) - 1) * share / 100);
        if let (Some(median), Some(high), Some(worst)) = (at(50), at(99), self.times.last()) {
            writeln!(
                out,
                "time each: median {median:.1?}, 99 % {high:.1?}, worst {worst:.1?}"
            )?;
        }
        Ok(())
    }
}
