//! Policies: WebAssembly components that decide, loaded from a folder and
//! swapped while the host runs.
//!
//! [`PolicyHost::start`] loads what lies in the plugins folder and watches it.
//! [`PolicyHost::approvers`] pins the approvers as they are at that moment, and
//! [`Approvers::review`] asks them; [`Distributors`], [`ProgressParsers`] and
//! [`Recoveries`] do the same for the other kinds, of which the caller says by
//! name who is asked.
//!
//! # What holds
//!
//! - **Fail closed.** A review cannot fail: an approver that traps, runs out of
//!   time or memory, answers nonsense, is in quarantine or is required and gone
//!   says `dangerous`, with the reason.
//! - **Nobody else's failure does harm.** A distributor that fails assigns
//!   nothing and keeps its state; a recovery that fails leaves the session
//!   alone, and gives up in the end; a progress parser that fails reports
//!   nothing and begins anew. The first two are reported at once, all of them
//!   when they go into quarantine.
//! - **No answer is believed unchecked.** A plan that assigns a task twice, to a
//!   worker that was not offered or past a limit, a failover to a session that is
//!   no backup, a step too many: each is a fault like a trap, and nothing of it
//!   is carried out (`lawful_plan`, `recovery`).
//! - **A verdict depends on nothing but the request, the configuration and the
//!   component.** Each call gets a fresh instance, unless its sidecar says that
//!   instances are reused. An approver imports nothing, or those parts of WASI
//!   that its language's runtime cannot do without; there is nothing behind them:
//!   no files, no environment, clocks that stand still, the same random numbers
//!   each time. The other kinds may log and ask for the time, and see what their
//!   sidecar grants (`grants`). What needs a network is refused.
//! - **A bad file changes nothing.** It is an incident, and the former
//!   generation stays in charge. Only where there is none, because the host has
//!   just started, a broken replacement of a bundled policy means `dangerous`.
//! - **Calls under way end on the generation they began with.** A swap publishes
//!   another immutable catalogue; nobody waits for anybody.
//! - **Only this user and root are believed.** Files and folders that others can
//!   write to are refused, and compiled code comes from a private cache, never
//!   from the plugins folder.
//!
//! # What it must never do
//!
//! Know sessions, the gate, MCP or the store; let a type of the engine out;
//! block a caller's thread on a compilation; run a guest without a deadline.
//!
//! # Where to start reading
//!
//! `host` is the door. `reload` looks at the folder and tells `slots`, one for
//! each policy name, whose life is the pure state machine in `slot`, with
//! `settling` to say when a file is read; `folder` reads files with suspicion,
//! and `load` makes a `generation` of them: `inspect`, compile (`code_cache`),
//! link (`prepared`), configure (`configuration`, `snapshot`), try out. A call
//! goes from what the caller holds (`approvers`, `distributors`,
//! `progress_parsers`, `recoveries`) to `generation` (with its `tally` and
//! `quarantine`), through the façade of its kind (`approver`, `distributor`,
//! `progress_parser`, `recovery`; bindings in `world`) into `callable` and
//! `guest`, which bounds it with the help of `engine` and `ticker`. How another
//! version of the WIT package will live beside this one is said in `version`.
//!
//! `statement` is what each policy says to one request, for whoever wants to know
//! why. Without a host, `workbench` opens one component with the same loader and
//! the same calls; `workbench_case` is what its case files are made of.
//!
//! # How instances come to be configured
//!
//! `configure` may be costly, and every call needs a configured instance. When
//! a component is loaded its `configure` is timed, warm. If it takes less than
//! some tens of microseconds, each fresh instance is configured anew: nobody
//! would notice the difference in a call, and everybody a slower swap. If it
//! takes more, the component is rewritten with the state that `configure` left
//! behind (`snapshot`) and compiled once more, so that instances are born
//! configured. Instances are reused only where a sidecar asks for it: that saves
//! most of the time of a call, but gives up that a verdict does not depend on
//! those before it.
//! `benches/decision.rs` measures calls, starts and swaps.

mod apart;
mod approver;
mod approvers;
mod batch;
mod callable;
mod catalogue;
mod changes;
mod code_cache;
mod config_schema;
mod configuration;
mod digest;
mod distributor;
mod distributors;
mod engine;
mod fault;
mod folder;
mod generation;
mod grants;
mod guest;
mod host;
mod host_interface;
mod incident;
mod incident_facts;
mod inspect;
mod kind;
mod lawful_plan;
mod lent;
mod load;
mod memory;
mod ownership;
mod prepared;
mod progress;
mod progress_parser;
mod progress_parsers;
mod provenance;
mod quarantine;
mod recoveries;
mod recovery;
mod rejection;
mod reload;
mod request;
mod settings;
mod settling;
mod sidecar;
mod sighting;
mod slot;
mod slots;
mod snapshot;
mod statement;
mod status;
mod tally;
mod terms;
mod text;
mod ticker;
mod trial;
mod verdict;
mod version;
mod wasi;
mod watch;
mod workbench;
mod workbench_case;
mod world;

pub use apart::{COMPILE_POLICY, CompileError, compile_into_cache};
pub use approvers::Approvers;
pub use batch::{Assignment, Batch, Plan, TaskFacts, TaskPriority, Waiting, WorkerFacts};
pub use changes::PolicyChanges;
pub use config_schema::CONFIG_SCHEMA_SECTION;
pub use distributors::{Distribution, Distributors};
pub use engine::EngineError;
pub use grants::Grants;
pub use host::{PolicyHost, StartError};
pub use incident::{IncidentKind, PolicyIncident, Serving};
pub use incident_facts::{IncidentCause, IncidentFacts, RecoveryAction, RecoveryDecision};
pub use kind::{PolicyKind, UnknownKind};
pub use progress::{OutputPiece, ProgressStatus, ProgressUpdate, ReportedProgress};
pub use progress_parsers::{FollowedSession, ProgressParsers};
pub use provenance::Provenance;
pub use recoveries::{Recoveries, RecoveryRuling};
pub use request::{CallerFacts, Certainty, Entry, PromptState, ReviewRequest, SessionFacts};
pub use settings::{BundledPolicy, Limits, Settings};
pub use sidecar::{Instances, PolicyMode};
pub use statement::{PolicyStatement, Statement};
pub use status::{CallLimits, PolicySource, PolicyState, PolicyStatus, Trust};
pub use verdict::{Ruling, Tier, Verdict};
pub use workbench::{AskError, CallTimes, ComponentFacts, OpenError, OpenedPolicy, Workbench};
pub use workbench_case::{PolicyAnswer, PolicyRequest, Recording};

/// The target of `tracing` spans that are made for a collector. Nobody else listens to
/// it: where nothing is exported, they cost nothing.
pub const TRACE_TARGET: &str = "quarterdeck_trace";
