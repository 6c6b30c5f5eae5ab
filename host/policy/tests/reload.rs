//! What happens in the plugins folder reaches the next request, and nothing
//! else does.

mod support;

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use quarterdeck_policy::{PolicyKind, PolicySource, PolicyState, ProblemKind, Tier, Trust};
use support::{Plan, puppet, write};

#[tokio::test]
async fn a_policy_is_added_replaced_and_removed() {
    let quarters = Plan::with_base().settle().await;
    let bundled = quarters.review("ls").await;
    assert_eq!(bundled.verdict.tier, Tier::Safe);

    quarters.put("extra.wasm", &puppet(1, "added"));
    let added = quarters.until_reason("added").await;
    assert_eq!(added.verdict.policy, "extra");
    assert_eq!(added.all.len(), 2);
    assert!(added.verdict.generation > bundled.verdict.generation);

    quarters.put("extra.wasm", &puppet(2, "replaced in place"));
    let replaced = quarters.until_reason("replaced in place").await;
    assert_ne!(replaced.verdict.digest, added.verdict.digest);

    quarters.rename_in("extra.wasm", &puppet(2, "replaced by renaming"));
    quarters.until_reason("replaced by renaming").await;

    quarters.remove("extra.wasm");
    assert_eq!(quarters.until_reason("the bundled one").await, bundled);
    assert_eq!(quarters.host.list().len(), 1);
    assert_eq!(quarters.reports(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_of_a_bundled_name_takes_its_place_until_it_goes() {
    let quarters = Plan::with_base().settle().await;
    quarters.rename_in("base.wasm", &puppet(2, "stricter"));
    let ruling = quarters.until_reason("stricter").await;
    assert_eq!(ruling.all.len(), 1);
    let status = &quarters.host.list()[0];
    assert_eq!(
        status.source,
        PolicySource::File(quarters.plugins.join("base.wasm"))
    );
    assert_eq!(status.trust, Trust::Local);
    quarters.remove("base.wasm");
    quarters.until_reason("the bundled one").await;
    assert_eq!(quarters.host.list()[0].trust, Trust::Bundled);
}

#[tokio::test]
async fn a_renamed_policy_answers_under_its_new_name() {
    let quarters = Plan {
        files: vec![("before.wasm", puppet(1, "whatever the name"))],
        ..Plan::default()
    }
    .settle()
    .await;
    let rename = |from: &str, to: &str| {
        std::fs::rename(quarters.plugins.join(from), quarters.plugins.join(to)).unwrap();
    };
    rename("before.wasm", "after.wasm");
    quarters.host.rescan().await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.policy, "after");
    assert_eq!(ruling.all.len(), 1);
    // To a name that is none, as editors and people do to take a file out.
    rename("after.wasm", "after.wasm.bak");
    quarters.host.rescan().await;
    assert_eq!(
        quarters.review("ls").await.verdict.rule.as_deref(),
        Some("host/no-approver")
    );
}

/// A folder that is made anew often gets the number of the one before it.
#[tokio::test]
async fn a_folder_that_is_removed_and_made_anew_is_watched_on() {
    let quarters = Plan::with_base().settle().await;
    for round in 0..3 {
        std::fs::remove_dir_all(&quarters.plugins).unwrap();
        std::fs::create_dir(&quarters.plugins).unwrap();
        // By looking every other second alone it would take 20 seconds.
        let swaps = async {
            for swap in 0..10 {
                let reason = format!("swap {swap} of round {round}");
                quarters.rename_in("extra.wasm", &puppet(1, &reason));
                quarters.until_reason(&reason).await;
            }
        };
        let quick = tokio::time::timeout(Duration::from_secs(15), swaps).await;
        quick.expect("changes are heard of");
    }
}

#[tokio::test]
async fn a_half_written_file_is_waited_for_without_a_complaint() {
    let quarters = Plan::with_base().settle().await;
    let whole = puppet(1, "whole at last");
    let path = quarters.plugins.join("slow.wasm");
    write(&path, b"");
    for piece in whole.chunks(whole.len() / 7) {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(piece).unwrap();
        drop(file);
        // The host looks at what is there so far and leaves it alone.
        let looked = tokio::time::timeout(Duration::from_millis(60), quarters.host.rescan());
        let _ = looked.await;
    }
    quarters.until_reason("whole at last").await;
    assert_eq!(quarters.reports(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_files_at_once_are_all_taken() {
    let quarters = Plan::with_base().settle().await;
    for number in 0..200 {
        let name = format!("p{number:03}.wasm");
        match number % 4 {
            // One in four is bad.
            3 => quarters.put(&name, b"no policy"),
            2 => quarters.put(&name, &puppet(0, &format!("policy {number}"))),
            _ => quarters.rename_in(&name, &puppet(0, &format!("policy {number}"))),
        }
    }
    quarters.host.rescan().await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Safe);
    let generations: BTreeSet<u64> = ruling.all.iter().map(|it| it.generation).collect();
    assert_eq!((ruling.all.len(), generations.len()), (151, 151));
    let rejected: BTreeSet<String> = quarters
        .problems
        .borrow()
        .iter()
        .map(|problem| problem.policy.clone())
        .collect();
    assert_eq!(rejected.len(), 50);

    for number in 0..200 {
        quarters.remove(&format!("p{number:03}.wasm"));
    }
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.all.len(), 1);
    assert_eq!(quarters.host.list().len(), 1);
}

#[tokio::test]
async fn a_change_of_the_sidecar_makes_a_new_generation() {
    let quarters = Plan::with_base().settle().await;
    let first = quarters.review("ls").await.verdict;

    // Bundled policies are configured in the same way.
    for (config, tier) in [
        ("[config]\ntier = \"2\"\n", Tier::Dangerous),
        // Long enough that `configure` is worth a snapshot.
        (
            "[config]\ntier = \"1\"\nz = \"a longer one\"\n",
            Tier::Review,
        ),
    ] {
        let before = quarters.host.list()[0].generation;
        quarters.put("base.toml", config.as_bytes());
        quarters.host.rescan().await;
        for _ in 0..3 {
            let verdict = quarters.review("ls").await.verdict;
            assert_eq!(verdict.tier, tier, "{config}: {:?}", quarters.reports());
            assert_eq!(verdict.digest, first.digest);
            assert!(verdict.generation > before);
        }
    }
    quarters.remove("base.toml");
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
}

#[tokio::test]
async fn a_costly_configuration_is_paid_once() {
    let config = format!("[config]\ntier = \"1\"\nz = \"{}\"\n", "long ".repeat(20));
    let quarters = Plan {
        files: vec![("base.toml", config.into())],
        ..Plan::with_base()
    }
    .settle()
    .await;
    // `configure` takes far longer than the deadline of a call.
    for _ in 0..20 {
        let verdict = quarters.review("ls").await.verdict;
        assert_eq!(verdict.tier, Tier::Review, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_sidecar_switches_off_and_orders() {
    let quarters = Plan {
        files: vec![
            ("one.wasm", puppet(1, "one")),
            ("two.wasm", puppet(1, "two")),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    // Bundled ones first, then by name.
    let policies = |ruling: quarterdeck_policy::Ruling| {
        ruling
            .all
            .into_iter()
            .map(|it| it.policy)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        policies(quarters.review("ls").await),
        ["base", "one", "two"]
    );
    quarters.put("two.toml", b"order = -1");
    quarters.host.rescan().await;
    assert_eq!(
        policies(quarters.review("ls").await),
        ["two", "base", "one"]
    );
    assert_eq!(quarters.review("ls").await.verdict.reason, "two");

    quarters.put("base.toml", b"enabled = false");
    quarters.host.rescan().await;
    assert_eq!(policies(quarters.review("ls").await), ["two", "one"]);
    let base = quarters.host.list().remove(0);
    assert_eq!(
        (base.state, base.source),
        (PolicyState::Disabled, PolicySource::Bundled)
    );
}

#[tokio::test]
async fn what_lies_there_is_known_by_its_kind_also_where_it_is_not_in_charge() {
    let quarters = Plan {
        files: vec![
            ("off.wasm", puppet(1, "off")),
            ("off.toml", b"enabled = false".to_vec()),
            ("other.wasm", puppet(1, "other")),
            ("other.toml", b"[grants]\nclock = true".to_vec()),
            ("text.wasm", b"(component)".to_vec()),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let kinds = || -> Vec<_> {
        let listed = quarters.host.list().into_iter();
        listed.map(|it| (it.name, it.state, it.kind)).collect()
    };
    let approver = Some(PolicyKind::Approver);
    let listed = [
        ("base", PolicyState::Active, approver),
        ("off", PolicyState::Disabled, approver),
        ("other", PolicyState::Failed, approver),
        ("text", PolicyState::Failed, None),
    ];
    assert_eq!(
        kinds(),
        listed.map(|(name, state, kind)| (name.to_owned(), state, kind))
    );

    // What it was before says nothing of what it is now.
    quarters.rename_in("off.wasm", b"(component)");
    quarters.host.rescan().await;
    assert_eq!(
        kinds()[1],
        (String::from("off"), PolicyState::Disabled, None)
    );
}

#[tokio::test]
async fn other_bytes_of_the_same_size_and_time_are_seen() {
    let quarters = Plan {
        files: vec![("rules.wasm", puppet(1, "aaaa"))],
        ..Plan::default()
    }
    .settle()
    .await;
    let path = quarters.plugins.join("rules.wasm");
    let time = std::fs::metadata(&path).unwrap().modified().unwrap();
    let other = puppet(1, "bbbb");
    assert_eq!(other.len() as u64, std::fs::metadata(&path).unwrap().len());
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(&other).unwrap();
    file.set_modified(time).unwrap();
    drop(file);
    quarters.until_reason("bbbb").await;
}

#[tokio::test]
async fn good_and_bad_take_turns() {
    let quarters = Plan::with_base().settle().await;
    for round in 0..5 {
        let good = format!("round {round}");
        quarters.rename_in("rules.wasm", &puppet(1, &good));
        let ruling = quarters.until_reason(&good).await;
        quarters.problems.send_modify(Vec::clear);
        quarters.rename_in("rules.wasm", b"bad");
        quarters.until_problem("this is text").await;
        assert_eq!(quarters.review("ls").await, ruling);
    }
}

#[tokio::test]
async fn a_symlink_leads_to_a_policy_and_may_be_mended() {
    let quarters = Plan::with_base().settle().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("built.wasm");
    std::os::unix::fs::symlink(&target, quarters.plugins.join("linked.wasm")).unwrap();
    quarters.until_problem("leads nowhere").await;
    // What a symlink leads to is not watched: looking at it now and then is.
    write(&target, &puppet(1, "built elsewhere"));
    quarters.until_reason("built elsewhere").await;
    write(&target, &puppet(1, "built again"));
    quarters.until_reason("built again").await;
    std::fs::remove_file(&target).unwrap();
    quarters.problems.send_modify(Vec::clear);
    quarters.until_problem("leads nowhere").await;
    assert_eq!(quarters.review("ls").await.verdict.reason, "built again");
}

#[tokio::test]
async fn what_is_not_loaded_is_told_once() {
    let quarters = Plan {
        files: vec![("LOUD.WASM", puppet(2, "never asked"))],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let loud = quarters.until_problem("in small letters").await;
    assert_eq!(loud.file, Some(quarters.plugins.join("LOUD.WASM")));

    let below = quarters.plugins.join("mine");
    support::make_private(&below);
    write(&below.join("rule.wasm"), &puppet(2, "never asked"));
    let long = format!("{}.wasm", "n".repeat(120));
    quarters.put(&long, &puppet(2, "never asked"));
    for _ in 0..3 {
        quarters.host.rescan().await;
    }
    assert_eq!(
        quarters.find("one folder up").expect("it is told").file,
        Some(below.join("rule.wasm"))
    );
    assert!(quarters.find("more than 100 bytes").is_some());
    assert_eq!(quarters.reports().len(), 3, "{:?}", quarters.reports());
    assert_eq!(
        quarters.review("ls").await.verdict.reason,
        "the bundled one"
    );
}

#[tokio::test]
async fn a_policy_that_is_switched_off_stays_so_while_its_sidecar_cannot_be_read() {
    let quarters = Plan {
        files: vec![
            ("rules.wasm", puppet(2, "switched off")),
            ("rules.toml", b"enabled = false".to_vec()),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let state = || {
        let list = quarters.host.list();
        list.iter().find(|it| it.name == "rules").map(|it| it.state)
    };
    assert_eq!(state(), Some(PolicyState::Disabled));
    quarters.remove("rules.toml");
    std::os::unix::fs::symlink("nowhere", quarters.plugins.join("rules.toml")).unwrap();
    let problem = quarters.until_problem("the sidecar cannot be used").await;
    assert_eq!(problem.kind, ProblemKind::Sidecar);
    assert_eq!(problem.file, Some(quarters.plugins.join("rules.toml")));
    assert_eq!(state(), Some(PolicyState::Disabled));
}

#[tokio::test]
async fn a_folder_that_comes_and_goes_is_followed() {
    let quarters = Plan {
        files: vec![("rules.wasm", puppet(1, "in the folder"))],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let aside = quarters.plugins.with_extension("aside");
    std::fs::rename(&quarters.plugins, &aside).unwrap();
    let problem = quarters
        .until_problem("the policies stay as they are")
        .await;
    assert_eq!(problem.kind, ProblemKind::Folder);
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.verdict.reason, "in the folder");

    // Another one in its place counts, and is watched.
    support::make_private(&quarters.plugins);
    quarters.until_reason("the bundled one").await;
    quarters.rename_in("rules.wasm", &puppet(1, "in the new folder"));
    quarters.until_reason("in the new folder").await;
}

#[tokio::test]
async fn a_folder_that_others_can_write_to_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let quarters = Plan {
        files: vec![("rules.wasm", puppet(1, "from before"))],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let chmod = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&quarters.plugins, mode).unwrap();
    };
    chmod(0o777);
    quarters.put("rules.wasm", &puppet(0, "by anybody"));
    quarters.until_problem("others can write to it").await;
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.verdict.reason, "from before");
    chmod(0o700);
    quarters.put("rules.wasm", &puppet(1, "by me"));
    quarters.until_reason("by me").await;
}

#[tokio::test]
async fn without_a_watch_only_a_rescan_looks() {
    let quarters = Plan {
        unwatched: true,
        ..Plan::with_base()
    }
    .settle()
    .await;
    quarters.put("extra.wasm", &puppet(1, "added"));
    for _ in 0..50 {
        assert_eq!(
            quarters.review("ls").await.verdict.reason,
            "the bundled one"
        );
    }
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.verdict.reason, "added");
}

#[tokio::test]
async fn the_other_kinds_are_not_asked_about_commands() {
    use support::kinds::{dispatcher, medic, teller};
    let quarters = Plan::with_base().settle().await;
    for (kind, wasm) in [
        ("distributor", dispatcher('a')),
        ("progress-parser", teller('a')),
        ("recovery", medic('a')),
    ] {
        quarters.rename_in(&format!("a-{kind}.wasm"), &wasm);
    }
    quarters.host.rescan().await;
    assert_eq!(quarters.review("ls").await.all.len(), 1);
    let list = quarters.host.list();
    for status in list.iter().filter(|it| it.name.starts_with("a-")) {
        assert_eq!(status.state, PolicyState::Active);
        assert_eq!(format!("a-{}", status.kind.unwrap()), status.name);
    }
    assert_eq!(list.len(), 4, "{:?}", quarters.reports());
}

#[tokio::test]
async fn a_host_that_was_shut_down_answers_as_it_did() {
    let quarters = Plan::with_base().settle().await;
    quarters.host.shutdown().await;
    quarters.put("extra.wasm", &puppet(2, "too late"));
    quarters.host.rescan().await;
    quarters.host.shutdown().await;
    assert_eq!(
        quarters.review("ls").await.verdict.reason,
        "the bundled one"
    );
}
