//! What one decision of the gate costs.
//!
//! `cargo bench -p quarterdeck-core` prints medians and, because machines
//! differ, ratios to things measured in the same run: the same rules called as
//! a native function, and a `sh -c true` process, which is the least that a
//! hook of a coding agent costs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use policy_safety_tiers::{Request, Rules, review};
use quarterdeck_core::events::EventSettings;
use quarterdeck_core::gate::GateSettings;
use quarterdeck_core::operations::CreateSession;
use quarterdeck_core::policy::{BundledPolicy, Limits, PolicyKind, Settings};
use quarterdeck_core::{
    BackendChoice, Caller, Host, HostSettings, RateSettings, SessionSettings, Size, TmuxSocket,
};

const SAFETY_TIERS: &[u8] = include_bytes!("../../../plugins/dist/safety-tiers.wasm");
const COMMAND: &str = "git log --oneline | head -20 && cargo test --workspace";
const CALLS: usize = 10_000;
const PROCESSES: usize = 300;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // On a worker, as every door's calls are: from another thread, each question to
    // the session's task would wake one first.
    let decision = runtime
        .block_on(runtime.spawn(decisions(folder.path().to_owned())))
        .expect("no panic");
    let native = native();
    let durable = durable_write(folder.path());
    let process = processes();

    println!("one decision of the gate, median (99th percentile)");
    show("safety-tiers, fresh instance, audit row", &decision);
    show("the same rules as a native function", &native);
    show("writing such a row and waiting for the disk", &durable);
    show("a process: sh -c true", &process);
    println!(
        "  the gate's decision is {:.1} native calls, and 1/{:.0} of a process",
        ratio(&decision, &native),
        ratio(&process, &decision),
    );
    println!(
        "  with the disk waited for it would be {:.1} times as long",
        1.0 + ratio(&durable, &decision),
    );
}

/// Decisions as `safety_approve` gets them: every approver asked in a fresh
/// instance, the verdict in the audit log (which waits for the disk at
/// checkpoints, not at each row).
async fn decisions(folder: PathBuf) -> Vec<Duration> {
    let host = Host::start(HostSettings {
        sessions: SessionSettings {
            ssh: quarterdeck_core::operations::SshSettings::default(),
            shell: Some("/bin/sh".into()),
            size: Size::default(),
            scrollback_lines: 1_000,
            transcript_bytes: 1 << 20,
            shell_integration: false,
            max_sessions: 1,
            default_idle: Duration::from_secs(86_400),
            backend: BackendChoice::Auto,
            tmux_socket: TmuxSocket::default(),
            iterm2: None,
        },
        gate: GateSettings::default(),
        policies: Settings {
            plugins_dir: folder.join("plugins"),
            cache_dir: folder.join("cache"),
            compiler: None,
            bundled: vec![BundledPolicy {
                kind: PolicyKind::Approver,
                name: "safety-tiers",
                wasm: SAFETY_TIERS,
            }],
            limits: Limits::default(),
            watch: false,
            kept_instances: Settings::KEPT_BY_A_HOST,
            required: Vec::new(),
        },
        agents_may_change_policies: false,
        audit_path: folder.join("audit.sqlite"),
        audit_retention: quarterdeck_core::audit::Retention::default(),
        store_path: folder.join("store.sqlite"),
        events: EventSettings::default(),
        rates: RateSettings::default(),
        coding_agents: Vec::new(),
        agent_rules: None,
        machines: None,
        resume_agents: None,
        caps: quarterdeck_core::agents::caps::AgentCaps::default(),
        monitor: quarterdeck_core::monitor::MonitorSettings::at(folder.join("metrics.sqlite")),
        recovery: quarterdeck_core::recovery::RecoverySettings::default(),
        profiles_folder: None,
        output_logs: folder.join("logs"),
    })
    .expect("a host");
    let caller = Caller::command_line();
    let session = host
        .create_session(CreateSession::default(), &caller)
        .await
        .expect("a session");
    let mut times = Vec::with_capacity(CALLS);
    for call in 0..CALLS + CALLS / 10 {
        let began = Instant::now();
        let opinion = host
            .opinion(session.id.as_str(), COMMAND, false, &caller)
            .await
            .expect("an opinion");
        let took = began.elapsed();
        assert!(opinion.approved, "{opinion:?}");
        if call >= CALLS / 10 {
            times.push(took);
        }
    }
    host.shutdown().await;
    sorted(times)
}

fn native() -> Vec<Duration> {
    let rules = Rules::default();
    let request = Request {
        command_line: COMMAND.to_owned(),
        ..Request::default()
    };
    timed(CALLS, || {
        std::hint::black_box(review(&rules, std::hint::black_box(&request)));
    })
}

fn durable_write(folder: &Path) -> Vec<Duration> {
    let mut file = std::fs::File::create(folder.join("rows")).expect("a file");
    timed(PROCESSES, || {
        file.write_all(&[b'r'; 400]).expect("written");
        file.sync_data().expect("on the disk");
    })
}

fn processes() -> Vec<Duration> {
    timed(PROCESSES, || {
        let status = Command::new("sh").args(["-c", "true"]).status();
        assert!(status.expect("sh").success());
    })
}

fn timed(times: usize, mut action: impl FnMut()) -> Vec<Duration> {
    let measured = (0..times).map(|_| {
        let began = Instant::now();
        action();
        began.elapsed()
    });
    sorted(measured.collect())
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn median(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

fn ratio(of: &[Duration], to: &[Duration]) -> f64 {
    median(of).as_secs_f64() / median(to).as_secs_f64()
}

fn show(what: &str, times: &[Duration]) {
    let slow = times[(times.len() - 1) * 99 / 100];
    println!("  {what:<46} {:>10.1?} ({slow:.1?})", median(times));
}
