//! Policies: WebAssembly components that decide, loaded from a folder and
//! swapped while the host runs.
//!
//! [`PolicyHost::start`] loads what lies in the plugins folder and watches it.
//! [`PolicyHost::approvers`] pins the approvers as they are at that moment, and
//! [`Approvers::review`] asks them. This version runs kind `approver`; the
//! others are recognised and listed.
//!
//! # What holds
//!
//! - **Fail closed.** A review cannot fail: an approver that traps, runs out of
//!   time or memory, answers nonsense, is in quarantine or is required and gone
//!   says `dangerous`, with the reason.
//! - **A verdict depends on nothing but the request, the configuration and the
//!   component.** Each call gets a fresh instance. An approver imports nothing,
//!   or those parts of WASI that its language's runtime cannot do without; there
//!   is nothing behind them: no files, no environment, clocks that stand still,
//!   the same random numbers each time. What needs a network is refused.
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
//! `host` is the door. `reload` owns the slots, one for each policy name, whose
//! life is the pure state machine in `slot`; `folder` reads files with
//! suspicion, and `load` makes a `generation` of them: `inspect`, compile
//! (`code_cache`), link (`prepared`), configure (`configuration`, `snapshot`),
//! try out. A call goes from `generation` (with its `tally` and `quarantine`)
//! through the façade of its kind (`approver`) into `guest`, which bounds it
//! with the help of `engine` and `ticker`. To add a kind, write its façade
//! beside `approver`, give it a case in `generation::Facade`, and load it in
//! `load`.
//!
//! # How instances come to be configured
//!
//! `configure` may be costly, and every call needs a configured instance. When
//! a component is loaded its `configure` is timed, warm. If it takes less than
//! a few microseconds, each fresh instance is configured anew: that costs less
//! than anything else would. If it takes more, the component is rewritten with
//! the state that `configure` left behind (`snapshot`) and compiled once more,
//! so that instances are born configured. Instances are never reused: that
//! would save about half the time of a call, and give up that a verdict does
//! not depend on those before it. `benches/decision.rs` measures all three.

mod approver;
mod catalogue;
mod code_cache;
mod configuration;
mod digest;
mod engine;
mod fault;
mod folder;
mod generation;
mod guest;
mod host;
mod incident;
mod inspect;
mod kind;
mod load;
mod ownership;
mod prepared;
mod quarantine;
mod rejection;
mod reload;
mod request;
mod settings;
mod sidecar;
mod slot;
mod snapshot;
mod status;
mod tally;
mod text;
mod ticker;
mod verdict;
mod wasi;
mod watch;

pub use engine::EngineError;
pub use host::{Approvers, PolicyHost, StartError};
pub use incident::{IncidentKind, PolicyIncident, Serving};
pub use kind::{PolicyKind, UnknownKind};
pub use request::{CallerFacts, Certainty, Entry, PromptState, ReviewRequest, SessionFacts};
pub use settings::{BundledPolicy, Limits, Settings};
pub use status::{PolicySource, PolicyState, PolicyStatus, Trust};
pub use verdict::{Ruling, Tier, Verdict};
