//! The owner's side: the host that tasks were handed to decides what runs when and
//! where, and keeps what becomes of it, also where machines do it.
//!
//! Everything that has not ended belongs to the [`queue`]. [`rounds`] ask a distributor who
//! does what, an [`attempt`] goes to a session of this host, and [`machines`] has what
//! leaves as an errand, each [followed](following) until it has ended; [`next`] says what
//! comes of an attempt, [`ending`] what comes of a task's end. [`kept`] is its store, and [`telling`] what
//! listeners are told.

mod attempt;
mod backlog;
pub(super) mod bad_terms;
mod beside;
mod ending;
mod estimates;
mod following;
mod hearing;
pub(super) mod kept;
mod machines;
pub(super) mod moving;
mod next;
mod open_task;
mod opening;
pub(super) mod order;
pub(super) mod queue;
mod rounds;
mod submitting;
mod telling;
mod todo_lists;
mod workers;
