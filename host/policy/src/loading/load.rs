//! From bytes to a generation: inspected, compiled, linked, configured, tried
//! out. Every step can reject; none changes who serves.

use std::borrow::Cow;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::calling::call_terms::CallTerms;
use crate::calling::callable::Callable;
use crate::calling::engine::PolicyEngine;
use crate::calling::fault::one_line;
use crate::calling::guest::Linkers;
use crate::folder::grants::missing_grant;
use crate::folder::sidecar::Sidecar;
use crate::interface::bindings::World;
use crate::interface::bindings::approver::ApproverIndices;
use crate::interface::bindings::distributor::DistributorIndices;
use crate::interface::bindings::progress_parser::ProgressParserIndices;
use crate::interface::bindings::recovery::RecoveryIndices;
use crate::interface::configure::ConfigureError;
use crate::interface::version::WitVersion;
use crate::kinds::approver::facade::Approver;
use crate::kinds::distributor::facade::Distributor;
use crate::kinds::progress_parser::facade::ProgressParser;
use crate::kinds::recovery::facade::Recovery;
use crate::loading::code_cache::{CodeCache, CodeKey};
use crate::loading::compile_process::{self, CompileProcess};
use crate::loading::config_schema;
use crate::loading::digest::sha256;
use crate::loading::inspect::{Inspection, inspect};
use crate::loading::prepared::Prepared;
use crate::loading::rejection::Rejection;
use crate::loading::snapshot;
use crate::loading::trial_calls::try_out;
use crate::serving::generation::{Facade, Generation, Origin};
use crate::serving::tally::Tally;
use crate::{Grants, Instances, Limits, PolicyKind, PolicyMode};

/// How long `configure` may take while a component is loaded, unless its calls may take
/// longer: it does what calls then need not, and touches its memory for the first time.
const CONFIGURE_DEADLINE: Duration = Duration::from_secs(1);
/// The same from [`LARGE`] on: an interpreter starts within it, also on a busy machine.
const LARGE_CONFIGURE_DEADLINE: Duration = Duration::from_secs(5);
/// How long taking a snapshot may take: `configure` once more in code that is made for
/// it, and all of the memory read.
const SNAPSHOT_DEADLINE: Duration = Duration::from_secs(5);
/// From here on `configure` is worth a snapshot: more would be felt in every
/// call, while taking a snapshot is felt at every swap, as two more
/// compilations (30 ms for a small Rust component).
const WORTH_A_SNAPSHOT: Duration = Duration::from_micros(25);
/// The same from [`LARGE`] on. Two more compilations take it some seconds, and most of
/// the millisecond that its `configure` seems to cost is the first touch of its memory,
/// which a snapshot does not save.
const WORTH_A_LARGE_SNAPSHOT: Duration = Duration::from_millis(5);
/// How long a `configure` that seems to cost that much is called again.
const DOUBT: Duration = Duration::from_millis(5);
/// A component of so many bytes has an interpreter inside.
pub(crate) const LARGE: usize = 4 << 20;

/// Makes generations, several at the same time.
pub(crate) struct Loader {
    engine: Arc<PolicyEngine>,
    linkers: Linkers,
    cache: Option<CodeCache>,
    /// Who compiles; this process, where there is none.
    compile_process: Option<CompileProcess>,
    generations: AtomicU64,
}

/// A component with its sidecar, read and not yet believed.
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) wasm: Cow<'static, [u8]>,
    /// What [`inspect`] said about `wasm`.
    pub(crate) inspection: Inspection,
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
}

impl Loader {
    pub(crate) fn new(engine: Arc<PolicyEngine>, cache: Option<CodeCache>) -> Self {
        Loader {
            engine,
            linkers: Linkers::default(),
            cache,
            compile_process: None,
            generations: AtomicU64::new(0),
        }
    }

    /// Has `compile_process` compile, if there is one.
    pub(crate) fn compiling(self, compile_process: Option<CompileProcess>) -> Self {
        // Without a cache there is no way for the code to come back.
        let compile_process = compile_process.filter(|_| self.cache.is_some());
        Loader {
            compile_process,
            ..self
        }
    }

    /// Does everything that can fail before anybody relies on the component.
    pub(crate) async fn load(&self, candidate: Candidate) -> Result<Generation, Rejection> {
        let Candidate {
            name,
            wasm,
            inspection,
            origin,
            limits,
        } = candidate;
        if let Some(pinned) = &origin.sidecar.pinned_sha256
            && *pinned != origin.digest
        {
            return Err(Rejection::PinMismatch {
                pinned: pinned.clone(),
                found: origin.digest,
            });
        }
        fits_kind(inspection.kind, &origin.sidecar)?;
        if let Some((folder, reason)) = origin.sidecar.grants.unreadable_folder() {
            return Err(Rejection::GrantedFolder {
                folder: folder.to_owned(),
                reason,
            });
        }
        let terms = Arc::new(CallTerms {
            policy: name.as_str().into(),
            limits,
            grants: origin.sidecar.grants.clone(),
            reuse: origin.sidecar.instances == Instances::Reused,
            trial: false,
        });
        let config = origin.sidecar.config.as_str();
        if let Some(schema) = &inspection.config_schema {
            config_schema::check(schema, config)?;
        }
        self.compile_in_process(&wasm, &origin.digest, config, &terms)
            .await?;
        let prepared = (self.prepare(&wasm, &inspection, &origin.digest, config, &terms)).await?;
        let facade = match inspection.kind {
            PolicyKind::Approver => {
                Facade::Approver(Box::new(Approver::new(prepared, inspection.version)?))
            }
            PolicyKind::Distributor => Facade::Distributor(Box::new(Distributor::new(prepared)?)),
            PolicyKind::ProgressParser => {
                Facade::ProgressParser(Box::new(ProgressParser::new(prepared)?))
            }
            PolicyKind::Recovery => Facade::Recovery(Box::new(Recovery::new(prepared)?)),
        };
        try_out(&facade, &self.engine, &terms, &origin.sidecar.must_refuse).await?;
        Ok(Generation {
            number: self.generations.fetch_add(1, Ordering::Relaxed) + 1,
            name,
            kind: inspection.kind,
            size: wasm.len() as u64,
            inspection,
            terms,
            facade,
            tally: Tally::new(),
            engine: Arc::clone(&self.engine),
            origin,
        })
    }

    /// Compiles and links a component, and settles how its instances come to
    /// be configured.
    async fn prepare(
        &self,
        wasm: &[u8],
        inspection: &Inspection,
        digest: &str,
        config: &str,
        terms: &Arc<CallTerms>,
    ) -> Result<Prepared, Rejection> {
        let kind = inspection.kind;
        let config: Arc<str> = config.into();
        let configured_key = CodeKey::configured(digest, &config);
        let link = |component: &Component, config: Option<&Arc<str>>| {
            self.check_grants(component, kind, &terms.grants)?;
            Prepared::link(
                &self.engine,
                &self.linkers,
                component,
                inspection,
                config.cloned(),
            )
        };

        if let Some(component) = self.cached(&configured_key) {
            return link(&component, None);
        }
        let component = match self.cached(&CodeKey::plain(digest)) {
            Some(component) => component,
            None => {
                let component = self.compile(wasm, kind)?;
                self.keep(&CodeKey::plain(digest), &component);
                component
            }
        };
        let prepared = link(&component, Some(&config))?;
        let patience = match wasm.len() {
            LARGE.. => LARGE_CONFIGURE_DEADLINE,
            _ => CONFIGURE_DEADLINE,
        };
        let configuring = terms.on_trial(terms.limits.deadline.max(patience));
        (self.check_shape(inspection, &prepared, &configuring)).await?;
        let worth = match wasm.len() {
            LARGE.. => WORTH_A_LARGE_SNAPSHOT,
            _ => WORTH_A_SNAPSHOT,
        };
        let cost = self
            .configure_on_trial(&prepared, &configuring, &config, worth)
            .await?;
        // A snapshot cannot hold the handles that a guest got from WASI.
        if cost < worth || inspection.wants_wasi() {
            return Ok(prepared);
        }
        if let Some(process) = self.process_for(wasm) {
            process.compile(wasm, &config, terms).await.map_err(ended)?;
            if let Some(component) = self.cached(&configured_key) {
                return link(&component, None);
            }
        }
        let snapshotting = terms.on_trial(SNAPSHOT_DEADLINE);
        match (self.snapshot(inspection, wasm, &snapshotting, &config)).await {
            Ok(component) => {
                self.keep(&configured_key, &component);
                link(&component, None)
            }
            Err(error) => {
                tracing::info!(
                    "the configured state of this component cannot be kept, each call configures it anew ({} µs): {}",
                    cost.as_micros(),
                    one_line(&error)
                );
                Ok(prepared)
            }
        }
    }

    /// Leaves compiled code in the cache, and nothing else.
    pub(crate) async fn prepare_for_cache(
        &self,
        wasm: &[u8],
        config: &str,
        terms: &Arc<CallTerms>,
    ) -> Result<(), Rejection> {
        let inspection = inspect(wasm)?;
        let digest = sha256(wasm);
        let prepared = self.prepare(wasm, &inspection, &digest, config, terms);
        prepared.await.map(drop)
    }

    /// Has what is not in the cache compiled in a process of its own.
    async fn compile_in_process(
        &self,
        wasm: &[u8],
        digest: &str,
        config: &str,
        terms: &CallTerms,
    ) -> Result<(), Rejection> {
        let (Some(process), Some(cache)) = (self.process_for(wasm), &self.cache) else {
            return Ok(());
        };
        let keys = [CodeKey::plain(digest), CodeKey::configured(digest, config)];
        if keys.iter().any(|key| cache.has(key)) {
            return Ok(());
        }
        process.compile(wasm, config, terms).await.map_err(ended)
    }

    fn process_for(&self, wasm: &[u8]) -> Option<&CompileProcess> {
        self.compile_process
            .as_ref()
            .filter(|_| wasm.len() > compile_process::SMALL_COMPONENT)
    }

    /// Compares types before anything is called, so that a component built
    /// against other records is told so instead of failing in some call.
    async fn check_shape(
        &self,
        inspection: &Inspection,
        prepared: &Prepared,
        terms: &Arc<CallTerms>,
    ) -> Result<(), Rejection> {
        match inspection.kind {
            PolicyKind::Approver => match inspection.version {
                WitVersion::V0_1 => self.has_shape_of::<ApproverIndices>(prepared, terms).await,
                #[cfg(test)]
                WitVersion::V0_2 => {
                    self.has_shape_of::<crate::interface::bindings::approver_0_2::ApproverIndices>(
                        prepared, terms,
                    )
                    .await
                }
            },
            PolicyKind::Distributor => {
                self.has_shape_of::<DistributorIndices>(prepared, terms)
                    .await
            }
            PolicyKind::ProgressParser => {
                self.has_shape_of::<ProgressParserIndices>(prepared, terms)
                    .await
            }
            PolicyKind::Recovery => self.has_shape_of::<RecoveryIndices>(prepared, terms).await,
        }
    }

    async fn has_shape_of<W: World>(
        &self,
        prepared: &Prepared,
        terms: &Arc<CallTerms>,
    ) -> Result<(), Rejection> {
        Callable::<W>::new(prepared.clone())?
            .check_shape(&self.engine, terms)
            .await
    }

    /// Whether everything that the component imports and that takes a grant is
    /// granted.
    fn check_grants(
        &self,
        component: &Component,
        kind: PolicyKind,
        grants: &Grants,
    ) -> Result<(), Rejection> {
        let engine = self.engine.engine();
        for (import, item) in component.component_type().imports(engine) {
            let ComponentItem::ComponentInstance(interface) = item.ty else {
                continue;
            };
            for (function, _) in interface.exports(engine) {
                if let Some(missing) = missing_grant(import, function, kind, grants) {
                    return Err(Rejection::NotGranted {
                        import: import.to_owned(),
                        function: function.to_owned(),
                        missing,
                    });
                }
            }
        }
        Ok(())
    }

    fn cached(&self, key: &CodeKey) -> Option<Component> {
        self.cache.as_ref()?.load(&self.engine, key)
    }

    fn keep(&self, key: &CodeKey, component: &Component) {
        if let Some(cache) = &self.cache {
            cache.store(key, component);
        }
    }

    /// A small approver is swapped more often than the quality of its code is felt:
    /// it is asked for microseconds. What hands out a thousand tasks or reads a log is
    /// worth the time.
    fn compile(&self, wasm: &[u8], kind: PolicyKind) -> Result<Component, Rejection> {
        match kind == PolicyKind::Approver && wasm.len() <= compile_process::SMALL_COMPONENT {
            true => self.engine.compile_quickly(wasm),
            false => Component::from_binary(self.engine.engine(), wasm),
        }
        .map_err(|error| Rejection::of_bytes(one_line(&error)))
    }

    async fn snapshot(
        &self,
        inspection: &Inspection,
        wasm: &[u8],
        terms: &Arc<CallTerms>,
        config: &Arc<str>,
    ) -> wasmtime::Result<Component> {
        let configured =
            snapshot::configured(&self.engine, &self.linkers, terms, inspection, wasm, config)
                .await?;
        Component::from_binary(self.engine.engine(), &configured)
    }

    /// Calls `configure` and says what it costs once its code is warm. What seems to
    /// cost much is called again: a busy machine makes anything seem so.
    async fn configure_on_trial(
        &self,
        prepared: &Prepared,
        terms: &Arc<CallTerms>,
        config: &str,
        worth: Duration,
    ) -> Result<Duration, Rejection> {
        self.configure_once(prepared, terms, config).await?;
        let began = Instant::now();
        let mut cost = Duration::MAX;
        while cost >= worth && began.elapsed() < DOUBT {
            cost = cost.min(self.configure_once(prepared, terms, config).await?);
        }
        Ok(cost)
    }

    /// Calls `configure` in an instance of its own and says how long it took.
    async fn configure_once(
        &self,
        prepared: &Prepared,
        terms: &Arc<CallTerms>,
        config: &str,
    ) -> Result<Duration, Rejection> {
        let outcome = self
            .engine
            .run(terms, async |store| {
                let instance = prepared.bare(store).await?;
                let start = Instant::now();
                let outcome = prepared.configure(store, &instance, config).await;
                Ok((outcome, start.elapsed()))
            })
            .await;
        match outcome {
            Ok((Ok(()), cost)) => Ok(cost),
            Ok((Err(ConfigureError::Refused(text)), _)) => Err(Rejection::Configure(text)),
            Ok((Err(ConfigureError::Fault(fault)), _)) | Err(fault) => {
                Err(Rejection::ConfigureFault(fault))
            }
        }
    }
}

/// A compilation that did not come to an end by itself.
fn ended(status: ExitStatus) -> Rejection {
    Rejection::Compiler(status.to_string())
}

/// Whether `sidecar` says nothing that means nothing for `kind`: what is
/// written there is never left out in silence.
fn fits_kind(kind: PolicyKind, sidecar: &Sidecar) -> Result<(), Rejection> {
    if kind == PolicyKind::Approver {
        return match sidecar.grants.is_empty() {
            true => Ok(()),
            false => Err(Rejection::GrantsToApprover),
        };
    }
    for (key, said) in [
        ("must-refuse", !sidecar.must_refuse.is_empty()),
        ("mode = \"shadow\"", sidecar.mode == PolicyMode::Shadow),
    ] {
        if said {
            return Err(Rejection::ForApprovers { key, kind });
        }
    }
    Ok(())
}
