//! The doors of Quarterdeck: how requests reach the host.
//!
//! # Where to start
//!
//! [`mcp::McpDoor`] speaks MCP, whatever carries it. [`http`] carries it over
//! Streamable HTTP behind a token; [`grpc`] is iterm-mcp's service; [`socket`] over a Unix socket, which is how
//! `quarterdeck mcp` joins a host that runs already, and how the command line
//! asks it things. [`hook`] translates what coding agents say through their
//! hooks.
//!
//! # What this crate must never do
//!
//! - Decide anything: a door translates a request into an operation of
//!   [`quarterdeck_core::Host`] and its outcome back.
//! - Reach a session other than through an operation.
//! - Write anything but protocol to standard output.

mod dashboard;
pub mod glance;
pub mod grpc;
pub mod hook;
pub mod http;
pub mod mcp;
mod metrics;
mod own_socket;
mod peer;
pub mod socket;
mod standing;
pub mod streams;
pub mod token;
