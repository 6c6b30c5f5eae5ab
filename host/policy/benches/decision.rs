//! What a decision costs, and what it costs to change who decides.
//!
//! `cargo bench -p quarterdeck-policy` prints medians, 99th percentiles and,
//! because machines differ, ratios: everything is measured in the same run.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use quarterdeck_policy::{Approvers, BundledPolicy, PolicyKind};
use support::{Plan, Quarters, puppet, request};

const SAFETY_TIERS: &[u8] = include_bytes!("../../../plugins/dist/safety-tiers.wasm");
const COMMAND: &str = "git log --oneline | head -20 && cargo test --workspace";

const WARM_UP: usize = 2_000;
const CALLS: usize = 20_000;
const STARTS: usize = 15;
const SWAPS: usize = 25;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // On a worker, as the host's own callers are.
    runtime
        .block_on(runtime.spawn(async {
            decisions().await;
            starts().await;
            swaps().await;
        }))
        .expect("the measurement");
}

/// Times of the same thing, sorted.
struct Times(Vec<Duration>);

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Times(times)
    }

    fn at(&self, hundredths: usize) -> Duration {
        self.0[(self.0.len() - 1) * hundredths / 100]
    }

    fn median(&self) -> Duration {
        self.at(50)
    }

    fn show(&self, what: &str) {
        println!(
            "  {what:<46} p50 {:>10.1?}  p99 {:>10.1?}",
            self.median(),
            self.at(99)
        );
    }

    fn compare(&self, with: &Times, what: &str) {
        let ratio = self.median().as_secs_f64() / with.median().as_secs_f64();
        println!("  {what:<46}     {ratio:>9.1} x");
    }
}

async fn decisions() {
    println!("\none decision");
    for (name, wasm) in [
        ("trivial approver", puppet(0, "fine").leak() as &[u8]),
        ("safety-tiers", SAFETY_TIERS),
    ] {
        let quarters = with_bundled(wasm).settle().await;
        let approvers = quarters.host.approvers().await;
        let fresh = reviews(&approvers).await;
        let (reused, instances) = bare::calls(wasm).await;
        fresh.show(&format!("{name}, fresh instance"));
        instances.show(&format!("{name}, making an instance"));
        reused.show(&format!("{name}, bare call on a reused one"));
        fresh.compare(&reused, "fresh / reused");
    }
}

async fn reviews(approvers: &Approvers) -> Times {
    let request = request(COMMAND);
    let mut times = Vec::with_capacity(CALLS);
    for call in 0..WARM_UP + CALLS {
        let start = Instant::now();
        let ruling = approvers.review(&request).await;
        if call >= WARM_UP {
            times.push(start.elapsed());
        }
        assert_ne!(ruling.verdict.generation, 0);
    }
    Times::of(times)
}

fn with_bundled(wasm: &'static [u8]) -> Plan {
    Plan {
        bundled: vec![BundledPolicy {
            name: "base",
            kind: PolicyKind::Approver,
            wasm,
        }],
        ..Plan::default()
    }
}

async fn starts() {
    println!("\nfrom nothing to the first answer, safety-tiers");
    let mut compiled = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..STARTS {
        let mut folder = tempfile::tempdir().expect("a folder");
        support::make_private(&folder.path().join("plugins"));
        for times in [&mut compiled, &mut kept] {
            let start = Instant::now();
            let quarters = with_bundled(SAFETY_TIERS).settle_in(folder).await;
            quarters.review(COMMAND).await;
            times.push(start.elapsed());
            folder = quarters.leave().await;
        }
    }
    let (compiled, kept) = (Times::of(compiled), Times::of(kept));
    compiled.show("compiled");
    kept.show("from the cache");
    compiled.compare(&kept, "compiled / from the cache");
}

async fn swaps() {
    println!("\nfrom the file's rename to the first answer of what is in it");
    for (name, wasm) in [
        ("trivial approver", puppet(0, "fine")),
        ("safety-tiers", SAFETY_TIERS.to_vec()),
    ] {
        let quarters = Plan::with_base().settle().await;
        let mut anew = Vec::new();
        for turn in 0..SWAPS {
            anew.push(swap(&quarters, &numbered(&wasm, turn)).await);
        }
        let mut known = Vec::new();
        for turn in 0..SWAPS {
            known.push(swap(&quarters, &numbered(&wasm, turn % 2)).await);
        }
        let (anew, known) = (Times::of(anew), Times::of(known));
        anew.show(&format!("{name}, never seen before"));
        known.show(&format!("{name}, compiled before"));
        anew.compare(&known, "never seen / compiled before");
    }
}

/// The same policy with another digest: a custom section is appended.
fn numbered(wasm: &[u8], number: usize) -> Vec<u8> {
    let number = u8::try_from(number).expect("few swaps");
    [wasm, &[0, 3, 1, b'n', number]].concat()
}

async fn swap(quarters: &Quarters, wasm: &[u8]) -> Duration {
    let request = request(COMMAND);
    let before = newest(quarters).await;
    let start = Instant::now();
    quarters.rename_in("rules.wasm", wasm);
    loop {
        let ruling = quarters.host.approvers().await.review(&request).await;
        if ruling.all.iter().any(|it| it.generation > before) {
            return start.elapsed();
        }
        // Not so eagerly that the measurement takes the processor away.
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

async fn newest(quarters: &Quarters) -> u64 {
    let ruling = quarters.review(COMMAND).await;
    ruling.all.iter().map(|it| it.generation).max().unwrap_or(0)
}

/// The engine without the host: what a call costs when an instance is kept.
mod bare {
    use std::time::Instant;

    use wasmtime::component::{Component, Linker};
    use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

    use super::{CALLS, COMMAND, Times, WARM_UP};

    mod bindings {
        wasmtime::component::bindgen!({
            path: "../../wit",
            world: "approver",
            exports: { default: async },
            ownership: Borrowing { duplicate_if_necessary: false },
        });
    }

    use bindings::exports::quarterdeck::policy::approve::{Certainty, Entry, Request};
    use bindings::quarterdeck::policy::types::{Attribute, Caller, PromptState, Session};

    /// Times of calls on one instance, and of making instances.
    pub(crate) async fn calls(wasm: &[u8]) -> (Times, Times) {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(8)
            .max_memory_size(128 << 20)
            .linear_memory_keep_resident(256 << 10)
            .max_unused_warm_slots(8);
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .concurrency_support(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, wasm).expect("a component");
        let approver = Linker::<()>::new(&engine)
            .instantiate_pre(&component)
            .and_then(bindings::ApproverPre::new)
            .expect("an approver");
        let store = || {
            let mut store = Store::new(&engine, ());
            store.set_epoch_deadline(u64::MAX / 2);
            store
        };

        let mut made = Vec::with_capacity(CALLS);
        for _ in 0..WARM_UP + CALLS {
            let start = Instant::now();
            let mut store = store();
            let instance = approver.instantiate_async(&mut store).await;
            drop((instance.expect("an instance"), store));
            made.push(start.elapsed());
        }

        let mut store = store();
        let instance = approver
            .instantiate_async(&mut store)
            .await
            .expect("an instance");
        instance
            .quarterdeck_policy_configuration()
            .call_configure(&mut store, "{}")
            .await
            .expect("a call")
            .expect("a configuration");
        let mut asked = Vec::with_capacity(CALLS);
        for _ in 0..WARM_UP + CALLS {
            let start = Instant::now();
            instance
                .quarterdeck_policy_approve()
                .call_review(&mut store, request())
                .await
                .expect("a verdict");
            asked.push(start.elapsed());
        }
        (
            Times::of(asked.split_off(WARM_UP)),
            Times::of(made.split_off(WARM_UP)),
        )
    }

    /// The same as [`super::request`] in the engine's types.
    fn request() -> Request<'static> {
        Request {
            command_line: COMMAND,
            entry: Entry::Command,
            certainty: Certainty::Exact,
            session: Session {
                id: "s1",
                name: "main",
                backend: "pty",
                cwd: Some("/home/me"),
                program: Some("bash"),
                prompt: PromptState::AtPrompt,
                full_screen: false,
                tags: &["build"],
                role: None,
                team: None,
                attributes: &[Attribute {
                    name: "host",
                    value: "here",
                }],
            },
            caller: Caller {
                kind: "agent",
                agent: Some("tester"),
                client: None,
                role: None,
                transport: "stdio",
            },
            recent: &["cd /home/me"],
            time_ms: 1_700_000_000_000,
            attributes: &[],
        }
    }
}
