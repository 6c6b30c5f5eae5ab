//! A plan under way.

use std::collections::HashSet;
use std::fmt;

use crate::{Assignment, Batch, Plan, Task, Waiting};

/// Decides which worker takes the next task.
pub trait Choose {
    /// Gives the index of a worker of the batch that has a slot left and may
    /// run the task, and counts that slot as taken.
    ///
    /// # Errors
    ///
    /// Says why no worker can.
    fn choose(&mut self, task: &Task) -> Result<usize, Why>;
}

/// Why a task waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// These dependencies have not completed.
    Dependencies(Vec<String>),
    /// These are neither in the batch nor, since nothing runs, under way.
    Missing(Vec<String>),
    /// It waits for itself; the tasks of the circle, the first one again at the
    /// end.
    Circle(Vec<String>),
    /// What it waits for can never run, because of that circle.
    BehindCircle(Vec<String>),
    /// As many tasks run as may at once.
    Limit(u32),
    /// The batch offers no worker.
    NoWorkers,
    /// Every worker runs as many tasks as it can.
    AllFull,
    /// No worker that carries the task's tags has a slot left.
    NoneWithTags,
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dependencies(ids) => write!(out, "waits for {}", listed(ids, ", ")),
            Self::Missing(ids) => write!(
                out,
                "waits for {}, which nobody runs and this batch does not hold",
                listed(ids, ", ")
            ),
            Self::Circle(ids) => write!(out, "waits for itself: {}", listed(ids, " → ")),
            Self::BehindCircle(ids) => write!(
                out,
                "waits for tasks that wait for each other: {}",
                listed(ids, " → ")
            ),
            Self::Limit(limit) => write!(out, "{limit} tasks may run at once, and do"),
            Self::NoWorkers => out.write_str("there is no worker"),
            Self::AllFull => out.write_str("every worker is full"),
            Self::NoneWithTags => out.write_str("no worker with its tags has room"),
        }
    }
}

/// The ids, or the first of them: a reason is read by people.
fn listed(ids: &[String], between: &str) -> String {
    const SHOWN: usize = 8;

    let mut text = ids[..ids.len().min(SHOWN)].join(between);
    if ids.len() > SHOWN {
        text.push_str(&format!(" and {} more", ids.len() - SHOWN));
    }
    text
}

/// Builds a plan for one batch, and sees to it that the plan is a true one:
/// every id once, nothing past the limit.
#[derive(Debug)]
pub struct Planner<'batch> {
    batch: &'batch Batch,
    /// How many tasks may still be started.
    slots: u32,
    /// Indices of tasks that may start, in order of submission.
    startable: Vec<usize>,
    assignments: Vec<Assignment>,
    waits: Vec<Waiting>,
}

impl<'batch> Planner<'batch> {
    /// Looks which tasks may start; the others wait for their dependencies.
    #[must_use]
    pub fn new(batch: &'batch Batch) -> Self {
        Self::explaining(batch, |task| {
            Why::Dependencies(task.open_dependencies.clone())
        })
    }

    /// As [`Planner::new`], with a better reason for those that cannot start.
    pub fn explaining(batch: &'batch Batch, explain: impl Fn(&Task) -> Why) -> Self {
        let mut planner = Self {
            batch,
            slots: batch.limit.saturating_sub(batch.running),
            startable: Vec::with_capacity(batch.tasks.len()),
            assignments: Vec::new(),
            waits: Vec::new(),
        };
        let mut seen = HashSet::with_capacity(batch.tasks.len());
        for (index, task) in batch.tasks.iter().enumerate() {
            if !seen.insert(task.id.as_str()) {
                continue;
            }
            if task.open_dependencies.is_empty() {
                planner.startable.push(index);
            } else {
                planner.wait(task, &explain(task));
            }
        }
        planner
    }

    /// Indices of the tasks that may start, in order of submission.
    #[must_use]
    pub fn startable(&self) -> &[usize] {
        &self.startable
    }

    /// Assigns the tasks that may start, in the order given by `rank` (lowest
    /// first, ties in order of submission), until slots or workers run out.
    #[must_use]
    pub fn fill<K: Ord>(
        mut self,
        rank: impl Fn(usize, &Task) -> K,
        workers: &mut impl Choose,
    ) -> Self {
        let mut order = std::mem::take(&mut self.startable);
        order.sort_by_cached_key(|&index| rank(index, &self.batch.tasks[index]));
        for index in order {
            let task = &self.batch.tasks[index];
            if self.slots == 0 {
                self.wait(task, &Why::Limit(self.batch.limit));
                continue;
            }
            match workers.choose(task) {
                Ok(worker) => {
                    self.slots -= 1;
                    self.assignments.push(Assignment {
                        task_id: task.id.clone(),
                        session_id: self.batch.workers[worker].session_id.clone(),
                    });
                }
                Err(why) => self.wait(task, &why),
            }
        }
        self
    }

    /// The plan, with the state to be handed in next time.
    #[must_use]
    pub fn finish(self, state: Vec<u8>) -> Plan {
        Plan {
            assignments: self.assignments,
            waits: self.waits,
            state,
        }
    }

    fn wait(&mut self, task: &Task, why: &Why) {
        self.waits.push(Waiting {
            task_id: task.id.clone(),
            reason: why.to_string(),
        });
    }
}

/// A plan in which nothing runs, for that reason.
pub(crate) fn all_wait(batch: &Batch, reason: &str) -> Plan {
    let mut seen = HashSet::new();
    Plan {
        assignments: Vec::new(),
        waits: batch
            .tasks
            .iter()
            .filter(|task| seen.insert(task.id.as_str()))
            .map(|task| Waiting {
                task_id: task.id.clone(),
                reason: reason.to_owned(),
            })
            .collect(),
        state: batch.state.clone(),
    }
}
