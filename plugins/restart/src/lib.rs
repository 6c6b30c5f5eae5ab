//! The bundled recovery `restart`: starts the session's program again.
//!
//! A program that ended by itself with exit status 0 has done its work and is not
//! started again, unless `after-success` says so.

use policy_retrying::{Action, Cause, Decision, Incident, Recovery, Retries, export_recovery};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How often and how fast.
    pub retries: Retries,
    /// Whether a program that ended well is started again.
    pub after_success: bool,
}

/// Starts the program again.
#[derive(Debug)]
pub struct Restart {
    settings: Settings,
}

impl Recovery for Restart {
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
        let ended_well = incident.cause == Cause::Exited && incident.exit_status == Some(0);
        if ended_well && !self.settings.after_success {
            return Decision {
                action: Action::GiveUp,
                reason: "the program ended well: there is nothing to mend".to_owned(),
                delay_ms: 0,
            };
        }
        retries.attempt(incident, Action::Restart, reason(incident))
    }
}

fn reason(incident: &Incident) -> String {
    match (incident.cause, incident.exit_status) {
        (Cause::Exited, Some(status)) => {
            format!("the program ended with exit status {status}")
        }
        (Cause::Exited, None) => "the program ended".to_owned(),
        (Cause::Hung, _) => "the program shows no life".to_owned(),
        (Cause::BackendLost, _) => "what carried the session is gone".to_owned(),
        (Cause::Errors, _) => "its commands fail again and again".to_owned(),
        (Cause::Exhausted, _) => "the program passed a limit".to_owned(),
        (Cause::Requested | Cause::AwaitsPerson, _) => "somebody asked for it".to_owned(),
    }
}

export_recovery!(Restart);

#[cfg(test)]
mod tests {
    use policy_retrying::testing::{CAUSES, actions, incident};

    use super::*;

    fn restart() -> Restart {
        Restart::configured(Settings::default()).unwrap()
    }

    #[test]
    fn whatever_broke_is_restarted_three_times() {
        for cause in CAUSES {
            if cause != Cause::AwaitsPerson {
                let taken = actions(incident(cause), |incident| restart().decide(incident));
                assert_eq!(taken, vec![Action::Restart; 3], "{cause:?}");
            }
        }
    }

    #[test]
    fn a_program_that_ended_well_is_left_ended() {
        let mut ended = incident(Cause::Exited);
        ended.exit_status = Some(0);
        assert_eq!(restart().decide(&ended).action, Action::GiveUp);
        let after_success = Settings {
            after_success: true,
            ..Settings::default()
        };
        let eager = Restart::configured(after_success).unwrap();
        assert_eq!(eager.decide(&ended).action, Action::Restart);
        ended.exit_status = Some(3);
        assert_eq!(
            restart().decide(&ended).reason,
            "the program ended with exit status 3"
        );
    }
}
