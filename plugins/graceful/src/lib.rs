//! The bundled recovery `graceful`: degrades gracefully, the gentlest step first.
//!
//! For each cause there is a ladder of steps, and each attempt takes the next one.
//! A step that cannot be taken, such as a failover without a backup, is left out.
//! After the last the incident is handed to a person, the session as it is.

use policy_retrying::{Action, Cause, Decision, Incident, Recovery, Retries, export_recovery};
use serde::Deserialize;

/// The `[config]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How often and how fast. The limit is the longest ladder, so that it does
    /// not cut one short unless somebody wants it to.
    pub retries: Retries,
    /// The steps for each cause.
    pub ladder: Ladders,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retries: Retries {
                limit: 4,
                ..Retries::default()
            },
            ladder: Ladders::default(),
        }
    }
}

/// The steps for each cause, as the `[config.ladder]` table. A program that
/// waits for a person has none: it is left alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ladders {
    /// The program ended.
    pub exited: Vec<Step>,
    /// The program shows no life.
    pub hung: Vec<Step>,
    /// What carried the session is gone; it may come back.
    pub backend_lost: Vec<Step>,
    /// Commands fail again and again.
    pub errors: Vec<Step>,
    /// A limit was passed.
    pub exhausted: Vec<Step>,
    /// Somebody asked for a recovery.
    pub requested: Vec<Step>,
}

impl Default for Ladders {
    fn default() -> Self {
        use Step::{Failover, Reset, Restart, Wait};

        Self {
            exited: vec![Restart, Failover],
            hung: vec![Wait, Reset, Failover, Restart],
            backend_lost: vec![Wait, Failover, Restart],
            errors: vec![Wait, Reset, Failover],
            exhausted: vec![Reset, Failover, Restart],
            requested: vec![Reset, Failover, Restart],
        }
    }
}

/// One step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Look again later.
    Wait,
    /// Bring the shell back to a clean prompt.
    Reset,
    /// Move tasks and lock to the first backup.
    Failover,
    /// Start the program again.
    Restart,
}

/// Tries the gentlest step first.
#[derive(Debug)]
pub struct Graceful {
    settings: Settings,
}

impl Recovery for Graceful {
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
        let possible = self
            .ladder(incident.cause)
            .iter()
            .filter_map(|step| taken(*step, incident));
        let turn = usize::try_from(incident.attempts).unwrap_or(usize::MAX);
        match possible.clone().nth(turn) {
            Some((action, reason)) => retries.attempt(incident, action, reason),
            None => Decision {
                action: Action::GiveUp,
                reason: format!("{} steps did not mend it", possible.count()),
                delay_ms: 0,
            },
        }
    }
}

impl Graceful {
    fn ladder(&self, cause: Cause) -> &[Step] {
        let ladder = &self.settings.ladder;
        match cause {
            Cause::Exited => &ladder.exited,
            Cause::Hung => &ladder.hung,
            Cause::BackendLost => &ladder.backend_lost,
            Cause::Errors => &ladder.errors,
            Cause::Exhausted => &ladder.exhausted,
            Cause::Requested => &ladder.requested,
            Cause::AwaitsPerson => &[],
        }
    }
}

/// The action that a step comes to, and why it is taken; none for a step that
/// cannot be taken.
fn taken(step: Step, incident: &Incident) -> Option<(Action, &'static str)> {
    Some(match step {
        Step::Wait => (Action::Wait, "it may mend itself"),
        Step::Reset => (Action::Reset, "the shell may come back to a clean prompt"),
        Step::Failover => {
            let mut others = incident.backups.iter();
            let backup = others.find(|id| **id != incident.session.id)?;
            (
                Action::Failover(backup.clone()),
                "the work goes on elsewhere, and the session can be looked at",
            )
        }
        Step::Restart => (Action::Restart, "nothing gentler helped"),
    })
}

export_recovery!(Graceful);

#[cfg(test)]
mod tests {
    use policy_retrying::testing::{CAUSES, actions, incident};

    use super::*;

    fn steps(settings: Settings, incident: Incident) -> Vec<Action> {
        let graceful = Graceful::configured(settings).unwrap();
        actions(incident, |incident| graceful.decide(incident))
    }

    #[test]
    fn a_hung_session_climbs_the_whole_ladder() {
        let mut hung = incident(Cause::Hung);
        hung.backups = vec!["broken".to_owned(), "backup".to_owned()];
        assert_eq!(
            steps(Settings::default(), hung),
            [
                Action::Wait,
                Action::Reset,
                Action::Failover("backup".to_owned()),
                Action::Restart,
            ]
        );
    }

    #[test]
    fn a_step_that_cannot_be_taken_is_left_out() {
        assert_eq!(
            steps(Settings::default(), incident(Cause::Errors)),
            [Action::Wait, Action::Reset]
        );
        assert_eq!(
            steps(Settings::default(), incident(Cause::Exited)),
            [Action::Restart]
        );
    }

    #[test]
    fn every_incident_comes_to_an_end() {
        for cause in CAUSES {
            let mut incident = incident(cause);
            incident.backups = vec!["backup".to_owned()];
            steps(Settings::default(), incident);
        }
    }

    #[test]
    fn ladders_are_the_users_to_change() {
        let mut settings = Settings::default();
        settings.ladder.hung = vec![Step::Restart, Step::Wait];
        assert_eq!(
            steps(settings, incident(Cause::Hung)),
            [Action::Restart, Action::Wait]
        );
    }
}
