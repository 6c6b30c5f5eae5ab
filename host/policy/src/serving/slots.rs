//! Every policy name with its slot: has read what changed, publishes catalogues and
//! reports rejections.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{self, JoinSet};

use crate::folder::files::{Folder, MAX_NAMES};
use crate::folder::former::FormerVersions;
use crate::folder::settling::Look;
use crate::loading::freed_memory;
use crate::loading::load::Loader;
use crate::loading::rejection::Rejection;
use crate::serving::catalogue::{Catalogue, Entry};
use crate::serving::generation::Generation;
use crate::serving::problem::Problems;
use crate::serving::reading::{Outcome, Reading, Room};
use crate::serving::slot_life::{Change, Loaded, Slot, Standing};
use crate::{BundledPolicy, PolicyKind, PolicyProblem, PolicySource, ProblemKind, Settings};

/// How long stopping waits for what is being read.
const STOPPING: Duration = Duration::from_millis(200);

/// The latest catalogue.
#[derive(Clone, Default)]
pub(crate) struct Published {
    pub(crate) catalogue: Arc<Catalogue>,
    /// Whether everything that lay in the folder at the start has been dealt
    /// with.
    pub(crate) ready: bool,
    /// The kinds of which all that is bundled has been dealt with, too.
    awake: Vec<PolicyKind>,
}

impl Published {
    /// Whether nothing bundled of this kind is missing any more.
    pub(crate) fn is_awake(&self, kind: PolicyKind) -> bool {
        self.ready && self.awake.contains(&kind)
    }
}

/// All slots. Owned by the reloader, and changed by nobody else.
pub(crate) struct Slots {
    folder: Folder,
    former: Arc<FormerVersions>,
    settings: Settings,
    loader: Arc<Loader>,
    room: Arc<Room>,
    /// Files that are being read, and whose they are.
    readings: JoinSet<Outcome>,
    reading: HashMap<task::Id, String>,
    problems: Problems,
    published: watch::Sender<Published>,
    slots: BTreeMap<String, Slot<Arc<Generation>>>,
    /// The kinds of the components that were read last, whatever became of them.
    kinds: BTreeMap<String, PolicyKind>,
    /// Bundled policies that nobody has asked for yet.
    dormant: BTreeMap<&'static str, BundledPolicy>,
    /// Why nothing is read from the folder, while that is so.
    folder_trouble: Option<String>,
    ready: bool,
    /// The kinds that somebody has asked for, once all of them are dealt with.
    awake: Vec<PolicyKind>,
}

impl Slots {
    pub(crate) fn new(
        folder: Folder,
        settings: Settings,
        loader: Loader,
        problems: Problems,
        published: watch::Sender<Published>,
    ) -> Self {
        let dormant = settings
            .bundled
            .iter()
            .filter(|bundled| bundled.kind != PolicyKind::Approver)
            .map(|bundled| (bundled.name, *bundled))
            .collect();
        Slots {
            dormant,
            former: Arc::new(FormerVersions::of(folder.path())),
            folder,
            settings,
            loader: Arc::new(loader),
            room: Arc::new(Room::new()),
            readings: JoinSet::new(),
            reading: HashMap::new(),
            problems,
            published,
            slots: BTreeMap::new(),
            kinds: BTreeMap::new(),
            folder_trouble: None,
            ready: false,
            awake: Vec::new(),
        }
    }

    /// Every name that there is anything to do about without the folder.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let bundled = self.settings.bundled.iter().map(|it| it.name);
        let awake = bundled.filter(|name| !self.dormant.contains_key(name));
        self.slots.keys().map(String::as_str).chain(awake)
    }

    /// Has everything that is bundled of this kind count from now on. Returns the
    /// names that have to be looked at for that.
    pub(crate) fn awaken(&mut self, kind: PolicyKind) -> Vec<&'static str> {
        let asleep = |bundled: &&BundledPolicy| bundled.kind == kind;
        let names: Vec<&str> = (self.dormant.values().filter(asleep))
            .map(|bundled| bundled.name)
            .collect();
        for name in &names {
            self.dormant.remove(name);
        }
        names
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.slots.contains_key(name)
    }

    /// When a slot wants to be looked at next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.slots.values().filter_map(Slot::due).min()
    }

    /// The names that want to be looked at by `now`.
    pub(crate) fn due_by(&self, now: Instant) -> Vec<String> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.due().is_some_and(|due| due <= now))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Whether nothing is left to be done.
    pub(crate) fn are_settled(&self) -> bool {
        self.slots.values().all(Slot::is_settled)
    }

    /// Everything that is bundled of this kind has been dealt with.
    pub(crate) fn are_awake(&mut self, kind: PolicyKind) {
        // Several may have asked at the same time.
        if !self.awake.contains(&kind) {
            self.awake.push(kind);
        }
        self.publish();
    }

    /// Everything that lay in the folder at the start has been dealt with.
    pub(crate) fn are_ready(&mut self) {
        self.ready = true;
        self.publish();
    }

    /// Tells the slot of `name` what was seen, and has its files read if that is called
    /// for.
    pub(crate) fn see(&mut self, name: &str, look: Look) {
        // However crowded the folder, it does not push out what is bundled.
        let expected = self.contains(name) || self.bundled(name).is_some();
        if !expected && self.slots.len() >= MAX_NAMES {
            return;
        }
        // Somebody has put something in its place, or says something about it.
        self.dormant.remove(name);
        let slot = self.slots.entry(name.to_owned()).or_insert_with(Slot::new);
        if slot.see(look, Instant::now()) {
            self.read(name);
        }
    }

    fn read(&mut self, name: &str) {
        let serving = match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(serving)) => Some(Arc::clone(serving)),
            _ => None,
        };
        let reading = Reading {
            name: name.to_owned(),
            folder: self.folder.clone(),
            limits: self.settings.limits,
            bundled: self.bundled(name).copied(),
            serving,
            kind: self.kind_of(name),
            loader: Arc::clone(&self.loader),
            room: Arc::clone(&self.room),
        };
        // A task of its own, so that a panic in a compiler is one component's
        // rejection and not the end of hot reload.
        let task = self.readings.spawn(reading.outcome());
        self.reading.insert(task.id(), name.to_owned());
    }

    /// The names whose files are being read.
    pub(crate) fn reading(&self) -> impl Iterator<Item = &str> {
        self.reading.values().map(String::as_str)
    }

    /// Waits until the files of some name have been read, takes note of what they hold,
    /// and returns the name. `None` if none are being read.
    pub(crate) async fn next_read(&mut self) -> Option<String> {
        let (id, read) = match self.readings.join_next_with_id().await? {
            Ok((id, read)) => (id, read),
            Err(error) => {
                let loaded = Err(Rejection::Host(error.to_string()));
                (error.id(), Outcome { kind: None, loaded })
            }
        };
        let name = self.reading.remove(&id)?;
        self.has_read(&name, read);
        Some(name)
    }

    fn has_read(&mut self, name: &str, Outcome { kind, loaded: read }: Outcome) {
        let after = self.folder.sight(name).ok();
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        if let Some(kind) = kind {
            self.kinds.insert(name.to_owned(), kind);
        } else if !matches!(read, Ok(Loaded::Unchanged) | Err(Rejection::Sidecar(_))) {
            self.kinds.remove(name);
        }
        let changes_files = matches!(read, Ok(Loaded::Live(_) | Loaded::Unchanged | Loaded::Gone));
        let is_new = matches!(read, Ok(Loaded::Live(_) | Loaded::StandIn(..)));
        match slot.loaded(read, after, Instant::now()) {
            Change::None => {}
            Change::Standing => self.publish(),
            Change::Rejected(rejection) => {
                // First, so that whoever hears of it finds it in the list.
                self.publish();
                self.report(name, &rejection);
            }
        }
        // Last: nobody waits for it.
        if changes_files {
            self.keep_former(name);
        }
        if is_new {
            freed_memory::give_back();
        }
    }

    /// Has a copy kept of what is in charge under `name` now, and of what was before it.
    fn keep_former(&self, name: &str) {
        // A folder that is away or open to others says nothing.
        if self.folder.id().is_err() {
            return;
        }
        let in_charge = match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(it)) => match &it.origin.source {
                PolicySource::File(path) => Some((path.clone(), it.origin.digest.clone())),
                PolicySource::Bundled => None,
            },
            _ => None,
        };
        let former = Arc::clone(&self.former);
        let name = name.to_owned();
        task::spawn_blocking(move || {
            let kept = match in_charge {
                Some((path, digest)) => former.took_charge(&name, &path, &digest),
                None => former.has_gone(&name),
            };
            // Where the folder is gone, so is what could be gone back to.
            if let Err(error) = kept
                && former.has_folder()
            {
                tracing::warn!(
                    "what was in charge of {name} before cannot be kept in {}: {error}; `plugin rollback` does without",
                    former.folder().display()
                );
            }
        });
    }

    /// Gives up what is being read, and the processes that compile for it.
    pub(crate) async fn stop(&mut self) {
        self.readings.abort_all();
        let ended = async { while self.readings.join_next().await.is_some() {} };
        // What is being compiled here comes to an end with this process.
        let _ = tokio::time::timeout(STOPPING, ended).await;
    }

    /// The kind that a component of that name has to be of, so that none takes another's
    /// place by being something else: what is bundled, whether anybody has asked for it
    /// or not, and what is in charge.
    fn kind_of(&self, name: &str) -> Option<PolicyKind> {
        if let Some(bundled) = self.bundled(name) {
            return Some(bundled.kind);
        }
        match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(it)) => Some(it.kind),
            Some(Standing::Unfit(_)) => Some(PolicyKind::Approver),
            _ => None,
        }
    }

    pub(crate) fn bundled(&self, name: &str) -> Option<&BundledPolicy> {
        self.settings.bundled.iter().find(|it| it.name == name)
    }

    /// Takes note that nothing can be read from the folder, or that it can again.
    pub(crate) fn folder_is(&mut self, trouble: Option<String>) {
        if self.folder_trouble != trouble {
            self.folder_trouble = trouble;
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.slots.retain(|_, slot| !slot.is_deserted());
        self.kinds.retain(|name, _| self.slots.contains_key(name));
        // What is required is listed even if nothing was ever seen of it.
        let required = &self.settings.required;
        let names: BTreeSet<&str> = required
            .iter()
            .chain(self.slots.keys())
            .map(String::as_str)
            .chain(self.dormant.keys().copied())
            .collect();
        let entries = names.into_iter().map(|name| self.entry(name)).collect();
        let catalogue = Arc::new(Catalogue::new(entries, required));
        let before = self.published.send_replace(Published {
            catalogue: Arc::clone(&catalogue),
            ready: self.ready,
            awake: self.awake.clone(),
        });
        if self.ready {
            self.report_missing(&before, &catalogue);
        }
    }

    fn entry(&self, name: &str) -> Entry {
        let slot = self.slots.get(name);
        let standing = slot.map(Slot::standing);
        let generation = match standing {
            Some(Standing::Serving(generation)) => Some(Arc::clone(generation)),
            _ => None,
        };
        let unfit = match standing {
            Some(Standing::Unfit(rejection)) => Some(rejection.clone()),
            _ => None,
        };
        let bundled = self.bundled(name);
        let source = match &generation {
            Some(generation) => generation.origin.source.clone(),
            None if bundled.is_some() => PolicySource::Bundled,
            None => PolicySource::File(self.folder.component(name)),
        };
        Entry {
            name: name.to_owned(),
            generation,
            unfit,
            disabled: matches!(standing, Some(Standing::Disabled)),
            rejection: slot
                .and_then(Slot::rejection)
                .map(Rejection::to_string)
                .or_else(|| self.folder_trouble.clone()),
            bundled_approver: bundled.is_some_and(|it| it.kind == PolicyKind::Approver),
            dormant: self.dormant.get(name).copied(),
            kind: self.kinds.get(name).copied(),
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
                self.problems.raise(PolicyProblem {
                    kind: ProblemKind::RequiredMissing,
                    policy: missing.name.clone(),
                    file: None,
                    reason: missing.to_string(),
                    serving: None,
                });
            }
        }
    }

    fn report(&self, name: &str, rejection: &Rejection) {
        let (kind, file) = match rejection {
            Rejection::Sidecar(_) => (ProblemKind::Sidecar, self.folder.sidecar(name)),
            _ => (ProblemKind::Rejected, self.folder.component(name)),
        };
        let serving = match self.slots.get(name).map(Slot::standing) {
            Some(Standing::Serving(generation)) => Some(generation.serving()),
            _ => None,
        };
        self.problems.raise(PolicyProblem {
            kind,
            policy: name.to_owned(),
            // A symlink that leads nowhere is there, too.
            file: file.symlink_metadata().is_ok().then_some(file),
            reason: rejection.to_string(),
            serving,
        });
    }
}
