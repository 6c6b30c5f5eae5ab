//! Being told when other policies are in charge.

use tokio::sync::watch;

use crate::PolicyStatus;
use crate::serving::slots::Published;

/// Follows what a [`PolicyHost`](crate::PolicyHost) publishes.
pub struct PolicyChanges {
    published: watch::Receiver<Published>,
}

impl PolicyChanges {
    /// Begins with what is there already.
    pub(crate) fn new(mut published: watch::Receiver<Published>) -> Self {
        published.mark_changed();
        Self { published }
    }

    /// Waits until something was published that was not seen here yet, and says
    /// how the policies stand. `None` when the host has stopped.
    pub async fn next(&mut self) -> Option<Vec<PolicyStatus>> {
        loop {
            self.published.changed().await.ok()?;
            let catalogue = {
                let published = self.published.borrow_and_update();
                published.ready.then(|| published.catalogue.clone())
            };
            if let Some(catalogue) = catalogue {
                return Some(catalogue.status());
            }
        }
    }
}
