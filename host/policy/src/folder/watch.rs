//! Hears of changes in the plugins folder.
//!
//! What was touched is gathered in a set instead of queued, so a storm of
//! events costs no more than the names it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::folder::files::{Folder, MAX_NAMES};

/// What was touched since it was asked last.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// The names, and whether somebody has a file of theirs open and writes to it.
    pub(crate) names: BTreeMap<String, bool>,
    /// Events were lost, or the folder itself changed: everything has to be
    /// looked at.
    pub(crate) anything: bool,
    /// The folder was removed, and the watch with it. One that is made anew may be
    /// given the number of the old one, and look like it.
    pub(crate) unwatched: bool,
}

/// Gathers what was touched. Filled by the watcher's thread, emptied by the
/// reloader.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    touched: Mutex<Touched>,
    /// Files that somebody has begun to write to and not closed yet.
    open: Mutex<BTreeSet<PathBuf>>,
    news: Notify,
}

impl Touches {
    /// Waits until something was touched and takes all of it.
    pub(crate) async fn next(&self) -> Touched {
        self.news.notified().await;
        std::mem::take(&mut *lock(&self.touched))
    }

    /// Follows who writes, and says whether the file of `path` is being written.
    fn is_open(&self, path: &Path, kind: &EventKind) -> bool {
        let mut open = lock(&self.open);
        match kind {
            // Other systems tell nothing of the end.
            EventKind::Modify(ModifyKind::Data(_)) if cfg!(target_os = "linux") => {
                if open.len() < MAX_NAMES {
                    open.insert(path.to_owned());
                }
            }
            EventKind::Modify(ModifyKind::Metadata(_)) => {}
            _ => {
                open.remove(path);
            }
        }
        open.contains(path)
    }

    fn heard(&self, folder: &Path, event: notify::Result<Event>) {
        let mut touched = lock(&self.touched);
        match event {
            Ok(event) if event.need_rescan() => {
                lock(&self.open).clear();
                touched.anything = true;
            }
            Ok(event) if is_change(&event.kind) => {
                let is_about_folder = event.paths.iter().any(|path| path == folder);
                touched.anything |= is_about_folder;
                touched.unwatched |= is_about_folder && event.kind.is_remove();
                for path in &event.paths {
                    let Some(name) = Folder::name_of(path) else {
                        continue;
                    };
                    let open = self.is_open(path, &event.kind);
                    if touched.names.len() < MAX_NAMES {
                        touched.names.insert(name.to_owned(), open);
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
                lock(&self.open).clear();
                touched.anything = true;
            }
        }
        drop(touched);
        self.news.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    let mut watcher = notify::recommended_watcher({
        let folder = folder.to_owned();
        move |event| touches.heard(&folder, event)
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}
