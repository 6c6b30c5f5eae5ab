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
//!   is carried out (`kinds`).
//! - **A verdict depends on nothing but the request, the configuration and the
//!   component.** Each call gets a fresh instance, unless its sidecar says that
//!   instances are reused. An approver imports nothing, or those parts of WASI
//!   that its language's runtime cannot do without; there is nothing behind them:
//!   no files, no environment, clocks that stand still, the same random numbers
//!   each time. The other kinds may log and ask for the time, and see what their
//!   sidecar grants (`folder::grants`). What needs a network is refused.
//! - **A bad file changes nothing.** It is a problem, and the former
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
//! `host` is the door. Behind it lie six rooms, each with a page of its own:
//!
//! - `folder`: what lies in the plugins folder, and when it is read;
//! - `loading`: from bytes to a generation;
//! - `serving`: which generation of each policy is in charge, and how it fares;
//! - `kinds`: what each kind is asked and answers, and how answers are checked;
//! - `interface`: the WIT package, its bindings and its versions;
//! - `calling`: one bounded call of one component.
//!
//! A saved file goes from `folder` through `loading` to `serving`. A call goes from
//! what the caller holds (`kinds::approver::approvers`, and so on) to its generation in
//! `serving`, through the façade of its kind into `calling`. Without a host,
//! `workbench` opens one component with the same loader and the same calls.
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

mod calling;
mod folder;
mod host;
mod interface;
mod kinds;
mod loading;
mod serving;
mod settings;
mod workbench;

pub use calling::engine::EngineError;
pub use folder::former::FormerVersions;
pub use folder::grants::Grants;
pub use folder::ownership::distrust;
pub use folder::sidecar::{Instances, PolicyMode};
pub use host::{PolicyHost, StartError};
pub use kinds::any_kind::{PolicyAnswer, PolicyRequest, Recording};
pub use kinds::approver::approvers::Approvers;
pub use kinds::approver::request::{
    CallerFacts, Certainty, Entry, PromptState, ReviewRequest, SessionFacts,
};
pub use kinds::approver::verdict::{Ruling, Tier, Verdict};
pub use kinds::distributor::batch::{
    Assignment, Batch, Plan, TaskFacts, TaskPriority, Waiting, WorkerFacts,
};
pub use kinds::distributor::distributors::{Distribution, Distributors};
pub use kinds::kind::{PolicyKind, UnknownKind};
pub use kinds::progress_parser::progress::{
    OutputPiece, ProgressStatus, ProgressUpdate, ReportedProgress,
};
pub use kinds::progress_parser::progress_parsers::{FollowedSession, ProgressParsers};
pub use kinds::recovery::incident::{
    IncidentCause, IncidentFacts, RecoveryAction, RecoveryDecision,
};
pub use kinds::recovery::recoveries::{Recoveries, RecoveryRuling};
pub use kinds::statement::{PolicyStatement, Statement};
pub use loading::compile_process::{COMPILE_POLICY, CompileError, compile_into_cache};
pub use loading::config_schema::CONFIG_SCHEMA_SECTION;
pub use loading::provenance::Provenance;
pub use serving::changes::PolicyChanges;
pub use serving::problem::{PolicyProblem, ProblemKind, Serving};
pub use serving::status::{CallLimits, PolicySource, PolicyState, PolicyStatus, Trust};
pub use settings::{BundledPolicy, Limits, Settings};
pub use workbench::{AskError, CallTimes, ComponentFacts, OpenError, OpenedPolicy, Workbench};

/// The target of `tracing` spans that are made for a collector. Nobody else listens to
/// it: where nothing is exported, they cost nothing.
pub const TRACE_TARGET: &str = "quarterdeck_trace";
