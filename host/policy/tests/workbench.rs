//! One component opened alone: what it is, what it answers, and why a host would
//! not take it.

mod support;

use std::time::Duration;

use quarterdeck_policy::{
    AskError, ComponentFacts, Instances, OpenError, OpenedPolicy, OutputPiece, PolicyAnswer,
    PolicyKind, PolicyRequest, RecoveryAction, Tier, Workbench,
};
use support::kinds::{dispatcher, medic, teller};
use support::{puppet, puppet_of_version};

async fn open(wasm: Vec<u8>, sidecar: Option<&str>) -> Result<OpenedPolicy, OpenError> {
    Workbench::new(None)
        .unwrap()
        .open_bytes("draft", wasm, sidecar.map(str::as_bytes))
        .await
}

async fn refusal(wasm: Vec<u8>, sidecar: Option<&str>) -> String {
    match open(wasm, sidecar).await {
        Err(OpenError::Refused(reason)) => reason,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn case(kind: PolicyKind, text: &str) -> PolicyRequest {
    PolicyRequest::read(kind, text.parse::<toml::Table>().unwrap()).unwrap()
}

#[tokio::test]
async fn a_component_of_each_kind_answers_a_case() {
    let policy = open(puppet(1, "asks"), None).await.unwrap();
    let request = case(PolicyKind::Approver, "command-line = \"rm -rf build\"");
    let PolicyAnswer::Verdict(verdict) = policy.ask(&request).await.unwrap() else {
        panic!("no verdict");
    };
    assert_eq!((verdict.tier, &*verdict.reason), (Tier::Review, "asks"));

    let policy = open(dispatcher('a'), None).await.unwrap();
    let batch = r#"
        limit = 1
        tasks = [{ id = "a" }, { id = "b" }]
        workers = [{ session-id = "w", capacity = 1 }]
    "#;
    let answer = policy.ask(&case(PolicyKind::Distributor, batch)).await;
    let PolicyAnswer::Plan(plan) = answer.unwrap() else {
        panic!("no plan");
    };
    assert_eq!((plan.assignments.len(), plan.waits.len()), (1, 1));
    let written = serde_json::to_value(&plan.assignments[0]).unwrap();
    assert_eq!(
        written,
        serde_json::json!({"task-id": "a", "session-id": "w"})
    );

    let policy = open(teller('a'), None).await.unwrap();
    let chunks = r#"chunks = [[{ text = "1" }], ["prompt-start"], []]"#;
    let answer = policy.ask(&case(PolicyKind::ProgressParser, chunks)).await;
    let PolicyAnswer::Updates(updates) = answer.unwrap() else {
        panic!("no updates");
    };
    let counts: Vec<_> = updates.iter().map(|it| it[0].completed).collect();
    assert_eq!(counts, [Some(1), Some(2), Some(3)]);

    let policy = open(medic('a'), None).await.unwrap();
    let incident = "cause = \"hung\"";
    let answer = policy.ask(&case(PolicyKind::Recovery, incident)).await;
    let PolicyAnswer::Decision(decision) = answer.unwrap() else {
        panic!("no decision");
    };
    assert_eq!(decision.action, RecoveryAction::Restart);
}

#[tokio::test]
async fn what_fails_says_so_however_often_it_is_asked() {
    let policy = open(dispatcher('a'), None).await.unwrap();
    let lie = case(
        PolicyKind::Distributor,
        "tasks = [{ id = \"a\", kind = \"!g\" }]\nlimit = 9",
    );
    for _ in 0..5 {
        let error = policy.ask(&lie).await.unwrap_err();
        assert!(matches!(error, AskError::Failed(_)));
        assert!(
            error
                .to_string()
                .starts_with("it gave an answer that breaks the rules"),
            "{error}"
        );
    }
    let twice = case(
        PolicyKind::Distributor,
        "tasks = [{ id = \"a\" }, { id = \"a\" }]",
    );
    let error = policy.ask(&twice).await.unwrap_err();
    assert!(matches!(error, AskError::Unsound(_)), "{error}");
    let other = PolicyRequest::harmless(PolicyKind::Approver);
    let error = policy.ask(&other).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is a distributor, but the request is for an approver"
    );
}

#[tokio::test]
async fn what_a_host_would_not_take_is_not_opened() {
    for (wasm, sidecar, why) in [
        (puppet_of_version("9.9.9", "new"), None, "speaks versions"),
        (b"text".to_vec(), None, "this is text"),
        (
            puppet(0, "fine"),
            Some("sha256 = \"00\""),
            "64 hexadecimal digits",
        ),
        (
            puppet(0, "fine"),
            Some("[config]\nfail = true"),
            "no fail key, please",
        ),
        (puppet(0, "fine"), Some("colour = 1"), "unknown field"),
    ] {
        let reason = refusal(wasm, sidecar).await;
        assert!(reason.contains(why), "{reason}");
    }
}

#[tokio::test]
async fn files_are_read_with_or_without_a_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("draft.wasm");
    let sidecar = folder.path().join("draft.toml");
    std::fs::write(&wasm, puppet(0, "fine")).unwrap();
    std::fs::write(
        &sidecar,
        "[config]\ntier = \"2\"\n[limits]\ndeadline-ms = 9",
    )
    .unwrap();
    let workbench = Workbench::new(Some(&folder.path().join("cache"))).unwrap();
    let request = PolicyRequest::harmless(PolicyKind::Approver);
    for (sidecar, tier, deadline) in [
        (None, Tier::Safe, 50),
        (Some(&*sidecar), Tier::Dangerous, 9),
    ] {
        let policy = workbench.open(&wasm, sidecar).await.unwrap();
        let PolicyAnswer::Verdict(verdict) = policy.ask(&request).await.unwrap() else {
            panic!("no verdict");
        };
        assert_eq!((verdict.tier, &*verdict.policy), (tier, "draft"));
        assert_eq!(policy.limits().deadline_ms, deadline);
        assert!(policy.opened_in() > Duration::ZERO);
    }
    let missing = workbench.open(&folder.path().join("none.wasm"), None).await;
    let error = missing.err().unwrap().to_string();
    assert!(error.contains("none.wasm cannot be read"), "{error}");
}

#[tokio::test]
async fn calls_are_timed_in_fresh_and_in_reused_instances() {
    for (wasm, kind) in [
        (puppet(0, "fine"), PolicyKind::Approver),
        (dispatcher('a'), PolicyKind::Distributor),
        (teller('a'), PolicyKind::ProgressParser),
        (medic('a'), PolicyKind::Recovery),
    ] {
        let policy = open(wasm, None).await.unwrap();
        let request = PolicyRequest::harmless(kind);
        for instances in [Instances::Fresh, Instances::Reused] {
            let times = policy.time(&request, 50, instances).await.unwrap();
            assert_eq!(times.calls, 50);
            assert!(times.p50 <= times.p99 && times.p99 <= times.slowest);
        }
    }
}

#[test]
fn facts_are_there_for_what_is_refused_too() {
    let facts = ComponentFacts::of(&puppet_of_version("9.9.9", "new"));
    assert_eq!(facts.kind, None);
    assert!(facts.refusal.unwrap().contains("9.9.9"));
    assert!(
        facts
            .exports
            .contains(&String::from("quarterdeck:policy/approve@9.9.9"))
    );
    let facts = ComponentFacts::of(&medic('a'));
    assert_eq!(facts.refusal, None);
    assert_eq!(facts.kind, Some(PolicyKind::Recovery));
    assert_eq!(facts.wit_version, "0.1.0");
    assert!(
        facts
            .imports
            .contains(&String::from("quarterdeck:policy/host@0.1.0"))
    );
    assert!(ComponentFacts::of(b"").refusal.is_some());
}

#[tokio::test]
async fn a_recording_of_marks_reaches_the_parser() {
    let policy = open(teller('a'), None).await.unwrap();
    let mut request = PolicyRequest::harmless(PolicyKind::ProgressParser);
    let PolicyRequest::ParseProgress(recording) = &mut request else {
        panic!("not for a parser");
    };
    recording.chunks.push(vec![OutputPiece::CommandEnd(None)]);
    let PolicyAnswer::Updates(updates) = policy.ask(&request).await.unwrap() else {
        panic!("no updates");
    };
    assert_eq!(updates.len(), 3);
}
