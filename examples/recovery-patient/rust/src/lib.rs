//! Restarts a session's program, waiting twice as long each time, and fails over
//! to a backup with the last attempt that it is allowed.

use quarterdeck_sdk::recovery::{Action, Cause, Decision, Incident, Recovery};
use serde::Deserialize;

/// The policy.
#[derive(Debug)]
pub struct Patient {
    first_delay_ms: u64,
    longest_delay_ms: u64,
}

/// The sidecar's `[config]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Before the second attempt; the first comes at once.
    first_delay_ms: u64,
    /// No delay is longer.
    longest_delay_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            first_delay_ms: 500,
            longest_delay_ms: 60_000,
        }
    }
}

impl Recovery for Patient {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        if config.first_delay_ms > config.longest_delay_ms {
            return Err("`first-delay-ms` is longer than `longest-delay-ms`".to_owned());
        }
        Ok(Self {
            first_delay_ms: config.first_delay_ms,
            longest_delay_ms: config.longest_delay_ms,
        })
    }

    fn decide(&self, incident: &Incident) -> Decision {
        match incident.cause {
            Cause::AwaitsPerson => Decision::new(Action::Wait, "Only a person can answer.")
                .after_ms(self.longest_delay_ms),
            _ if incident.attempts >= incident.max_attempts => {
                Decision::new(Action::GiveUp, "Every attempt failed.")
            }
            _ => match incident.backups.first() {
                Some(backup) if incident.attempts + 1 == incident.max_attempts => Decision::new(
                    Action::Failover(backup.clone()),
                    format!("{} attempts did not help.", incident.attempts),
                ),
                _ => self.try_again(incident),
            },
        }
    }
}

impl Patient {
    fn try_again(&self, incident: &Incident) -> Decision {
        // A shell that hangs is still there: interrupt it before replacing it.
        let action = match incident.cause {
            Cause::Hung if incident.attempts == 0 => Action::Reset,
            _ => Action::Restart,
        };
        let attempt = incident.attempts + 1;
        Decision::new(
            action,
            format!("Attempt {attempt} of {}.", incident.max_attempts),
        )
        .after_ms(self.delay_ms(incident.attempts))
    }

    fn delay_ms(&self, attempts: u32) -> u64 {
        let Some(doublings) = attempts.checked_sub(1) else {
            return 0;
        };
        let factor = 2_u64.saturating_pow(doublings);
        self.first_delay_ms
            .saturating_mul(factor)
            .min(self.longest_delay_ms)
    }
}

quarterdeck_sdk::export!(recovery: Patient);

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(cause: Cause, attempts: u32, backups: &[&str]) -> Decision {
        let mut incident = Incident::for_test(cause);
        incident.attempts = attempts;
        incident.backups = backups.iter().map(|&id| id.to_owned()).collect();
        Patient::configure(Config::default())
            .expect("a policy")
            .decide(&incident)
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let policy = Patient::configure(Config::default()).expect("a policy");
        let delays = [0, 1, 2, 3, 20, u32::MAX].map(|attempts| policy.delay_ms(attempts));
        assert_eq!(delays, [0, 500, 1_000, 2_000, 60_000, 60_000]);
    }

    #[test]
    fn a_hung_shell_is_interrupted_before_it_is_replaced() {
        assert!(matches!(decide(Cause::Hung, 0, &[]).action, Action::Reset));
        assert!(matches!(
            decide(Cause::Hung, 1, &[]).action,
            Action::Restart
        ));
    }

    #[test]
    fn with_the_last_attempt_a_backup_takes_over_if_there_is_one() {
        let decision = decide(Cause::Exited, 2, &["b", "c"]);
        assert!(matches!(decision.action, Action::Failover(id) if id == "b"));
        let decision = decide(Cause::Exited, 2, &[]);
        assert!(matches!(decision.action, Action::Restart));
        let decision = decide(Cause::Exited, 3, &["b"]);
        assert!(matches!(decision.action, Action::GiveUp));
    }

    #[test]
    fn a_person_is_waited_for() {
        assert!(matches!(
            decide(Cause::AwaitsPerson, 2, &["b"]).action,
            Action::Wait
        ));
    }
}
