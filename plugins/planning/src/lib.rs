//! What the bundled distributors share.
//!
//! A strategy is two decisions: in which *order* tasks are looked at, and which
//! *worker* takes the next one. The rest is the same for all and lives here:
//! which tasks may start at all, how many slots are left, and how a plan
//! accounts for every task. Start at [`Planner`]; [`Choose`] is the seam for the
//! second decision.
//!
//! Rules that hold for every strategy, whatever its order:
//!
//! - A task whose dependencies have not completed waits.
//! - A worker takes no more tasks than its capacity leaves room for.
//! - No more tasks run at once than the batch's limit, counting those that run.
//! - With `match-tags`, a worker takes only tasks whose tags it all carries.
//! - Of tasks or workers with the same id, the first counts.
//! - Every id of the batch is in the plan once: assigned, or waiting with a
//!   reason.
//!
//! This crate must never read a clock or draw a random number: the same batch
//! gives the same plan.

pub mod bindings;
mod guest;
mod least_loaded;
mod planner;
mod room;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use bindings::exports::quarterdeck::policy::distribute::{
    Assignment, Batch, Plan, Priority, Task, Waiting, Worker,
};
pub use guest::{Configured, Distributor};
pub use least_loaded::LeastLoaded;
pub use planner::{Choose, Planner, Why};
pub use room::Room;
pub use settings::{Settings, read_settings};
