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
//! [`TestHost`]; then `cases`, which holds a component to a file of cases, and
//! [`componentize`], which makes a component of a core module.

mod cases;
mod componentize;
mod host;

pub use cases::{CaseFile, CaseFileError, Failure};
pub use componentize::{ComponentizeError, componentize};
pub use host::{LoadError, TestHost};
