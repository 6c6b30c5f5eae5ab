//! C: the project's Makefile, which is the SDK's `policy.mk`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BuildError;
use crate::project::{component, read, wrap};
use crate::tools::{named_by, on_path, output_of, run};

pub(crate) const NAME: &str = "C";

const COMPILER: &str = "clang-19";
/// What else compiling for WASI takes: how to ask the compiler where it is, what
/// it is, and Debian's package.
const PARTS: [(&str, &str, &str); 3] = [
    ("-print-prog-name=wasm-ld", "the linker wasm-ld", "lld-19"),
    (
        "-print-file-name=crt1-reactor.o",
        "the C library of WASI",
        "wasi-libc",
    ),
    (
        "-print-libgcc-file-name",
        "the compiler's own library for WebAssembly",
        "libclang-rt-19-dev-wasm32",
    ),
];

/// How to get one of Debian's packages, or all of them at once from elsewhere.
fn from_debian(package: &str) -> String {
    format!(
        "on Debian 12 or later `apt install {package}`; elsewhere unpack \
         https://github.com/WebAssembly/wasi-sdk and set WASI_CC to its bin/clang"
    )
}

pub(crate) fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let missing = |what: String, remedy: String| BuildError::Missing {
        what,
        language: NAME,
        remedy,
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
            "install it from your system's packages".to_owned(),
        ));
    }
    let compiler = named_by("WASI_CC", COMPILER);
    if on_path(&compiler).is_none() {
        let remedy = from_debian("clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32");
        return Err(missing(compiler.display().to_string(), remedy));
    }
    for (question, part, package) in PARTS {
        if !has_part(&compiler, question) {
            return Err(missing(part.to_owned(), from_debian(package)));
        }
    }
    // The module is made a component here, so that nobody has to install
    // wasm-tools for it.
    let mut make = Command::new("make");
    make.arg("all").arg("COMPONENTIZE=@true");
    run(&mut make, folder)?;
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

/// Whether the compiler finds one of its parts: it names the place of what it has,
/// and repeats the bare name of what it has not.
fn has_part(compiler: &Path, question: &str) -> bool {
    let mut ask = Command::new(compiler);
    output_of(ask.args(["--target=wasm32-wasi", question]))
        .is_some_and(|answer| Path::new(&answer).is_file())
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
