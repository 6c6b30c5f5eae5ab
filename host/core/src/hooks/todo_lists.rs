//! Lists of things to do that an agent changes entry by entry, as Claude Code's Task tools do.

use std::collections::VecDeque;

use super::{Todo, TodoChange};

/// Lists that are known at once; of more than these, the oldest are forgotten.
const MOST_LISTS: usize = 256;
/// Entries of one list.
const MOST_ENTRIES: usize = 500;

/// The list of each agent's session. Behind one lock in the host, held for one change.
#[derive(Debug, Default)]
pub(crate) struct TodoLists {
    lists: VecDeque<(String, Vec<Todo>)>,
}

impl TodoLists {
    /// Changes one entry. The whole list as it is now; `None` where that is as it was, for
    /// one change is told by more than one hook.
    pub(crate) fn change(&mut self, session: &str, change: TodoChange) -> Option<Vec<Todo>> {
        let list = self.of(session);
        let known = list.iter().position(|todo| todo.id == change.id);
        if change.status.as_deref() == Some("deleted") {
            list.remove(known?);
            return Some(list.clone());
        }
        let at = match known {
            Some(at) => at,
            None if list.len() == MOST_ENTRIES => return None,
            None => {
                list.push(Todo {
                    content: format!("task {}", change.id),
                    id: change.id,
                    status: String::new(),
                    priority: None,
                });
                list.len() - 1
            }
        };
        let before = list[at].clone();
        let todo = &mut list[at];
        if let Some(content) = change.content {
            todo.content = content;
        }
        if let Some(status) = change.status {
            todo.status = status;
        } else if known.is_none() {
            "pending".clone_into(&mut todo.status);
        }
        (*todo != before).then(|| list.clone())
    }

    /// A session is over, and with it its list.
    pub(crate) fn forget(&mut self, session: &str) {
        self.lists.retain(|(of, _)| of != session);
    }

    fn of(&mut self, session: &str) -> &mut Vec<Todo> {
        let at = match self.lists.iter().position(|(of, _)| of == session) {
            Some(at) => at,
            None => {
                if self.lists.len() == MOST_LISTS {
                    self.lists.pop_front();
                }
                self.lists.push_back((session.to_owned(), Vec::new()));
                self.lists.len() - 1
            }
        };
        &mut self.lists[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str, content: Option<&str>, status: Option<&str>) -> TodoChange {
        TodoChange {
            id: id.to_owned(),
            content: content.map(str::to_owned),
            status: status.map(str::to_owned),
        }
    }

    fn shown(list: Option<Vec<Todo>>) -> Vec<(String, String)> {
        let list = list.unwrap_or_default();
        (list.into_iter().map(|todo| (todo.content, todo.status))).collect()
    }

    #[test]
    fn a_list_is_told_whole_after_each_change_and_once() {
        let mut lists = TodoLists::default();
        let pair = |content: &str, status: &str| (content.to_owned(), status.to_owned());
        let first = lists.change("s", change("1", Some("read"), None));
        assert_eq!(shown(first), [pair("read", "pending")]);
        let again = lists.change("s", change("1", Some("read"), None));
        assert_eq!(again, None, "told by another hook, too");
        lists.change("s", change("2", Some("write"), None));
        let begun = lists.change("s", change("1", None, Some("in_progress")));
        let both = [pair("read", "in_progress"), pair("write", "pending")];
        assert_eq!(shown(begun), both);
        let late = lists.change("s", change("1", Some("read"), None));
        assert_eq!(late, None, "what is late takes no status back");
        let other = lists.change("t", change("7", None, Some("completed")));
        assert_eq!(shown(other), [pair("task 7", "completed")], "begun unheard");
        let deleted = lists.change("s", change("1", None, Some("deleted")));
        assert_eq!(shown(deleted), [pair("write", "pending")]);
        assert_eq!(lists.change("s", change("1", None, Some("deleted"))), None);
        lists.forget("s");
        assert_eq!(
            shown(lists.change("s", change("3", Some("x"), None))).len(),
            1
        );
    }
}
