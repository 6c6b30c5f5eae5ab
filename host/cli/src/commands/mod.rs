//! One file for each subcommand.

pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod backup;
mod changes;
pub(crate) mod check;
pub(crate) mod compile_policy;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod hook;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod mcpretentious;
pub(crate) mod plugin;
pub(crate) mod relay;
pub(crate) mod rule;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod top;
pub(crate) mod worker;
