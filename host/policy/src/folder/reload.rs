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

use crate::calling::engine::PolicyEngine;
use crate::folder::files::{Folder, FolderError, FolderId, Overlooked};
use crate::folder::seen_files::Sighting;
use crate::folder::settling::Look;
use crate::folder::watch::{Touched, Touches, watch};
use crate::loading::code_cache::CodeCache;
use crate::loading::compile_process::CompileProcess;
use crate::loading::load::Loader;
use crate::serving::problem::Problems;
use crate::serving::slots::{Published, Slots};
use crate::{PolicyKind, PolicyProblem, ProblemKind, Settings};

/// How often the folder is looked at without an occasion: what a symlink leads
/// to is not watched, and a watch can be lost.
const OCCASIONAL_LOOK: Duration = Duration::from_secs(2);

/// How often a folder that cannot be watched, because it is not there, is looked for.
const FOLDER_RETURNS: Duration = Duration::from_millis(100);

/// What the rest of the host asks of the reloader.
#[derive(Debug)]
pub(crate) enum Command {
    /// Look at everything, and answer when nothing is left to be done.
    Rescan(oneshot::Sender<()>),
    /// Load what is bundled of this kind and was not asked for until now.
    Awaken(PolicyKind),
    /// Stop, and answer.
    Shutdown(oneshot::Sender<()>),
}

/// Owns the slots and the watch.
pub(crate) struct Reloader {
    folder: Folder,
    slots: Slots,
    problems: Problems,
    touches: Arc<Touches>,
    /// Whether the folder is to be watched.
    watchful: bool,
    watcher: Option<(RecommendedWatcher, FolderId)>,
    /// What was last wrong with the folder, so that it is reported once.
    folder_error: Option<FolderError>,
    /// What was told not to be loaded, so that it is told once.
    overlooked: BTreeSet<Overlooked>,
    /// Who waits until nothing is left to be done.
    waiting: Vec<oneshot::Sender<()>>,
    /// What is to be told as soon as certain names have been dealt with.
    milestones: Vec<Milestone>,
}

/// Something that holds once each of `names` has been read.
struct Milestone {
    names: BTreeSet<String>,
    reached: Reached,
}

#[derive(Clone, Copy)]
enum Reached {
    /// Everything that lay in the folder at the start has been dealt with.
    Ready,
    /// Everything that is bundled of this kind has been dealt with.
    Awake(PolicyKind),
}

impl Reloader {
    /// Opens the folders. Does not fail: what cannot be used is a problem,
    /// and the bundled policies do without.
    pub(crate) fn new(
        settings: Settings,
        engine: Arc<PolicyEngine>,
        problems: Problems,
        published: watch::Sender<Published>,
    ) -> Self {
        let cache = match CodeCache::open(&settings.cache_dir, &engine) {
            Ok(cache) => Some(cache),
            Err(error) => {
                problems.raise(PolicyProblem {
                    kind: ProblemKind::Cache,
                    policy: String::new(),
                    file: None,
                    reason: format!("{error}; every start compiles anew"),
                    serving: None,
                });
                None
            }
        };
        let compile_process = settings.compiler.clone().map(|program| CompileProcess {
            program,
            cache_dir: settings.cache_dir.clone(),
        });
        let folder = Folder::new(settings.plugins_dir.clone());
        let mut reloader = Reloader {
            folder: folder.clone(),
            watchful: settings.watch,
            slots: Slots::new(
                folder,
                settings,
                Loader::new(engine, cache).compiling(compile_process),
                problems.clone(),
                published,
            ),
            problems,
            touches: Arc::default(),
            watcher: None,
            folder_error: None,
            overlooked: BTreeSet::new(),
            waiting: Vec::new(),
            milestones: Vec::new(),
        };
        if let Err(error) = reloader.folder.make() {
            reloader.folder_trouble(error);
        }
        reloader
    }

    /// Works until told to stop, or until nobody can tell any more.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.look_at_everything(Look::Found);
        self.expect(Reached::Ready);
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
                        self.look_at_everything(Look::Touched);
                    }
                    Some(Command::Awaken(kind)) => self.awaken(kind),
                    Some(Command::Shutdown(reply)) => {
                        self.slots.stop().await;
                        drop(self);
                        // Whoever asked may have stopped waiting.
                        let _ = reply.send(());
                        return;
                    }
                    None => return,
                },
                Some(name) = self.slots.next_read() => self.has_read(&name),
                touched = touches.next() => self.look_at(touched),
                () = sleep_until(due), if due.is_some() => self.look_at_what_is_due(),
                _ = occasion.tick(), if self.watchful => self.look_at_everything(Look::Looked),
                () = tokio::time::sleep(FOLDER_RETURNS), if self.watchful && self.watcher.is_none() => {
                    self.look_at_everything(Look::Looked);
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

    fn awaken(&mut self, kind: PolicyKind) {
        for name in self.slots.awaken(kind) {
            self.look_at_name(name, Look::Found);
        }
        self.expect(Reached::Awake(kind));
    }

    /// Has `reached` told when everything that is being read now has been read.
    fn expect(&mut self, reached: Reached) {
        self.milestones.push(Milestone {
            names: self.slots.reading().map(str::to_owned).collect(),
            reached,
        });
        self.tell_what_is_reached();
    }

    fn has_read(&mut self, name: &str) {
        for milestone in &mut self.milestones {
            milestone.names.remove(name);
        }
        self.tell_what_is_reached();
    }

    fn tell_what_is_reached(&mut self) {
        let (reached, awaited): (Vec<_>, _) = std::mem::take(&mut self.milestones)
            .into_iter()
            .partition(|milestone| milestone.names.is_empty());
        self.milestones = awaited;
        for milestone in reached {
            match milestone.reached {
                Reached::Ready => self.slots.are_ready(),
                Reached::Awake(kind) => self.slots.are_awake(kind),
            }
        }
    }

    fn look_at(&mut self, touched: Touched) {
        if touched.unwatched {
            self.watcher = None;
        }
        if touched.anything {
            return self.look_at_everything(Look::Touched);
        }
        for (name, open) in touched.names {
            let look = if open { Look::Written } else { Look::Touched };
            self.look_at_name(&name, look);
        }
    }

    fn look_at_what_is_due(&mut self) {
        for name in self.slots.due_by(Instant::now()) {
            self.look_at_name(&name, Look::Looked);
        }
    }

    fn look_at_everything(&mut self, look: fn(Sighting) -> Look) {
        self.watch();
        let mut names: BTreeSet<String> = self.slots.names().map(str::to_owned).collect();
        match self.folder.list() {
            Ok(list) => {
                names.extend(list.names);
                self.slots.folder_is(None);
                self.tell_overlooked(list.overlooked);
                match list.crowded {
                    Some(crowded) => self.folder_trouble(crowded),
                    None => self.folder_error = None,
                }
            }
            Err(error) => {
                self.slots.folder_is(Some(error.to_string()));
                self.folder_trouble(error);
            }
        }
        for name in names {
            self.look_at_name(&name, look);
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
    fn look_at_name(&mut self, name: &str, look: fn(Sighting) -> Look) {
        match self.folder.sight(name) {
            Ok(sighting) => self.slots.see(name, look(sighting)),
            Err(error) => {
                self.folder_trouble(error);
                if self.slots.contains(name) {
                    self.slots.see(name, Look::Blind);
                } else if self.slots.bundled(name).is_some() {
                    // Bundled policies do without the folder.
                    self.slots.see(name, Look::Found(Sighting::default()));
                }
            }
        }
    }

    /// Tells of what lies there and is not loaded, once for as long as it lies there.
    fn tell_overlooked(&mut self, overlooked: BTreeSet<Overlooked>) {
        for file in overlooked.difference(&self.overlooked) {
            self.problems.raise(PolicyProblem {
                kind: ProblemKind::Folder,
                policy: String::new(),
                file: Some(file.path().to_owned()),
                reason: file.to_string(),
                serving: None,
            });
        }
        self.overlooked = overlooked;
    }

    fn folder_trouble(&mut self, error: FolderError) {
        if self.folder_error.as_ref() == Some(&error) {
            return;
        }
        self.problems.raise(PolicyProblem {
            kind: ProblemKind::Folder,
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
