//! What the bundled recoveries share.
//!
//! A recovery says what to do about an incident; how often, after how long and
//! when to stop is the same for all of them: see [`Retries`]. Rules that hold for
//! every recovery:
//!
//! - A program that waits for a person is left alone: the recovery waits, and in
//!   the end hands the incident to a person by giving up.
//! - After as many attempts as the settings or the incident allow, whichever is
//!   less, it gives up.
//! - Delays grow from attempt to attempt, up to a longest one. What somebody asked
//!   for starts at once.
//!
//! A decision depends on nothing but the incident and the settings: no clock, no
//! random number.

pub mod bindings;
mod guest;
mod retries;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use bindings::exports::quarterdeck::policy::recover::{Action, Cause, Decision, Incident};
pub use guest::{Configured, Recovery};
pub use retries::Retries;
