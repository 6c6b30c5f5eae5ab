//! The tasks that were handed in together, as a list of things to do. Each of its tasks is
//! told by `task.update`; the list is told now and then, and never faster than people read.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::kept::KeptTask;
use super::telling::title;
use crate::clock::rfc3339_of_ms;
use crate::events::{Todo, TodoStats, TodoStatus, TodoUpdate};
use crate::tasks::task::TaskState;

/// One list is not told again sooner than this.
const BETWEEN: Duration = Duration::from_secs(1);

/// Entries that are told of one list; its statistics count all.
const MOST_TOLD: usize = 100;

/// The lists of submissions that have not ended.
#[derive(Debug, Default)]
pub(super) struct TodoLists {
    lists: BTreeMap<u64, TodoList>,
}

#[derive(Debug, Default)]
struct TodoList {
    /// By the tasks' numbers.
    todos: BTreeMap<u64, Todo>,
    changed: bool,
    told_at: Option<Instant>,
}

impl TodoLists {
    /// A task is on the list of its submission.
    pub(super) fn add(&mut self, task: &KeptTask) {
        let todo = Todo {
            id: task.spec.id.to_string(),
            content: title(&task.spec),
            status: status_of(task.state).unwrap_or(TodoStatus::Pending),
            priority: Some(super::telling::priority(&task.spec).to_owned()),
            created_at: Some(rfc3339_of_ms(task.submitted_ms)),
        };
        let list = self.lists.entry(task.submission).or_default();
        list.todos.insert(task.number, todo);
        list.changed = true;
    }

    /// A task is in another state. One that has failed or was cancelled is nothing to do
    /// any more.
    pub(super) fn change(&mut self, submission: u64, number: u64, state: TaskState) {
        let Some(list) = self.lists.get_mut(&submission) else {
            return;
        };
        match (list.todos.get_mut(&number), status_of(state)) {
            (Some(todo), Some(status)) => {
                list.changed |= todo.status != status;
                todo.status = status;
            }
            (Some(_), None) => {
                list.todos.remove(&number);
                list.changed = true;
            }
            (None, _) => {}
        }
    }

    /// When the next list is to be told.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let due = self.lists.values().filter(|list| list.changed);
        due.map(|list| list.told_at.map_or_else(Instant::now, |at| at + BETWEEN))
            .min()
    }

    /// The lists that are to be told now. One with nothing left to do is told for the last
    /// time.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<TodoUpdate> {
        let mut told = Vec::new();
        self.lists.retain(|_, list| {
            let waits = list.told_at.is_some_and(|at| at + BETWEEN > now);
            if !list.changed || waits {
                return true;
            }
            (list.changed, list.told_at) = (false, Some(now));
            let update = list.update();
            let goes_on = update.stats.completed < update.stats.total;
            told.push(update);
            goes_on
        });
        told
    }
}

impl TodoList {
    fn update(&self) -> TodoUpdate {
        let count = |status| (self.todos.values().filter(|it| it.status == status)).count();
        let stats = TodoStats {
            total: self.todos.len(),
            completed: count(TodoStatus::Completed),
            in_progress: count(TodoStatus::InProgress),
            pending: count(TodoStatus::Pending),
        };
        let mut todos: Vec<&Todo> = self.todos.values().collect();
        if todos.len() > MOST_TOLD {
            todos.sort_by_key(|todo| match todo.status {
                TodoStatus::InProgress => 0,
                TodoStatus::Pending => 1,
                TodoStatus::Completed => 2,
            });
            todos.truncate(MOST_TOLD);
        }
        TodoUpdate {
            todos: todos.into_iter().cloned().collect(),
            stats,
        }
    }
}

fn status_of(state: TaskState) -> Option<TodoStatus> {
    match state {
        TaskState::Queued => Some(TodoStatus::Pending),
        TaskState::Running => Some(TodoStatus::InProgress),
        TaskState::Completed => Some(TodoStatus::Completed),
        TaskState::Failed | TaskState::Cancelled => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::{NewTask, TaskId, Work};

    fn task(number: u64) -> KeptTask {
        let id = TaskId::try_from(format!("t{number}")).expect("an id");
        let work = Work::Analysis {
            prompt: "look at this\nand that".to_owned(),
        };
        KeptTask {
            number,
            submission: 1,
            spec: NewTask::new(id, work),
            needs: Vec::new(),
            state: TaskState::Queued,
            attempts: 0,
            lost: 0,
            notes: Vec::new(),
            session_id: None,
            submitted_ms: 0,
            sending: 0,
        }
    }

    fn counts(update: &TodoUpdate) -> [usize; 4] {
        let stats = update.stats;
        [
            stats.total,
            stats.completed,
            stats.in_progress,
            stats.pending,
        ]
    }

    #[tokio::test]
    async fn a_list_is_told_at_once_and_then_now_and_then_until_nothing_is_left() {
        let mut lists = TodoLists::default();
        for number in [1, 2, 3] {
            lists.add(&task(number));
        }
        let start = Instant::now();
        let told = lists.take_due(start);
        assert_eq!(counts(&told[0]), [3, 0, 0, 3]);
        assert_eq!(told[0].todos[0].content, "look at this");
        lists.change(1, 1, TaskState::Running);
        lists.change(1, 2, TaskState::Failed);
        assert!(lists.take_due(start).is_empty(), "not yet");
        assert_eq!(lists.due_at(), Some(start + BETWEEN));
        let told = lists.take_due(start + BETWEEN);
        assert_eq!(counts(&told[0]), [2, 0, 1, 1], "the failed one is gone");
        assert_eq!(lists.due_at(), None);
        lists.change(1, 1, TaskState::Completed);
        lists.change(1, 3, TaskState::Completed);
        let told = lists.take_due(start + 3 * BETWEEN);
        assert_eq!(counts(&told[0]), [2, 2, 0, 0]);
        assert!(lists.lists.is_empty());
    }

    #[tokio::test]
    async fn of_a_long_list_what_is_to_be_done_is_told() {
        let mut lists = TodoLists::default();
        for number in 0..150 {
            lists.add(&task(number));
            if number < 50 {
                lists.change(1, number, TaskState::Completed);
            }
        }
        let told = lists.take_due(Instant::now());
        assert_eq!(
            (counts(&told[0]), told[0].todos.len()),
            ([150, 50, 0, 100], 100)
        );
        let pending = |todo: &Todo| todo.status == TodoStatus::Pending;
        assert!(told[0].todos.iter().all(pending));
    }
}
