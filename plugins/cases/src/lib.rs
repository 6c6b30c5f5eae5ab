//! Case files: what a distributor, a progress parser or a recovery is asked, and
//! what it must answer.
//!
//! A case file is TOML: the kind of policy, and cases with a name each. `config`
//! is the sidecar's `[config]`; with `refused`, configuring must fail with that
//! text. What else a case holds depends on the kind: see [`DistributorCase`],
//! [`ProgressCase`] and [`RecoveryCase`]. Whatever is left out is unremarkable:
//! an idle worker, a task of medium priority, a session at nothing.
//!
//! The file knows nothing of components: a case checks any [`Policy`], which a
//! host implements over its own façades, and [`component`] over wasmtime alone.
//!
//! ```
//! let file = policy_cases::CaseFile::parse(r#"
//!     kind = "recovery"
//!
//!     [[case]]
//!     name = "a program that hangs is restarted"
//!     incident = { cause = "hung", attempts = 1 }
//!     expect = { action = "restart", delay-ms = 2000 }
//! "#)?;
//! assert_eq!(file.cases().len(), 1);
//! # Ok::<(), policy_cases::ReadError>(())
//! ```

pub mod component;
mod distributor;
mod file;
mod progress;
mod recovery;

pub use distributor::{Assignment, Batch, DistributorCase, Plan, Priority, Task, Waiting, Worker};
pub use file::{Case, CaseFile, Failure, Kind, Policy, Question, ReadError};
pub use progress::{Output, ProgressCase, Status, Update};
pub use recovery::{Action, Cause, Decision, Incident, RecoveryCase};
