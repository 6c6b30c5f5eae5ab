//! One file for each subcommand.

pub mod approve;
pub mod audit;
pub mod check;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod mcp;
pub mod plugin;
pub mod run;
pub mod serve;
