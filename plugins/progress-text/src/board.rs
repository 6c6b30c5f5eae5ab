//! What is under way.

use crate::{Status, Update};

/// How many items a board holds. Of more, finished ones make room.
pub const BOARD_ITEMS: usize = 256;

/// How many characters of a label are kept.
const LABEL_CHARS: usize = 80;

/// The items under way, in order of appearance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    items: Vec<Item>,
}

/// One thing under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Tells it apart; empty for the whole.
    pub name: String,
    /// What is going on, in a few words.
    pub label: String,
    /// How it stands.
    pub status: Status,
    /// How much is done, in whatever unit `total` has.
    pub completed: Option<u64>,
    /// How much there is to do.
    pub total: Option<u64>,
    /// Between 0 and 100.
    pub percent: Option<f64>,
}

impl Board {
    /// The item of that name, new and running if there was none.
    pub fn item(&mut self, name: &str) -> &mut Item {
        let index = match self.items.iter().position(|item| item.name == name) {
            Some(index) => index,
            None => self.make_room(Item::new(name)),
        };
        &mut self.items[index]
    }

    /// The item for the whole.
    pub fn whole(&mut self) -> &mut Item {
        self.item("")
    }

    /// All items, in order of appearance.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The program ended. An end without exit status claims nothing.
    pub(crate) fn end(&mut self, exit_status: Option<i32>) {
        let Some(exit_status) = exit_status else {
            return;
        };
        for item in &mut self.items {
            if matches!(item.status, Status::Running | Status::Waiting) {
                if exit_status == 0 {
                    item.finish();
                } else {
                    item.status = Status::Failed;
                }
            }
        }
    }

    fn make_room(&mut self, item: Item) -> usize {
        if self.items.len() < BOARD_ITEMS {
            self.items.push(item);
            return self.items.len() - 1;
        }
        let finished = |item: &Item| !item.name.is_empty() && item.status == Status::Completed;
        let index = self
            .items
            .iter()
            .position(finished)
            .unwrap_or(BOARD_ITEMS - 1);
        self.items[index] = item;
        index
    }
}

impl Item {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: String::new(),
            status: Status::Running,
            completed: None,
            total: None,
            percent: None,
        }
    }

    /// Says what is going on. An empty text changes nothing.
    pub fn label(&mut self, text: &str) -> &mut Self {
        let text = text.trim();
        let end = text
            .char_indices()
            .nth(LABEL_CHARS)
            .map_or(text.len(), |(end, _)| end);
        if end > 0 && self.label != text[..end] {
            self.label.clear();
            self.label.push_str(&text[..end]);
        }
        self
    }

    /// So many of so many are done, and it runs.
    pub fn counted(&mut self, completed: u64, total: u64) -> &mut Self {
        (self.completed, self.total) = (Some(completed), Some(total));
        #[allow(clippy::cast_precision_loss, reason = "a percentage is an estimate")]
        let percent = (total > 0).then(|| completed as f64 / total as f64 * 100.0);
        self.percent = percent.map(|percent| percent.min(100.0));
        self.status = Status::Running;
        self
    }

    /// So much of a hundred is done, and it runs.
    pub fn percent(&mut self, percent: f64) -> &mut Self {
        if percent.is_finite() {
            self.percent = Some(percent.clamp(0.0, 100.0));
        }
        self.status = Status::Running;
        self
    }

    /// How it stands.
    pub fn status(&mut self, status: Status) -> &mut Self {
        self.status = status;
        self
    }

    /// All of it is done.
    pub fn finish(&mut self) -> &mut Self {
        self.status = Status::Completed;
        self.percent = Some(100.0);
        if self.total.is_some() {
            self.completed = self.total;
        }
        self
    }

    /// Finished, if all of it is done.
    pub fn finish_if_full(&mut self) -> &mut Self {
        if self.percent.is_some_and(|percent| percent >= 100.0) {
            self.finish();
        }
        self
    }
}

impl From<&Item> for Update {
    fn from(item: &Item) -> Self {
        Self {
            item: item.name.clone(),
            label: item.label.clone(),
            status: item.status,
            completed: item.completed,
            total: item.total,
            percent: item.percent,
        }
    }
}
