//! The worker's side: what a session does for one task, whoever owns it. An
//! [`attempt`] goes through the gate and ends in a fate; a host that is a machine carries
//! out other hosts' [`errands`] so.

pub(super) mod attempt;
mod command_line;
pub(super) mod errands;
pub(super) mod opened;
pub(super) mod prompting;
