//! The thread that hears of changes in the plugins folder, looks at it, and
//! tells the [`Slots`].
//!
//! It has a thread of its own because compiling takes from milliseconds to
//! seconds, and nobody else's work may wait for that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::RecommendedWatcher;
use tokio::sync::{mpsc, oneshot, watch};

use crate::code_cache::CodeCache;
use crate::engine::PolicyEngine;
use crate::folder::{Folder, FolderError, FolderId};
use crate::incident::Incidents;
use crate::load::Loader;
use crate::settling::Look;
use crate::sighting::Sighting;
use crate::slots::{Published, Slots};
use crate::watch::{Touched, Touches, watch};
use crate::{IncidentKind, PolicyIncident, Settings};

/// How often the folder is looked at without an occasion: what a symlink leads
/// to is not watched, and a watch can be lost.
const OCCASIONAL_LOOK: Duration = Duration::from_secs(2);

/// What the rest of the host asks of the reloader.
#[derive(Debug)]
pub(crate) enum Command {
    /// Look at everything, and answer when nothing is left to be done.
    Rescan(oneshot::Sender<()>),
    /// Load what is bundled and was not asked for until now.
    Awaken,
    /// Stop, and answer.
    Shutdown(oneshot::Sender<()>),
}

/// Owns the slots and the watch.
pub(crate) struct Reloader {
    folder: Folder,
    slots: Slots,
    incidents: Incidents,
    touches: Arc<Touches>,
    /// Whether the folder is to be watched.
    watchful: bool,
    watcher: Option<(RecommendedWatcher, FolderId)>,
    /// What was last wrong with the folder, so that it is reported once.
    folder_error: Option<FolderError>,
    /// Who waits until nothing is left to be done.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Reloader {
    /// Opens the folders. Does not fail: what cannot be used is an incident,
    /// and the bundled policies do without.
    pub(crate) fn new(
        settings: Settings,
        engine: Arc<PolicyEngine>,
        incidents: Incidents,
        published: watch::Sender<Published>,
    ) -> Self {
        let cache = match CodeCache::open(&settings.cache_dir, &engine) {
            Ok(cache) => Some(cache),
            Err(error) => {
                incidents.raise(PolicyIncident {
                    kind: IncidentKind::Cache,
                    policy: String::new(),
                    file: None,
                    reason: format!("{error}; every start compiles anew"),
                    serving: None,
                });
                None
            }
        };
        let folder = Folder::new(settings.plugins_dir.clone());
        let mut reloader = Reloader {
            folder: folder.clone(),
            watchful: settings.watch,
            slots: Slots::new(
                folder,
                settings,
                Loader::new(engine, cache),
                incidents.clone(),
                published,
            ),
            incidents,
            touches: Arc::default(),
            watcher: None,
            folder_error: None,
            waiting: Vec::new(),
        };
        if let Err(error) = reloader.folder.make() {
            reloader.folder_trouble(error);
        }
        reloader
    }

    /// Works until told to stop, or until nobody can tell any more.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.look_at_everything(Look::Found).await;
        self.slots.are_ready();
        let mut occasion = tokio::time::interval(OCCASIONAL_LOOK);
        occasion.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        occasion.reset();
        let touches = Arc::clone(&self.touches);
        loop {
            self.answer_when_settled();
            let due = self.slots.due();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Rescan(reply)) => {
                        self.waiting.push(reply);
                        self.look_at_everything(Look::Touched).await;
                    }
                    Some(Command::Awaken) => self.awaken().await,
                    Some(Command::Shutdown(reply)) => {
                        drop(self);
                        // Whoever asked may have stopped waiting.
                        let _ = reply.send(());
                        return;
                    }
                    None => return,
                },
                touched = touches.next() => self.look_at(touched).await,
                () = sleep_until(due), if due.is_some() => self.look_at_what_is_due().await,
                _ = occasion.tick(), if self.watchful => {
                    self.look_at_everything(Look::Looked).await;
                }
            }
        }
    }

    fn answer_when_settled(&mut self) {
        if self.slots.are_settled() {
            for reply in self.waiting.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    async fn awaken(&mut self) {
        for name in self.slots.awaken() {
            self.look_at_name(name, Look::Found).await;
        }
        // Says that it is complete, also where nothing had to be loaded.
        self.slots.are_awake();
    }

    async fn look_at(&mut self, touched: Touched) {
        if touched.anything {
            return self.look_at_everything(Look::Touched).await;
        }
        for name in touched.names {
            self.look_at_name(&name, Look::Touched).await;
        }
    }

    async fn look_at_what_is_due(&mut self) {
        for name in self.slots.due_by(Instant::now()) {
            self.look_at_name(&name, Look::Looked).await;
        }
    }

    async fn look_at_everything(&mut self, look: fn(Sighting) -> Look) {
        self.watch();
        let mut names: BTreeSet<String> = self.slots.names().map(str::to_owned).collect();
        match self.folder.list() {
            Ok(list) => {
                names.extend(list.names);
                match list.crowded {
                    Some(crowded) => self.folder_trouble(crowded),
                    None => self.folder_error = None,
                }
            }
            Err(error) => self.folder_trouble(error),
        }
        for name in names {
            self.look_at_name(&name, look).await;
        }
    }

    /// Sees to it that the folder is watched, the one that is there now.
    fn watch(&mut self) {
        if !self.watchful {
            return;
        }
        // What is wrong with it is reported by who reads it next.
        let Ok(id) = self.folder.id() else {
            return;
        };
        if self.watcher.as_ref().is_some_and(|(_, of)| *of == id) {
            return;
        }
        match watch(self.folder.path(), &self.touches) {
            Ok(watcher) => self.watcher = Some((watcher, id)),
            Err(error) => {
                self.watcher = None;
                self.folder_trouble(FolderError::Unreadable {
                    path: self.folder.path().to_owned(),
                    reason: format!("it cannot be watched: {error}"),
                });
            }
        }
    }

    /// Sees what the folder holds for `name` and tells its slot.
    async fn look_at_name(&mut self, name: &str, look: fn(Sighting) -> Look) {
        match self.folder.sight(name) {
            Ok(sighting) => self.slots.see(name, look(sighting)).await,
            Err(error) => {
                self.folder_trouble(error);
                if self.slots.contains(name) {
                    self.slots.see(name, Look::Blind).await;
                } else if self.slots.bundled(name).is_some() {
                    // Bundled policies do without the folder.
                    self.slots.see(name, Look::Found(Sighting::default())).await;
                }
            }
        }
    }

    fn folder_trouble(&mut self, error: FolderError) {
        if self.folder_error.as_ref() == Some(&error) {
            return;
        }
        self.incidents.raise(PolicyIncident {
            kind: IncidentKind::Folder,
            policy: String::new(),
            file: None,
            reason: error.to_string(),
            serving: None,
        });
        self.folder_error = Some(error);
    }
}

async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}
