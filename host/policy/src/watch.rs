//! Hears of changes in the plugins folder.
//!
//! What was touched is gathered in a set instead of queued, so a storm of
//! events costs no more than the names it is about.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::folder::{Folder, MAX_NAMES};

/// What was touched since it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) names: BTreeSet<String>,
    /// Events were lost, or the folder itself changed: everything has to be
    /// looked at.
    pub(crate) anything: bool,
}

/// Gathers what was touched. Filled by the watcher's thread, emptied by the
/// reloader.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    touched: Mutex<Touched>,
    news: Notify,
}

impl Touches {
    /// Waits until something was touched and takes all of it.
    pub(crate) async fn next(&self) -> Touched {
        self.news.notified().await;
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self, event: notify::Result<Event>) {
        let mut touched = self.lock();
        match event {
            Ok(event) if event.need_rescan() => touched.anything = true,
            Ok(event) if is_change(&event.kind) => {
                for name in event.paths.iter().filter_map(|path| Folder::name_of(path)) {
                    if touched.names.len() < MAX_NAMES {
                        touched.names.insert(name.to_owned());
                    } else {
                        touched.anything = true;
                    }
                }
                if touched.names.is_empty() && !touched.anything {
                    return;
                }
            }
            Ok(_) => return,
            Err(error) => {
                tracing::warn!("the watch on the plugins folder: {error}");
                touched.anything = true;
            }
        }
        drop(touched);
        self.news.notify_one();
    }
}

/// Reading is no change, and this host reads.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// Watches `folder` until the returned watcher is dropped.
pub(crate) fn watch(folder: &Path, touches: &Arc<Touches>) -> notify::Result<RecommendedWatcher> {
    let touches = Arc::clone(touches);
    let mut watcher = notify::recommended_watcher(move |event| touches.heard(event))?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
