//! Lists of things to do.

use schemars::JsonSchema;
use serde::Serialize;

/// `todo.update`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TodoUpdate {
    /// The whole list; of more than 100 tasks, those first that are to be done.
    pub todos: Vec<Todo>,
    /// How many there are of each status.
    pub stats: TodoStats,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Todo {
    /// Its id in the list.
    pub id: String,
    /// What is to be done.
    pub content: String,
    /// How far it is.
    pub status: TodoStatus,
    /// As the agent put it: `high`, `medium` or `low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// RFC 3339, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// How far one thing to do is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TodoStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
}

/// How many things to do there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TodoStats {
    /// All of them.
    pub total: usize,
    /// Those that are done.
    pub completed: usize,
    /// Those that are begun.
    pub in_progress: usize,
    /// Those that are not begun.
    pub pending: usize,
}

impl TodoUpdate {
    /// A list with its statistics.
    pub fn of(todos: Vec<Todo>) -> Self {
        let count = |status| todos.iter().filter(|todo| todo.status == status).count();
        let stats = TodoStats {
            total: todos.len(),
            completed: count(TodoStatus::Completed),
            in_progress: count(TodoStatus::InProgress),
            pending: count(TodoStatus::Pending),
        };
        Self { todos, stats }
    }
}
