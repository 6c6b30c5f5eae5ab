//! C: the project's Makefile, which is the SDK's `policy.mk`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;
use crate::project::{component, read, wrap};
use crate::tools::{named_by, on_path, run};

pub(crate) const NAME: &str = "C";

const COMPILER: &str = "clang-19";
const GET_COMPILER: &str = "on Debian 12 or later `apt install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32`; \
                            elsewhere unpack https://github.com/WebAssembly/wasi-sdk and set WASI_CC to its bin/clang";

pub(crate) fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let missing = |what: String, remedy: &str| BuildError::Missing {
        what,
        language: NAME,
        remedy: remedy.to_owned(),
    };
    let makefile = folder.join("Makefile");
    let name = name(&read(&makefile)?).ok_or_else(|| BuildError::Project {
        path: makefile,
        problem: "it has no line `NAME = …`, and is no policy's; `quarterdeck plugin new --lang c` makes one"
            .to_owned(),
    })?;
    if on_path("make").is_none() {
        return Err(missing(
            "make".to_owned(),
            "install it from your system's packages",
        ));
    }
    let compiler = named_by("WASI_CC", COMPILER);
    if on_path(&compiler).is_none() {
        return Err(missing(compiler.display().to_string(), GET_COMPILER));
    }
    // The module is made a component here, so that nobody has to install
    // wasm-tools for it.
    let mut make = Command::new("make");
    make.arg("all").arg("COMPONENTIZE=true");
    let hint = format!(". If it found no headers or no libraries of WASI: {GET_COMPILER}");
    run(&mut make, folder, &hint)?;
    let component = component(folder, &name);
    let module = component.with_extension("module.wasm");
    if module.is_file() {
        wrap(&module, &component)?;
    } else if component.is_file() {
        wrap(&component, &component)?;
    } else {
        return Err(BuildError::NothingBuilt {
            command: "make all".to_owned(),
            path: module,
            remedy: "include the SDK's policy.mk".to_owned(),
        });
    }
    Ok(component)
}

/// What `NAME = …` says.
fn name(makefile: &str) -> Option<String> {
    makefile
        .lines()
        .filter_map(|line| line.strip_prefix("NAME")?.split_once('='))
        .find(|(before, _)| matches!(before.trim(), "" | ":" | "?"))
        .map(|(_, name)| name.trim().to_owned())
        .filter(|name| !name.is_empty() && !name.contains(['/', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_in_the_makefile() {
        assert_eq!(name("NAME = no-push\nSDK = x").as_deref(), Some("no-push"));
        assert_eq!(name("# x\nNAME:=a").as_deref(), Some("a"));
        assert_eq!(name("NAMES = a\nNAME = ../b"), None);
        assert_eq!(name("all:\n"), None);
    }
}
