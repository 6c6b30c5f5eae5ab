//! Cases of progress parsers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Policy;
use crate::file::listed_difference;

/// Output, and what is known at the end of it. It is read whole and in small
/// parts, which must come to the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgressCase {
    /// The output itself.
    #[serde(default)]
    output: String,
    /// A file that holds the output, beside the case file.
    recording: Option<PathBuf>,
    /// Only so much of the output, up to where this first appears.
    until: Option<String>,
    /// The exit status that ends the command.
    exit: Option<i32>,
    /// What is known; order does not matter.
    expect: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    item: String,
    status: Status,
    completed: Option<u64>,
    total: Option<u64>,
    /// Within half a percent.
    percent: Option<f64>,
    /// A part of the label.
    #[serde(default)]
    label: String,
}

/// What a session's output brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Text.
    Text(String),
    /// The command ended with this status.
    End(i32),
}

/// As in `wit/progress-parser.wit`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Update {
    pub item: String,
    pub label: String,
    pub status: Status,
    pub completed: Option<u64>,
    pub total: Option<u64>,
    pub percent: Option<f64>,
}

/// As in `wit/progress-parser.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub enum Status {
    Running,
    Waiting,
    Completed,
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// How small the parts are, in bytes: no divisor of anything in particular.
const PART_BYTES: usize = 7;

impl ProgressCase {
    /// Reads the recording, if there is one.
    pub(crate) fn load(&mut self, folder: &Path) -> Result<(), String> {
        if let Some(recording) = &self.recording {
            let path = folder.join(recording);
            self.output = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        }
        if let Some(until) = &self.until {
            let Some(end) = self.output.find(until) else {
                return Err(format!("the output has no `{until}`"));
            };
            self.output.truncate(end);
        }
        Ok(())
    }

    pub(crate) fn check<P: Policy>(&self, policy: &mut P) -> Result<(), String> {
        let end = self.exit.map(Output::End);
        let mut whole = vec![Output::Text(self.output.clone())];
        whole.extend(end.clone());
        let read = |policy: &mut P, parts: &[Output]| {
            let updates = policy.read(parts);
            updates
                .map(picture)
                .map_err(|reason| format!("  + {reason}"))
        };
        let known = read(policy, &whole)?;
        self.compare(&known)?;

        let mut parts = in_parts(&self.output);
        parts.extend(end);
        let in_parts = read(policy, &parts)?;
        if in_parts == known {
            return Ok(());
        }
        let lines = |known: &BTreeMap<String, Update>| known.values().map(told).collect::<Vec<_>>();
        Err(format!(
            "  read whole (-) and in small parts (+):\n{}",
            listed_difference(&lines(&known), &lines(&in_parts))
        ))
    }

    fn compare(&self, known: &BTreeMap<String, Update>) -> Result<(), String> {
        let mut lines = Vec::new();
        let mut differs = false;
        for expected in &self.expect {
            match known.get(&expected.item) {
                Some(update) if expected.fits(update) => {
                    lines.push(format!("    {}", told(update)));
                }
                other => {
                    differs = true;
                    lines.push(format!("  - {}", expected.told()));
                    lines.extend(other.map(|update| format!("  + {}", told(update))));
                }
            }
        }
        for update in known.values() {
            if !self.expect.iter().any(|it| it.item == update.item) {
                differs = true;
                lines.push(format!("  + {}", told(update)));
            }
        }
        if differs {
            Err(lines.join("\n"))
        } else {
            Ok(())
        }
    }
}

impl Expected {
    fn fits(&self, update: &Update) -> bool {
        let percent = match (self.percent, update.percent) {
            (Some(expected), Some(percent)) => (expected - percent).abs() <= 0.5,
            (expected, percent) => expected.is_none() && percent.is_none(),
        };
        percent
            && self.status == update.status
            && self.completed == update.completed
            && self.total == update.total
            && update.label.contains(&self.label)
    }

    fn told(&self) -> String {
        told(&Update {
            item: self.item.clone(),
            label: self.label.clone(),
            status: self.status,
            completed: self.completed,
            total: self.total,
            percent: self.percent,
        })
    }
}

/// What somebody knows who followed the updates.
fn picture(updates: Vec<Update>) -> BTreeMap<String, Update> {
    let named = updates
        .into_iter()
        .map(|update| (update.item.clone(), update));
    named.collect()
}

fn in_parts(output: &str) -> Vec<Output> {
    let mut parts = Vec::new();
    let mut rest = output;
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(PART_BYTES);
        parts.push(Output::Text(rest[..end].to_owned()));
        rest = &rest[end..];
    }
    parts
}

/// One line, without the line's end: `tests: running 3/10 30.0% "label"`.
fn told(update: &Update) -> String {
    let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    let mut text = String::new();
    if !update.item.is_empty() {
        text.push_str(&format!("{}: ", update.item));
    }
    text.push_str(update.status.as_str());
    if update.completed.is_some() || update.total.is_some() {
        text.push_str(&format!(
            " {}/{}",
            count(update.completed),
            count(update.total)
        ));
    }
    if let Some(percent) = update.percent {
        text.push_str(&format!(" {percent:.1}%"));
    }
    if !update.label.is_empty() {
        text.push_str(&format!(" {:?}", update.label));
    }
    text
}
