//! Every policy name with its slot: loads what changed, one component at a
//! time, publishes catalogues and reports rejections.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::catalogue::{Catalogue, Entry};
use crate::digest::sha256;
use crate::folder::{Folder, MAX_NAMES};
use crate::generation::{Generation, Origin};
use crate::incident::Incidents;
use crate::load::{Candidate, Loader};
use crate::memory;
use crate::rejection::Rejection;
use crate::settling::Look;
use crate::sidecar::Sidecar;
use crate::slot::{Change, Loaded, Slot, Standing};
use crate::{BundledPolicy, IncidentKind, PolicyIncident, PolicyKind, PolicySource, Settings};

/// The latest catalogue.
#[derive(Clone, Default)]
pub(crate) struct Published {
    pub(crate) catalogue: Arc<Catalogue>,
    /// Whether everything that lay in the folder at the start has been dealt
    /// with.
    pub(crate) ready: bool,
    /// Whether all that is bundled has been loaded, too.
    pub(crate) complete: bool,
}

/// All slots. Owned by the reloader, and changed by nobody else.
pub(crate) struct Slots {
    folder: Folder,
    settings: Settings,
    loader: Arc<Loader>,
    incidents: Incidents,
    published: watch::Sender<Published>,
    slots: BTreeMap<String, Slot<Arc<Generation>>>,
    /// Bundled policies that nobody has asked for yet.
    dormant: BTreeMap<&'static str, BundledPolicy>,
    /// They were woken, and some of them are still to be loaded.
    waking: bool,
    ready: bool,
}

impl Slots {
    pub(crate) fn new(
        folder: Folder,
        settings: Settings,
        loader: Loader,
        incidents: Incidents,
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
            folder,
            settings,
            loader: Arc::new(loader),
            incidents,
            published,
            slots: BTreeMap::new(),
            ready: false,
            waking: false,
        }
    }

    /// Every name that there is anything to do about without the folder.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let bundled = self.settings.bundled.iter().map(|it| it.name);
        let awake = bundled.filter(|name| !self.dormant.contains_key(name));
        self.slots.keys().map(String::as_str).chain(awake)
    }

    /// Has everything that is bundled count from now on. Returns the names that
    /// have to be looked at for that.
    pub(crate) fn awaken(&mut self) -> Vec<&'static str> {
        self.waking = true;
        std::mem::take(&mut self.dormant).into_keys().collect()
    }

    /// Everything that was woken has been dealt with.
    pub(crate) fn are_awake(&mut self) {
        self.waking = false;
        self.publish();
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

    /// Everything that lay in the folder at the start has been dealt with.
    pub(crate) fn are_ready(&mut self) {
        self.ready = true;
        self.publish();
    }

    /// Tells the slot of `name` what was seen, and loads if that is called for.
    pub(crate) async fn see(&mut self, name: &str, look: Look) {
        // However crowded the folder, it does not push out what is bundled.
        let expected = self.contains(name) || self.bundled(name).is_some();
        if !expected && self.slots.len() >= MAX_NAMES {
            return;
        }
        // Somebody has put something in its place, or says something about it.
        self.dormant.remove(name);
        let slot = self.slots.entry(name.to_owned()).or_insert_with(Slot::new);
        if !slot.see(look, Instant::now()) {
            return;
        }
        let loaded = self.load(name).await;
        let after = self.folder.sight(name).ok();
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        let is_new = matches!(loaded, Ok(Loaded::Live(_)));
        match slot.loaded(loaded, after, Instant::now()) {
            Change::None => {}
            Change::Standing => self.publish(),
            Change::Rejected(rejection) => {
                // First, so that whoever hears of it finds it in the list.
                self.publish();
                self.report(name, &rejection);
            }
        }
        // Last: nobody waits for it.
        if is_new {
            memory::give_back();
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

    pub(crate) fn bundled(&self, name: &str) -> Option<&BundledPolicy> {
        self.settings.bundled.iter().find(|it| it.name == name)
    }

    fn publish(&mut self) {
        self.slots.retain(|_, slot| !slot.is_deserted());
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
            complete: self.ready && self.dormant.is_empty() && !self.waking,
        });
        if self.ready {
            self.report_missing(&before, &catalogue);
        }
    }

    fn entry(&self, name: &str) -> Entry {
        let slot = self.slots.get(name);
        let (generation, disabled) = match slot.map(Slot::standing) {
            Some(Standing::Serving(generation)) => (Some(Arc::clone(generation)), false),
            Some(Standing::Disabled) => (None, true),
            Some(Standing::Vacant) | None => (None, false),
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
            disabled,
            rejection: slot.and_then(Slot::rejection).map(Rejection::to_string),
            bundled_approver: bundled.is_some_and(|it| it.kind == PolicyKind::Approver),
            dormant: self.dormant.get(name).copied(),
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
}
