//! What a distributor is asked and what it answers: plain mirrors of the WIT
//! records. Their JSON and TOML forms use the names of the WIT.

use serde::{Deserialize, Serialize};

/// Tasks that want to run, and workers that could run them. Mirrors `batch` of
/// `quarterdeck:policy/distribute`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Batch {
    /// Tasks not yet assigned, in order of submission; no two of one id.
    pub tasks: Vec<TaskFacts>,
    /// The sessions that can run them; no two of one id.
    pub workers: Vec<WorkerFacts>,
    /// How many tasks may run at once over all workers, running ones included.
    pub limit: u32,
    /// How many run now.
    pub running: u32,
    /// The state of the former plan; empty at first. It outlives the component:
    /// a new version is handed what the one before it left.
    pub state: Vec<u8>,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// A task that is not assigned yet. Mirrors `task` of
/// `quarterdeck:policy/distribute`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct TaskFacts {
    /// Tells it apart from every other task.
    pub id: String,
    /// `command`, `script` or `analysis`.
    pub kind: String,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// Ids of tasks that must have completed before.
    pub dependencies: Vec<String>,
    /// Of those, the ones that have not completed yet. While there is one, the
    /// task has to wait.
    pub open_dependencies: Vec<String>,
    /// How long it has been ready, in milliseconds.
    pub waiting_ms: u64,
    /// Estimate from past runs, in milliseconds.
    pub estimate_ms: Option<u64>,
    /// Labels that people and agents put on it.
    pub tags: Vec<String>,
    /// Named facts that this version of the interface has no field for.
    pub attributes: Vec<(String, String)>,
}

/// How urgent a task is. Ordered: a greater one is more urgent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TaskPriority {
    /// Whenever there is room.
    Low,
    /// In its turn.
    #[default]
    Medium,
    /// Before others.
    High,
}

/// A session that can run tasks. Mirrors `worker` of
/// `quarterdeck:policy/distribute`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct WorkerFacts {
    /// The session's id.
    pub session_id: String,
    /// Tasks running there now.
    pub running: u32,
    /// How many may run there at once.
    pub capacity: u32,
    /// Load between 0 (idle) and 1 (saturated).
    pub load: f64,
    /// Labels that people and agents put on the session.
    pub tags: Vec<String>,
    /// Named facts that this version of the interface has no field for.
    pub attributes: Vec<(String, String)>,
}

/// What becomes of a batch: every task of it is in `assignments` or in `waits`,
/// once. Mirrors `plan` of `quarterdeck:policy/distribute`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Plan {
    /// Which task runs where.
    pub assignments: Vec<Assignment>,
    /// Which task does not run yet, and why.
    pub waits: Vec<Waiting>,
    /// To be handed in with the next batch. At most [`Plan::MAX_STATE`] bytes.
    pub state: Vec<u8>,
}

impl Plan {
    /// The largest state that is handed over, in bytes.
    pub const MAX_STATE: usize = 64 << 10;
}

/// One task and the worker that is to run it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Assignment {
    /// The task.
    pub task_id: String,
    /// The worker's session.
    pub session_id: String,
}

/// One task that does not run yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Waiting {
    /// The task.
    pub task_id: String,
    /// What it waits for, in a sentence.
    pub reason: String,
}
