//! Writing what must be written, however long that takes.

use std::time::Duration;

use crate::host::Host;
use crate::store::StoreError;

/// What the store did not take is brought to it again after so long.
pub(super) const KEPT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Writes until it is written: a task has not ended before that is kept.
pub(super) async fn until_kept(
    host: &Host,
    work: impl Fn(&rusqlite::Transaction<'_>) -> rusqlite::Result<()> + Clone + Send + 'static,
) {
    loop {
        let work = work.clone();
        match host.store.write(work).await {
            Ok(()) | Err(StoreError::Closed { .. }) => return,
            Err(error) => {
                tracing::warn!(%error, "what became of a task cannot be kept yet");
                tokio::time::sleep(KEPT_AGAIN_AFTER).await;
            }
        }
    }
}
