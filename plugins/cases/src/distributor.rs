//! Cases of distributors.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Policy;
use crate::file::listed_difference;

/// Batches planned one after the other, the state handed on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistributorCase {
    batch: Vec<Asked>,
}

/// A batch and what is to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default = "no_limit")]
    limit: u32,
    #[serde(default)]
    running: u32,
    #[serde(default)]
    tasks: Vec<Task>,
    #[serde(default)]
    workers: Vec<Worker>,
    /// `task → session`, in the order of the plan.
    #[serde(default)]
    assign: Vec<String>,
    /// For each task that waits, a part of the reason.
    #[serde(default)]
    wait: BTreeMap<String, String>,
}

fn command() -> String {
    "command".to_owned()
}

fn no_limit() -> u32 {
    u32::MAX
}

/// As in `wit/distributor.wit`.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Batch {
    pub tasks: Vec<Task>,
    pub workers: Vec<Worker>,
    pub limit: u32,
    pub running: u32,
    pub state: Vec<u8>,
}

/// As in `wit/distributor.wit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Task {
    pub id: String,
    #[serde(default = "command")]
    pub kind: String,
    #[serde(default)]
    pub priority: Priority,
    /// All of these are open.
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default)]
    pub waiting_ms: u64,
    pub estimate_ms: Option<u64>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// As in `wit/distributor.wit`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub enum Priority {
    Low,
    #[default]
    Medium,
    High,
}

/// As in `wit/distributor.wit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Worker {
    pub id: String,
    #[serde(default = "one")]
    pub capacity: u32,
    #[serde(default)]
    pub running: u32,
    #[serde(default)]
    pub load: f64,
    #[serde(default)]
    pub tags: Vec<String>,
}

fn one() -> u32 {
    1
}

/// As in `wit/distributor.wit`.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Plan {
    pub assignments: Vec<Assignment>,
    pub waits: Vec<Waiting>,
    pub state: Vec<u8>,
}

/// A task and the session that is to run it.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Assignment {
    pub task_id: String,
    pub session_id: String,
}

/// A task that is not to run yet, and why.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "documented in the interface")]
pub struct Waiting {
    pub task_id: String,
    pub reason: String,
}

impl DistributorCase {
    pub(crate) fn check(&self, policy: &mut impl Policy) -> Result<(), String> {
        let mut state = Vec::new();
        for (number, asked) in self.batch.iter().enumerate() {
            let plan = policy.distribute(&Batch {
                tasks: asked.tasks.clone(),
                workers: asked.workers.clone(),
                limit: asked.limit,
                running: asked.running,
                state,
            });
            let plan = plan.map_err(|reason| format!("  + {reason}"))?;
            let place = |difference| match &*self.batch {
                [_] => difference,
                _ => format!("  in batch {}:\n{difference}", number + 1),
            };
            asked.compare(&plan).map_err(place)?;
            state = plan.state;
        }
        Ok(())
    }
}

impl Asked {
    fn compare(&self, plan: &Plan) -> Result<(), String> {
        let assigned: Vec<String> = plan
            .assignments
            .iter()
            .map(|one| format!("{} → {}", one.task_id, one.session_id))
            .collect();
        if assigned != self.assign {
            return Err(listed_difference(&self.assign, &assigned));
        }
        let waits: BTreeMap<&str, &str> = plan
            .waits
            .iter()
            .map(|one| (one.task_id.as_str(), one.reason.as_str()))
            .collect();
        let as_expected = waits.len() == self.wait.len()
            && self.wait.iter().all(|(task, part)| {
                waits
                    .get(task.as_str())
                    .is_some_and(|reason| reason.contains(part.as_str()))
            });
        if as_expected {
            Ok(())
        } else {
            Err(self.waiting_difference(&waits))
        }
    }

    /// Only the tasks that wait for something else than expected.
    fn waiting_difference(&self, waits: &BTreeMap<&str, &str>) -> String {
        let mut lines = Vec::new();
        for (task, part) in &self.wait {
            let reason = waits.get(task.as_str());
            if reason.is_none_or(|reason| !reason.contains(part.as_str())) {
                lines.push(format!("  - {task} waits: …{part}…"));
                lines.extend(reason.map(|reason| format!("  + {task} waits: {reason}")));
            }
        }
        for (task, reason) in waits {
            if !self.wait.contains_key(*task) {
                lines.push(format!("  + {task} waits: {reason}"));
            }
        }
        lines.join("\n")
    }
}
