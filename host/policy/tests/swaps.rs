//! A swap loses no call and tears no answer: each ends on the generation that
//! it began with.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quarterdeck_policy::{Limits, Tier};
use support::{Plan, base, puppet, request};

/// What callers were told, as generation, digest and reason of one verdict.
type Heard = BTreeSet<(u64, String, String)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_calls_go_on_through_fifty_swaps() {
    const SWAPS: usize = 50;
    const CALLERS: usize = 16;
    let quarters = Arc::new(
        Plan {
            files: vec![("rules.wasm", puppet(1, "version 0"))],
            ..Plan::with_base()
        }
        .settle()
        .await,
    );
    let over = Arc::new(AtomicBool::new(false));
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let quarters = Arc::clone(&quarters);
            let over = Arc::clone(&over);
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let mut calls = 0;
                let mut newest = 0;
                while !over.load(Ordering::Relaxed) {
                    let ruling = quarters.review("ls").await;
                    // Nobody failed, and nobody is missing.
                    assert_eq!(ruling.all.len(), 2, "{ruling:?}");
                    assert_eq!(ruling.verdict.tier, Tier::Review, "{ruling:?}");
                    assert_eq!(ruling.verdict.policy, "rules");
                    // Time does not run backwards for anybody.
                    assert!(ruling.verdict.generation >= newest);
                    newest = ruling.verdict.generation;
                    let verdict = ruling.verdict;
                    heard.lock().unwrap().insert((
                        verdict.generation,
                        verdict.digest,
                        verdict.reason,
                    ));
                    calls += 1;
                    tokio::task::yield_now().await;
                }
                calls
            })
        })
        .collect();

    for swap in 1..=SWAPS {
        let reason = format!("version {swap}");
        let content = puppet(1, &reason);
        match swap % 2 {
            0 => quarters.put("rules.wasm", &content),
            _ => quarters.rename_in("rules.wasm", &content),
        }
        quarters.until_reason(&reason).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    assert!(calls > 5_000, "only {calls} calls");

    // Each generation has one digest and one reason, and each was heard of.
    let heard = heard.lock().unwrap();
    let generations: BTreeSet<u64> = heard.iter().map(|it| it.0).collect();
    let by_reason: BTreeMap<&str, &str> = heard
        .iter()
        .map(|it| (it.2.as_str(), it.1.as_str()))
        .collect();
    assert_eq!(generations.len(), heard.len(), "{heard:?}");
    assert_eq!(by_reason.len(), heard.len(), "{heard:?}");
    assert!(heard.len() > SWAPS / 2, "only {} generations", heard.len());
    assert_eq!(quarters.reports(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_way_ends_on_the_generation_it_began_with() {
    let quarters = Plan {
        limits: Limits {
            deadline: Limits::MAX_DEADLINE,
            ..Limits::default()
        },
        ..Plan::with_base()
    }
    .settle()
    .await;
    let approvers = quarters.host.approvers().await;
    let slow = tokio::spawn({
        let approvers = approvers.clone();
        async move { approvers.review(&request("!s")).await }
    });
    quarters.rename_in("base.wasm", &puppet(2, "the next one"));
    quarters.until_reason("the next one").await;
    assert!(!slow.is_finished(), "too fast to show anything");
    // What was pinned stays as it was, for calls that begin only now, too.
    let pinned = approvers.review(&request("ls")).await;
    assert_eq!(pinned.verdict.reason, "the bundled one");
    assert_eq!(slow.await.unwrap(), pinned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_writes_ends_with_the_last_one() {
    let quarters = Plan {
        bundled: vec![base(0)],
        ..Plan::default()
    }
    .settle()
    .await;
    let contents: Vec<_> = (0..8)
        .map(|number| puppet(1, &format!("number {number}")))
        .collect();
    for turn in 0..1000 {
        match turn % 5 {
            0 => quarters.put("rules.wasm", &contents[turn % 8][..100]),
            1 => quarters.rename_in("rules.wasm", b"bad"),
            2 => quarters.remove("rules.wasm"),
            _ => quarters.rename_in("rules.wasm", &contents[turn % 8]),
        }
        let ruling = quarters.review("ls").await;
        assert_ne!(ruling.verdict.tier, Tier::Dangerous, "{ruling:?}");
    }
    quarters.rename_in("rules.wasm", &puppet(1, "the last"));
    let last = quarters.until_reason("the last").await;
    tokio::time::timeout(Duration::from_secs(20), quarters.host.rescan())
        .await
        .unwrap();
    assert_eq!(quarters.review("ls").await, last);
}
