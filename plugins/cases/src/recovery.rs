//! Cases of recoveries.

use serde::Deserialize;

use crate::Policy;
use crate::file::difference;

/// An incident, and what is to be decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCase {
    incident: Incident,
    expect: Expected,
}

/// As in `wit/recovery.wit`; the session's id is `broken`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Incident {
    pub cause: Cause,
    #[serde(default)]
    pub detail: String,
    pub exit_status: Option<i32>,
    #[serde(default)]
    pub screen: Vec<String>,
    #[serde(default)]
    pub attempts: u32,
    #[serde(default = "many")]
    pub max_attempts: u32,
    #[serde(default)]
    pub age_ms: u64,
    #[serde(default)]
    pub backups: Vec<String>,
}

fn many() -> u32 {
    u32::MAX
}

/// As in `wit/recovery.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub enum Cause {
    Exited,
    Hung,
    BackendLost,
    AwaitsPerson,
    Errors,
    Exhausted,
    Requested,
}

/// As in `wit/recovery.wit`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the interface")]
pub enum Action {
    Restart,
    Reset,
    Failover(String),
    Run(String),
    Wait,
    GiveUp,
}

/// As in `wit/recovery.wit`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Decision {
    pub action: Action,
    pub reason: String,
    pub delay_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Expected {
    /// `restart`, `failover backup-1`, `run make`, …
    action: String,
    delay_ms: Option<u64>,
    /// A part of the reason.
    #[serde(default)]
    reason: String,
}

impl RecoveryCase {
    pub(crate) fn check(&self, policy: &mut impl Policy) -> Result<(), String> {
        let decision = policy.decide(&self.incident);
        let decision = decision.map_err(|reason| format!("  + {reason}"))?;
        let expected = &self.expect;
        let fits = told(&decision.action) == expected.action
            && expected
                .delay_ms
                .is_none_or(|delay| delay == decision.delay_ms)
            && decision.reason.contains(&expected.reason);
        if fits {
            return Ok(());
        }
        let mut wanted = expected.action.clone();
        if let Some(delay) = expected.delay_ms {
            wanted.push_str(&format!(" after {delay} ms"));
        }
        if !expected.reason.is_empty() {
            wanted.push_str(&format!(": …{}…", expected.reason));
        }
        Err(difference(
            &wanted,
            &format!(
                "{} after {} ms: {}",
                told(&decision.action),
                decision.delay_ms,
                decision.reason
            ),
        ))
    }
}

fn told(action: &Action) -> String {
    match action {
        Action::Restart => "restart".to_owned(),
        Action::Reset => "reset".to_owned(),
        Action::Failover(session) => format!("failover {session}"),
        Action::Run(command) => format!("run {command}"),
        Action::Wait => "wait".to_owned(),
        Action::GiveUp => "give-up".to_owned(),
    }
}
