//! From a crate to a component.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail, ensure};
use quarterdeck_policy_building::{cargo_module, componentize, with_claims, with_config_schema};
use serde_json::Value;
use wasmtime::component::Component;

use crate::Policy;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A small shadow stack: each instance is fresh, and its pages are zeroed for
/// every call. Rust's default is 1 MiB.
const STACK_BYTES: u32 = 128 * 1024;

/// The Cargo workspace that this program was built in.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Folders of dependencies that would otherwise leave their path in panic
    /// messages, so that two machines would give different bytes.
    dependency_folders: BTreeSet<PathBuf>,
}

impl Workspace {
    /// Asks cargo where everything is.
    pub(crate) fn find() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--format-version=1", "--locked"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        ensure!(output.status.success(), "`cargo metadata --locked` failed");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let root = metadata["workspace_root"]
            .as_str()
            .context("no workspace_root")?;
        let dependency_folders = metadata["packages"]
            .as_array()
            .context("no packages")?
            .iter()
            .filter(|package| package["source"].is_string())
            .filter_map(|package| {
                Path::new(package["manifest_path"].as_str()?)
                    .ancestors()
                    .nth(2)
            })
            .map(Path::to_owned)
            .collect();
        Ok(Self {
            root: PathBuf::from(root),
            dependency_folders,
        })
    }

    /// Compiler flags for a guest, in cargo's encoding (separated by 0x1f).
    fn guest_flags(&self) -> OsString {
        let mut flags = OsString::from(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
        let mut remap = |from: &Path, to: &str| {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        };
        remap(&self.root, "/quarterdeck");
        for folder in &self.dependency_folders {
            remap(folder, "/dependencies");
        }
        flags
    }
}

/// Who says to have made what is bundled.
const AUTHORS: &str = "the Quarterdeck contributors";

/// Builds the policy's component and makes sure that a host would take it.
pub(crate) fn component(workspace: &Workspace, policy: &Policy) -> Result<Vec<u8>> {
    let module = core_module(workspace, policy)?;
    let component = componentize(&module)
        .with_context(|| format!("cannot turn {} into a component", policy.package))?;
    let mut metadata = wasm_metadata::AddMetadata::default();
    metadata.name = wasm_metadata::AddMetadataField::Set(policy.name.clone());
    metadata.processed_by = vec![(
        env!("CARGO_PKG_NAME").to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    )];
    let component = metadata.to_wasm(&component)?;
    // All crates of the workspace have one version and one licence.
    let claims = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("authors", AUTHORS.to_owned()),
        ("licenses", env!("CARGO_PKG_LICENSE").to_owned()),
    ];
    let component = with_claims(component, &claims);
    ensure_pure(&component).with_context(|| format!("{} cannot be bundled", policy.name))?;
    Ok(with_config_schema(
        component,
        &workspace.root.join(&policy.folder),
    )?)
}

/// Has cargo build the policy's module.
fn core_module(workspace: &Workspace, policy: &Policy) -> Result<Vec<u8>> {
    let mut build = cargo();
    build
        .current_dir(&workspace.root)
        .args(["build", "--locked", "--profile=policy", "--target", TARGET])
        .args(["--package", &policy.package])
        .env("CARGO_ENCODED_RUSTFLAGS", workspace.guest_flags());
    let path = cargo_module(&mut build).with_context(|| {
        format!(
            "cannot build {} for {TARGET}.\nIf the target is missing: `rustup target add {TARGET}`.\n\
             Where there is no rustup, point RUSTC, CARGO and CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER \
             at a toolchain that has it (see CONTRIBUTING.md, \"Changing a bundled policy\")",
            policy.package
        )
    })?;
    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// A bundled policy imports nothing but types: no clock, no files, no network.
/// An approver must not, and the others have no need to.
fn ensure_pure(component: &[u8]) -> Result<()> {
    let engine = wasmtime::Engine::default();
    let component = Component::new(&engine, component).map_err(|error| anyhow!("{error:#}"))?;
    for (name, item) in component.component_type().imports(&engine) {
        use wasmtime::component::types::ComponentItem;
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            bail!("it imports `{name}`");
        };
        for (export, item) in instance.exports(&engine) {
            ensure!(
                matches!(item.ty, ComponentItem::Type(_)),
                "it imports `{export}` from `{name}`"
            );
        }
    }
    Ok(())
}

/// The cargo that runs us, or the first on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
