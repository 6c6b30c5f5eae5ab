//! From bytes to a generation: inspected, compiled, linked, configured, tried
//! out. Every step can reject; none changes who serves.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use wasmtime::component::Component;

use crate::approver::{Answer, Approver};
use crate::code_cache::{CodeCache, CodeKey};
use crate::configuration::ConfigureError;
use crate::engine::PolicyEngine;
use crate::fault::one_line;
use crate::generation::{Facade, Generation, Origin};
use crate::guest::Linkers;
use crate::inspect::{Inspection, inspect};
use crate::prepared::Prepared;
use crate::rejection::Rejection;
use crate::snapshot;
use crate::tally::Tally;
use crate::{
    CallerFacts, Certainty, Entry, Limits, PolicyKind, PromptState, ReviewRequest, SessionFacts,
    Tier,
};

/// How long `configure` may take while a component is loaded.
const CONFIGURE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the first call of a component may take: it touches every page of
/// its code for the first time.
const FIRST_CALL_DEADLINE: Duration = Duration::from_secs(1);
/// From here on `configure` is worth a snapshot: more would be felt in every
/// call, while taking a snapshot is felt at every swap.
const WORTH_A_SNAPSHOT: Duration = Duration::from_micros(5);

/// Makes generations, one at a time.
pub(crate) struct Loader {
    engine: Arc<PolicyEngine>,
    linkers: Linkers,
    cache: Option<CodeCache>,
    generations: AtomicU64,
}

/// A component with its sidecar, read and not yet believed.
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) wasm: Cow<'static, [u8]>,
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
}

impl Loader {
    pub(crate) fn new(engine: Arc<PolicyEngine>, cache: Option<CodeCache>) -> Self {
        Loader {
            engine,
            linkers: Linkers::default(),
            cache,
            generations: AtomicU64::new(0),
        }
    }

    /// Does everything that can fail before anybody relies on the component.
    pub(crate) async fn load(&self, candidate: Candidate) -> Result<Generation, Rejection> {
        let Candidate {
            name,
            wasm,
            origin,
            limits,
        } = candidate;
        let inspection = inspect(&wasm)?;
        if let Some(pinned) = &origin.sidecar.pinned_sha256
            && *pinned != origin.digest
        {
            return Err(Rejection::PinMismatch {
                pinned: pinned.clone(),
                found: origin.digest,
            });
        }
        let facade = match inspection.kind {
            PolicyKind::Approver => {
                let prepared = self.prepare(&wasm, &inspection, &origin, limits).await?;
                let approver = Approver::new(prepared)?;
                self.try_out(&approver, limits, &origin.sidecar.must_refuse)
                    .await?;
                Facade::Approver(Box::new(approver))
            }
            PolicyKind::Distributor | PolicyKind::ProgressParser | PolicyKind::Recovery => {
                wasmparser::Validator::new()
                    .validate_all(&wasm)
                    .map_err(|error| Rejection::Invalid(error.to_string()))?;
                Facade::Unused
            }
        };
        Ok(Generation {
            number: self.generations.fetch_add(1, Ordering::Relaxed) + 1,
            name,
            kind: inspection.kind,
            size: wasm.len() as u64,
            imports: inspection.imports,
            limits,
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
        origin: &Origin,
        limits: Limits,
    ) -> Result<Prepared, Rejection> {
        let kind = inspection.kind;
        let wasi = inspection.wants_wasi();
        let config: Arc<str> = origin.sidecar.config.as_str().into();
        let configured_key = CodeKey::configured(&origin.digest, &config);
        let link = |component: &Component, config: Option<&Arc<str>>| {
            Prepared::link(
                &self.engine,
                &self.linkers,
                component,
                kind,
                wasi,
                config.cloned(),
            )
        };

        if let Some(component) = self.cached(&configured_key) {
            return link(&component, None);
        }
        let component = match self.cached(&CodeKey::plain(&origin.digest)) {
            Some(component) => component,
            None => {
                let component = self.compile(wasm)?;
                self.keep(&CodeKey::plain(&origin.digest), &component);
                component
            }
        };
        let prepared = link(&component, Some(&config))?;
        let cost = self.configure_on_trial(&prepared, limits, &config).await?;
        // A snapshot cannot hold the handles that a guest got from WASI.
        if cost < WORTH_A_SNAPSHOT || wasi {
            return Ok(prepared);
        }
        match self.snapshot(kind, wasm, limits, &config).await {
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

    fn cached(&self, key: &CodeKey) -> Option<Component> {
        self.cache.as_ref()?.load(&self.engine, key)
    }

    fn keep(&self, key: &CodeKey, component: &Component) {
        if let Some(cache) = &self.cache {
            cache.store(key, component);
        }
    }

    fn compile(&self, wasm: &[u8]) -> Result<Component, Rejection> {
        Component::from_binary(self.engine.engine(), wasm)
            .map_err(|error| Rejection::Invalid(one_line(&error)))
    }

    async fn snapshot(
        &self,
        kind: PolicyKind,
        wasm: &[u8],
        limits: Limits,
        config: &Arc<str>,
    ) -> wasmtime::Result<Component> {
        let limits = Limits {
            deadline: CONFIGURE_DEADLINE,
            ..limits
        };
        let configured =
            snapshot::configured(&self.engine, &self.linkers, limits, kind, wasm, config).await?;
        Component::from_binary(self.engine.engine(), &configured)
    }

    /// Calls `configure` twice and says how long it took the second time, when
    /// its code was warm.
    async fn configure_on_trial(
        &self,
        prepared: &Prepared,
        limits: Limits,
        config: &str,
    ) -> Result<Duration, Rejection> {
        let limits = Limits {
            deadline: CONFIGURE_DEADLINE,
            ..limits
        };
        let mut cost = Duration::ZERO;
        for _ in 0..2 {
            let outcome = self
                .engine
                .run(limits, async |store| {
                    let instance = prepared.bare(store).await?;
                    let start = Instant::now();
                    let outcome = prepared.configure(store, &instance, config).await;
                    Ok((outcome, start.elapsed()))
                })
                .await;
            cost = match outcome {
                Ok((Ok(()), cost)) => cost,
                Ok((Err(ConfigureError::Refused(text)), _)) => {
                    return Err(Rejection::Configure(text));
                }
                Ok((Err(ConfigureError::Fault(fault)), _)) | Err(fault) => {
                    return Err(Rejection::ConfigureFault(fault));
                }
            };
        }
        Ok(cost)
    }

    /// Asks an approver about a harmless command twice, and about everything
    /// that the user said it has to refuse.
    async fn try_out(
        &self,
        approver: &Approver,
        limits: Limits,
        must_refuse: &[String],
    ) -> Result<(), Rejection> {
        let first_call = Limits {
            deadline: limits.deadline.max(FIRST_CALL_DEADLINE),
            ..limits
        };
        let harmless = trial("ls");
        let first = self.ask(approver, first_call, &harmless).await?;
        let second = self.ask(approver, limits, &harmless).await?;
        if first != second {
            return Err(Rejection::Unsteady);
        }
        for command in must_refuse {
            let answer = self.ask(approver, limits, &trial(command)).await?;
            if answer.tier != Tier::Dangerous {
                return Err(Rejection::MustRefuse {
                    command: command.clone(),
                    tier: answer.tier,
                });
            }
        }
        Ok(())
    }

    async fn ask(
        &self,
        approver: &Approver,
        limits: Limits,
        request: &ReviewRequest,
    ) -> Result<Answer, Rejection> {
        approver
            .review(&self.engine, limits, request)
            .await
            .map_err(Rejection::TrialFault)
    }
}

/// A request that no real session made.
fn trial(command_line: &str) -> ReviewRequest {
    ReviewRequest {
        command_line: command_line.to_owned(),
        entry: Entry::Command,
        certainty: Certainty::Exact,
        session: SessionFacts {
            id: String::from("trial"),
            name: String::from("trial"),
            backend: String::from("pty"),
            cwd: Some(String::from("/")),
            program: Some(String::from("sh")),
            prompt: PromptState::AtPrompt,
            full_screen: false,
            tags: Vec::new(),
            role: None,
            team: None,
            attributes: Vec::new(),
        },
        caller: CallerFacts {
            kind: String::from("human"),
            agent: None,
            client: None,
            role: None,
            transport: String::from("cli"),
        },
        recent: Vec::new(),
        time_ms: 0,
        attributes: Vec::new(),
    }
}
