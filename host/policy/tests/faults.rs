//! A policy that misbehaves costs its caller a refusal, and nobody anything
//! else.

mod support;

use std::time::{Duration, Instant};

use quarterdeck_policy::{Limits, PolicyState, ProblemKind, Tier};
use support::{Plan, puppet, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_fail_is_dangerous_and_says_why() {
    for (command, rule, why) in [
        ("!t", "host/trap", "crashed"),
        ("!l", "host/deadline", "deadline of 50 ms"),
        ("!m", "host/memory", "limit of 16777216 bytes"),
        ("!x", "host/stack", "called itself too deeply"),
        ("!u", "host/garbage", "out of shape"),
        ("!b", "host/garbage", "out of shape"),
        ("!o", "host/garbage", "out of shape"),
        ("!e", "host/garbage", "out of shape"),
        ("!d", "host/garbage", "out of shape"),
    ] {
        let quarters = Plan::with_base().settle().await;
        let start = Instant::now();
        let ruling = quarters.review(command).await;
        let took = start.elapsed();
        assert_eq!(ruling.verdict.tier, Tier::Dangerous, "{command}");
        assert_eq!(
            ruling.verdict.rule.as_deref(),
            Some(rule),
            "{command}: {ruling:?}"
        );
        assert!(ruling.verdict.reason.contains(why), "{command}: {ruling:?}");
        assert_eq!(ruling.verdict.generation, 1);
        // The deadline is 50 ms of a processor, which a busy machine may take a second for.
        assert!(took < Duration::from_secs(3), "{command} took {took:?}");
        // The next call does not notice.
        assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
        let status = &quarters.host.list()[0];
        assert_eq!((status.calls, status.traps), (2, 1));
        assert!(status.last_error.as_ref().unwrap().contains(why));
    }
}

#[tokio::test]
async fn an_answer_of_a_hundred_megabytes_is_not_taken() {
    let quarters = Plan {
        limits: Limits {
            deadline: Duration::from_secs(5),
            memory_bytes: Limits::MAX_MEMORY_BYTES,
            ..Limits::default()
        },
        ..Plan::with_base()
    }
    .settle()
    .await;
    let ruling = quarters.review("!h").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert_eq!(ruling.verdict.rule.as_deref(), Some("host/garbage"));
    assert!(
        (ruling.verdict.reason).contains("a call may hand over 65536 bytes at most"),
        "{ruling:?}"
    );
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
}

#[tokio::test]
async fn a_reason_cannot_command_a_terminal_or_be_missing() {
    for (reason, shown) in [
        ("gone\u{1b}[2J\nSAFE", "gone\u{fffd}[2J SAFE"),
        (" \n ", "the policy gave no reason"),
    ] {
        let quarters = Plan {
            files: vec![("talker.wasm", puppet(1, reason))],
            ..Plan::default()
        }
        .settle()
        .await;
        let ruling = quarters.review("ls").await;
        assert_eq!(
            (ruling.verdict.tier, ruling.verdict.reason.as_str()),
            (Tier::Review, shown)
        );
    }
}

#[tokio::test]
async fn an_instance_is_asked_once() {
    let quarters = Plan::with_base().settle().await;
    for _ in 0..3 {
        assert_eq!(quarters.review("!c").await.verdict.tier, Tier::Safe);
    }
}

#[tokio::test]
async fn a_span_is_passed_on_only_if_it_fits() {
    let quarters = Plan::with_base().settle().await;
    assert_eq!(quarters.review("!q").await.verdict.span, Some(1..2));
    assert_eq!(quarters.review("!p").await.verdict.span, None);
    // Byte 1 is in the middle of the second character.
    assert_eq!(quarters.review("!q").await.verdict.tier, Tier::Safe);
}

#[tokio::test]
async fn a_long_command_is_judged_and_an_endless_one_refused() {
    let quarters = Plan::with_base().settle().await;
    let long = "x".repeat(1 << 20);
    assert_eq!(quarters.review(&long).await.verdict.tier, Tier::Safe);
    let endless = "x".repeat(20 << 20);
    let ruling = quarters.review(&endless).await;
    assert_eq!(ruling.verdict.rule.as_deref(), Some("host/memory"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_keeps_failing_is_quarantined() {
    let quarters = Plan::with_base().settle().await;
    for _ in 0..3 {
        quarters.review("!t").await;
    }
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert_eq!(ruling.verdict.rule.as_deref(), Some("host/quarantine"));
    assert!(ruling.verdict.reason.contains("crashed"), "{ruling:?}");
    assert_eq!(quarters.host.list()[0].state, PolicyState::Quarantined);
    let problem = quarters.until_problem("several times in a row").await;
    assert_eq!(problem.kind, ProblemKind::Quarantined);

    // A new version is a new start.
    quarters.rename_in("base.wasm", &puppet(1, "mended"));
    assert_eq!(
        quarters.until_reason("mended").await.verdict.tier,
        Tier::Review
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_runaway_policy_lets_its_neighbours_work() {
    let quarters = Plan {
        limits: Limits {
            deadline: Duration::from_millis(400),
            ..Limits::default()
        },
        ..Plan::with_base()
    }
    .settle()
    .await;
    let approvers = quarters.host.approvers().await;
    let runaway = tokio::spawn({
        let approvers = approvers.clone();
        async move { approvers.review(&request("!l")).await }
    });
    let mut answered = 0;
    while !runaway.is_finished() {
        approvers.review(&request("ls")).await;
        answered += 1;
        tokio::task::yield_now().await;
    }
    assert_eq!(
        runaway.await.unwrap().verdict.rule.as_deref(),
        Some("host/deadline")
    );
    assert!(answered > 50, "only {answered} calls beside the runaway");
}

#[tokio::test]
async fn a_machine_that_keeps_a_policy_from_running_does_not_make_it_late() {
    let quarters = Plan::with_base().settle().await;
    let rude_neighbour = async {
        for _ in 0..3 {
            // Keeps the thread busy, and gives others their turn in between.
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(100) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    };
    let start = Instant::now();
    let (ruling, ()) = tokio::join!(quarters.review("!k"), rude_neighbour);
    assert!(start.elapsed() > Limits::default().deadline * 2);
    assert_eq!(ruling.verdict.tier, Tier::Safe, "{ruling:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_harms_nobody() {
    let quarters = Plan::with_base().settle().await;
    let approvers = quarters.host.approvers().await;
    for _ in 0..20 {
        let given_up = tokio::time::timeout(Duration::from_millis(5), async {
            approvers.review(&request("!l")).await
        });
        assert!(given_up.await.is_err());
    }
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
    assert_eq!(quarters.host.list()[0].traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_runaways_than_instances_wait_their_turn_and_are_refused() {
    let quarters = Plan::with_base().settle().await;
    let approvers = quarters.host.approvers().await;
    let calls: Vec<_> = (0..400)
        .map(|_| {
            let approvers = approvers.clone();
            tokio::spawn(async move { approvers.review(&request("!l")).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().verdict.tier, Tier::Dangerous);
    }
}
