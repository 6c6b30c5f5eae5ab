//! Restarts a session's program a few times, then gives up.

use quarterdeck_sdk::recovery::{Action, Decision, Incident, Recovery};
use serde::Deserialize;

/// The policy.
#[derive(Debug)]
pub struct Policy {
    config: Config,
}

/// The sidecar's `[config]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Before each attempt.
    delay_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { delay_ms: 1_000 }
    }
}

impl Recovery for Policy {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        Ok(Self { config })
    }

    fn decide(&self, incident: &Incident) -> Decision {
        if incident.attempts < incident.max_attempts {
            Decision::new(Action::Restart, "It may have been bad luck.").after_ms(self.config.delay_ms)
        } else {
            Decision::new(Action::GiveUp, "Every attempt failed.")
        }
    }
}

quarterdeck_sdk::export!(recovery: Policy);

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_sdk::recovery::Cause;

    #[test]
    fn it_gives_up_in_the_end() {
        let policy = Policy::configure(Config::default()).expect("a policy");
        let mut incident = Incident::for_test(Cause::Exited);
        assert!(matches!(policy.decide(&incident).action, Action::Restart));
        incident.attempts = incident.max_attempts;
        assert!(matches!(policy.decide(&incident).action, Action::GiveUp));
    }
}
