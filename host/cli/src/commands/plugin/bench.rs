//! `quarterdeck plugin bench`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use quarterdeck_policy_testing::TestHost;

const CALLS: usize = 2_001;
const PROCESSES: usize = 51;

/// Times verdicts of an approver, each in a fresh instance as in a host, and for
/// comparison the process that a hook would cost.
pub(super) fn run(file: &Path, command: &str) -> Result<ExitCode> {
    let component = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let host = TestHost::start()?;
    let began = Instant::now();
    host.load(&component, &toml::Table::new())
        .with_context(|| format!("loading {}", file.display()))?;
    let loaded = began.elapsed();
    let verdict = host.review(command);
    let verdicts = sorted_times(CALLS, || drop(host.review(command)));
    let processes = sorted_times(PROCESSES, || {
        // Only its time counts; a machine without `true` still has one.
        let _ = Command::new("sh")
            .args(["-c", "true"])
            .stdin(Stdio::null())
            .status();
    });
    let median = verdicts[CALLS / 2];
    anstream::println!("{command:?} is {}: {}", verdict.tier, verdict.reason);
    anstream::println!("  compiled, configured and in charge after {loaded:.1?}");
    anstream::println!(
        "  a verdict takes {median:.1?} (99 of 100 take less than {:.1?})",
        verdicts[CALLS * 99 / 100]
    );
    anstream::println!(
        "  a hook process (sh -c true) takes {:.0} times as long",
        processes[PROCESSES / 2].as_secs_f64() / median.as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}

fn sorted_times(times: usize, mut action: impl FnMut()) -> Vec<Duration> {
    let mut measured: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            action();
            began.elapsed()
        })
        .collect();
    measured.sort_unstable();
    measured
}
