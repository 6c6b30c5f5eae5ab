//! The file as a whole.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    Batch, Decision, DistributorCase, Incident, Output, Plan, ProgressCase, RecoveryCase, Update,
};

/// Cases for one policy.
#[derive(Debug)]
pub struct CaseFile {
    kind: Kind,
    cases: Vec<Case>,
    /// Where recordings are looked for.
    folder: PathBuf,
}

/// The kinds of policy that there are case files for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Distributes tasks over workers.
    Distributor,
    /// Reads progress off output.
    ProgressParser,
    /// Mends sessions.
    Recovery,
}

/// One question, and the right answer.
#[derive(Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The sidecar's `[config]`, as JSON.
    pub config: String,
    /// What is asked and expected.
    pub question: Question,
}

/// What a case asks.
#[derive(Debug)]
pub enum Question {
    /// Configuring fails, with this in the reason.
    Refused(String),
    /// A distributor plans batches.
    Distributor(DistributorCase),
    /// A progress parser reads output.
    Progress(ProgressCase),
    /// A recovery decides.
    Recovery(Box<RecoveryCase>),
}

/// A policy that can be asked. Configuring starts it afresh.
///
/// Each method answers only for its own kind; the text of an error says what went
/// wrong with the call itself.
pub trait Policy {
    /// Starts with this `[config]`, as JSON.
    ///
    /// # Errors
    ///
    /// The policy's own reason for refusing it.
    fn configure(&mut self, config: &str) -> Result<(), String>;

    /// Plans a batch.
    ///
    /// # Errors
    ///
    /// When the call fails.
    fn distribute(&mut self, batch: &Batch) -> Result<Plan, String>;

    /// Reads output of a new session, one update list for each part.
    ///
    /// # Errors
    ///
    /// When a call fails.
    fn read(&mut self, parts: &[Output]) -> Result<Vec<Update>, String>;

    /// Decides about an incident.
    ///
    /// # Errors
    ///
    /// When the call fails.
    fn decide(&mut self, incident: &Incident) -> Result<Decision, String>;
}

/// A case that a policy answers wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the case.
    pub case: String,
    /// What was expected and what came, for people: lines that begin with `-`,
    /// `+` or, where both agree, nothing, each indented.
    pub difference: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n{}", self.case, self.difference)
    }
}

/// Why a file is no case file.
#[derive(Debug)]
pub struct ReadError(String);

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

/// The file as it is written; the rest of a case depends on the kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    #[serde(default)]
    case: Vec<toml::Table>,
}

impl CaseFile {
    /// Reads a file; recordings are looked for beside it.
    ///
    /// # Errors
    ///
    /// Names the file, and the case or the place in it that cannot be read.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let told = |error: &dyn fmt::Display| ReadError(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| told(&error))?;
        let mut file = Self::parse(&text).map_err(|error| told(&error))?;
        file.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        for case in &mut file.cases {
            if let Question::Progress(progress) = &mut case.question {
                progress
                    .load(&file.folder)
                    .map_err(|error| told(&format!("case `{}`: {error}", case.name)))?;
            }
        }
        Ok(file)
    }

    /// Reads the text of a file, recordings left out.
    ///
    /// # Errors
    ///
    /// Names the case or the place that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        let written: Written =
            toml::from_str(text).map_err(|error| ReadError(error.to_string()))?;
        let cases = written
            .case
            .into_iter()
            .enumerate()
            .map(|(index, case)| Case::of(written.kind, case, index + 1))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            kind: written.kind,
            cases,
            folder: PathBuf::new(),
        })
    }

    /// The kind of policy that the cases are for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All cases.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// Asks a policy every case; gives those that it answers wrongly.
    pub fn failures(&self, policy: &mut impl Policy) -> Vec<Failure> {
        self.cases
            .iter()
            .filter_map(|case| {
                let difference = case.check(policy).err()?;
                let case = case.name.clone();
                Some(Failure { case, difference })
            })
            .collect()
    }
}

impl Case {
    fn of(kind: Kind, mut table: toml::Table, number: usize) -> Result<Self, ReadError> {
        let name = match table.remove("name") {
            Some(toml::Value::String(name)) => name,
            _ => return Err(ReadError(format!("case {number} has no name"))),
        };
        let told = |error: &dyn fmt::Display| ReadError(format!("case `{name}`: {error}"));
        let config = table
            .remove("config")
            .unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        let config = serde_json::to_string(&config).map_err(|error| told(&error))?;
        let question = match table.remove("refused") {
            Some(toml::Value::String(reason)) if table.is_empty() => Question::Refused(reason),
            Some(_) => return Err(told(&"`refused` is a text, and stands alone with `config`")),
            None => match kind {
                Kind::Distributor => table.try_into().map(Question::Distributor),
                Kind::ProgressParser => table.try_into().map(Question::Progress),
                Kind::Recovery => table.try_into().map(Question::Recovery),
            }
            .map_err(|error: toml::de::Error| told(&error))?,
        };
        Ok(Self {
            name,
            config,
            question,
        })
    }

    fn check(&self, policy: &mut impl Policy) -> Result<(), String> {
        let configured = policy.configure(&self.config);
        if let Question::Refused(expected) = &self.question {
            return match configured {
                Ok(()) => Err(difference(
                    &format!("settings refused, naming {expected:?}"),
                    &format!("taken: {}", self.config),
                )),
                Err(reason) if reason.contains(expected) => Ok(()),
                Err(reason) => Err(difference(expected, &reason)),
            };
        }
        configured.map_err(|reason| format!("  + the settings are refused: {reason}"))?;
        match &self.question {
            Question::Refused(_) => Ok(()),
            Question::Distributor(case) => case.check(policy),
            Question::Progress(case) => case.check(policy),
            Question::Recovery(case) => case.check(policy),
        }
    }
}

/// Two lines for people: what was expected after `-`, what came after `+`.
pub(crate) fn difference(expected: &str, answered: &str) -> String {
    format!("  - {expected}\n  + {answered}")
}

/// A line for each of what two lists have in common at the same place, two where
/// they differ.
pub(crate) fn listed_difference(expected: &[String], answered: &[String]) -> String {
    let mut lines = Vec::new();
    for at in 0..expected.len().max(answered.len()) {
        match (expected.get(at), answered.get(at)) {
            (Some(expected), Some(answered)) if expected == answered => {
                lines.push(format!("    {expected}"));
            }
            (expected, answered) => {
                lines.extend(expected.map(|line| format!("  - {line}")));
                lines.extend(answered.map(|line| format!("  + {line}")));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_is_the_same_once() {
        let lines = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            listed_difference(&lines("a b c"), &lines("a x")),
            "    a\n  - b\n  + x\n  - c"
        );
    }

    #[test]
    fn a_case_that_cannot_be_read_is_named() {
        for (text, told) in [
            ("kind = \"approver\"", "approver"),
            (
                "kind = \"recovery\"\n[[case]]\nincident = { cause = \"hung\" }",
                "case 1 has no name",
            ),
            (
                "kind = \"recovery\"\n[[case]]\nname = \"x\"\nincident = { cause = \"tired\" }\nexpect = { action = \"wait\" }",
                "case `x`",
            ),
            (
                "kind = \"distributor\"\n[[case]]\nname = \"x\"\nrefused = \"y\"\nbatch = []",
                "stands alone",
            ),
        ] {
            let error = CaseFile::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
