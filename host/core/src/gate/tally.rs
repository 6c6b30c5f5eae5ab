//! How many command lines were judged, and what came of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use quarterdeck_policy::Tier;

use super::{Decision, Gate, Mode};

/// Counts since the host started. Held for one addition, beside which a verdict
/// takes a thousand times as long.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<(Option<Tier>, &'static str), u64>>);

/// How often the gate came to one decision about one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictCount {
    /// The tier; none while the gate was off.
    pub tier: Option<Tier>,
    /// The decision's name.
    pub decision: &'static str,
    /// How often.
    pub count: u64,
}

impl Tally {
    pub(super) fn count(&self, tier: Option<Tier>, decision: &Decision) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((tier, decision.as_str())).or_default() += 1;
    }
}

impl Gate {
    /// What it does with verdicts.
    pub(crate) fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// What was decided so far, and how often.
    pub(crate) fn verdict_counts(&self) -> Vec<VerdictCount> {
        let counts = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(&(tier, decision), &count)| VerdictCount {
                tier,
                decision,
                count,
            })
            .collect()
    }
}
