//! What is not a sound policy is turned away with a reason that helps, and
//! changes nothing for anybody.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use quarterdeck_policy::{Limits, PolicyState, ProblemKind, Tier};
use support::{
    Plan, Quarters, base, component, dummy, inline_package, policy_package, policy_package_with,
    puppet, puppet_of_version,
};

/// Puts `content` in the place of the approver in charge, and sees to it that
/// there is a report and nothing else.
async fn is_turned_away(quarters: &Quarters, content: &[u8], why: &str) {
    let before = quarters.review("ls").await;
    quarters.problems.send_modify(Vec::clear);
    quarters.rename_in("rules.wasm", content);
    let problem = quarters.until_problem(why).await;
    assert_eq!(problem.kind, ProblemKind::Rejected);
    assert_eq!(problem.policy, "rules");
    assert_eq!(problem.file.unwrap(), quarters.plugins.join("rules.wasm"));
    assert_eq!(
        problem.serving.unwrap().generation,
        before.verdict.generation
    );
    assert_eq!(quarters.review("ls").await, before, "{why}");
    let status = &quarters.host.list()[0];
    assert_eq!(status.state, PolicyState::Active);
    assert!(status.last_error.as_ref().unwrap().contains(why));
    assert_eq!(quarters.reports().len(), 1, "{:?}", quarters.reports());
}

async fn with_rules() -> Quarters {
    Plan {
        files: vec![("rules.wasm", puppet(1, "the good one"))],
        ..Plan::default()
    }
    .settle()
    .await
}

#[tokio::test]
async fn what_is_no_component_is_turned_away() {
    let quarters = with_rules().await;
    let whole = puppet(0, "whole");
    for (content, why) in [
        (&b"(component)"[..], "this is text"),
        ("# Règles\n".as_bytes(), "this is text"),
        (b"\x7fELF\x02\x01\x01\0", "compiled machine code"),
        (
            b"\xde\xad\xbe\xef\0",
            "not WebAssembly (its first bytes are de ad be ef 00)",
        ),
        (b"", "the file is empty"),
        (&whole[..whole.len() / 2], "cut short"),
        (
            &wat::parse_str("(module)").unwrap(),
            "first `wasm-tools component embed",
        ),
    ] {
        is_turned_away(&quarters, content, why).await;
    }
    // The next good one is taken all the same, and the complaint is over.
    quarters.rename_in("rules.wasm", &puppet(2, "better"));
    quarters.until_reason("better").await;
    assert_eq!(quarters.host.list()[0].last_error, None);
}

#[tokio::test]
async fn a_component_of_another_world_is_turned_away() {
    let quarters = with_rules().await;
    let foreign = "package acme:rules@1.0.0;
        interface decide { decide: func(); }
        world w { export decide; }";
    let (resolve, package) = inline_package(foreign);
    let content = dummy(resolve, package, "w");
    is_turned_away(
        &quarters,
        &content,
        "exports no policy interface (found: `acme:rules/decide@1.0.0`)",
    )
    .await;

    let (resolve, package) = inline_package(
        "package test:two;
        world both {
            export quarterdeck:policy/configuration@0.1.0;
            export quarterdeck:policy/approve@0.1.0;
            export quarterdeck:policy/recover@0.1.0;
        }",
    );
    let content = dummy(resolve, package, "both");
    is_turned_away(&quarters, &content, "two policies in one").await;

    let (resolve, package) = inline_package(
        "package test:bare; world bare { export quarterdeck:policy/approve@0.1.0; }",
    );
    let content = dummy(resolve, package, "bare");
    is_turned_away(
        &quarters,
        &content,
        "does not export `quarterdeck:policy/configuration",
    )
    .await;
}

#[tokio::test]
async fn a_component_for_another_version_is_turned_away_or_taken_as_its_number_says() {
    let quarters = with_rules().await;
    for version in ["0.0.9", "0.2.0", "1.0.0", "0.10.0"] {
        let content = puppet_of_version(version, "foreign");
        let why = format!("@{version}`, but this host speaks versions 0.1.x");
        is_turned_away(&quarters, &content, &why).await;
    }
    // The right number on another shape.
    for (from, to) in [
        (
            "        dangerous,\n",
            "        dangerous,\n        lethal,\n",
        ),
        ("        recent: list<string>,\n", ""),
        (
            "review: func(request: request)",
            "review: func(request: request, twice: bool)",
        ),
    ] {
        let (resolve, package) = policy_package_with(from, to);
        let content = dummy(resolve, package, "approver");
        is_turned_away(&quarters, &content, "does not fit the world `approver`").await;
    }
    // A later patch release keeps its promises.
    quarters.rename_in("rules.wasm", &puppet_of_version("0.1.7", "a patch later"));
    quarters.until_reason("a patch later").await;
}

#[tokio::test]
async fn what_an_approver_may_not_import_is_named_with_the_way_out() {
    let quarters = with_rules().await;
    for (import, why) in [
        ("wasi:sockets/tcp@0.2.0", "may not depend on the network"),
        (
            "wasi:http/outgoing-handler@0.2.0",
            "may not depend on the network",
        ),
        (
            "acme:secrets/vault@1.0.0",
            "build against the world `approver`",
        ),
    ] {
        let (package, interface) = import.split_once('/').unwrap();
        let (interface, version) = interface.split_once('@').unwrap();
        let (resolve, package) = inline_package(&format!(
            "package test:reach;
            package {package}@{version} {{ interface {interface} {{ reach: func(); }} }}
            world reach {{
                import {import};
                include quarterdeck:policy/approver@0.1.0;
            }}"
        ));
        let content = dummy(resolve, package, "reach");
        is_turned_away(&quarters, &content, why).await;
        assert!(
            quarters
                .find(&format!("may not import `{import}`"))
                .is_some()
        );
    }
    let (resolve, package) = inline_package(
        "package test:logs;
        world logs {
            import quarterdeck:policy/host@0.1.0;
            include quarterdeck:policy/approver@0.1.0;
        }",
    );
    let content = dummy(resolve, package, "logs");
    is_turned_away(&quarters, &content, "take the time from `request.time-ms`").await;
}

#[tokio::test]
async fn an_approver_that_fails_its_trial_is_turned_away() {
    let quarters = with_rules().await;
    let (resolve, package) = policy_package();
    let content = dummy(resolve, package, "approver");
    // `configure` is what is called first.
    is_turned_away(&quarters, &content, "`configure` crashed").await;

    let stuck = component(
        "approver",
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "quarterdeck:policy/configuration@0.1.0#configure")
                (param i32 i32) (result i32) (i32.const 512))
            (func (export "quarterdeck:policy/approve@0.1.0#review") (param i32) (result i32)
                (loop $ever (br $ever)) (unreachable)))"#,
    );
    is_turned_away(&quarters, &stuck, "ran past its deadline").await;

    let greedy = component(
        "approver",
        r#"(module
            (memory (export "memory") 300)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "quarterdeck:policy/configuration@0.1.0#configure")
                (param i32 i32) (result i32) (i32.const 512))
            (func (export "quarterdeck:policy/approve@0.1.0#review") (param i32) (result i32)
                (i32.const 512)))"#,
    );
    is_turned_away(
        &quarters,
        &greedy,
        "started on trial, it asked for more memory than its limit of 16777216 bytes (`limits.memory-bytes` of its sidecar)",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_regular_file_of_ones_own_is_turned_away() {
    let quarters = with_rules().await;
    let path = |name: &str| quarters.plugins.join(name);

    std::fs::create_dir(path("folder.wasm")).unwrap();
    quarters.until_problem("it is a folder").await;

    std::os::unix::fs::symlink("nowhere", path("dangling.wasm")).unwrap();
    quarters.until_problem("a symlink that leads nowhere").await;

    let made = std::process::Command::new("mkfifo")
        .arg(path("fifo.wasm"))
        .status();
    assert!(made.unwrap().success());
    quarters.until_problem("it is a FIFO").await;

    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(path("rules.wasm"), open).unwrap();
    let problem = quarters.until_problem("others can write to it").await;
    assert!(problem.reason.contains("chmod go-w"), "{problem}");
    assert_eq!(quarters.review("ls").await.verdict.reason, "the good one");

    // None of them is anybody, and the list says why.
    let failed = quarters.host.list();
    for name in ["dangling", "fifo", "folder"] {
        let status = failed.iter().find(|it| it.name == name).unwrap();
        assert_eq!(status.state, PolicyState::Failed, "{status:?}");
        assert!(status.last_error.is_some());
    }
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_not_read() {
    let quarters = Plan {
        files: vec![("rules.wasm", puppet(1, "the good one"))],
        limits: Limits {
            max_component_bytes: 64 << 10,
            ..Limits::default()
        },
        ..Plan::default()
    }
    .settle()
    .await;
    is_turned_away(&quarters, &vec![0; 70_000], "and 65536 is the limit").await;
}

#[tokio::test]
async fn a_sidecar_can_tie_down_what_may_be_loaded() {
    let quarters = with_rules().await;
    quarters.put("rules.toml", b"must-refuse = [\"rm -rf ~\"]");
    quarters
        .until_problem("it judges `rm -rf ~` review, but the sidecar says that it must refuse")
        .await;
    quarters.put(
        "rules.toml",
        format!("sha256 = \"{}\"", "0".repeat(64)).as_bytes(),
    );
    quarters.until_problem("but the sidecar pins 0000").await;
    let digest = quarters.review("ls").await.verdict.digest;
    quarters.put("rules.toml", format!("sha256 = \"{digest}\"").as_bytes());
    quarters.host.rescan().await;
    assert_eq!(quarters.host.list()[0].trust.to_string(), "pinned");
    is_turned_away(&quarters, &puppet(0, "another"), "but the sidecar pins").await;
}

#[tokio::test]
async fn a_sidecar_that_is_not_understood_changes_nothing() {
    let quarters = with_rules().await;
    for (sidecar, why) in [
        ("enable = true", "unknown field `enable`"),
        ("[limits]\nmemory-bytes = \"16M\"", "memory-bytes"),
        (
            "[config]\nfail = true",
            "`configure` refused the sidecar's [config]: no fail key, please",
        ),
    ] {
        quarters.put("rules.toml", sidecar.as_bytes());
        let problem = quarters.until_problem(why).await;
        assert_eq!(problem.serving.unwrap().generation, 1);
        assert_eq!(quarters.review("ls").await.verdict.generation, 1);
    }
}

#[tokio::test]
async fn a_broken_bundled_policy_means_that_nothing_is_approved() {
    let mut broken = base(0);
    broken.wasm = b"broken";
    let quarters = Plan {
        bundled: vec![broken],
        files: vec![("yes.wasm", puppet(0, "fine with me"))],
        ..Plan::default()
    }
    .settle()
    .await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert_eq!(
        ruling.verdict.rule.as_deref(),
        Some("host/required-missing")
    );
    quarters.host.rescan().await;
    let listed = &quarters.host.list()[0];
    assert_eq!(
        (listed.name.as_str(), listed.state),
        ("base", PolicyState::Failed)
    );
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Dangerous);
}

#[tokio::test]
async fn a_broken_replacement_at_the_start_is_not_laxer_than_what_it_replaces() {
    let quarters = Plan {
        bundled: vec![base(1)],
        files: vec![
            ("base.wasm", b"broken".to_vec()),
            ("yes.wasm", puppet(0, "fine with me")),
        ],
        ..Plan::default()
    }
    .settle()
    .await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Dangerous);
    quarters.remove("base.wasm");
    quarters.until_reason("the bundled one").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_files_does_not_push_the_bundled_policy_out() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    support::make_private(&plugins);
    for number in 0..1100 {
        support::write(&plugins.join(format!("a{number:04}.toml")), b"");
    }
    let quarters = Plan::with_base().settle_in(folder).await;
    quarters
        .until_problem("holds more than 1024 policies")
        .await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.reason, "the bundled one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_good_file_is_taken_even_while_every_instance_runs_wild() {
    let quarters = Plan {
        limits: Limits {
            deadline: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Plan::with_base()
    }
    .settle()
    .await;
    let approvers = quarters.host.approvers().await;
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let approvers = approvers.clone();
            tokio::spawn(async move { approvers.review(&support::request("!l")).await })
        })
        .collect();
    quarters.rename_in("base.wasm", &puppet(1, "mended"));
    for call in calls {
        assert_eq!(call.await.unwrap().verdict.tier, Tier::Dangerous);
    }
    quarters.until_reason("mended").await;
}
