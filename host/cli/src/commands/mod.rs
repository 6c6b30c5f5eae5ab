//! One file for each subcommand.

pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod mcp;
pub(crate) mod mcpretentious;
pub(crate) mod plugin;
pub(crate) mod run;
pub(crate) mod serve;
