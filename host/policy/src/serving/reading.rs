//! One look into the files of one name, and what can be made of them. Many names are
//! read at the same time: a rule does not wait for a policy that takes seconds to
//! compile, or that never comes to an end.

use std::borrow::Cow;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::calling::engine::MAX_TRIALS;
use crate::folder::files::Folder;
use crate::folder::sidecar::Sidecar;
use crate::loading::digest::sha256;
use crate::loading::inspect::{Inspection, inspect};
use crate::loading::load::{Candidate, LARGE, Loader};
use crate::loading::rejection::Rejection;
use crate::serving::generation::{Generation, Origin};
use crate::serving::slot_life::Loaded;
use crate::{BundledPolicy, Limits, PolicyKind, PolicyMode, PolicySource};

/// How many components are loaded at the same time.
const LOADS: usize = 4;
/// How many on top that have an interpreter inside, and take seconds and a hundred
/// megabytes to compile.
const LARGE_LOADS: usize = 2;
// Each tries out one component at a time.
const _: () = assert!(LOADS + LARGE_LOADS <= MAX_TRIALS as usize);
/// Threads on which all of them can compile, and one on which calls and timers go on.
pub(crate) const THREADS: usize = LOADS + LARGE_LOADS + 1;

/// Who may load now.
#[derive(Debug)]
pub(crate) struct Room {
    loads: Semaphore,
    large: Semaphore,
}

impl Room {
    pub(crate) fn new() -> Self {
        Room {
            loads: Semaphore::new(LOADS),
            large: Semaphore::new(LARGE_LOADS),
        }
    }

    fn for_size(&self, bytes: u64) -> &Semaphore {
        match bytes > LARGE as u64 {
            true => &self.large,
            false => &self.loads,
        }
    }
}

/// What is needed to read one name.
pub(crate) struct Reading {
    pub(crate) name: String,
    pub(crate) folder: Folder,
    pub(crate) limits: Limits,
    pub(crate) bundled: Option<BundledPolicy>,
    /// Who is in charge under the name.
    pub(crate) serving: Option<Arc<Generation>>,
    /// The kind that a component of that name has to be of.
    pub(crate) kind: Option<PolicyKind>,
    pub(crate) loader: Arc<Loader>,
    pub(crate) room: Arc<Room>,
}

/// What came of reading one name.
pub(crate) struct Outcome {
    /// The kind of the component that lies there, where one could be read.
    pub(crate) kind: Option<PolicyKind>,
    pub(crate) loaded: Result<Loaded<Arc<Generation>>, Rejection>,
}

impl Reading {
    /// Reads what there is and makes a generation of it.
    pub(crate) async fn outcome(self) -> Outcome {
        let mut kind = None;
        let loaded = self.loaded(&mut kind).await;
        Outcome { kind, loaded }
    }

    /// Sets `kind` as soon as it is known.
    async fn loaded(
        &self,
        kind: &mut Option<PolicyKind>,
    ) -> Result<Loaded<Arc<Generation>>, Rejection> {
        let name = &self.name;
        let size = match self.folder.sight(name) {
            Ok(sighting) => sighting.component.map_or(0, |stamp| stamp.size),
            Err(_) => 0,
        };
        // Nobody closes it.
        let _room = self.room.for_size(size).acquire().await;
        let component = (self.folder).read_component(name, self.limits.max_component_bytes);
        let sidecar = self.folder.read_sidecar(name);
        // Asked after reading: the folder may have gone while its files were read, and one
        // that is gone or open to others says nothing.
        let (component, sidecar) = match self.folder.id() {
            Ok(_) => (component, sidecar?),
            Err(_) if self.serving.is_some() => return Ok(Loaded::Unchanged),
            Err(_) => (Ok(None), None),
        };
        if self.bundled.is_none() && component == Ok(None) {
            return Ok(Loaded::Gone);
        }
        let sidecar = match sidecar {
            Some(bytes) => Sidecar::parse(&bytes)?,
            None => Sidecar::default(),
        };
        if !sidecar.enabled {
            let bundled = self.bundled.map(|it| it.kind);
            let lies_there = component.ok().flatten();
            *kind = lies_there.map_or(bundled, |wasm| inspect(&wasm).ok().map(|it| it.kind));
            return Ok(Loaded::Disabled);
        }
        let (wasm, source) = match (component?, self.bundled) {
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
        if (self.serving.as_ref()).is_some_and(|serving| serving.origin == origin) {
            return Ok(Loaded::Unchanged);
        }
        let inspection = inspect(&wasm)?;
        *kind = Some(inspection.kind);
        match self.load(wasm, origin, inspection).await {
            Err(rejection @ Rejection::OtherKind { bundled: true, .. }) => {
                *kind = self.bundled.map(|it| it.kind);
                self.stand_in(rejection).await
            }
            loaded => loaded,
        }
    }

    /// What is bundled, where nobody serves and what lies there is no replacement at
    /// all. An approver is not stood in for: a replacement that cannot be read may have
    /// been stricter, and nothing is approved until it is mended.
    async fn stand_in(&self, rejection: Rejection) -> Result<Loaded<Arc<Generation>>, Rejection> {
        let bundled = match self.bundled {
            Some(it) if it.kind != PolicyKind::Approver && self.serving.is_none() => it,
            _ => return Err(rejection),
        };
        let wasm = Cow::Borrowed(bundled.wasm);
        let origin = Origin {
            source: PolicySource::Bundled,
            digest: sha256(&wasm),
            // What lies there is about the component beside it.
            sidecar: Sidecar::default(),
        };
        let inspection = inspect(&wasm)?;
        match self.load(wasm, origin, inspection).await? {
            Loaded::Live(generation) => Ok(Loaded::StandIn(generation, rejection)),
            _ => Err(rejection),
        }
    }

    async fn load(
        &self,
        wasm: Cow<'static, [u8]>,
        origin: Origin,
        inspection: Inspection,
    ) -> Result<Loaded<Arc<Generation>>, Rejection> {
        if let Some(was) = self.kind
            && was != inspection.kind
        {
            return Err(Rejection::OtherKind {
                name: self.name.clone(),
                was,
                is: inspection.kind,
                bundled: self.bundled.is_some(),
            });
        }
        let is_approver = inspection.kind == PolicyKind::Approver;
        let would_rule = origin.sidecar.mode == PolicyMode::Ruling;
        let loaded = self.loader.load(Candidate {
            name: self.name.clone(),
            wasm,
            inspection,
            limits: origin.sidecar.limits(self.limits),
            origin,
        });
        match loaded.await {
            Err(rejection) if is_approver && rejection.fault_on_trial().is_some() => {
                Ok(match would_rule {
                    true => Loaded::Unfit(rejection),
                    false => Loaded::UnfitShadow(rejection),
                })
            }
            loaded => loaded.map(|generation| Loaded::Live(Arc::new(generation))),
        }
    }
}
