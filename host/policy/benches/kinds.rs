//! What a call of each kind costs beyond the work of the policy itself, in fresh
//! and in reused instances, and what a large batch and a long output cost.
//!
//! `cargo bench -p quarterdeck-policy --bench kinds`. The guests do next to
//! nothing, so this is the price of the host's side.

#[path = "../tests/support/mod.rs"]
mod support;

use quarterdeck_policy::{
    Batch, Instances, OpenedPolicy, OutputPiece, PolicyKind, PolicyRequest, Recording, TaskFacts,
    Workbench, WorkerFacts,
};
use support::kinds::{dispatcher, medic, teller};
use support::puppet;

const CALLS: usize = 20_000;
const LARGE_CALLS: usize = 500;
const CHUNKS: usize = 1_000;
const CHUNK: usize = 64 << 10;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // On a worker, as the host's own callers are.
    runtime
        .block_on(runtime.spawn(measure()))
        .expect("the measurement");
}

async fn measure() {
    let workbench = Workbench::new(None).expect("an engine");
    let open = async |wasm: Vec<u8>| {
        let opened = workbench.open_bytes("bench", wasm, None).await;
        opened.expect("a sound policy")
    };
    println!("\none call of a guest that does next to nothing");
    for (wasm, kind) in [
        (puppet(0, "fine"), PolicyKind::Approver),
        (dispatcher('a'), PolicyKind::Distributor),
        (medic('a'), PolicyKind::Recovery),
    ] {
        let policy = open(wasm).await;
        let request = PolicyRequest::harmless(kind);
        for instances in [Instances::Fresh, Instances::Reused] {
            show(&policy, &request, CALLS, instances, kind.as_str()).await;
        }
    }

    println!("\n1,000 tasks on 100 workers, checked");
    let policy = open(dispatcher('a')).await;
    let request = PolicyRequest::Distribute(large_batch());
    for instances in [Instances::Fresh, Instances::Reused] {
        show(&policy, &request, LARGE_CALLS, instances, "distributor").await;
    }

    println!("\na session's output through one parser that does not look at it");
    let policy = open(teller('a')).await;
    let line = "   Compiling quarterdeck-policy v0.1.0 (/home/me/quarterdeck/host/policy)\n";
    let text = line.repeat(CHUNK / line.len());
    let bytes = text.len() * CHUNKS;
    let request = PolicyRequest::ParseProgress(Recording {
        chunks: vec![vec![OutputPiece::Text(text)]; CHUNKS],
        ..Recording::default()
    });
    let times = policy
        .time(&request, 5, Instances::Fresh)
        .await
        .expect("updates");
    let rate = bytes as f64 / times.p50.as_secs_f64() / 1e6;
    println!("  chunks of {CHUNK} bytes {rate:>36.0} MB/s");
}

async fn show(
    policy: &OpenedPolicy,
    request: &PolicyRequest,
    calls: usize,
    instances: Instances,
    what: &str,
) {
    let times = policy
        .time(request, calls, instances)
        .await
        .expect("an answer");
    let what = format!("{what}, {instances:?}").to_lowercase();
    println!(
        "  {what:<32} p50 {:>10.1?}  p99 {:>10.1?}",
        times.p50, times.p99
    );
}

fn large_batch() -> Batch {
    Batch {
        tasks: (0..1_000)
            .map(|at| TaskFacts {
                id: format!("task-{at:04}"),
                kind: String::from("command"),
                tags: vec![String::from("build")],
                ..TaskFacts::default()
            })
            .collect(),
        workers: (0..100)
            .map(|at| WorkerFacts {
                session_id: format!("session-{at:03}"),
                capacity: 4,
                ..WorkerFacts::default()
            })
            .collect(),
        limit: 400,
        ..Batch::default()
    }
}
