//! Builds the bundled policies into `plugins/dist`, where the host binary
//! embeds them, so that installing Quarterdeck needs no wasm toolchain.
//!
//! For each policy it writes `<name>.wasm` and `<name>.source-sha256`, the
//! digest of everything that the component is made from. `--check` builds again
//! into a temporary folder and fails when either is stale.
//!
//! Start reading at [`run`]; `compile` makes a component, `digest` names its
//! sources, `behaviour` asks approvers for verdicts, `cases` asks the other kinds
//! what their case files ask.

mod behaviour;
mod cases;
mod compile;
mod digest;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;

use crate::compile::Workspace;

/// A policy that this program knows how to build.
#[derive(Debug, Clone)]
struct Policy {
    /// Name of the component, without `.wasm`.
    name: String,
    /// Cargo package that it is built from.
    package: String,
    /// The package's folder, relative to the workspace.
    folder: PathBuf,
}

/// The policies that the host embeds: each in the folder of its name.
const BUNDLED: [&str; 16] = [
    "safety-tiers",
    // Distributors.
    "round-robin",
    "load-balanced",
    "priority",
    "dependency",
    // Progress parsers.
    "generic",
    "cargo",
    "npm",
    "pytest",
    "make-ninja",
    "docker",
    "downloads",
    // Recoveries.
    "restart",
    "reset",
    "failover",
    "graceful",
];

fn bundled() -> impl Iterator<Item = Policy> {
    BUNDLED.into_iter().map(|name| Policy {
        name: name.to_owned(),
        package: format!("policy-{name}"),
        folder: Path::new("plugins").join(name),
    })
}

/// Builds the bundled policies into plugins/dist.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Build into a temporary folder, and fail when the committed components
    /// are older than their sources or behave differently.
    #[arg(long, conflicts_with_all = ["guest", "measure"])]
    check: bool,

    /// Build the policy in this folder of the workspace, for example
    /// examples/approver-git-push, in place of the bundled ones; may be repeated.
    #[arg(long, value_name = "FOLDER", requires = "out")]
    guest: Vec<PathBuf>,

    /// The folder to write to, in place of plugins/dist.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Time the committed components on their corpus; build nothing.
    #[arg(long)]
    measure: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("policy-bundler: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::find()?;
    let dist = workspace.root.join("plugins/dist");
    if arguments.measure {
        for policy in bundled() {
            match cases::file_of(&workspace, &policy) {
                Some(cases) => cases::measure(&policy, &cases, &dist)?,
                None => behaviour::measure(&workspace, &policy, &dist)?,
            }
        }
        return Ok(());
    }
    if arguments.check {
        for policy in bundled() {
            check(&workspace, &policy, &dist)?;
        }
        return Ok(());
    }
    let out = arguments.out.clone().unwrap_or(dist);
    let policies: Vec<Policy> = if arguments.guest.is_empty() {
        bundled().collect()
    } else {
        arguments
            .guest
            .iter()
            .map(|folder| guest(&workspace, folder))
            .collect::<Result<_>>()?
    };
    for policy in policies {
        write(&workspace, &policy, &out)?;
    }
    Ok(())
}

/// A policy whose package is named as its folder.
fn guest(workspace: &Workspace, folder: &Path) -> Result<Policy> {
    ensure!(
        workspace.root.join(folder).join("Cargo.toml").is_file(),
        "there is no Rust policy in {}: it holds no Cargo.toml",
        folder.display()
    );
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .with_context(|| format!("{} does not end in a package's name", folder.display()))?;
    Ok(Policy {
        name: name.to_owned(),
        package: name.to_owned(),
        folder: folder.to_owned(),
    })
}

/// Builds one policy and writes it beside the digest of its sources.
fn write(workspace: &Workspace, policy: &Policy, out: &Path) -> Result<()> {
    let component = compile::component(workspace, policy)?;
    let digest = digest::of_sources(workspace, policy)?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let path = out.join(format!("{}.wasm", policy.name));
    fs::write(&path, &component).with_context(|| format!("cannot write {}", path.display()))?;
    let digest_path = digest_file(out, policy);
    fs::write(&digest_path, format!("{digest}\n"))
        .with_context(|| format!("cannot write {}", digest_path.display()))?;
    println!("{} ({} bytes)", path.display(), component.len());
    Ok(())
}

/// Fails when the committed component is not what its sources say.
///
/// Another compiler may give other bytes for the same sources; then both
/// components judge the corpus, and every verdict must be the same.
fn check(workspace: &Workspace, policy: &Policy, dist: &Path) -> Result<()> {
    const MEND: &str = "run `cargo run -p policy-bundler` and commit plugins/dist";

    let recorded_path = digest_file(dist, policy);
    let recorded = fs::read_to_string(&recorded_path)
        .with_context(|| format!("cannot read {}; {MEND}", recorded_path.display()))?;
    if recorded.trim() != digest::of_sources(workspace, policy)? {
        bail!("{} is older than its sources; {MEND}", policy.name);
    }

    let committed_path = dist.join(format!("{}.wasm", policy.name));
    let committed = fs::read(&committed_path)
        .with_context(|| format!("cannot read {}; {MEND}", committed_path.display()))?;
    let rebuilt = compile::component(workspace, policy)?;
    if committed == rebuilt {
        println!("{}: same bytes as built from source", policy.name);
        return Ok(());
    }
    let same = match cases::file_of(workspace, policy) {
        Some(path) => cases::check(&path, &committed).and_then(|_| cases::check(&path, &rebuilt)),
        None => behaviour::compare(workspace, policy, &committed, &rebuilt),
    };
    let compared =
        same.with_context(|| format!("{} does not behave as its sources do; {MEND}", policy.name))?;
    println!(
        "{}: other bytes, the same answers to {compared} cases",
        policy.name
    );
    Ok(())
}

fn digest_file(folder: &Path, policy: &Policy) -> PathBuf {
    folder.join(format!("{}.source-sha256", policy.name))
}
