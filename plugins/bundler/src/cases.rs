//! What components of the other kinds say about a policy's case file, and how
//! long they take over much work.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use policy_cases::component::ComponentPolicy;
use policy_cases::{Batch, CaseFile, Kind, Output, Policy as _, Task, Worker};

use crate::Policy;
use crate::compile::Workspace;

/// The policy's case file, if it has one: approvers have a corpus in its place.
pub(crate) fn file_of(workspace: &Workspace, policy: &Policy) -> Option<PathBuf> {
    let folder = workspace.root.join(&policy.folder);
    Some(folder.join("tests/cases.toml")).filter(|path| path.is_file())
}

/// Asks a component every case; gives how many there are, or says which are
/// answered wrongly.
pub(crate) fn check(path: &Path, component: &[u8]) -> Result<usize> {
    let file = CaseFile::read(path)?;
    let failures = file.failures(&mut ComponentPolicy::new(file.kind(), component)?);
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    ensure!(told.is_empty(), "{}", told.join("\n"));
    Ok(file.cases().len())
}

/// Prints how long the committed component takes over much work.
pub(crate) fn measure(policy: &Policy, path: &Path, dist: &Path) -> Result<()> {
    let committed = dist.join(format!("{}.wasm", policy.name));
    let bytes =
        fs::read(&committed).with_context(|| format!("cannot read {}", committed.display()))?;
    let kind = CaseFile::read(path)?.kind();
    let mut component = ComponentPolicy::new(kind, &bytes)?;
    component
        .configure("{}")
        .map_err(|reason| anyhow!(reason))?;
    let size = bytes.len();
    match kind {
        Kind::Distributor => {
            let batch = large_batch();
            let time = fastest(|| component.distribute(&batch).map(drop))?;
            println!(
                "{}: {size} bytes, 1,000 tasks on 100 workers {time:.1?}",
                policy.name
            );
        }
        Kind::ProgressParser => {
            let output = much_output(&path.with_file_name("recordings"))?;
            let bytes = output.len();
            let output = [Output::Text(output)];
            let time = fastest(|| component.read(&output).map(drop))?;
            #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = bytes as f64 / 1e6 / time.as_secs_f64();
            println!("{}: {size} bytes, {rate:.0} MB/s", policy.name);
        }
        Kind::Recovery => println!("{}: {size} bytes", policy.name),
    }
    Ok(())
}

/// Half of the tasks wait for one of the other half.
fn large_batch() -> Batch {
    Batch {
        tasks: (0..1_000)
            .map(|number| Task {
                id: format!("task-{number}"),
                kind: "command".to_owned(),
                priority: Default::default(),
                after: (number % 2 == 1)
                    .then(|| format!("task-{}", number - 1))
                    .into_iter()
                    .collect(),
                waiting_ms: 0,
                estimate_ms: None,
                tags: Vec::new(),
            })
            .collect(),
        workers: (0..100)
            .map(|number| Worker {
                id: format!("session-{number}"),
                capacity: 4,
                running: 0,
                load: 0.0,
                tags: Vec::new(),
            })
            .collect(),
        limit: 300,
        running: 0,
        state: Vec::new(),
    }
}

/// A megabyte of what the program was recorded to print.
fn much_output(recordings: &Path) -> Result<String> {
    const BYTES: usize = 1_000_000;

    let mut once = String::new();
    if recordings.is_dir() {
        let mut files: Vec<_> = fs::read_dir(recordings)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.sort();
        for file in files {
            once.push_str(&fs::read_to_string(file)?);
        }
    }
    if once.is_empty() {
        once.push_str(
            "   Compiling demo v0.1.0\nwarning: unused variable: `x`\nEpoch [3/10] 30%\n",
        );
    }
    Ok(once.repeat(BYTES / once.len() + 1))
}

fn fastest(mut work: impl FnMut() -> Result<(), String>) -> Result<Duration> {
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let began = Instant::now();
        work().map_err(|reason| anyhow!(reason))?;
        fastest = fastest.min(began.elapsed());
    }
    Ok(fastest)
}
