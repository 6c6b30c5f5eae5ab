//! The thread that owns every slot: it hears of changes in the plugins folder,
//! loads what changed, one component at a time, and publishes catalogues.
//!
//! It has a thread of its own because compiling takes from milliseconds to
//! seconds, and nobody else's work may wait for that.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::RecommendedWatcher;
use tokio::sync::{mpsc, oneshot, watch};

use crate::catalogue::{Catalogue, Entry};
use crate::code_cache::CodeCache;
use crate::digest::sha256;
use crate::engine::PolicyEngine;
use crate::folder::{Folder, FolderError, FolderId, MAX_NAMES};
use crate::generation::{Generation, Origin};
use crate::incident::Incidents;
use crate::load::{Candidate, Loader};
use crate::rejection::Rejection;
use crate::sidecar::Sidecar;
use crate::slot::{Effect, Event, Loaded, Sighting, Slot, Standing};
use crate::watch::{Touched, Touches, watch};
use crate::{BundledPolicy, IncidentKind, PolicyIncident, PolicySource, Settings};

/// How often the folder is looked at without an occasion: what a symlink leads
/// to is not watched, and a watch can be lost.
const OCCASIONAL_LOOK: Duration = Duration::from_secs(2);

/// What the rest of the host asks of the reloader.
#[derive(Debug)]
pub(crate) enum Command {
    /// Look at everything, and answer when nothing is left to be done.
    Rescan(oneshot::Sender<()>),
    /// Stop, and answer.
    Shutdown(oneshot::Sender<()>),
}

/// The latest catalogue.
#[derive(Clone, Default)]
pub(crate) struct Published {
    pub(crate) catalogue: Arc<Catalogue>,
    /// Whether everything that lay in the folder at the start has been dealt
    /// with.
    pub(crate) ready: bool,
}

/// Owns the slots.
pub(crate) struct Reloader {
    folder: Folder,
    settings: Settings,
    loader: Arc<Loader>,
    incidents: Incidents,
    published: watch::Sender<Published>,
    slots: BTreeMap<String, Slot<Arc<Generation>>>,
    touches: Arc<Touches>,
    watcher: Option<(RecommendedWatcher, FolderId)>,
    /// What was last wrong with the folder, so that it is reported once.
    folder_error: Option<FolderError>,
    waiting: Vec<oneshot::Sender<()>>,
    ready: bool,
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
        let mut reloader = Reloader {
            folder: Folder::new(settings.plugins_dir.clone()),
            loader: Arc::new(Loader::new(engine, cache)),
            settings,
            incidents,
            published,
            slots: BTreeMap::new(),
            touches: Arc::default(),
            watcher: None,
            folder_error: None,
            waiting: Vec::new(),
            ready: false,
        };
        if let Err(error) = reloader.folder.make() {
            reloader.folder_trouble(error);
        }
        reloader
    }

    /// Works until told to stop, or until nobody can tell any more.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.look_at_everything(Event::Found).await;
        self.ready = true;
        self.publish();
        let mut occasion = tokio::time::interval(OCCASIONAL_LOOK);
        occasion.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        occasion.reset();
        let touches = Arc::clone(&self.touches);
        loop {
            self.answer_when_settled();
            let due = self.slots.values().filter_map(Slot::due).min();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Rescan(reply)) => {
                        self.waiting.push(reply);
                        self.look_at_everything(Event::Touched).await;
                    }
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
                _ = occasion.tick(), if self.settings.watch => {
                    self.look_at_everything(Event::Looked).await;
                }
            }
        }
    }

    fn answer_when_settled(&mut self) {
        if self.slots.values().all(Slot::is_settled) {
            for reply in self.waiting.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    async fn look_at(&mut self, touched: Touched) {
        if touched.anything {
            return self.look_at_everything(Event::Touched).await;
        }
        for name in touched.names {
            self.look_at_name(&name, Event::Touched).await;
        }
    }

    async fn look_at_what_is_due(&mut self) {
        let now = Instant::now();
        let due: Vec<String> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.due().is_some_and(|due| due <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.look_at_name(&name, Event::Looked).await;
        }
    }

    async fn look_at_everything(&mut self, event: fn(Sighting) -> Event<Arc<Generation>>) {
        let mut names: BTreeSet<String> = self.slots.keys().cloned().collect();
        names.extend(self.settings.bundled.iter().map(|it| it.name.to_owned()));
        self.watch();
        match self.folder.look() {
            Ok(look) => {
                names.extend(look.names);
                match look.crowded {
                    Some(crowded) => self.folder_trouble(crowded),
                    None => self.folder_error = None,
                }
            }
            Err(error) => self.folder_trouble(error),
        }
        for name in names {
            self.look_at_name(&name, event).await;
        }
    }

    /// Sees to it that the folder is watched, the one that is there now.
    fn watch(&mut self) {
        if !self.settings.watch {
            return;
        }
        let Ok(look) = self.folder.look() else {
            return;
        };
        if self.watcher.as_ref().is_some_and(|(_, id)| *id == look.id) {
            return;
        }
        match watch(self.folder.path(), &self.touches) {
            Ok(watcher) => self.watcher = Some((watcher, look.id)),
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
    async fn look_at_name(&mut self, name: &str, event: fn(Sighting) -> Event<Arc<Generation>>) {
        match self.folder.sight(name) {
            Ok(sighting) => self.tell(name, event(sighting)).await,
            Err(error) => {
                self.folder_trouble(error);
                if self.slots.contains_key(name) {
                    self.tell(name, Event::Blind).await;
                } else if self.bundled(name).is_some() {
                    // Bundled policies do without the folder.
                    self.tell(name, Event::Found(Sighting::default())).await;
                }
            }
        }
    }

    /// Hands `event` to the slot and does what it asks for.
    async fn tell(&mut self, name: &str, event: Event<Arc<Generation>>) {
        let known = self.slots.contains_key(name);
        if !known && self.slots.len() >= MAX_NAMES {
            return;
        }
        let mut next = Some(event);
        while let Some(event) = next.take() {
            let slot = self.slots.entry(name.to_owned()).or_insert_with(Slot::new);
            for effect in slot.on(event, Instant::now()) {
                match effect {
                    Effect::Load => {
                        let loaded = self.load(name).await;
                        let after = self.folder.sight(name);
                        next = Some(Event::Loaded(loaded, after.ok()));
                    }
                    Effect::Publish => self.publish(),
                    Effect::Report(rejection) => self.report(name, &rejection),
                }
            }
        }
    }

    /// Reads what there is for `name` and makes a generation of it.
    async fn load(&self, name: &str) -> Result<Loaded<Arc<Generation>>, Rejection> {
        let serving = match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(serving)) => Some(serving),
            _ => None,
        };
        let (component, sidecar) = match self.folder.sight(name) {
            Ok(_) => (
                self.folder
                    .read_component(name, self.settings.limits.max_component_bytes),
                self.folder.read_sidecar(name)?,
            ),
            // A folder that is gone or open to others says nothing.
            Err(_) if serving.is_some() => return Ok(Loaded::Unchanged),
            Err(_) => (Ok(None), None),
        };
        let bundled = self.bundled(name);
        if bundled.is_none() && component == Ok(None) {
            return Ok(Loaded::Gone);
        }
        let sidecar = match sidecar {
            Some(bytes) => Sidecar::parse(&bytes)?,
            None => Sidecar::default(),
        };
        if !sidecar.enabled {
            return Ok(Loaded::Disabled);
        }
        let (wasm, source) = match (component?, bundled) {
            (Some(wasm), _) => (
                Cow::Owned(wasm),
                PolicySource::File(self.folder.component(name)),
            ),
            (None, Some(bundled)) => (Cow::Borrowed(bundled.wasm), PolicySource::Bundled),
            (None, None) => return Ok(Loaded::Gone),
        };
        let origin = Origin {
            source,
            digest: sha256(&wasm),
            sidecar,
        };
        if serving.is_some_and(|serving| serving.origin == origin) {
            return Ok(Loaded::Unchanged);
        }
        let candidate = Candidate {
            name: name.to_owned(),
            wasm,
            limits: origin.sidecar.limits(self.settings.limits),
            origin,
        };
        // A task of its own, so that a panic in a compiler is one component's
        // rejection and not the end of hot reload.
        let loader = Arc::clone(&self.loader);
        match tokio::spawn(async move { loader.load(candidate).await }).await {
            Ok(loaded) => loaded.map(|generation| Loaded::Live(Arc::new(generation))),
            Err(error) => Err(Rejection::Host(error.to_string())),
        }
    }

    fn bundled(&self, name: &str) -> Option<&BundledPolicy> {
        self.settings.bundled.iter().find(|it| it.name == name)
    }

    fn publish(&mut self) {
        self.slots.retain(|_, slot| !slot.is_deserted());
        let entries = self
            .slots
            .iter()
            .map(|(name, slot)| self.entry(name, slot))
            .collect();
        let catalogue = Arc::new(Catalogue::new(entries, &self.settings.required));
        let before = self.published.send_replace(Published {
            catalogue: Arc::clone(&catalogue),
            ready: self.ready,
        });
        if self.ready {
            self.report_missing(&before, &catalogue);
        }
    }

    fn entry(&self, name: &str, slot: &Slot<Arc<Generation>>) -> Entry {
        let generation = match slot.standing() {
            Standing::Serving(generation) => Some(Arc::clone(generation)),
            Standing::Vacant | Standing::Disabled => None,
        };
        let bundled = self.bundled(name).is_some();
        let source = match &generation {
            Some(generation) => generation.origin.source.clone(),
            None if bundled => PolicySource::Bundled,
            None => PolicySource::File(self.folder.component(name)),
        };
        Entry {
            name: name.to_owned(),
            generation,
            disabled: matches!(slot.standing(), Standing::Disabled),
            rejection: slot.rejection().map(Rejection::to_string),
            bundled,
            source,
        }
    }

    fn report_missing(&self, before: &Published, now: &Catalogue) {
        for missing in &now.missing {
            let known = before.ready
                && before
                    .catalogue
                    .missing
                    .iter()
                    .any(|it| it.name == missing.name);
            if !known {
                self.incidents.raise(PolicyIncident {
                    kind: IncidentKind::RequiredMissing,
                    policy: missing.name.clone(),
                    file: None,
                    reason: format!(
                        "the required approver `{}` cannot be asked ({}); nothing is approved until it is back",
                        missing.name, missing.reason
                    ),
                    serving: None,
                });
            }
        }
    }

    fn report(&self, name: &str, rejection: &Rejection) {
        let (kind, file) = match rejection {
            Rejection::Sidecar(_) => (IncidentKind::Sidecar, self.folder.sidecar(name)),
            _ => (IncidentKind::Rejected, self.folder.component(name)),
        };
        let serving = match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(generation)) => Some(generation.serving()),
            _ => None,
        };
        self.incidents.raise(PolicyIncident {
            kind,
            policy: name.to_owned(),
            file: file.exists().then_some(file),
            reason: rejection.to_string(),
            serving,
        });
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
