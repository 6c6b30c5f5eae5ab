//! What approvers say, and which of several counts.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::kinds::approver::approvers::nobody;
use crate::{PolicyMode, Statement};

/// How far a command may go without being asked about. Ordered: a greater tier
/// is a stricter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Read-only, or trivially undone: runs.
    Safe,
    /// A person is asked.
    Review,
    /// Refused.
    Dangerous,
}

impl Tier {
    /// The tier's name, as in WIT.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Safe => "safe",
            Tier::Review => "review",
            Tier::Dangerous => "dangerous",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one approver said, or what its silence counts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far the command may go.
    pub tier: Tier,
    /// One sentence for the person or agent whose command it is. Free of
    /// control characters and never empty.
    pub reason: String,
    /// A stable name of the rule that decided, for example `files/rm-home`.
    /// The host's own verdicts (a policy that failed, none at all) use names
    /// that begin with [`Verdict::HOST_RULES`].
    pub rule: Option<String>,
    /// The piece of the command line that caused it, in bytes; always within
    /// the command line and on character boundaries.
    pub span: Option<Range<u32>>,
    /// What to do instead.
    pub suggestion: Option<String>,
    /// Name of the policy that decided.
    pub policy: String,
    /// The generation that decided; 0 when no component was there to ask.
    pub generation: u64,
    /// SHA-256 of the component in hexadecimal; empty when none was there.
    pub digest: String,
}

impl Verdict {
    /// What the rule of a verdict begins with when the host itself refused
    /// because a policy could not answer.
    pub const HOST_RULES: &'static str = "host/";
}

/// What all approvers said about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The strictest of `all`; of equals the first in order.
    pub verdict: Verdict,
    /// Every verdict that counts, in the order of the approvers. Never empty.
    pub all: Vec<Verdict>,
    /// The verdicts of approvers in shadow mode: to be recorded beside the
    /// others, and never obeyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadows: Vec<Verdict>,
}

impl Ruling {
    /// What comes of what everybody said. Where nobody rules, the host refuses.
    pub fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        let (mut all, mut shadows) = (Vec::new(), Vec::new());
        for statement in statements {
            match statement.mode {
                PolicyMode::Ruling => all.push(statement.verdict),
                PolicyMode::Shadow => shadows.push(statement.verdict),
            }
        }
        if all.is_empty() {
            all.push(nobody());
        }
        let mut strictest = &all[0];
        for verdict in &all[1..] {
            if verdict.tier > strictest.tier {
                strictest = verdict;
            }
        }
        Ruling {
            verdict: strictest.clone(),
            all,
            shadows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict(tier: Tier, policy: usize) -> Verdict {
        Verdict {
            tier,
            reason: String::from("because"),
            rule: None,
            span: None,
            suggestion: None,
            policy: policy.to_string(),
            generation: 1,
            digest: String::new(),
        }
    }

    proptest! {
        #[test]
        fn the_first_of_the_strictest_counts(tiers in prop::collection::vec(0..3u8, 0..12)) {
            let all: Vec<_> = tiers
                .iter()
                .enumerate()
                .map(|(at, tier)| verdict([Tier::Safe, Tier::Review, Tier::Dangerous][*tier as usize], at))
                .collect();
            let ruling = Ruling::of(all.iter().cloned().map(|verdict| Statement {
                verdict,
                mode: PolicyMode::Ruling,
                took_micros: 0,
            }));
            match all.iter().map(|verdict| verdict.tier).max() {
                None => prop_assert_eq!(ruling.verdict.tier, Tier::Dangerous),
                Some(tier) => {
                    prop_assert_eq!(&ruling.verdict, all.iter().find(|verdict| verdict.tier == tier).unwrap());
                    prop_assert_eq!(ruling.all, all);
                }
            }
        }
    }

    #[test]
    fn tiers_are_written_in_lower_case_and_ordered() {
        assert!(Tier::Safe < Tier::Review && Tier::Review < Tier::Dangerous);
        assert_eq!(
            serde_json::to_string(&Tier::Dangerous).unwrap(),
            "\"dangerous\""
        );
    }
}
