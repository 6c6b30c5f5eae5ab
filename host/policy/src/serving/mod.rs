//! Who is in charge: each policy name with its generations, what is counted of them,
//! and the catalogue that calls pin.
//!
//! `slots` owns the names and publishes catalogues; `slot_life` says what becomes of
//! one of them, and a `reading`, one of several at a time, brings what its files hold. A `generation` answers calls, with a `tally` of them, and in
//! `quarantine` no longer. `status`, `changes` and `problem` are what the outside
//! hears of it.

pub(crate) mod catalogue;
pub(crate) mod changes;
pub(crate) mod generation;
pub(crate) mod problem;
pub(crate) mod quarantine;
pub(crate) mod reading;
pub(crate) mod slot_life;
pub(crate) mod slots;
pub(crate) mod status;
pub(crate) mod tally;
