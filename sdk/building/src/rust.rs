//! Rust: cargo, for a guest target that is installed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::BuildError;
use crate::project::{component, wrap};
use crate::provenance::{Claim, of_cargo};
use crate::tools::{named_by, on_path, output_of, shown};

pub(crate) const NAME: &str = "Rust";

/// The first gives the smaller component: nothing of WASI is in it.
const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

pub(crate) fn build(folder: &Path) -> Result<PathBuf, BuildError> {
    let cargo = named_by("CARGO", "cargo");
    let missing = |what: &str, remedy: &str| BuildError::Missing {
        what: what.to_owned(),
        language: NAME,
        remedy: remedy.to_owned(),
    };
    if on_path(&cargo).is_none() {
        return Err(missing("cargo", "install it from https://rustup.rs"));
    }
    let Some(target) = TARGETS
        .into_iter()
        .find(|target| has_target(folder, target))
    else {
        return Err(missing(
            "a WebAssembly target",
            "`rustup target add wasm32-unknown-unknown`; without rustup, point CARGO and RUSTC to a \
             toolchain that has it",
        ));
    };
    let package = package(&cargo, folder)?;
    let name = package["name"].as_str().unwrap_or_default();
    let mut build = Command::new(&cargo);
    build
        .current_dir(folder)
        .args(["build", "--release", "--target", target]);
    let module = cargo_module(&mut build)?;
    let component = component(folder, name);
    wrap(&module, &component)?;
    Ok(component)
}

/// Runs a `cargo build` for a guest target, with what `POLICY_CARGO_FLAGS` adds,
/// and tells the module that it made. Cargo's own messages go to standard error.
///
/// # Errors
///
/// When cargo fails, or builds no `.wasm`.
pub fn cargo_module(build: &mut Command) -> Result<PathBuf, BuildError> {
    let folder = build
        .get_current_dir()
        .map_or_else(PathBuf::new, Path::to_owned);
    let command = shown(build);
    if let Some(flags) = extra_flags() {
        build.args(flags.split_whitespace());
    }
    let output = build
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| BuildError::Start {
            command: command.clone(),
            error,
        })?;
    if !output.status.success() {
        return Err(BuildError::Failed { command, folder });
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    last_module(&messages).ok_or_else(|| BuildError::NothingBuilt {
        command,
        path: folder.join("*.wasm"),
        remedy: "its Cargo.toml has to say `crate-type = [\"cdylib\", \"rlib\"]` under [lib]"
            .to_owned(),
    })
}

/// The module of the package itself, which cargo builds last.
fn last_module(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .rfind(|path| path.extension().is_some_and(|end| end == "wasm"))
}

/// Flags for machines that build the standard library themselves.
fn extra_flags() -> Option<String> {
    let flags = env::var_os("POLICY_CARGO_FLAGS")?;
    Some(flags.to_string_lossy().into_owned())
}

/// Whether the compiler that is used in this folder has the target.
fn has_target(folder: &Path, target: &str) -> bool {
    if extra_flags().is_some_and(|flags| flags.contains("build-std")) {
        return true;
    }
    let mut rustc = Command::new(named_by("RUSTC", "rustc"));
    rustc.current_dir(folder);
    output_of(rustc.args(["--print", "target-libdir", "--target", target]))
        .is_some_and(|libraries| Path::new(&libraries).is_dir())
}

/// What the package in this folder says of itself.
pub(crate) fn claims(folder: &Path) -> Result<Vec<Claim>, BuildError> {
    Ok(of_cargo(&package(&named_by("CARGO", "cargo"), folder)?))
}

/// The package in this folder, as cargo describes it.
fn package(cargo: &Path, folder: &Path) -> Result<Value, BuildError> {
    let manifest = folder.join("Cargo.toml");
    let mut metadata = Command::new(cargo);
    metadata
        .current_dir(folder)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = metadata.output().map_err(|error| BuildError::Start {
        command: shown(&metadata),
        error,
    })?;
    if !output.status.success() {
        return Err(BuildError::Failed {
            command: shown(&metadata),
            folder: folder.to_owned(),
        });
    }
    let described: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let packages = described["packages"].as_array().cloned();
    packages
        .unwrap_or_default()
        .iter()
        .find(|package| {
            let path = package["manifest_path"].as_str().map(Path::new);
            path.and_then(|path| path.canonicalize().ok()).as_deref() == Some(&*manifest)
        })
        .filter(|package| package["name"].is_string())
        .cloned()
        .ok_or_else(|| BuildError::Project {
            path: manifest,
            problem: "it is no package; name the folder of the policy itself".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_module_counts() {
        let messages = r#"
            {"reason":"compiler-artifact","filenames":["/t/dependency.wasm"]}
            no JSON
            {"reason":"compiler-artifact","filenames":["/t/libpolicy.rlib","/t/policy.wasm"]}
            {"reason":"build-finished","success":true}
        "#;
        assert_eq!(last_module(messages), Some(PathBuf::from("/t/policy.wasm")));
        assert_eq!(last_module(""), None);
    }
}
