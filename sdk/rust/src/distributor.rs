//! Strategies for handing out tasks: kind `distributor`.

use serde::de::DeserializeOwned;

pub use crate::bindings::distributor::exports::quarterdeck::policy::distribute::{
    Assignment, Batch, Plan, Priority, Task, Waiting, Worker,
};

/// Decides which worker runs which task.
///
/// A strategy keeps nothing in memory: what it needs next time (whose turn it
/// is, say) it puts into [`Plan::state`] and finds in [`Batch::state`].
pub trait Distributor: Sized + Send + Sync + 'static {
    /// What the sidecar's `[config]` holds; [`NoConfig`](crate::NoConfig) for
    /// nothing.
    type Config: DeserializeOwned;

    /// Called once, on loading.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, in a sentence for the person who
    /// wrote the sidecar. The policy is then not loaded.
    fn configure(config: Self::Config) -> Result<Self, String>;

    /// Assigns each task of the batch or says why it waits. The host refuses a
    /// plan that leaves a task out, names it twice, names a worker that was not
    /// offered, or goes past the limit.
    fn distribute(&self, batch: &Batch) -> Plan;
}

impl Plan {
    /// Nothing decided yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            assignments: Vec::new(),
            waits: Vec::new(),
            state: Vec::new(),
        }
    }

    /// Has `worker` run `task`.
    pub fn assign(&mut self, task: &Task, worker: &Worker) {
        self.assignments.push(Assignment {
            task_id: task.id.clone(),
            session_id: worker.session_id.clone(),
        });
    }

    /// Leaves `task` for a later batch, and says why.
    pub fn wait(&mut self, task: &Task, reason: impl Into<String>) {
        self.waits.push(Waiting {
            task_id: task.id.clone(),
            reason: reason.into(),
        });
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// How many more tasks may run at once, over all workers.
    #[must_use]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.running) as usize
    }

    /// A batch for tests: these tasks and workers, the first batch ever, a limit
    /// that is out of the way, nothing running.
    #[must_use]
    pub fn for_test(tasks: Vec<Task>, workers: Vec<Worker>) -> Self {
        Self {
            tasks,
            workers,
            limit: u32::MAX,
            running: 0,
            state: Vec::new(),
            time_ms: 0,
        }
    }
}

impl Task {
    /// Whether everything that it depends on has completed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.open_dependencies.is_empty()
    }

    /// A task for tests: a command of medium priority that depends on nothing.
    #[must_use]
    pub fn for_test(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: "command".to_owned(),
            priority: Priority::Medium,
            dependencies: Vec::new(),
            open_dependencies: Vec::new(),
            waiting_ms: 0,
            estimate_ms: None,
            tags: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

impl Worker {
    /// How many more tasks it can take.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity.saturating_sub(self.running) as usize
    }

    /// An idle worker for tests.
    #[must_use]
    pub fn for_test(session_id: &str, capacity: u32) -> Self {
        Self {
            session_id: session_id.to_owned(),
            running: 0,
            capacity,
            load: 0.0,
            tags: Vec::new(),
            attributes: Vec::new(),
        }
    }
}
