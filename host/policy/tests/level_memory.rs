//! Policies that come, go and fail leave no memory behind. Alone in its program,
//! because what is measured is the whole process.
#![cfg(target_os = "linux")]

mod support;

use quarterdeck_policy::Tier;
use support::{Plan, puppet, request};

fn resident_kib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4
}

#[tokio::test]
async fn memory_is_level_after_thousands_of_faults_and_a_hundred_swaps() {
    let quarters = Plan::with_base().settle().await;
    let storm = async |round: usize| {
        let approvers = quarters.host.approvers().await;
        for _ in 0..500 {
            for command in ["!t", "!m", "!x", "!b"] {
                let fault = approvers.review(&request(command)).await;
                assert_eq!(fault.verdict.tier, Tier::Dangerous);
                // In between it behaves, or it would be asked no more.
                let sound = approvers.review(&request("ls")).await;
                assert_eq!(sound.verdict.tier, Tier::Safe);
            }
        }
        for swap in 0..50 {
            let reason = format!("{round}, {swap}");
            quarters.rename_in("base.wasm", &puppet(0, &reason));
            let ruling = quarters.until_reason(&reason).await;
            assert_eq!(ruling.verdict.tier, Tier::Safe);
        }
    };
    storm(0).await;
    let before = resident_kib();
    storm(1).await;
    let after = resident_kib();
    assert!(
        after < before + 8192,
        "grew from {before} KiB to {after} KiB"
    );
}
