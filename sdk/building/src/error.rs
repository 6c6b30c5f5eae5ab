//! What can go wrong, in words for the author of a policy.

use std::io;
use std::path::PathBuf;

use crate::ComponentizeError;

/// A project could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing in the folder tells a language.
    #[error(
        "{} holds no policy's project: neither Cargo.toml (Rust), package.json (JavaScript), \
         Makefile (C) nor policy.py (Python); `quarterdeck plugin new` makes one",
        .0.display()
    )]
    NoProject(PathBuf),
    /// A program or a part of it is not installed.
    #[error("{what} is missing, which it takes to build {language}: {remedy}")]
    Missing {
        /// What it is.
        what: String,
        /// The language that needs it.
        language: &'static str,
        /// How to get it.
        remedy: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file of the project does not say what it has to.
    #[error("{}: {problem}", path.display())]
    Project {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A build tool failed; it has said why.
    #[error("`{command}` failed in {}; what it said stands above", folder.display())]
    Failed {
        /// The command.
        command: String,
        /// Where it ran.
        folder: PathBuf,
    },
    /// A build tool could not be started.
    #[error("`{command}` could not be started: {error}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        error: io::Error,
    },
    /// The build tool is content, but there is no component.
    #[error("`{command}` left no {}; {remedy}", path.display())]
    NothingBuilt {
        /// The command.
        command: String,
        /// The file that was to be there.
        path: PathBuf,
        /// What to do about it.
        remedy: String,
    },
    /// Nothing was built yet.
    #[error("there is no component in {}; `quarterdeck plugin build` makes one", .0.display())]
    NotBuilt(PathBuf),
    /// It is not clear which component is meant.
    #[error("there is more than one component in {}; name the one that is meant", .0.display())]
    SeveralBuilt(PathBuf),
    /// What was built cannot be made a component.
    #[error("{}: {error}", path.display())]
    Componentize {
        /// The core module.
        path: PathBuf,
        /// Why.
        error: ComponentizeError,
    },
}
