//! Cases of approvers in a TOML file, and what a component makes of them.
//!
//! ```toml
//! kind = "approver"                # optional
//!
//! [[case]]
//! command = "git push -f"
//! tier = "dangerous"
//! rule = "git/force-push"          # optional, as is everything below
//! piece = "-f"                     # what the verdict's span points at
//! config = { allow-lease = true }  # the sidecar's [config]
//!
//! [[refused]]                      # a configuration that is an error
//! config = { allow-leese = true }
//! names = "allow-leese"            # its message has to hold this
//! ```

use std::fmt;
use std::str::FromStr;

use quarterdeck_policy::{Tier, Verdict};
use serde::Deserialize;

use crate::LoadError;

/// An approver that can be asked.
pub trait Approver {
    /// Starts with this `[config]`.
    ///
    /// # Errors
    ///
    /// [`LoadError::Refused`] with the words that a user would read.
    fn configure(&mut self, config: &toml::Table) -> Result<(), LoadError>;

    /// Judges a command line that an agent hands over whole, in a session at
    /// its prompt.
    ///
    /// # Errors
    ///
    /// When the call brings no verdict; begins with "it".
    fn review(&mut self, command_line: &str) -> Result<Verdict, String>;
}

/// What an approver has to answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// Read here only so that it may be said.
    #[serde(default, rename = "kind")]
    _kind: Approvers,
    #[serde(default)]
    case: Vec<Case>,
    #[serde(default)]
    refused: Vec<Refused>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Approvers {
    #[default]
    Approver,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    config: toml::Table,
    command: String,
    tier: Tier,
    rule: Option<String>,
    piece: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    config: toml::Table,
    names: String,
}

/// The file does not hold cases.
#[derive(Debug, thiserror::Error)]
pub enum CaseFileError {
    /// It is not TOML of the form that this module's documentation shows.
    #[error("the case file cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// It holds nothing, so that every component would pass.
    #[error("the case file holds no cases")]
    Empty,
}

/// One case that went another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The command line or the configuration.
    pub what: String,
    /// What the file says.
    pub expected: String,
    /// What the component said.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            expected,
            found,
        } = self;
        write!(f, "{what}\n  - {expected}\n  + {found}")
    }
}

impl FromStr for CaseFile {
    type Err = CaseFileError;

    fn from_str(text: &str) -> Result<Self, CaseFileError> {
        let file: Self = toml::from_str(text)?;
        if file.len() == 0 {
            return Err(CaseFileError::Empty);
        }
        Ok(file)
    }
}

impl CaseFile {
    /// How many cases there are.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a file without cases is an error"
    )]
    pub fn len(&self) -> usize {
        self.case.len() + self.refused.len()
    }

    /// Holds an approver to the cases; what comes back went wrong.
    ///
    /// # Errors
    ///
    /// When no host can be started to try it.
    pub fn run(&self, approver: &mut impl Approver) -> Result<Vec<Failure>, LoadError> {
        let mut failures = Vec::new();
        let mut configured = None;
        for case in &self.case {
            if configured != Some(&case.config) {
                configured = None;
                match approver.configure(&case.config) {
                    Ok(()) => configured = Some(&case.config),
                    Err(LoadError::Refused(reason)) => {
                        failures.push(case.failed(not_loaded(&case.config, &reason)));
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            failures.extend(match approver.review(&case.command) {
                Ok(verdict) => case.judge(&verdict),
                Err(reason) => Some(case.failed(reason)),
            });
        }
        for Refused { config, names } in &self.refused {
            let found = match approver.configure(config) {
                Err(LoadError::Refused(message)) if message.contains(names) => continue,
                Err(LoadError::Refused(message)) => message,
                Err(error) => return Err(error),
                Ok(()) => "taken".to_owned(),
            };
            failures.push(Failure {
                what: format!("[config] {config}"),
                expected: format!("refused, naming `{names}`"),
                found,
            });
        }
        Ok(failures)
    }
}

impl Case {
    fn judge(&self, verdict: &Verdict) -> Option<Failure> {
        let piece = verdict
            .span
            .as_ref()
            .and_then(|span| self.command.get(span.start as usize..span.end as usize));
        let matches = verdict.tier == self.tier
            && (self.rule.is_none() || verdict.rule == self.rule)
            && (self.piece.is_none() || piece == self.piece.as_deref());
        (!matches).then(|| {
            self.failed(shown(
                verdict.tier,
                verdict.rule.as_deref(),
                piece,
                &verdict.reason,
            ))
        })
    }

    fn failed(&self, found: String) -> Failure {
        Failure {
            what: format!("{:?}", self.command),
            expected: shown(self.tier, self.rule.as_deref(), self.piece.as_deref(), ""),
            found,
        }
    }
}

/// What a case says that was not asked because of its configuration.
fn not_loaded(config: &toml::Table, reason: &str) -> String {
    match config.is_empty() {
        true => format!("refused without a `config` in the case: {reason}"),
        false => format!(
            "refused with config = {{ {} }}: {reason}",
            config.to_string().trim().replace('\n', ", ")
        ),
    }
}

fn shown(tier: Tier, rule: Option<&str>, piece: Option<&str>, reason: &str) -> String {
    let mut text = tier.to_string();
    if let Some(rule) = rule {
        text.push_str(&format!(" by {rule}"));
    }
    if let Some(piece) = piece {
        text.push_str(&format!(" because of {piece:?}"));
    }
    if !reason.is_empty() {
        text.push_str(&format!(" ({reason})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(tier: Tier, rule: &str, span: std::ops::Range<u32>) -> Verdict {
        Verdict {
            tier,
            reason: "Because.".to_owned(),
            rule: Some(rule.to_owned()),
            span: Some(span),
            suggestion: None,
            policy: "under-test".to_owned(),
            generation: 1,
            digest: String::new(),
        }
    }

    fn case(text: &str) -> Case {
        let mut file: CaseFile = text.parse().expect("a case file");
        file.case.remove(0)
    }

    #[test]
    fn a_verdict_has_to_be_what_the_case_says_and_no_more() {
        let case = case("[[case]]\ncommand = 'é -f'\ntier = 'dangerous'\nrule = 'r'\npiece = '-f'");
        assert_eq!(case.judge(&verdict(Tier::Dangerous, "r", 3..5)), None);
        assert!(case.judge(&verdict(Tier::Review, "r", 3..5)).is_some());
        assert!(
            case.judge(&verdict(Tier::Dangerous, "other", 3..5))
                .is_some()
        );
        let failure = case
            .judge(&verdict(Tier::Dangerous, "r", 3..4))
            .expect("a failure");
        assert_eq!(
            failure.to_string(),
            "\"é -f\"\n  - dangerous by r because of \"-f\"\n  + dangerous by r because of \"-\" (Because.)"
        );
    }

    /// Takes `word` alone and has to have it, and says `safe`.
    struct Strict;

    impl Approver for Strict {
        fn configure(&mut self, config: &toml::Table) -> Result<(), LoadError> {
            match config.contains_key("word") {
                true => Ok(()),
                false => Err(LoadError::Refused("`word` is missing".to_owned())),
            }
        }

        fn review(&mut self, _: &str) -> Result<Verdict, String> {
            Ok(verdict(Tier::Safe, "r", 0..1))
        }
    }

    #[test]
    fn a_case_whose_configuration_is_refused_is_one_failure_among_others() {
        let file: CaseFile = "[[case]]\ncommand = 'a'\ntier = 'safe'\n\
             [[case]]\ncommand = 'b'\ntier = 'safe'\nconfig = { word = 'x' }\n\
             [[case]]\ncommand = 'c'\ntier = 'review'\nconfig = { word = 'x' }"
            .parse()
            .expect("a case file");
        let failures = file.run(&mut Strict).expect("all cases are asked");
        let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("\"a\"") && told[0].contains("`word` is missing"));
        assert!(told[1].starts_with("\"c\""));
    }

    #[test]
    fn a_case_that_names_no_rule_asks_for_none() {
        let case = case("[[case]]\ncommand = 'x'\ntier = 'review'");
        assert_eq!(case.judge(&verdict(Tier::Review, "r", 0..1)), None);
    }

    #[test]
    fn a_file_that_could_not_fail_is_an_error() {
        assert!(matches!("".parse::<CaseFile>(), Err(CaseFileError::Empty)));
        assert!(
            "[[case]]\ncommand = 'x'\ntier = 'save'"
                .parse::<CaseFile>()
                .is_err()
        );
        assert!("[[cases]]".parse::<CaseFile>().is_err());
    }
}
