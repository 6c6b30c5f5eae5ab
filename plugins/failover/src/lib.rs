//! The bundled recovery `failover`: moves tasks and lock to a backup session.
//!
//! Each attempt takes the next backup, so that one that is broken too does not
//! stand in the way. The broken session itself is no backup. Without any,
//! `without-backup` says what is done.

use policy_retrying::{Action, Decision, Incident, Recovery, Retries, export_recovery};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How often and how fast.
    pub retries: Retries,
    /// What is done when no session could take over.
    pub without_backup: WithoutBackup,
}

/// What is done when no session could take over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutBackup {
    /// The session is restarted.
    #[default]
    Restart,
    /// A backup may turn up.
    Wait,
    /// A person is to look.
    GiveUp,
}

/// Moves the work elsewhere.
#[derive(Debug)]
pub struct Failover {
    settings: Settings,
}

impl Recovery for Failover {
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
        if let Some(backup) = backup(incident) {
            let reason = format!("{backup} can take over");
            return retries.attempt(incident, Action::Failover(backup.to_owned()), reason);
        }
        let action = match self.settings.without_backup {
            WithoutBackup::Restart => Action::Restart,
            WithoutBackup::Wait => Action::Wait,
            WithoutBackup::GiveUp => Action::GiveUp,
        };
        let mut decision = retries.attempt(incident, action, "no session could take over");
        if decision.action == Action::GiveUp {
            decision.delay_ms = 0;
        }
        decision
    }
}

/// The backup whose turn it is.
fn backup(incident: &Incident) -> Option<&str> {
    let others = || {
        incident
            .backups
            .iter()
            .filter(|id| **id != incident.session.id)
    };
    let count = others().count();
    let turn = usize::try_from(incident.attempts)
        .ok()?
        .checked_rem(count)?;
    others().nth(turn).map(String::as_str)
}

export_recovery!(Failover);

#[cfg(test)]
mod tests {
    use policy_retrying::Cause;
    use policy_retrying::testing::{actions, incident};

    use super::*;

    fn taken(without_backup: WithoutBackup, backups: &[&str]) -> Vec<Action> {
        let settings = Settings {
            without_backup,
            ..Settings::default()
        };
        let failover = Failover::configured(settings).unwrap();
        let mut hung = incident(Cause::Hung);
        hung.backups = backups.iter().map(|id| (*id).to_owned()).collect();
        actions(hung, |incident| failover.decide(incident))
    }

    #[test]
    fn each_attempt_takes_the_next_backup_but_never_the_broken_session() {
        let to = |id: &str| Action::Failover(id.to_owned());
        assert_eq!(
            taken(WithoutBackup::Restart, &["broken", "b1", "b2"]),
            [to("b1"), to("b2"), to("b1")]
        );
    }

    #[test]
    fn without_a_backup_the_settings_decide() {
        assert_eq!(
            taken(WithoutBackup::Restart, &["broken"]),
            vec![Action::Restart; 3]
        );
        assert_eq!(taken(WithoutBackup::Wait, &[]), vec![Action::Wait; 3]);
        assert_eq!(taken(WithoutBackup::GiveUp, &[]), []);
    }
}
