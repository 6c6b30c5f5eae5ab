//! Facts in, report out.

use std::time::SystemTime;

use quarterdeck_policy::IncidentCause;

use super::super::settings::Thresholds;
use super::super::watch::cores;
use super::{Component, ComponentHealth, HealthFacts, HealthReport, Issue, Severity};

/// Commands that have to end before their failures say anything.
const COMMANDS_TO_JUDGE: u64 = 5;

/// From so full on, the room for sessions is short, in percent.
const SESSIONS_SHORT_PERCENT: usize = 90;

/// The disk is as good as full when so little of what should be free is.
const DISK_FULL_SHARE: u64 = 8;

/// Holds the facts against the thresholds.
pub(in crate::monitor) fn assess(
    facts: &HealthFacts,
    thresholds: &Thresholds,
    at: SystemTime,
) -> HealthReport {
    let mut issues = Vec::new();
    of_sessions(facts, &mut issues);
    of_performance(facts, thresholds, &mut issues);
    of_backends(facts, &mut issues);
    of_policies(facts, &mut issues);
    of_store(facts, thresholds, &mut issues);
    let components = Component::ALL.map(|component| ComponentHealth {
        component,
        status: issues
            .iter()
            .filter(|issue| issue.component == component)
            .map(Issue::status)
            .max()
            .unwrap_or_default(),
    });
    HealthReport {
        at,
        status: components
            .iter()
            .map(|it| it.status)
            .max()
            .unwrap_or_default(),
        components: components.to_vec(),
        issues,
        active_sessions: facts.active(),
        max_sessions: facts.max_sessions,
        cpu: facts.cpu(),
        memory: facts.memory(),
        backends: facts.backends.clone(),
        policies: facts.policies.loaded,
        store_latency_ms: facts.store.as_ref().ok().copied(),
        free_disk_mb: facts.free_disk_mb,
    }
}

fn host_issue(
    component: Component,
    kind: &'static str,
    severity: Severity,
    message: String,
) -> Issue {
    Issue {
        component,
        session: None,
        kind,
        severity,
        message,
    }
}

fn of_sessions(facts: &HealthFacts, issues: &mut Vec<Issue>) {
    let (open, max) = (facts.sessions.len(), facts.max_sessions);
    if open >= max {
        issues.push(host_issue(
            Component::Sessions,
            "full",
            Severity::Error,
            format!("{open} sessions are open, as many as sessions.max allows: close some"),
        ));
    } else if open * 100 >= max * SESSIONS_SHORT_PERCENT {
        issues.push(host_issue(
            Component::Sessions,
            "nearly-full",
            Severity::Warning,
            format!("{open} sessions are open, of {max} that sessions.max allows"),
        ));
    }
    for session in &facts.sessions {
        let Some(trouble) = &session.trouble else {
            continue;
        };
        let (kind, severity) = match trouble.cause {
            IncidentCause::Exited => ("exited", Severity::Error),
            IncidentCause::Hung => ("hung", Severity::Warning),
            IncidentCause::BackendLost => ("backend-lost", Severity::Error),
            IncidentCause::AwaitsPerson => ("awaits-person", Severity::Warning),
            IncidentCause::Errors => ("errors", Severity::Warning),
            IncidentCause::Exhausted => ("exhausted", Severity::Warning),
            IncidentCause::Requested => ("requested", Severity::Warning),
        };
        issues.push(Issue {
            component: Component::Sessions,
            session: Some(session.id.clone()),
            kind,
            severity,
            message: format!(
                "session {} ({}): {}",
                session.id, session.name, trouble.detail
            ),
        });
    }
}

fn of_performance(facts: &HealthFacts, thresholds: &Thresholds, issues: &mut Vec<Issue>) {
    for session in &facts.sessions {
        let (usage, lately) = (&session.usage, &session.lately);
        let errors = match lately.commands {
            count if count < COMMANDS_TO_JUDGE => 0.0,
            count => lately.failed_commands as f64 * 100.0 / count as f64,
        };
        for (kind, value, threshold, what) in [
            (
                "cpu",
                usage.cpu_percent,
                thresholds.cpu_percent,
                "% of a core are used",
            ),
            (
                "memory",
                usage.memory_mb,
                thresholds.memory_mb,
                "MB are used",
            ),
            (
                "response",
                lately.response_ms,
                thresholds.response_ms,
                "ms until a command answers",
            ),
            (
                "errors",
                errors,
                thresholds.errors_percent,
                "% of its commands have failed lately",
            ),
        ] {
            if value > threshold {
                issues.push(Issue {
                    component: Component::Performance,
                    session: Some(session.id.clone()),
                    kind,
                    severity: Severity::Warning,
                    message: format!(
                        "session {} ({}): {value} {what}, more than {threshold}",
                        session.id, session.name
                    ),
                });
            }
        }
    }
    let of_machine = (facts.cpu() / cores() as f64).round();
    for (kind, value, threshold, what) in [
        (
            "total-cpu",
            of_machine,
            thresholds.total_cpu_percent,
            "% of the machine",
        ),
        (
            "total-memory",
            facts.memory(),
            thresholds.total_memory_mb,
            "MB",
        ),
    ] {
        if value > threshold {
            issues.push(host_issue(
                Component::Performance,
                kind,
                Severity::Error,
                format!("all sessions together use {value} {what}, more than {threshold}"),
            ));
        }
    }
}

fn of_backends(facts: &HealthFacts, issues: &mut Vec<Issue>) {
    for backend in &facts.backends {
        let Some(error) = &backend.error else {
            continue;
        };
        let severity = match backend.sessions {
            0 => Severity::Warning,
            _ => Severity::Error,
        };
        issues.push(host_issue(
            Component::Connectivity,
            backend.backend,
            severity,
            format!("the backend {} does not answer: {error}", backend.backend),
        ));
    }
}

fn of_policies(facts: &HealthFacts, issues: &mut Vec<Issue>) {
    if facts.policies.approvers == 0 {
        issues.push(host_issue(
            Component::Policies,
            "no-approver",
            Severity::Critical,
            "no approver is loaded: every command is refused; the list of policies says why"
                .to_owned(),
        ));
    }
    for wrong in &facts.policies.wrong {
        issues.push(host_issue(
            Component::Policies,
            "policy",
            Severity::Warning,
            wrong.clone(),
        ));
    }
}

fn of_store(facts: &HealthFacts, thresholds: &Thresholds, issues: &mut Vec<Issue>) {
    if let Err(error) = &facts.store {
        issues.push(host_issue(
            Component::Store,
            "unwritable",
            Severity::Critical,
            error.clone(),
        ));
    }
    if let Some(free) = facts.free_disk_mb
        && free < thresholds.free_disk_mb
    {
        let severity = match free < thresholds.free_disk_mb / DISK_FULL_SHARE {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        issues.push(host_issue(
            Component::Disk,
            "short",
            severity,
            format!(
                "{free} MB are free on the disk of the store, less than {}",
                thresholds.free_disk_mb
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::meter::Usage;
    use super::super::super::trouble::Trouble;
    use super::super::facts::PolicyFacts;
    use super::super::{BackendHealth, HealthStatus, SessionFinding};
    use super::*;

    fn well() -> HealthFacts {
        HealthFacts {
            sessions: vec![SessionFinding {
                id: "aaaaaaaa".to_owned(),
                name: "build".to_owned(),
                ended: false,
                usage: Usage::default(),
                lately: Usage::default(),
                trouble: None,
            }],
            max_sessions: 50,
            backends: vec![BackendHealth {
                backend: "pty",
                latency_ms: Some(0.1),
                error: None,
                sessions: 1,
            }],
            policies: PolicyFacts {
                loaded: 16,
                approvers: 1,
                wrong: Vec::new(),
            },
            store: Ok(1.0),
            free_disk_mb: Some(50_000),
        }
    }

    fn assessed(facts: &HealthFacts) -> HealthReport {
        assess(facts, &Thresholds::default(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_host_that_is_well_has_no_issues() {
        let report = assessed(&well());
        assert_eq!(
            (report.status, report.issues.len()),
            (HealthStatus::Healthy, 0)
        );
    }

    #[test]
    fn each_thing_that_is_wrong_is_said_once() {
        use HealthStatus::{Critical, Degraded};
        type Wrong = fn(&mut HealthFacts);
        let cases: [(Component, HealthStatus, &str, Wrong); 14] = [
            (Component::Performance, Degraded, "cpu", |f| {
                f.sessions[0].usage.cpu_percent = 81.0;
            }),
            (Component::Performance, Degraded, "memory", |f| {
                f.sessions[0].usage.memory_mb = 1_025.0;
            }),
            (Component::Performance, Degraded, "response", |f| {
                f.sessions[0].lately.response_ms = 5_001.0;
            }),
            (Component::Performance, Degraded, "errors", |f| {
                f.sessions[0].lately.commands = 10;
                f.sessions[0].lately.failed_commands = 2;
            }),
            (Component::Sessions, Degraded, "exited", |f| {
                f.sessions[0].trouble = Some(Trouble {
                    cause: IncidentCause::Exited,
                    detail: "its shell ended".to_owned(),
                });
            }),
            (Component::Sessions, Degraded, "awaits-person", |f| {
                f.sessions[0].trouble = Some(Trouble {
                    cause: IncidentCause::AwaitsPerson,
                    detail: "Password:".to_owned(),
                });
            }),
            (Component::Sessions, Critical, "full", |f| {
                f.max_sessions = 1
            }),
            (Component::Connectivity, Critical, "tmux", |f| {
                f.backends.push(BackendHealth {
                    backend: "tmux",
                    latency_ms: None,
                    error: Some("gone".to_owned()),
                    sessions: 2,
                });
            }),
            (Component::Policies, Critical, "no-approver", |f| {
                f.policies.approvers = 0;
            }),
            (Component::Policies, Degraded, "policy", |f| {
                f.policies.wrong.push("`mine` is in quarantine".to_owned());
            }),
            (Component::Store, Critical, "unwritable", |f| {
                f.store = Err("the disk is full".to_owned());
            }),
            (Component::Disk, Degraded, "short", |f| {
                f.free_disk_mb = Some(1_000)
            }),
            (Component::Disk, Critical, "short", |f| {
                f.free_disk_mb = Some(100)
            }),
            (Component::Connectivity, Degraded, "tmux", |f| {
                f.backends.push(BackendHealth {
                    backend: "tmux",
                    latency_ms: None,
                    error: Some("gone".to_owned()),
                    sessions: 0,
                });
            }),
        ];
        for (component, status, kind, wrong) in cases {
            let mut facts = well();
            wrong(&mut facts);
            let report = assessed(&facts);
            let kinds: Vec<&str> = report.issues.iter().map(|issue| issue.kind).collect();
            assert_eq!(kinds, [kind]);
            assert_eq!(report.component(component), status, "{kind}");
            assert_eq!(report.status, status, "{kind}");
        }
    }

    #[test]
    fn all_sessions_together_are_held_against_the_machine() {
        let mut facts = well();
        facts.sessions[0].usage.memory_mb = 8_193.0;
        facts.sessions[0].usage.cpu_percent = cores() as f64 * 95.0;
        let report = assessed(&facts);
        assert_eq!(report.status, HealthStatus::Critical);
        let kinds: Vec<&str> = report.issues.iter().map(|issue| issue.kind).collect();
        for kind in ["total-cpu", "total-memory"] {
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
    }
}
