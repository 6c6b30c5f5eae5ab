//! `quarterdeck plugin bench`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use quarterdeck_core::policy::{
    Batch, CallTimes, Instances, OutputPiece, PolicyKind, PolicyRequest, Recording, TaskFacts,
    WorkerFacts,
};
use quarterdeck_policy_testing::{Subject, handed_over};

use super::check::ensure_file;
use crate::Setup;
use crate::hosting::policy_limits;

/// Of requests that take microseconds, and of those that take milliseconds.
const MANY_CALLS: usize = 2_001;
const SOME_CALLS: usize = 201;
const PROCESSES: usize = 51;
/// What a progress parser reads in one go: some screens of a build.
const RECORDING_BYTES: usize = 256 * 1024;
const CHUNK_BYTES: usize = 4 * 1024;

/// Times calls, each in a fresh instance as in a host, then in one that is
/// reused, and for comparison the process that a hook would cost.
pub(super) fn run(
    setup: &Setup,
    file: &Path,
    command: &str,
    request: Option<&Path>,
) -> Result<ExitCode> {
    ensure_file(file)?;
    let mut subject = Subject::read(file, Some(&setup.paths.policy_cache()))?;
    let deadline = subject.own_deadline();
    let deadline = deadline.unwrap_or_else(|| policy_limits(setup).deadline);
    subject.extend_limits();
    let opened_in = subject
        .load_as_installed()
        .with_context(|| format!("loading {}", file.display()))?
        .opened_in();
    let (request, work) = match request {
        Some(path) => (read(subject.kind(), path)?, path.display().to_string()),
        None => usual(subject.kind(), command),
    };
    let calls = match subject.kind() {
        PolicyKind::Approver | PolicyKind::Recovery => MANY_CALLS,
        PolicyKind::Distributor | PolicyKind::ProgressParser => SOME_CALLS,
    };
    let fresh = subject.time(&request, calls, Instances::Fresh)?;
    let reused = subject.time(&request, calls, Instances::Reused)?;
    let process = hook_process();
    anstream::println!("{}: {work}", subject.kind());
    anstream::println!("  loaded, configured and tried out in {opened_in:.1?}");
    anstream::println!(
        "  a call takes {:.1?} (99 of 100 take less than {:.1?}), {:.1?} in a reused instance",
        fresh.p50,
        fresh.p99,
        reused.p50
    );
    if let Some(how_many) = ended_at(deadline, &fresh) {
        anstream::println!(
            "  {how_many} would be ended by a host, after {} ms; `deadline-ms` under [limits] in its sidecar is its own deadline",
            deadline.as_millis()
        );
    }
    if let PolicyRequest::ParseProgress(recording) = &request {
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = text_bytes(recording) as f64 / 1e6 / fresh.p50.as_secs_f64();
        anstream::println!("  that is {rate:.0} MB/s");
    }
    anstream::println!(
        "  a hook process (sh -c true) takes {process:.0?}, {:.1} times as long",
        process.as_secs_f64() / fresh.p50.as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}

/// How many calls a host would not wait for, if any. A progress parser is handed its
/// recording in pieces, each of which is a call.
fn ended_at(deadline: Duration, times: &CallTimes) -> Option<&'static str> {
    if times.p50 > deadline {
        Some("such a call")
    } else if times.p99 > deadline {
        Some("more than 1 of 100 such calls")
    } else {
        None
    }
}

/// A request from a TOML file.
fn read(kind: PolicyKind, path: &Path) -> Result<PolicyRequest> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("reading {}", path.display()))?;
    PolicyRequest::read(kind, table)
        .with_context(|| format!("{} holds no request for {kind:#}", path.display()))
}

/// What a policy of this kind is asked on a busy day, and what that is in words.
fn usual(kind: PolicyKind, command: &str) -> (PolicyRequest, String) {
    match kind {
        PolicyKind::Approver => (
            PolicyRequest::Review(handed_over(command)),
            format!("{command:?}"),
        ),
        PolicyKind::Distributor => (
            PolicyRequest::Distribute(large_batch()),
            "1,000 tasks on 100 workers".to_owned(),
        ),
        PolicyKind::ProgressParser => (
            PolicyRequest::ParseProgress(build_output()),
            format!("{} KB of a build's output", RECORDING_BYTES / 1024),
        ),
        PolicyKind::Recovery => (
            PolicyRequest::harmless(kind),
            "an incident at its first attempt".to_owned(),
        ),
    }
}

/// Half of the tasks wait for one of the other half.
fn large_batch() -> Batch {
    let task = |number: usize| {
        let after: Vec<String> = (number % 2 == 1)
            .then(|| format!("task-{}", number - 1))
            .into_iter()
            .collect();
        TaskFacts {
            id: format!("task-{number}"),
            kind: "command".to_owned(),
            dependencies: after.clone(),
            open_dependencies: after,
            ..TaskFacts::default()
        }
    };
    let worker = |number: usize| WorkerFacts {
        session_id: format!("session-{number}"),
        capacity: 4,
        ..WorkerFacts::default()
    };
    Batch {
        tasks: (0..1_000).map(task).collect(),
        workers: (0..100).map(worker).collect(),
        limit: 300,
        ..Batch::default()
    }
}

fn build_output() -> Recording {
    const LINES: &str = "   Compiling demo v0.1.0\n\
                         warning: unused variable: `x`\n\
                         [ 31%] Building C object demo.o\r\n\
                         Epoch [3/10] 30%\n";
    let chunk = LINES.repeat(CHUNK_BYTES / LINES.len());
    let chunks = RECORDING_BYTES / chunk.len();
    Recording {
        chunks: vec![vec![OutputPiece::Text(chunk)]; chunks],
        ..Recording::default()
    }
}

fn text_bytes(recording: &Recording) -> usize {
    let pieces = recording.chunks.iter().flatten();
    let sizes = pieces.map(|piece| match piece {
        OutputPiece::Text(text) => text.len(),
        _ => 0,
    });
    sizes.sum()
}

/// The median time of a process that does nothing.
fn hook_process() -> Duration {
    let mut times: Vec<Duration> = (0..PROCESSES)
        .map(|_| {
            let began = Instant::now();
            // Only its time counts; a machine without `true` still has one.
            let _ = Command::new("sh")
                .args(["-c", "true"])
                .stdin(Stdio::null())
                .status();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[PROCESSES / 2]
}
