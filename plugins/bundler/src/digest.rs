//! Names the sources of a component by one digest.
//!
//! What counts: the policy's own files and those of the crates of this workspace
//! that it is made from (tests, examples and fuzzing apart), the interface, the build profile, and the exact versions of the
//! crates it is made from. Dependencies of the host do not count.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::Policy;
use crate::compile::{TARGET, Workspace, cargo};

/// Parts of a policy's folder that a build never reads.
const NOT_SOURCES: [&str; 4] = ["tests", "examples", "fuzz", "proptest-regressions"];

/// SHA-256 of everything that the policy's component is made from, in hex.
pub(crate) fn of_sources(workspace: &Workspace, policy: &Policy) -> Result<String> {
    let mut files = BTreeSet::new();
    collect(&workspace.root.join(&policy.folder), &mut files)?;
    collect(&workspace.root.join("wit"), &mut files)?;
    let dependencies = dependencies(workspace, policy)?;
    for folder in &dependencies.folders {
        collect(folder, &mut files)?;
    }

    let mut digest = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        digest.update(format!("{name}\n{}\n", content.len()));
        digest.update(content);
    };
    for file in files {
        let name = file
            .strip_prefix(&workspace.root)?
            .to_string_lossy()
            .replace('\\', "/");
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        add(&name, &content);
    }
    add("profile", profile(workspace)?.as_bytes());
    add("dependencies", dependencies.versions.as_bytes());

    let mut hex = String::new();
    for byte in digest.finalize() {
        write!(hex, "{byte:02x}")?;
    }
    Ok(hex)
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || NOT_SOURCES.iter().any(|skip| name == *skip) {
            continue;
        }
        // Follows links: the SDK's interface is one to that of the workspace.
        if entry.path().is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.insert(entry.path());
        }
    }
    Ok(())
}

/// The text of `[profile.policy]` in the root manifest.
fn profile(workspace: &Workspace) -> Result<String> {
    let manifest = fs::read_to_string(workspace.root.join("Cargo.toml"))?;
    let section: Vec<&str> = manifest
        .lines()
        .skip_while(|line| line.trim() != "[profile.policy]")
        .take_while(|line| !line.trim().is_empty())
        .collect();
    ensure!(
        !section.is_empty(),
        "the root Cargo.toml has no [profile.policy]"
    );
    Ok(section.join("\n"))
}

/// The crates that end up in the component or help to build it.
struct Dependencies {
    /// One `name version` line each.
    versions: String,
    /// Folders of those that belong to this workspace.
    folders: BTreeSet<PathBuf>,
}

fn dependencies(workspace: &Workspace, policy: &Policy) -> Result<Dependencies> {
    let mut tree: Command = cargo();
    let output = tree
        .current_dir(&workspace.root)
        .args([
            "tree",
            "--locked",
            "--package",
            &policy.package,
            "--target",
            TARGET,
        ])
        .args(["--edges=normal,build", "--prefix=none", "--format={p}"])
        .output()
        .context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "`cargo tree` failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = String::from_utf8(output.stdout)?;
    // A path, or the mark of a proc-macro or a repetition, may follow the version.
    let versions: BTreeSet<String> = output
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|line| !line.is_empty())
        .collect();
    let folders = output
        .lines()
        .filter_map(|line| Some(Path::new(line.split_once(" (")?.1.split_once(')')?.0)))
        .filter(|path| path.starts_with(&workspace.root))
        .map(Path::to_owned)
        .collect();
    Ok(Dependencies {
        versions: versions.into_iter().collect::<Vec<_>>().join("\n"),
        folders,
    })
}
