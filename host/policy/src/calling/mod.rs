//! One call of one component: in an instance with limits, ended at its deadline, and
//! over with a typed `fault` where it fails.
//!
//! `callable` chooses the instance, which may have been made `ahead`, and `guest` bounds
//! it, by its `call_clock`; `engine`, with the `known_functions`, and `ticker` are shared
//! by all.

pub(crate) mod ahead;
pub(crate) mod call_clock;
pub(crate) mod call_terms;
pub(crate) mod callable;
pub(crate) mod engine;
pub(crate) mod fault;
pub(crate) mod guest;
pub(crate) mod known_functions;
pub(crate) mod ticker;
