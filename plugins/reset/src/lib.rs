//! The bundled recovery `reset`: interrupts what runs and brings the shell back to
//! a clean prompt.
//!
//! Where there is no shell left (the program ended, or what carried it is gone)
//! there is nothing to reset, and the session is restarted. With `then-restart`,
//! so is one that a reset did not mend, as the last attempt.

use policy_retrying::{Action, Cause, Decision, Incident, Recovery, Retries, export_recovery};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How often and how fast.
    pub retries: Retries,
    /// Whether the last attempt is a restart.
    pub then_restart: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retries: Retries::default(),
            then_restart: true,
        }
    }
}

/// Resets the shell.
#[derive(Debug)]
pub struct Reset {
    settings: Settings,
}

impl Recovery for Reset {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        settings.retries.checked()?;
        Ok(Self { settings })
    }

    fn decide(&self, incident: &Incident) -> Decision {
        let retries = &self.settings.retries;
        if let Some(decision) = retries.settled(incident) {
            return decision;
        }
        if matches!(incident.cause, Cause::Exited | Cause::BackendLost) {
            let reason = "there is no shell left to reset";
            return retries.attempt(incident, Action::Restart, reason);
        }
        let last = incident.attempts + 1 >= retries.limit.min(incident.max_attempts);
        if self.settings.then_restart && last && incident.attempts > 0 {
            let reason = "a reset did not mend it";
            return retries.attempt(incident, Action::Restart, reason);
        }
        retries.attempt(
            incident,
            Action::Reset,
            "the shell may come back to a clean prompt",
        )
    }
}

export_recovery!(Reset);

#[cfg(test)]
mod tests {
    use policy_retrying::testing::{actions, incident};

    use super::*;

    fn taken(settings: Settings, incident: Incident) -> Vec<Action> {
        let reset = Reset::configured(settings).unwrap();
        actions(incident, |incident| reset.decide(incident))
    }

    #[test]
    fn a_reset_is_tried_twice_then_a_restart() {
        for cause in [
            Cause::Hung,
            Cause::Errors,
            Cause::Exhausted,
            Cause::Requested,
        ] {
            assert_eq!(
                taken(Settings::default(), incident(cause)),
                [Action::Reset, Action::Reset, Action::Restart],
                "{cause:?}"
            );
        }
    }

    #[test]
    fn a_single_attempt_is_a_reset() {
        let mut hung = incident(Cause::Hung);
        hung.max_attempts = 1;
        assert_eq!(taken(Settings::default(), hung), [Action::Reset]);
    }

    #[test]
    fn a_restart_may_be_ruled_out() {
        let settings = Settings {
            then_restart: false,
            ..Settings::default()
        };
        assert_eq!(
            taken(settings, incident(Cause::Hung)),
            vec![Action::Reset; 3]
        );
    }

    #[test]
    fn what_is_gone_cannot_be_reset() {
        for cause in [Cause::Exited, Cause::BackendLost] {
            assert_eq!(
                taken(Settings::default(), incident(cause)),
                vec![Action::Restart; 3],
                "{cause:?}"
            );
        }
    }
}
