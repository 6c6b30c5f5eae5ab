//! Which workers have room, and for what.

use std::collections::HashSet;

use crate::{Settings, Task, Worker};

/// The slots that the workers of a batch have left.
#[derive(Debug)]
pub struct Room<'batch> {
    workers: &'batch [Worker],
    settings: Settings,
    slots: Vec<u32>,
}

impl<'batch> Room<'batch> {
    /// What the workers' capacity leaves; of two with the same id, the second
    /// has no room.
    #[must_use]
    pub fn new(workers: &'batch [Worker], settings: Settings) -> Self {
        let mut seen = HashSet::with_capacity(workers.len());
        let slots = workers
            .iter()
            .map(|worker| {
                if seen.insert(worker.session_id.as_str()) {
                    worker.capacity.saturating_sub(worker.running)
                } else {
                    0
                }
            })
            .collect();
        Self {
            workers,
            settings,
            slots,
        }
    }

    /// How many more tasks the worker at this index takes.
    #[must_use]
    pub fn slots(&self, index: usize) -> u32 {
        self.slots[index]
    }

    /// Takes one slot of the worker at this index; gives how many are left.
    pub fn take(&mut self, index: usize) -> u32 {
        self.slots[index] = self.slots[index].saturating_sub(1);
        self.slots[index]
    }

    /// Whether the worker at this index may run the task, as far as tags go.
    #[must_use]
    pub fn suits(&self, index: usize, task: &Task) -> bool {
        !self.settings.match_tags
            || task
                .tags
                .iter()
                .all(|tag| self.workers[index].tags.contains(tag))
    }
}
