//! Cases of progress parsers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Policy;
use crate::file::difference;

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

    pub(crate) fn check(&self, policy: &mut impl Policy) -> Result<(), String> {
        let end = self.exit.map(Output::End);
        let mut whole = vec![Output::Text(self.output.clone())];
        whole.extend(end.clone());
        let known = picture(policy.read(&whole)?);
        self.compare(&known)?;

        let mut parts = in_parts(&self.output);
        parts.extend(end);
        let in_parts = picture(policy.read(&parts)?);
        if in_parts == known {
            Ok(())
        } else {
            let told = difference(&told(known.values()), &told(in_parts.values()));
            Err(format!("  split into small parts:\n{told}"))
        }
    }

    fn compare(&self, known: &BTreeMap<String, Update>) -> Result<(), String> {
        let as_expected = known.len() == self.expect.len()
            && self.expect.iter().all(|expected| {
                known
                    .get(&expected.item)
                    .is_some_and(|update| expected.fits(update))
            });
        if as_expected {
            return Ok(());
        }
        let expected = self.expect.iter().map(Expected::told).collect::<String>();
        Err(difference(&expected, &told(known.values())))
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
        told([&Update {
            item: self.item.clone(),
            label: self.label.clone(),
            status: self.status,
            completed: self.completed,
            total: self.total,
            percent: self.percent,
        }])
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

fn told<'a>(updates: impl IntoIterator<Item = &'a Update>) -> String {
    let mut text = String::new();
    for update in updates {
        let count = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        let percent = update
            .percent
            .map_or("?".to_owned(), |percent| format!("{percent:.1}"));
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "[{} {:?} {}/{} {percent}% {:?}]",
            update.item,
            update.status,
            count(update.completed),
            count(update.total),
            update.label
        );
    }
    text
}
