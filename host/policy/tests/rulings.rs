//! Of several approvers the strictest counts; where one is missing that must
//! not be, or there is none, nothing is approved.

mod support;

use quarterdeck_policy::{BundledPolicy, PolicyKind, PolicyState, ProblemKind, Tier};
use support::{Plan, puppet};

#[tokio::test]
async fn the_strictest_of_several_counts() {
    let quarters = Plan {
        files: vec![
            ("a.wasm", puppet(0, "a")),
            ("b.wasm", puppet(2, "b")),
            ("c.wasm", puppet(1, "c")),
            ("d.wasm", puppet(2, "d")),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let ruling = quarters.review("ls").await;
    let tiers: Vec<_> = ruling.all.iter().map(|it| it.tier).collect();
    use Tier::{Dangerous, Review, Safe};
    assert_eq!(tiers, [Safe, Safe, Dangerous, Review, Dangerous]);
    // Of equals the first in order.
    assert_eq!(ruling.verdict.reason, "b");
    // One that fails does not silence the others, nor they it.
    assert!(
        quarters
            .review("!t")
            .await
            .all
            .iter()
            .all(|it| it.rule.as_deref() == Some("host/trap"))
    );
}

#[tokio::test]
async fn without_an_approver_nothing_is_approved() {
    let quarters = Plan::default().settle().await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert_eq!(ruling.verdict.rule.as_deref(), Some("host/no-approver"));
    assert_eq!((ruling.verdict.generation, ruling.all.len()), (0, 1));
}

#[tokio::test]
async fn without_a_required_approver_nothing_is_approved() {
    let quarters = Plan {
        required: vec!["house"],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let problem = quarters
        .until_problem("the required approver `house`")
        .await;
    assert_eq!(problem.kind, ProblemKind::RequiredMissing);
    let ruling = quarters.review("ls").await;
    assert_eq!(
        ruling.verdict.rule.as_deref(),
        Some("host/required-missing")
    );
    assert_eq!(ruling.verdict.policy, "house");
    let listed = quarters.host.list().remove(1);
    assert_eq!(
        (listed.name.as_str(), listed.state),
        ("house", PolicyState::Failed)
    );
    assert!(listed.last_error.unwrap().contains("no component"));

    quarters.put("house.wasm", &puppet(1, "the house rule"));
    quarters.until_reason("the house rule").await;
    quarters.put("house.toml", b"enabled = false");
    quarters.host.rescan().await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert!(
        ruling
            .verdict
            .reason
            .contains("its sidecar switches it off"),
        "{ruling:?}"
    );
    quarters.remove("house.wasm");
    quarters.remove("house.toml");
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Dangerous);
}

#[tokio::test]
async fn the_bundled_approver_knows_what_is_dangerous() {
    let wasm = include_bytes!("../../../plugins/dist/safety-tiers.wasm");
    let quarters = Plan {
        bundled: vec![BundledPolicy {
            kind: PolicyKind::Approver,
            name: "safety-tiers",
            wasm,
        }],
        ..Plan::default()
    }
    .settle()
    .await;
    for (command, tier) in [
        ("ls -l", Tier::Safe),
        ("rm -rf ~", Tier::Dangerous),
        ("true; rm -rf ~", Tier::Dangerous),
    ] {
        let verdict = quarters.review(command).await.verdict;
        assert_eq!(verdict.tier, tier, "{verdict:?}");
        assert_eq!(verdict.policy, "safety-tiers");
    }
    let status = &quarters.host.list()[0];
    assert_eq!((status.calls, status.traps), (3, 0));
    assert_eq!(status.imports, Vec::<String>::new());
    assert_eq!(status.size, wasm.len() as u64);
}

#[tokio::test]
async fn wasi_is_there_and_empty() {
    // There is something that the guest could see.
    assert!(std::env::vars_os().next().is_some());
    let quarters = Plan {
        files: vec![("curious.wasm", support::curious())],
        ..Plan::default()
    }
    .settle()
    .await;
    for _ in 0..3 {
        let verdict = quarters.review("ls").await.verdict;
        assert_eq!(verdict.tier, Tier::Safe, "{:?}", quarters.reports());
    }
    let imports = quarters.host.list().remove(0).imports;
    assert_eq!(imports.len(), 4, "{imports:?}");
}

#[tokio::test]
async fn a_shadow_is_asked_everything_and_never_obeyed() {
    let quarters = Plan {
        files: vec![
            ("next.wasm", puppet(2, "the next one")),
            ("next.toml", b"mode = \"shadow\"".to_vec()),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let ruling = quarters.review("ls").await;
    assert_eq!((ruling.verdict.tier, ruling.all.len()), (Tier::Safe, 1));
    let shadow = &ruling.shadows[0];
    assert_eq!((shadow.tier, &*shadow.policy), (Tier::Dangerous, "next"));
    let listed = quarters.host.list();
    assert_eq!(listed[1].state, PolicyState::Shadow);
    let differed: Vec<_> = listed.iter().map(|it| it.shadow_differed).collect();
    assert_eq!(differed, [None, Some(1)]);
    // Nor does it harm anybody when it fails. (The bundled one fails alike.)
    quarters.review("!t").await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);

    // Promoted, it rules.
    quarters.put("next.toml", b"");
    let ruling = quarters.until_reason("the next one").await;
    assert_eq!((ruling.all.len(), ruling.shadows.len()), (2, 0));
}

#[tokio::test]
async fn a_shadow_alone_approves_nothing() {
    let quarters = Plan {
        required: vec!["house"],
        files: vec![
            ("house.wasm", puppet(0, "fine")),
            ("house.toml", b"mode = \"shadow\"".to_vec()),
        ],
        ..Plan::default()
    }
    .settle()
    .await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert!(ruling.verdict.reason.contains("it is a shadow"));
    assert_eq!(ruling.shadows[0].tier, Tier::Safe);
}
