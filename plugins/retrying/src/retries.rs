//! How often, after how long, and when to stop.

use serde::Deserialize;

use crate::{Action, Cause, Decision, Incident};

/// The `[config.retries]` table of every recovery.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retries {
    /// How many attempts at most. The incident's own limit counts if it is lower.
    pub limit: u32,
    /// The delay before the first attempt, in milliseconds.
    pub first_delay_ms: u64,
    /// How many times longer each delay is than the one before; at least 1.
    pub growth: f64,
    /// No delay is longer, in milliseconds.
    pub longest_delay_ms: u64,
    /// How long a program may wait for a person before the incident is handed on,
    /// in milliseconds.
    pub person_ms: u64,
}

/// As the document's server is configured: three retries, one second, doubling.
impl Default for Retries {
    fn default() -> Self {
        Self {
            limit: 3,
            first_delay_ms: 1_000,
            growth: 2.0,
            longest_delay_ms: 60_000,
            person_ms: 600_000,
        }
    }
}

impl Retries {
    /// Fails for settings that make no sense.
    ///
    /// # Errors
    ///
    /// Names the setting.
    pub fn checked(self) -> Result<Self, String> {
        if !(self.growth >= 1.0 && self.growth.is_finite()) {
            return Err(format!(
                "`retries.growth` is {}; delays cannot shrink, it must be at least 1",
                self.growth
            ));
        }
        Ok(self)
    }

    /// What is decided before a recovery is asked for its own idea: to leave a
    /// person time, or to stop.
    #[must_use]
    pub fn settled(&self, incident: &Incident) -> Option<Decision> {
        if incident.cause == Cause::AwaitsPerson {
            return Some(self.leave_to_person(incident));
        }
        let limit = self.limit.min(incident.max_attempts);
        (incident.attempts >= limit).then(|| {
            give_up(format!(
                "{} of {limit} attempts are used up",
                incident.attempts
            ))
        })
    }

    /// To do this, after the delay that the incident's attempts have earned.
    #[must_use]
    pub fn attempt(
        &self,
        incident: &Incident,
        action: Action,
        reason: impl Into<String>,
    ) -> Decision {
        Decision {
            action,
            reason: reason.into(),
            delay_ms: self.delay_ms(incident),
        }
    }

    fn leave_to_person(&self, incident: &Incident) -> Decision {
        if incident.age_ms >= self.person_ms {
            return give_up("the program waits for a person, and none came");
        }
        Decision {
            action: Action::Wait,
            reason: "the program waits for a person".to_owned(),
            delay_ms: self.longest_delay_ms.min(self.person_ms - incident.age_ms),
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a cast from a float saturates, and a delay is an estimate"
    )]
    fn delay_ms(&self, incident: &Incident) -> u64 {
        if incident.cause == Cause::Requested && incident.attempts == 0 {
            return 0;
        }
        let exponent = i32::try_from(incident.attempts).unwrap_or(i32::MAX);
        let delay = self.first_delay_ms as f64 * self.growth.powi(exponent);
        (delay as u64).min(self.longest_delay_ms)
    }
}

/// To stop, for that reason.
fn give_up(reason: impl Into<String>) -> Decision {
    Decision {
        action: Action::GiveUp,
        reason: reason.into(),
        delay_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::incident;

    fn delays(retries: Retries) -> Vec<u64> {
        (0..8)
            .map(|attempts| {
                let incident = Incident {
                    attempts,
                    ..incident(Cause::Hung)
                };
                retries.attempt(&incident, Action::Restart, "").delay_ms
            })
            .collect()
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        assert_eq!(
            delays(Retries::default()),
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
        );
    }

    #[test]
    fn what_was_asked_for_starts_at_once() {
        let requested = incident(Cause::Requested);
        let decision = Retries::default().attempt(&requested, Action::Restart, "");
        assert_eq!(decision.delay_ms, 0);
    }

    #[test]
    fn the_lower_limit_counts() {
        let mut hung = incident(Cause::Hung);
        hung.attempts = 2;
        assert_eq!(Retries::default().settled(&hung), None);
        hung.max_attempts = 2;
        let decision = Retries::default().settled(&hung).unwrap();
        assert_eq!(decision.action, Action::GiveUp);
        assert_eq!(decision.reason, "2 of 2 attempts are used up");
    }

    #[test]
    fn a_person_is_waited_for_but_not_for_ever() {
        let mut awaits = incident(Cause::AwaitsPerson);
        awaits.age_ms = 590_000;
        let decision = Retries::default().settled(&awaits).unwrap();
        assert_eq!((decision.action, decision.delay_ms), (Action::Wait, 10_000));
        awaits.age_ms = 600_000;
        let decision = Retries::default().settled(&awaits).unwrap();
        assert_eq!(decision.action, Action::GiveUp);
    }

    #[test]
    fn delays_that_shrink_are_refused() {
        for growth in [0.5, -1.0, f64::NAN, f64::INFINITY] {
            let retries = Retries {
                growth,
                ..Retries::default()
            };
            assert!(retries.checked().unwrap_err().contains("growth"));
        }
    }

    proptest! {
        #[test]
        fn delays_never_shrink_and_never_pass_the_longest(
            first_delay_ms: u64,
            growth in 1.0..1e9,
            longest_delay_ms: u64,
        ) {
            let delays = delays(Retries { first_delay_ms, growth, longest_delay_ms, ..Retries::default() });
            prop_assert!(delays.is_sorted(), "{delays:?}");
            prop_assert!(delays.iter().all(|delay| *delay <= longest_delay_ms));
        }
    }
}
