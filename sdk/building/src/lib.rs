//! From a project with a policy's source to a component, with the tools of its
//! language.
//!
//! [`Project::find`] tells from the files in a folder what language it is in;
//! [`Project::build`] looks for the tools that this takes, says which one is
//! missing and how to get it, and otherwise builds `dist/NAME.wasm`.
//!
//! # What it must never do
//!
//! Install anything, or reach for the network by itself: what the language's own
//! build tool does is that tool's business.
//!
//! # Where to start reading
//!
//! `project`; then a file for each language. [`componentize`] and
//! [`cargo_module`] are what other builders of this workspace share.

mod c;
mod componentize;
mod error;
mod javascript;
mod project;
mod provenance;
mod python;
mod rust;
mod tools;

pub use componentize::{ComponentizeError, componentize};
pub use error::BuildError;
pub use project::{Project, built_in, with_claims, with_config_schema};
pub use provenance::Claim;
pub use rust::cargo_module;
