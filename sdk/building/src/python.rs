//! Python: the SDK's `quarterdeck-build`, from the project's own environment.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;
use crate::project::{component, read};
use crate::tools::{on_path, run};

pub(crate) const NAME: &str = "Python";

const MODULE: &str = "policy.py";

/// The SDK's modules, and the kind that each is for.
const KINDS: [(&str, &str); 4] = [
    ("approver", "approver"),
    ("distributor", "distributor"),
    ("progress_parser", "progress-parser"),
    ("recovery", "recovery"),
];

pub(crate) fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let missing = |what: &str, remedy: String| BuildError::Missing {
        what: what.to_owned(),
        language: NAME,
        remedy,
    };
    let module = folder.join(MODULE);
    let kind = kind(&read(&module)?).map_err(|problem| BuildError::Project {
        path: module,
        problem,
    })?;
    let Some(builder) = builder(folder) else {
        if on_path("python3").is_none() {
            return Err(missing(
                "python3",
                "install Python 3.11 or later, from https://python.org or your system's packages"
                    .to_owned(),
            ));
        }
        let remedy = format!(
            "run `python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in {} once",
            folder.display()
        );
        return Err(missing("quarterdeck-build", remedy));
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let component = component(folder, &name);
    let mut build = Command::new(builder);
    build
        .args(["--kind", kind, "--out"])
        .arg(&component)
        .arg(MODULE);
    run(&mut build, folder)?;
    if component.is_file() {
        return Ok(component);
    }
    Err(BuildError::NothingBuilt {
        command: "quarterdeck-build".to_owned(),
        path: component,
        remedy: "this is a fault of the SDK".to_owned(),
    })
}

/// The SDK's builder: in the project's environment, in the active one, or on the
/// search path.
fn builder(folder: &Path) -> Option<PathBuf> {
    const BUILDER: &str = "bin/quarterdeck-build";

    let active = env::var_os("VIRTUAL_ENV").map(|place| Path::new(&place).join(BUILDER));
    [Some(folder.join(".venv").join(BUILDER)), active]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .or_else(|| on_path("quarterdeck-build"))
}

/// The kind, by the part of the SDK that is imported.
fn kind(source: &str) -> Result<&'static str, String> {
    let imports = |module: &str| {
        let (from, import) = (
            format!("from quarterdeck_sdk.{module} import"),
            format!("import quarterdeck_sdk.{module}"),
        );
        source.lines().any(|line| {
            let rest = line.strip_prefix(&import);
            line.starts_with(&from)
                || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',']))
        })
    };
    let mut kinds = KINDS.iter().filter(|(module, _)| imports(module));
    match (kinds.next(), kinds.next()) {
        (Some((_, kind)), None) => Ok(kind),
        (Some((first, _)), Some((second, _))) => Err(format!(
            "it imports both quarterdeck_sdk.{first} and quarterdeck_sdk.{second}; a policy is of one kind"
        )),
        (None, _) => Err(
            "it imports no kind of policy, as `from quarterdeck_sdk.approver import \
                          approver` does"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_off_the_imports() {
        let parser = "import re\nfrom quarterdeck_sdk.progress_parser import Piece, Update\n";
        assert_eq!(kind(parser), Ok("progress-parser"));
        assert_eq!(
            kind("import quarterdeck_sdk.recovery as sdk"),
            Ok("recovery")
        );
        let two = "from quarterdeck_sdk.approver import a\nimport quarterdeck_sdk.recovery";
        assert!(kind(two).expect_err("two").contains("one kind"));
        assert!(kind("import os").expect_err("none").contains("no kind"));
    }
}
