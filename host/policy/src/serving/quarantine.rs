//! When a policy that keeps failing is no longer asked, and when it is tried
//! again. Pure: time is handed in.

use std::time::{Duration, Instant};

/// Faults in a row after which a policy is not believed any more.
const FAULTS: u8 = 3;
/// How long it is not asked then.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(30);

/// How well a policy has behaved lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// It is asked; so many of its last calls failed in a row.
    Trusted { faults: u8 },
    /// It is not asked until then.
    Quarantined { until: Instant },
    /// One call is under way that decides what becomes of it.
    OnTrial,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Ask,
    /// As `Ask`, but the outcome decides about the quarantine.
    Trial,
    /// Not now; perhaps after that time.
    Refuse(Duration),
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Quarantined,
    Released,
}

impl Default for Conduct {
    fn default() -> Self {
        Conduct::Trusted { faults: 0 }
    }
}

impl Conduct {
    pub(crate) fn admit(&mut self, now: Instant) -> Admission {
        match *self {
            Conduct::Trusted { .. } => Admission::Ask,
            Conduct::Quarantined { until } if now < until => Admission::Refuse(until - now),
            Conduct::Quarantined { .. } => {
                *self = Conduct::OnTrial;
                Admission::Trial
            }
            Conduct::OnTrial => Admission::Refuse(Duration::ZERO),
        }
    }

    pub(crate) fn succeeded(&mut self, admission: Admission) -> Option<Change> {
        match (*self, admission) {
            (Conduct::Trusted { .. }, _) => {
                *self = Conduct::default();
                None
            }
            (Conduct::OnTrial, Admission::Trial) => {
                *self = Conduct::default();
                Some(Change::Released)
            }
            // A call from before the quarantine: too late to change anything.
            _ => None,
        }
    }

    pub(crate) fn failed(&mut self, admission: Admission, now: Instant) -> Option<Change> {
        let until = now + COOL_DOWN;
        match (*self, admission) {
            (Conduct::Trusted { faults }, _) if faults + 1 < FAULTS => {
                *self = Conduct::Trusted { faults: faults + 1 };
                None
            }
            (Conduct::Trusted { .. }, _) => {
                *self = Conduct::Quarantined { until };
                Some(Change::Quarantined)
            }
            (Conduct::OnTrial, Admission::Trial) => {
                *self = Conduct::Quarantined { until };
                None
            }
            _ => None,
        }
    }

    /// The call was given up by its caller: it proved nothing.
    pub(crate) fn abandoned(&mut self, admission: Admission, now: Instant) {
        if (*self, admission) == (Conduct::OnTrial, Admission::Trial) {
            *self = Conduct::Quarantined { until: now };
        }
    }

    pub(crate) fn is_quarantined(&self) -> bool {
        !matches!(self, Conduct::Trusted { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Succeeds,
        Fails,
        Abandoned,
        TimePasses,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Succeeds),
            Just(Step::Fails),
            Just(Step::Abandoned),
            Just(Step::TimePasses),
        ]
    }

    proptest! {
        /// Whatever happens, one call after another: three faults in a row end
        /// trust, only a success after the cool-down restores it, and a policy
        /// is always asked again some day.
        #[test]
        fn trust_is_lost_and_regained_by_outcomes_alone(steps in prop::collection::vec(step(), 0..60)) {
            let mut now = Instant::now();
            let mut conduct = Conduct::default();
            let mut in_a_row = 0;
            for step in steps {
                if let Step::TimePasses = step {
                    now += COOL_DOWN;
                    continue;
                }
                let before = conduct;
                let admission = conduct.admit(now);
                if let Admission::Refuse(_) = admission {
                    prop_assert!(before.is_quarantined());
                    prop_assert_eq!(before, conduct);
                    continue;
                }
                match step {
                    Step::Succeeds => {
                        let change = conduct.succeeded(admission);
                        prop_assert_eq!(change.is_some(), before.is_quarantined());
                        prop_assert_eq!(conduct, Conduct::default());
                        in_a_row = 0;
                    }
                    Step::Fails => {
                        conduct.failed(admission, now);
                        in_a_row += 1;
                        prop_assert_eq!(conduct.is_quarantined(), in_a_row >= 3);
                    }
                    Step::Abandoned => {
                        conduct.abandoned(admission, now);
                        prop_assert_eq!(conduct.is_quarantined(), before.is_quarantined());
                    }
                    Step::TimePasses => unreachable!("dealt with above"),
                }
            }
            let mut later = conduct;
            prop_assert!(!matches!(later.admit(now + COOL_DOWN), Admission::Refuse(_)));
        }
    }

    #[test]
    fn only_one_call_is_on_trial_at_a_time() {
        let now = Instant::now();
        let mut conduct = Conduct::Quarantined { until: now };
        assert_eq!(conduct.admit(now), Admission::Trial);
        assert_eq!(conduct.admit(now), Admission::Refuse(Duration::ZERO));
        assert_eq!(conduct.failed(Admission::Ask, now), None);
        assert_eq!(conduct, Conduct::OnTrial);
        assert_eq!(conduct.succeeded(Admission::Trial), Some(Change::Released));
    }
}
