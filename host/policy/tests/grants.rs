//! A policy uses and sees what its sidecar says, and nothing beyond it.

mod support;

use quarterdeck_policy::{
    Batch, IncidentCause, IncidentFacts, PolicyState, ProblemKind, SessionFacts, TaskFacts,
};
use support::kinds::{curious_medic, dispatcher};
use support::{Plan, Quarters, component_of, curious, inline_package, puppet};

async fn settled(name: &'static str, wasm: Vec<u8>, sidecar: &str) -> Quarters {
    let toml = name.replace(".wasm", ".toml").leak();
    Plan {
        files: vec![(name, wasm), (toml, sidecar.as_bytes().to_vec())],
        ..Plan::default()
    }
    .settle()
    .await
}

fn batch(kind: &str) -> Batch {
    Batch {
        tasks: vec![TaskFacts {
            id: String::from("t"),
            kind: kind.to_owned(),
            ..TaskFacts::default()
        }],
        ..Batch::default()
    }
}

async fn seen(quarters: &Quarters) -> u64 {
    let incident = IncidentFacts {
        id: String::from("i1"),
        cause: IncidentCause::Hung,
        session: SessionFacts::default(),
        detail: String::new(),
        exit_status: None,
        screen: Vec::new(),
        attempts: 0,
        max_attempts: 3,
        age_ms: 0,
        backups: Vec::new(),
        attributes: Vec::new(),
    };
    let ruling = quarters
        .host
        .recoveries()
        .await
        .decide("medic", &incident)
        .await;
    assert_eq!(ruling.fallback, None, "{:?}", quarters.reports());
    ruling.decision.delay_ms
}

#[tokio::test]
async fn the_clock_takes_a_grant_and_the_refusal_names_it() {
    let quarters = settled("medic.wasm", curious_medic(), "").await;
    let report = quarters
        .until_problem("add `clock = true` under `[grants]`")
        .await;
    assert!(
        report
            .reason
            .contains("imports `now` of `wasi:clocks/wall-clock@0.2.0`")
    );
    quarters.put("medic.toml", b"[grants]\nclock = true");
    quarters.host.rescan().await;
    assert_eq!(seen(&quarters).await, 10_000);
}

#[tokio::test]
async fn folders_and_variables_are_seen_where_they_are_granted() {
    // Cargo sets it for every test.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let folder = tempfile::tempdir().unwrap();
    let sidecar = format!(
        "[grants]\nclock = true\nread = [{:?}]\nenvironment = [\"CARGO_PKG_NAME\", \"NOT_SET_HERE\"]",
        folder.path()
    );
    let quarters = settled("medic.wasm", curious_medic(), &sidecar).await;
    assert_eq!(seen(&quarters).await, 10_101);
    let granted = quarters.host.list().remove(0).grants;
    assert_eq!(granted.read, [folder.path()]);

    // A grant that was taken back is gone with the next version.
    quarters.put("medic.toml", b"[grants]\nclock = true");
    quarters.host.rescan().await;
    assert_eq!(seen(&quarters).await, 10_000);
    quarters.put(
        "medic.toml",
        b"[grants]\nclock = true\nread = [\"/no/such\"]",
    );
    let report = quarters.until_problem("read /no/such").await;
    assert_eq!(report.kind, ProblemKind::Rejected);
    assert_eq!(seen(&quarters).await, 10_000);
}

#[tokio::test]
async fn an_approver_is_granted_nothing() {
    let quarters = settled("rules.wasm", curious(), "[grants]\nclock = true").await;
    quarters
        .until_problem("an approver is granted nothing")
        .await;
}

#[tokio::test]
async fn nobody_is_granted_the_network() {
    let (resolve, package) = inline_package(
        "package test:reach;
        package wasi:sockets@0.2.0 { interface tcp { reach: func(); } }
        world reach {
            import wasi:sockets/tcp@0.2.0;
            include quarterdeck:policy/distributor@0.1.0;
        }",
    );
    let world = resolve.select_world(&[package], Some("reach")).unwrap();
    let module =
        wit_component::dummy_module(&resolve, world, wit_parser::ManglingAndAbi::Standard32);
    let wasm = component_of(resolve, package, "reach", module);
    let quarters = settled("turns.wasm", wasm, "").await;
    let report = quarters
        .until_problem("a distributor may not import `wasi:sockets/tcp@0.2.0`")
        .await;
    assert!(report.reason.contains("no grant opens the network"));
}

#[tokio::test]
async fn what_is_for_approvers_alone_is_refused_elsewhere() {
    for sidecar in ["mode = \"shadow\"", "must-refuse = [\"rm\"]"] {
        let quarters = settled("turns.wasm", dispatcher('a'), sidecar).await;
        quarters
            .until_problem("which is for approvers alone; this is a distributor")
            .await;
        assert_eq!(quarters.host.list()[0].state, PolicyState::Failed);
    }
}

#[tokio::test]
async fn limits_are_those_of_the_sidecar() {
    let sidecar = "[limits]\ndeadline-ms = 7\nmemory-bytes = 2097152";
    let quarters = settled("turns.wasm", dispatcher('a'), sidecar).await;
    let distributors = quarters.host.distributors().await;
    let answer = distributors.distribute("turns", &batch("!l")).await;
    assert!(answer.fallback.unwrap().contains("deadline of 7 ms"));
    let mut large = batch("command");
    large.tasks[0].tags = vec!["x".repeat(3 << 20)];
    let answer = distributors.distribute("turns", &large).await;
    assert!(answer.fallback.unwrap().contains("limit of 2097152 bytes"));
    let limits = quarters.host.list().remove(0).limits.unwrap();
    assert_eq!((limits.deadline_ms, limits.memory_bytes), (7, 2 << 20));
}

/// How many calls the instance that is asked has had.
async fn calls(quarters: &Quarters) -> u8 {
    let distributors = quarters.host.distributors().await;
    let answer = distributors.distribute("turns", &batch("!n")).await;
    assert_eq!(answer.fallback, None);
    answer.plan.state[0]
}

#[tokio::test]
async fn an_instance_is_asked_again_only_if_the_sidecar_says_so() {
    let quarters = settled("turns.wasm", dispatcher('a'), "").await;
    for _ in 0..3 {
        assert_eq!(calls(&quarters).await, 1);
    }
    let quarters = settled("turns.wasm", dispatcher('a'), "instances = \"reused\"").await;
    for count in 1..4 {
        assert_eq!(calls(&quarters).await, count);
    }
    // One that failed is not asked again, however it failed.
    let distributors = quarters.host.distributors().await;
    for order in ["!t", "!f"] {
        let answer = distributors.distribute("turns", &batch(order)).await;
        assert!(answer.fallback.is_some());
        assert_eq!(calls(&quarters).await, 1);
    }
    let endless = batch("!l");
    let given_up = tokio::time::timeout(
        std::time::Duration::from_millis(3),
        distributors.distribute("turns", &endless),
    );
    assert!(given_up.await.is_err());
    assert_eq!(calls(&quarters).await, 1);
    assert_eq!(calls(&quarters).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reused_instances_are_shared_by_nobody() {
    let quarters = settled(
        "rules.wasm",
        puppet(0, "fine"),
        // Sixteen that take turns on four threads need longer than one alone.
        "instances = \"reused\"\n[limits]\ndeadline-ms = 5000",
    )
    .await;
    let approvers = quarters.host.approvers().await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let approvers = approvers.clone();
            tokio::spawn(async move {
                for _ in 0..40 {
                    let ruling = approvers.review(&support::request("!k")).await;
                    assert_eq!(ruling.verdict.reason, "fine");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(quarters.host.list()[0].traps, 0);
}
