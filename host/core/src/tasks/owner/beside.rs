//! What runs beside the queue, and always comes back to it.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

/// Tasks of the runtime. Of one that panics, what was said of it before comes back.
#[derive(Debug)]
pub(super) struct Beside<T> {
    running: JoinSet<T>,
    if_it_fails: HashMap<Id, T>,
}

impl<T: Send + 'static> Beside<T> {
    pub(super) fn new() -> Self {
        Self {
            running: JoinSet::new(),
            if_it_fails: HashMap::new(),
        }
    }

    /// Begins something; `if_it_fails` comes back in the place of what it cannot return.
    pub(super) fn spawn(&mut self, if_it_fails: T, runs: impl Future<Output = T> + Send + 'static) {
        let id = self.running.spawn(runs).id();
        self.if_it_fails.insert(id, if_it_fails);
    }

    /// The next that comes back; `None` where nothing runs.
    pub(super) async fn next(&mut self) -> Option<T> {
        loop {
            let ended = self.running.join_next_with_id().await?;
            if let Some(back) = self.back(ended) {
                return Some(back);
            }
        }
    }

    /// As [`next`](Self::next), of what has ended already.
    pub(super) fn ended(&mut self) -> Option<T> {
        loop {
            let ended = self.running.try_join_next_with_id()?;
            if let Some(back) = self.back(ended) {
                return Some(back);
            }
        }
    }

    /// Ends all that runs.
    pub(super) async fn shutdown(&mut self) {
        self.running.shutdown().await;
        self.if_it_fails.clear();
    }

    fn back(&mut self, ended: Result<(Id, T), JoinError>) -> Option<T> {
        match ended {
            Ok((id, back)) => {
                self.if_it_fails.remove(&id);
                Some(back)
            }
            Err(error) => {
                tracing::error!(%error, "something beside the queue has failed");
                self.if_it_fails.remove(&error.id())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_panics_comes_back_too() {
        let mut beside = Beside::new();
        beside.spawn("lost", async { panic!("as an attempt might") });
        assert_eq!(beside.next().await, Some("lost"));
        beside.spawn("lost", async { "done" });
        assert_eq!(beside.next().await, Some("done"));
        assert_eq!((beside.next().await, beside.ended()), (None, None));
        assert!(beside.if_it_fails.is_empty());
    }
}
