//! For authors of policies: tests a built component in the engine that the host
//! runs it in, with the host's limits, checks and sidecars.
//!
//! ```no_run
//! use quarterdeck_policy_testing::TestHost;
//! use quarterdeck_policy::Tier;
//!
//! let component = std::fs::read("dist/no-push.wasm")?;
//! let host = TestHost::start()?;
//! host.load(&component, &toml::toml! { reason = "Frozen." })?;
//! let verdict = host.review("git push");
//! assert_eq!((verdict.tier, verdict.reason.as_str()), (Tier::Dangerous, "Frozen."));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it must never do
//!
//! Touch the user's plugins folder, or judge in a way that a host would not: it
//! is a host, with a folder of its own that goes with it.
//!
//! # Where to start reading
//!
//! [`TestHost`], in which components are dropped and swapped; [`Subject`], one
//! component of any kind on its own. [`Cases`] is a file of cases of any kind;
//! `cases` says what those of approvers look like, and the crate `policy-cases`
//! those of the others.

mod any_cases;
mod cases;
mod host;
mod subject;

pub use any_cases::{Cases, CasesError, Difference};
pub use cases::{Approver, CaseFile, CaseFileError, Failure};
pub use host::{HostedApprover, LoadError, TestHost, handed_over};
pub use subject::{Subject, SubjectError};
