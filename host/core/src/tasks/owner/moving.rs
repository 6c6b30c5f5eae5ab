//! What a session had to do becomes another one's: its running task comes back and
//! waits for the other, and so does what could only have been done there.

use std::sync::Arc;

use super::kept;
use super::queue::Queue;
use crate::tasks::TaskId;
use crate::tasks::call_off::CallOff;

/// A worker in the place of another.
#[derive(Clone, Debug)]
pub(crate) struct ChangeOfWorker {
    /// The id of the one that is left.
    pub(crate) from: String,
    /// Its name, by which tasks may know it.
    pub(crate) name: String,
    /// The id of the one that takes over.
    pub(crate) to: String,
}

impl ChangeOfWorker {
    /// The sessions that a submission names, with the new worker among them. `None`
    /// where the old one is not.
    fn renamed(&self, sessions: &[String]) -> Option<Vec<String>> {
        let concerns = |it: &String| *it == self.from || *it == self.name;
        if !sessions.iter().any(concerns) {
            return None;
        }
        // The name may be that of others, too: it stays.
        let others = sessions
            .iter()
            .filter(|it| **it != self.from && **it != self.to);
        Some(others.chain([&self.to]).cloned().collect())
    }
}

impl Queue {
    /// Has `to` do what `from` had to do. Returns the tasks that wait for it now.
    pub(super) async fn change_worker(&mut self, change: &ChangeOfWorker) -> Vec<TaskId> {
        let only_there = self.rename_worker(change).await;
        let mut moved = Vec::new();
        for (number, task) in &mut self.open {
            let moves = if task
                .begun()
                .is_some_and(|begun| begun.worker == change.from)
            {
                let to = change.to.clone();
                task.call_off(CallOff::Moved { to });
                task.spec.rerun && !task.is_cancelled()
            } else {
                let was_its = [task.last_session.as_ref(), self.prefers.get(number)]
                    .contains(&Some(&change.from));
                task.is_waiting() && (was_its || only_there.contains(&task.submission))
            };
            if !moves {
                continue;
            }
            self.prefers.insert(*number, change.to.clone());
            moved.push(task.spec.id.clone());
        }
        self.round_due = true;
        moved
    }

    /// Writes the new worker into the terms that name the old one. Returns the
    /// submissions that named no other.
    async fn rename_worker(&mut self, change: &ChangeOfWorker) -> Vec<u64> {
        let mut only_there = Vec::new();
        let mut renamed = Vec::new();
        for (number, terms) in &mut self.submissions {
            let Some(sessions) = change.renamed(&terms.workers.sessions) else {
                continue;
            };
            if sessions
                .iter()
                .all(|it| *it == change.to || *it == change.name)
            {
                only_there.push(*number);
            }
            Arc::make_mut(terms).workers.sessions = sessions;
            renamed.push((*number, Arc::clone(terms)));
        }
        if let Ok(host) = self.host()
            && !renamed.is_empty()
        {
            let write = host.store.write(move |kept| {
                renamed
                    .iter()
                    .try_for_each(|(number, terms)| kept::new_terms(kept, *number, terms))
            });
            if let Err(error) = write.await {
                tracing::warn!(%error, "a later host will look for tasks' old worker");
            }
        }
        only_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_renamed_where_it_was_named() {
        let change = ChangeOfWorker {
            from: "old00000".to_owned(),
            name: "worker".to_owned(),
            to: "new00000".to_owned(),
        };
        let renamed = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            change.renamed(&names).map(|names| names.join(" "))
        };
        assert_eq!(renamed(&[]), None);
        assert_eq!(renamed(&["other"]), None);
        assert_eq!(renamed(&["old00000"]).as_deref(), Some("new00000"));
        assert_eq!(
            renamed(&["worker", "other"]).as_deref(),
            Some("worker other new00000")
        );
        assert_eq!(
            renamed(&["new00000", "old00000"]).as_deref(),
            Some("new00000")
        );
    }
}
