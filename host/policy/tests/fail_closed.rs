//! A rule does not vanish because of what somebody puts into the folder.

mod support;

use quarterdeck_policy::{PolicyKind, PolicyState, PolicyStatus, Tier};
use support::{Plan, Quarters, component, dummy, kinds, policy_package, puppet};

/// An approver whose rule is in force, and another that lets everything pass.
async fn guarded() -> Quarters {
    Plan {
        files: vec![("guard.wasm", puppet(2, "guarded"))],
        ..Plan::with_base()
    }
    .settle()
    .await
}

fn status(quarters: &Quarters, name: &str) -> PolicyStatus {
    let mut listed = quarters.host.list().into_iter();
    listed.find(|status| status.name == name).expect(name)
}

#[tokio::test]
async fn a_policy_of_another_kind_does_not_take_a_rule_away() {
    let quarters = guarded().await;
    let others = [
        (kinds::medic('w'), "a recovery"),
        (kinds::dispatcher('f'), "a distributor"),
        (kinds::teller('t'), "a progress-parser"),
    ];
    for (content, what) in others {
        quarters.rename_in("guard.wasm", &content);
        let why = format!("it is {what}, but `guard` is an approver");
        let problem = quarters.until_problem(&why).await;
        assert!(problem.serving.is_some(), "{problem}");
        let status = status(&quarters, "guard");
        assert_eq!(
            (status.kind, status.state),
            (Some(PolicyKind::Approver), PolicyState::Active)
        );
        assert!(status.last_error.unwrap().contains(&why));
        assert_eq!(quarters.review("ls").await.verdict.reason, "guarded");
    }

    // Whoever means it takes the file away first.
    quarters.remove("guard.wasm");
    quarters.until_reason("the bundled one").await;
    quarters.rename_in("guard.wasm", &kinds::medic('w'));
    quarters.host.rescan().await;
    assert_eq!(status(&quarters, "guard").kind, Some(PolicyKind::Recovery));

    // And a recovery is not replaced by an approver in silence either.
    quarters.rename_in("guard.wasm", &puppet(2, "guarded again"));
    quarters
        .until_problem("it is an approver, but `guard` is a recovery")
        .await;
}

#[tokio::test]
async fn an_approver_that_fails_on_trial_means_that_nothing_is_approved() {
    let (resolve, package) = policy_package();
    let traps = dummy(resolve, package, "approver");
    let loops = component("approver", LOOPING_REVIEW);
    for (content, rule, words) in [
        (traps, "host/trap", "crashed ("),
        (loops, "host/deadline", "ran past its deadline"),
    ] {
        let quarters = Plan::with_base().settle().await;
        assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
        quarters.rename_in("rules.wasm", &content);
        let problem = quarters.until_problem("nothing is approved until").await;
        assert_eq!(problem.policy, "rules");

        let verdict = quarters.review("ls").await.verdict;
        assert_eq!(verdict.tier, Tier::Dangerous);
        assert_eq!(verdict.rule.as_deref(), Some(rule));
        assert_eq!(verdict.policy, "rules");
        let status = status(&quarters, "rules");
        assert_eq!(
            (status.kind, status.state),
            (Some(PolicyKind::Approver), PolicyState::Failed)
        );
        assert!(status.last_error.unwrap().contains(words));

        // What is no policy at all changes nothing, here neither.
        quarters.rename_in("rules.wasm", b"(component)");
        quarters.until_problem("this is text").await;
        assert_eq!(
            quarters.review("ls").await.verdict.rule.as_deref(),
            Some(rule)
        );
        quarters.remove("rules.wasm");
        quarters.until_reason("the bundled one").await;
    }
}

#[tokio::test]
async fn a_shadow_that_fails_on_trial_rules_nothing() {
    let (resolve, package) = policy_package();
    let quarters = Plan::with_base().settle().await;
    quarters.put("rules.toml", b"mode = \"shadow\"");
    quarters.rename_in("rules.wasm", &dummy(resolve, package, "approver"));
    quarters.until_problem("crashed (").await;
    assert_eq!(
        quarters.review("ls").await.verdict.reason,
        "the bundled one"
    );
}

#[tokio::test]
async fn how_a_failed_approver_stands_depends_on_its_files_and_not_on_the_past() {
    let (resolve, package) = policy_package();
    let quarters = Plan::with_base().settle().await;
    quarters.put("rules.toml", b"mode = \"shadow\"");
    quarters.rename_in("rules.wasm", &dummy(resolve, package, "approver"));
    quarters.until_problem("crashed (").await;
    let steps: [(&[u8], PolicyState, &str); 6] = [
        (b"mode = \"ruling\"", PolicyState::Failed, "host/trap"),
        (b"mode = \"shadow\"", PolicyState::Failed, "none"),
        (b"enabled = false", PolicyState::Disabled, "none"),
        (b"mode = \"shadow\"", PolicyState::Failed, "none"),
        (b"mode = \"ruling\"", PolicyState::Failed, "host/trap"),
        (b"enabled = false", PolicyState::Disabled, "none"),
    ];
    for (sidecar, state, rule) in steps {
        quarters.rename_in("rules.toml", sidecar);
        quarters.host.rescan().await;
        let sidecar = String::from_utf8_lossy(sidecar);
        assert_eq!(status(&quarters, "rules").state, state, "{sidecar}");
        let verdict = quarters.review("ls").await.verdict;
        assert_eq!(verdict.rule.as_deref().unwrap_or("none"), rule, "{sidecar}");
    }

    // And what is no component at all is not called disabled once it is enabled.
    quarters.rename_in("rules.wasm", b"(component)");
    quarters.rename_in("rules.toml", b"");
    quarters.host.rescan().await;
    assert_eq!(status(&quarters, "rules").state, PolicyState::Failed);
}

/// A bundled approver, and a bundled distributor that nobody has asked for yet.
async fn with_a_sleeper(files: Vec<(&'static str, Vec<u8>)>) -> Quarters {
    let sleeper = quarterdeck_policy::BundledPolicy {
        name: "turns",
        kind: PolicyKind::Distributor,
        wasm: kinds::dispatcher('a').leak(),
    };
    Plan {
        bundled: vec![support::base(0), sleeper],
        files,
        ..Plan::default()
    }
    .settle()
    .await
}

#[tokio::test]
async fn a_sleeping_bundled_policy_is_not_replaced_by_one_of_another_kind() {
    let others = [
        (puppet(2, "no"), "it is an approver"),
        (kinds::medic('w'), "it is a recovery"),
    ];
    for (content, what) in others {
        for dropped_in in [true, false] {
            let quarters = if dropped_in {
                let quarters = with_a_sleeper(Vec::new()).await;
                assert_eq!(status(&quarters, "turns").state, PolicyState::Dormant);
                quarters.rename_in("turns.wasm", &content);
                quarters
            } else {
                with_a_sleeper(vec![("turns.wasm", content.clone())]).await
            };
            let why = format!("{what}, but `turns` is a distributor that is bundled");
            quarters.until_problem(&why).await;
            let refused = status(&quarters, "turns");
            assert_eq!(
                (refused.kind, refused.state),
                (Some(PolicyKind::Distributor), PolicyState::Active)
            );
            assert_eq!(
                refused.rejection.as_deref().map(|it| it.contains(&why)),
                Some(true)
            );
            assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
            assert_eq!(quarters.host.distributors().await.names().count(), 1);

            quarters.remove("turns.wasm");
            quarters.host.rescan().await;
            let after = status(&quarters, "turns");
            assert_eq!((after.state, after.rejection), (PolicyState::Active, None));
            assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
        }
    }
}

#[tokio::test]
async fn a_version_that_fails_on_trial_leaves_the_former_one_in_charge() {
    let (resolve, package) = policy_package();
    let quarters = guarded().await;
    quarters.rename_in("guard.wasm", &dummy(resolve, package, "approver"));
    quarters.until_problem("crashed (").await;
    assert_eq!(quarters.review("ls").await.verdict.reason, "guarded");
}

const LOOPING_REVIEW: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
    (func (export "quarterdeck:policy/configuration@0.1.0#configure")
        (param i32 i32) (result i32) (i32.const 512))
    (func (export "quarterdeck:policy/approve@0.1.0#review") (param i32) (result i32)
        (loop $ever (br $ever))
        (i32.const 1024)))"#;
