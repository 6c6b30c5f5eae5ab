//! One component at a time, without a running host: what `quarterdeck plugin`
//! checks, tests, times and inspects policies with. It loads and calls them with
//! the same code as the host, so that what passes here is taken there.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::calling::call_terms::CallTerms;
use crate::calling::engine::PolicyEngine;
use crate::folder::sidecar::{MAX_SIDECAR_BYTES, Sidecar};
use crate::loading::code_cache::CodeCache;
use crate::loading::digest::sha256;
use crate::loading::inspect::{inspect, judge, outline};
use crate::loading::load::{Candidate, Loader};
use crate::loading::rejection::Rejection;
use crate::serving::generation::{Facade, Generation, NoAnswer, Origin};
use crate::{
    CallLimits, EngineError, Grants, Instances, Limits, PolicyAnswer, PolicyKind, PolicyRequest,
    PolicySource, Provenance, ReviewRequest, Settings, Verdict,
};

/// Opens components. One is enough for a process; making it takes some
/// milliseconds.
pub struct Workbench {
    loader: Loader,
    limits: Limits,
}

/// A component that was loaded as a host would load it, and can be asked.
pub struct OpenedPolicy {
    generation: Generation,
    facts: ComponentFacts,
    opened_in: Duration,
}

/// What a component says of itself, whether a host would take it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentFacts {
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub digest: String,
    /// Its kind, which is the name of its world too; `None` if it is no policy.
    pub kind: Option<PolicyKind>,
    /// The version of `quarterdeck:policy` that it was built for; empty if it
    /// is no policy.
    pub wit_version: String,
    /// Everything that it imports, types included.
    pub imports: Vec<String>,
    /// Everything that it exports.
    pub exports: Vec<String>,
    /// What its metadata claims.
    pub provenance: Provenance,
    /// The JSON Schema of its configuration, if it carries one that can be read.
    pub config_schema: Option<serde_json::Value>,
    /// Why no host would take it, as far as that can be told without running
    /// it.
    pub refusal: Option<String>,
}

/// A component could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A host would not take it.
    #[error("{0}")]
    Refused(String),
}

/// A question brought no answer that a host would use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The request is for another kind of policy.
    #[error("this is {is:#}, but the request is for {asked:#}")]
    OtherKind {
        /// The kind of the request.
        asked: PolicyKind,
        /// The kind of the policy.
        is: PolicyKind,
    },
    /// The request itself is unsound.
    #[error("the request cannot be asked: {0}")]
    Unsound(String),
    /// The policy failed, or its answer breaks a rule. The text begins with a
    /// verb: "crashed (…)".
    #[error("it {0}")]
    Failed(String),
}

/// How long calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTimes {
    /// How many were made.
    pub calls: usize,
    /// The time that half of them stayed under.
    pub p50: Duration,
    /// The time that 99 of 100 stayed under.
    pub p99: Duration,
    /// The slowest.
    pub slowest: Duration,
}

impl ComponentFacts {
    /// Reads what is written on the outside of `wasm`. Nothing is compiled or
    /// run, and nothing is refused: what is wrong is in
    /// [`ComponentFacts::refusal`].
    pub fn of(wasm: &[u8]) -> Self {
        let mut facts = ComponentFacts {
            size: wasm.len() as u64,
            digest: sha256(wasm),
            kind: None,
            wit_version: String::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            provenance: Provenance::default(),
            config_schema: None,
            refusal: None,
        };
        let judged = outline(wasm).and_then(|outline| {
            facts.imports.clone_from(&outline.imports);
            facts.exports.clone_from(&outline.exports);
            facts.provenance = outline.provenance.clone();
            let schema = outline.config_schema.as_deref();
            facts.config_schema = schema.and_then(|schema| serde_json::from_slice(schema).ok());
            judge(outline)
        });
        match judged {
            Ok(inspection) => {
                facts.kind = Some(inspection.kind);
                facts.wit_version = inspection.wit_version;
            }
            Err(rejection) => facts.refusal = Some(rejection.to_string()),
        }
        facts
    }
}

impl Workbench {
    /// Makes a workbench. `cache_dir` is a private folder where compiled code is
    /// kept, as in [`crate::Settings`]; without one, or where it cannot be used,
    /// every component is compiled anew, which takes seconds for those with an
    /// interpreter inside.
    pub fn new(cache_dir: Option<&Path>) -> Result<Self, EngineError> {
        let engine = PolicyEngine::new(Settings::KEPT_BY_ONE_COMMAND)?;
        let cache = cache_dir.and_then(|folder| {
            CodeCache::open(folder, &engine)
                .inspect_err(|error| tracing::info!("{error}"))
                .ok()
        });
        Ok(Workbench {
            loader: Loader::new(engine, cache),
            limits: Limits::default(),
        })
    }

    /// Has policies that ask for no limits of their own run under `limits`, as on
    /// a host that is configured so.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Workbench { limits, ..self }
    }

    /// Opens the component in the file `component` with the sidecar in the file
    /// `sidecar`, if there is one. `enabled`, `order` and `mode` mean nothing
    /// here.
    pub async fn open(
        &self,
        component: &Path,
        sidecar: Option<&Path>,
    ) -> Result<OpenedPolicy, OpenError> {
        let name = component.file_stem().unwrap_or_default().to_string_lossy();
        self.open_as(&name, component, sidecar).await
    }

    /// The same under another name than the file's.
    pub async fn open_as(
        &self,
        name: &str,
        component: &Path,
        sidecar: Option<&Path>,
    ) -> Result<OpenedPolicy, OpenError> {
        let wasm = read(component, self.limits.max_component_bytes)?;
        let sidecar = match sidecar {
            Some(path) => Some(read(path, MAX_SIDECAR_BYTES)?),
            None => None,
        };
        self.open_bytes(name, wasm, sidecar.as_deref()).await
    }

    /// Opens `wasm` under `name` with the text of a sidecar, if there is one.
    pub async fn open_bytes(
        &self,
        name: &str,
        wasm: Vec<u8>,
        sidecar: Option<&[u8]>,
    ) -> Result<OpenedPolicy, OpenError> {
        let refused = |rejection: Rejection| OpenError::Refused(rejection.to_string());
        let start = Instant::now();
        let sidecar = match sidecar {
            Some(text) => Sidecar::parse(text).map_err(|error| refused(error.into()))?,
            None => Sidecar::default(),
        };
        let facts = ComponentFacts::of(&wasm);
        let generation = self
            .loader
            .load(Candidate {
                name: name.to_owned(),
                inspection: inspect(&wasm).map_err(refused)?,
                wasm: wasm.into(),
                limits: sidecar.limits(self.limits),
                origin: Origin {
                    source: PolicySource::File(PathBuf::from(name)),
                    digest: facts.digest.clone(),
                    sidecar,
                },
            })
            .await
            .map_err(refused)?;
        Ok(OpenedPolicy {
            generation,
            facts,
            opened_in: start.elapsed(),
        })
    }
}

impl OpenedPolicy {
    /// The name that it was opened under.
    pub fn name(&self) -> &str {
        &self.generation.name
    }

    /// Its kind.
    pub fn kind(&self) -> PolicyKind {
        self.generation.kind
    }

    /// What it says of itself.
    pub fn facts(&self) -> &ComponentFacts {
        &self.facts
    }

    /// What a call of it may use.
    pub fn limits(&self) -> CallLimits {
        self.generation.terms.limits.into()
    }

    /// What it may see beyond what it is asked.
    pub fn grants(&self) -> &Grants {
        &self.generation.terms.grants
    }

    /// How long opening took: compiling or fetching from the cache, configuring
    /// and trying out.
    pub fn opened_in(&self) -> Duration {
        self.opened_in
    }

    /// Asks it, as often as one likes: here nobody goes into quarantine.
    pub async fn ask(&self, request: &PolicyRequest) -> Result<PolicyAnswer, AskError> {
        self.generation
            .answer(&self.generation.terms, request)
            .await
    }

    /// Asks an approver what it says to a command. As on a host, one that fails
    /// says `dangerous`; but here nobody goes into quarantine.
    pub async fn review(&self, request: &ReviewRequest) -> Result<Verdict, AskError> {
        let Facade::Approver(approver) = &self.generation.facade else {
            return Err(AskError::OtherKind {
                asked: PolicyKind::Approver,
                is: self.kind(),
            });
        };
        let terms = &self.generation.terms;
        Ok(
            match approver
                .review(&self.generation.engine, terms, request)
                .await
            {
                Ok(answer) => self.generation.verdict(answer),
                Err(fault) => self.generation.refusal(&NoAnswer::Fault(fault)),
            },
        )
    }

    /// Makes `calls` calls and times them, after some that are not counted.
    /// `instances` is which instances are asked, whatever the sidecar says; a
    /// progress parser gets a new one for each recording either way.
    pub async fn time(
        &self,
        request: &PolicyRequest,
        calls: usize,
        instances: Instances,
    ) -> Result<CallTimes, AskError> {
        const MOST_WARM_UP: usize = 200;
        let terms = Arc::new(CallTerms {
            reuse: instances == Instances::Reused,
            trial: false,
            ..(*self.generation.terms).clone()
        });
        let warm_up = (calls / 10).min(MOST_WARM_UP);
        let mut times = Vec::with_capacity(calls);
        for call in 0..warm_up + calls.max(1) {
            let start = Instant::now();
            self.generation.answer(&terms, request).await?;
            if call >= warm_up {
                times.push(start.elapsed());
            }
        }
        times.sort_unstable();
        let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
        Ok(CallTimes {
            calls: times.len(),
            p50: at(50),
            p99: at(99),
            slowest: at(100),
        })
    }
}

/// Reads a file of bounded size.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, OpenError> {
    let failed = |error| OpenError::Read {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        let size = length.max(bytes.len() as u64);
        let too_large = Rejection::TooLarge { size, limit };
        return Err(OpenError::Refused(format!(
            "{}: {too_large}",
            path.display()
        )));
    }
    Ok(bytes)
}
