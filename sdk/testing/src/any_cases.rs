//! A file of cases, for whichever kind of policy.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use quarterdeck_policy::PolicyKind;
use serde::Deserialize;

use crate::{CaseFile, CaseFileError, LoadError, Subject};

/// What a policy is asked, and what it has to answer.
#[derive(Debug)]
pub enum Cases {
    /// An approver.
    Approver(CaseFile),
    /// Another kind.
    Other(policy_cases::CaseFile),
}

/// A case that is answered otherwise: what was asked, and lines that begin with
/// `-` (expected) and `+` (answered).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cases cannot be read, or not be put to a component.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// The file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds no sound cases of approvers.
    #[error("{}: {error}", path.display())]
    Approver {
        /// The file.
        path: PathBuf,
        /// Why.
        error: CaseFileError,
    },
    /// It holds no sound cases of another kind; the text names the file.
    #[error(transparent)]
    Other(#[from] policy_cases::ReadError),
    /// It holds nothing, so that every component would pass.
    #[error("{} holds no cases", .0.display())]
    Empty(PathBuf),
    /// The cases are for another kind of policy.
    #[error("the cases are for {cases:#}, but this is {component:#}")]
    OtherKind {
        /// The kind that the cases are for.
        cases: PolicyKind,
        /// The kind of the component.
        component: PolicyKind,
    },
    /// The component cannot be tried.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// So much of a file tells which kind it is for.
#[derive(Deserialize)]
struct KindOnly {
    #[serde(default = "approver")]
    kind: PolicyKind,
}

fn approver() -> PolicyKind {
    PolicyKind::Approver
}

impl Cases {
    /// Reads a file, for the kind that its `kind` names; without one it is for
    /// approvers. Recordings are looked for beside it.
    ///
    /// # Errors
    ///
    /// Names the file, and the case or the place in it that cannot be read.
    pub fn read(path: &Path) -> Result<Self, CasesError> {
        let text = fs::read_to_string(path).map_err(|error| CasesError::Read {
            path: path.to_owned(),
            error,
        })?;
        let of_approver = |error| CasesError::Approver {
            path: path.to_owned(),
            error,
        };
        let kind =
            toml::from_str(&text).map_err(|error| of_approver(CaseFileError::Toml(error)))?;
        let KindOnly { kind } = kind;
        if kind == PolicyKind::Approver {
            return text.parse().map(Self::Approver).map_err(of_approver);
        }
        let file = policy_cases::CaseFile::read(path)?;
        if file.cases().is_empty() {
            return Err(CasesError::Empty(path.to_owned()));
        }
        Ok(Self::Other(file))
    }

    /// The kind of policy that they are for.
    pub fn kind(&self) -> PolicyKind {
        match self {
            Self::Approver(_) => PolicyKind::Approver,
            Self::Other(file) => match file.kind() {
                policy_cases::Kind::Distributor => PolicyKind::Distributor,
                policy_cases::Kind::ProgressParser => PolicyKind::ProgressParser,
                policy_cases::Kind::Recovery => PolicyKind::Recovery,
            },
        }
    }

    /// How many there are.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a file without cases is an error"
    )]
    pub fn len(&self) -> usize {
        match self {
            Self::Approver(file) => file.len(),
            Self::Other(file) => file.cases().len(),
        }
    }

    /// Holds a component to them; what comes back went wrong.
    ///
    /// # Errors
    ///
    /// When the component is of another kind, or cannot be tried at all.
    pub fn run(&self, subject: &mut Subject) -> Result<Vec<Difference>, CasesError> {
        let (cases, component) = (self.kind(), subject.kind());
        if cases != component {
            return Err(CasesError::OtherKind { cases, component });
        }
        Ok(match self {
            Self::Approver(file) => told(&file.run(subject)?),
            Self::Other(file) => told(&file.failures(subject)),
        })
    }
}

fn told(failures: &[impl ToString]) -> Vec<Difference> {
    let told = failures.iter().map(|it| Difference(it.to_string()));
    told.collect()
}
