//! Distributors, progress parsers and recoveries run beside approvers; what
//! they say is checked, and what they fail at is made up for.

mod support;

use quarterdeck_policy::{
    Assignment, Batch, IncidentCause, IncidentFacts, Limits, OutputPiece, PolicyKind, PolicyState,
    ProblemKind, ProgressStatus, RecoveryAction, SessionFacts, TaskFacts, Tier, WorkerFacts,
};
use support::kinds::{dispatcher, medic, teller};
use support::{Plan, Quarters, base, dummy, policy_package, puppet};

async fn with(name: &'static str, wasm: Vec<u8>) -> Quarters {
    Plan {
        files: vec![(name, wasm)],
        ..Plan::default()
    }
    .settle()
    .await
}

/// Tasks `t0`, `t1`, … of which the first is of `kind`, and a worker with room
/// for two.
fn batch(tasks: usize, kind: &str) -> Batch {
    Batch {
        tasks: (0..tasks)
            .map(|at| TaskFacts {
                id: format!("t{at}"),
                kind: if at == 0 { kind } else { "command" }.to_owned(),
                tags: vec![String::from("build")],
                ..TaskFacts::default()
            })
            .collect(),
        workers: vec![WorkerFacts {
            session_id: String::from("s1"),
            capacity: 2,
            ..WorkerFacts::default()
        }],
        limit: 4,
        ..Batch::default()
    }
}

fn incident(detail: &str) -> IncidentFacts {
    IncidentFacts {
        id: String::from("i1"),
        cause: IncidentCause::Hung,
        session: SessionFacts {
            tags: vec![String::from("build")],
            ..SessionFacts::default()
        },
        detail: detail.to_owned(),
        exit_status: Some(3),
        screen: vec![String::from("$")],
        attempts: 0,
        max_attempts: 3,
        age_ms: 10,
        backups: Vec::new(),
        attributes: Vec::new(),
    }
}

fn text(text: &str) -> OutputPiece {
    OutputPiece::Text(text.to_owned())
}

#[tokio::test]
async fn a_distributor_is_asked_and_its_state_handed_back() {
    let quarters = with("turns.wasm", dispatcher('a')).await;
    let distributors = quarters.host.distributors().await;
    assert_eq!(distributors.names().collect::<Vec<_>>(), ["turns"]);
    let mut batch = batch(3, "command");
    let first = distributors.distribute("turns", &batch).await;
    assert_eq!(first.fallback, None);
    assert_eq!(
        first.plan.assignments,
        [Assignment {
            task_id: String::from("t0"),
            session_id: String::from("s1")
        }]
    );
    let waits: Vec<_> = first.plan.waits.iter().map(|it| &*it.reason).collect();
    assert_eq!(waits, ["later", "later"]);
    assert_eq!(first.plan.state, b"a");
    batch.state = first.plan.state;
    let second = distributors.distribute("turns", &batch).await;
    assert_eq!(second.plan.state, b"aa");
    assert_eq!(second.generation, 1);
}

#[tokio::test]
async fn a_new_version_is_handed_the_state_of_the_one_before_it() {
    let quarters = with("turns.wasm", dispatcher('a')).await;
    let before = quarters.host.distributors().await;
    let mut batch = batch(1, "command");
    batch.state = before.distribute("turns", &batch).await.plan.state;
    quarters.rename_in("turns.wasm", &dispatcher('b'));
    quarters.host.rescan().await;
    let after = quarters.host.distributors().await;
    let plan = after.distribute("turns", &batch).await.plan;
    assert_eq!(plan.state, b"ab");
    // What was pinned before stays what it was.
    let plan = before.distribute("turns", &batch).await.plan;
    assert_eq!(plan.state, b"aa");
}

#[tokio::test]
async fn a_plan_that_lies_is_refused_and_counted() {
    for (kind, said) in [
        ("!2", "disposes of the task `t0` twice"),
        ("!w", "to `nobody`, which was not offered"),
        ("!g", "more tasks to `s1` than its capacity of 2"),
        ("!f", "says nothing of the task `t1`"),
        ("!s", "65537 bytes long"),
        ("!t", "crashed"),
        ("!l", "ran past its deadline"),
    ] {
        let quarters = with("turns.wasm", dispatcher('a')).await;
        let distributors = quarters.host.distributors().await;
        let mut batch = batch(4, kind);
        batch.state = b"before".to_vec();
        let answer = distributors.distribute("turns", &batch).await;
        let fallback = answer.fallback.expect(kind);
        assert!(fallback.contains(said), "{kind}: {fallback}");
        // Nothing is assigned, everything waits, nothing is lost.
        assert_eq!(answer.plan.assignments, []);
        assert_eq!(answer.plan.waits.len(), 4);
        assert_eq!(answer.plan.state, b"before");
        let report = quarters.until_problem(said).await;
        assert_eq!(report.kind, ProblemKind::Failed);
        let status = &quarters.host.list()[0];
        assert_eq!((status.calls, status.traps), (1, 1), "{kind}");
        assert!(status.last_error.as_ref().unwrap().contains(said));
    }
}

#[tokio::test]
async fn a_distributor_that_keeps_lying_is_quarantined() {
    let quarters = with("turns.wasm", dispatcher('a')).await;
    let distributors = quarters.host.distributors().await;
    for _ in 0..3 {
        distributors.distribute("turns", &batch(2, "!2")).await;
    }
    let answer = distributors.distribute("turns", &batch(2, "command")).await;
    assert!(answer.fallback.unwrap().contains("several times in a row"));
    let listed = &quarters.host.list()[0];
    assert_eq!(listed.state, PolicyState::Quarantined);
    let report = quarters.until_problem("assigns nothing until").await;
    assert_eq!(report.kind, ProblemKind::Quarantined);
    assert_eq!(quarters.reports().len(), 4, "{:?}", quarters.reports());
}

#[tokio::test]
async fn where_there_is_no_such_distributor_every_task_waits() {
    let quarters = with("turns.wasm", dispatcher('a')).await;
    let distributors = quarters.host.distributors().await;
    let answer = distributors
        .distribute("priority", &batch(2, "command"))
        .await;
    assert_eq!((answer.generation, answer.plan.waits.len()), (0, 2));
    let why = answer.fallback.unwrap();
    assert!(
        why.contains("no distributor `priority`") && why.contains("those loaded are turns"),
        "{why}"
    );
    let mut twice = batch(1, "command");
    twice.tasks.push(twice.tasks[0].clone());
    let answer = distributors.distribute("turns", &twice).await;
    assert!(
        answer
            .fallback
            .unwrap()
            .contains("names the task `t0` twice")
    );
    // That was not the distributor's fault.
    assert_eq!(quarters.host.list()[0].traps, 0);
}

#[tokio::test]
async fn a_thousand_tasks_on_a_hundred_workers_fit() {
    let quarters = Plan {
        files: vec![("turns.wasm", dispatcher('a'))],
        // An unoptimised host on a busy machine takes its time to hand it over.
        limits: Limits {
            deadline: Limits::MAX_DEADLINE,
            ..Limits::default()
        },
        ..Plan::default()
    }
    .settle()
    .await;
    let mut batch = batch(1000, "command");
    batch.workers = (0..100)
        .map(|at| WorkerFacts {
            session_id: format!("session-with-a-long-name-{at}"),
            capacity: 4,
            ..WorkerFacts::default()
        })
        .collect();
    let answer = quarters
        .host
        .distributors()
        .await
        .distribute("turns", &batch)
        .await;
    assert_eq!(answer.fallback, None);
    assert_eq!(answer.plan.waits.len(), 999);
}

#[tokio::test]
async fn a_followed_session_stays_with_its_generation() {
    let quarters = with("teller.wasm", teller('a')).await;
    let parsers = quarters.host.progress_parsers().await;
    assert_eq!(parsers.names().collect::<Vec<_>>(), ["teller"]);
    assert!(parsers.follow("cargo", &SessionFacts::default()).is_none());
    let session = SessionFacts::default();
    let mut old = parsers.follow("teller", &session).unwrap();
    let chunk = [
        OutputPiece::CommandStart(Some(String::from("cargo build"))),
        text("Compiling\r"),
    ];
    let updates = old.feed(&chunk).await;
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].status, ProgressStatus::Running);
    assert_eq!((&*updates[0].label, updates[0].completed), ("a", Some(1)));

    quarters.rename_in("teller.wasm", &teller('b'));
    quarters.host.rescan().await;
    let parsers = quarters.host.progress_parsers().await;
    let mut new = parsers.follow("teller", &session).unwrap();
    assert_eq!(new.generation(), 2);
    for count in 2..5 {
        let (old, new) = (old.feed(&chunk).await, new.feed(&chunk).await);
        assert_eq!((&*old[0].label, old[0].completed), ("a", Some(count)));
        assert_eq!((&*new[0].label, new[0].completed), ("b", Some(count - 1)));
    }
}

#[tokio::test]
async fn two_sessions_do_not_share_a_parser() {
    let quarters = with("teller.wasm", teller('a')).await;
    let parsers = quarters.host.progress_parsers().await;
    let session = SessionFacts::default();
    let mut one = parsers.follow("teller", &session).unwrap();
    let mut other = parsers.follow("teller", &session).unwrap();
    one.feed(&[]).await;
    assert_eq!(one.feed(&[]).await[0].completed, Some(2));
    assert_eq!(other.feed(&[]).await[0].completed, Some(1));
}

#[tokio::test]
async fn a_parser_that_fails_reports_nothing_and_begins_anew() {
    let quarters = with("teller.wasm", teller('a')).await;
    let parsers = quarters.host.progress_parsers().await;
    let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
    session.feed(&[]).await;
    for order in ["!t", "!l"] {
        assert_eq!(session.feed(&[text(order)]).await, []);
        assert_eq!(session.feed(&[]).await[0].completed, Some(1));
    }
    // A call that is given up is not continued either.
    let endless = [text("!l")];
    let given_up =
        tokio::time::timeout(std::time::Duration::from_millis(3), session.feed(&endless));
    assert!(given_up.await.is_err());
    assert_eq!(session.feed(&[]).await[0].completed, Some(1));
    assert_eq!(quarters.host.list()[0].traps, 2);
    assert_eq!(quarters.reports(), Vec::<String>::new());

    for _ in 0..3 {
        session.feed(&[text("!t")]).await;
    }
    assert_eq!(session.feed(&[]).await, []);
    quarters.until_problem("reports nothing until").await;
}

#[tokio::test]
async fn a_percentage_is_always_one() {
    let quarters = with("teller.wasm", teller('a')).await;
    let parsers = quarters.host.progress_parsers().await;
    let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
    assert_eq!(session.feed(&[text("!p")]).await[0].percent, None);
    assert_eq!(session.feed(&[text("!o")]).await[0].percent, Some(100.0));
}

#[tokio::test]
async fn a_flood_of_output_is_fed_in_portions() {
    let quarters = with("teller.wasm", teller('a')).await;
    let parsers = quarters.host.progress_parsers().await;
    let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
    let updates = session.feed(&[text(&"é".repeat(1 << 20))]).await;
    assert_eq!(updates.len(), 8, "{:?}", quarters.host.list()[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followed_sessions_never_take_the_room_of_an_approver() {
    let quarters = Plan {
        files: vec![("teller.wasm", teller('a'))],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let parsers = quarters.host.progress_parsers().await;
    let mut sessions = Vec::new();
    for _ in 0..400 {
        let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
        let updates = session.feed(&[]).await;
        sessions.push((session, updates.len()));
    }
    let followed = sessions.iter().filter(|(_, updates)| *updates == 1).count();
    assert_eq!(followed, 384);
    for _ in 0..200 {
        assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
    }
    // Nor do they keep the parser from being replaced.
    quarters.rename_in("teller.wasm", &teller('b'));
    quarters.host.rescan().await;
    let listed = quarters.host.list();
    let replaced = listed.iter().find(|it| it.name == "teller").unwrap();
    assert!(replaced.generation > 2, "{:?}", quarters.reports());
    // Being too many is nobody's fault, and there is room again later.
    assert_eq!(quarters.reports(), Vec::<String>::new());
    sessions.truncate(300);
    let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
    assert_eq!(session.feed(&[]).await.len(), 1);
}

#[tokio::test]
async fn a_recovery_decides() {
    let quarters = with("medic.wasm", medic('a')).await;
    let recoveries = quarters.host.recoveries().await;
    assert_eq!(recoveries.names().collect::<Vec<_>>(), ["medic"]);
    let ruling = recoveries.decide("medic", &incident("")).await;
    assert_eq!(ruling.fallback, None);
    assert_eq!(ruling.decision.action, RecoveryAction::Restart);
    assert_eq!(ruling.decision.reason, "a");
    let mut with_backup = incident("!f");
    with_backup.backups = vec![String::from("elsewhere")];
    let ruling = recoveries.decide("medic", &with_backup).await;
    assert_eq!(
        ruling.decision.action,
        RecoveryAction::Failover(String::from("elsewhere"))
    );
    let ruling = recoveries.decide("medic", &incident("!r")).await;
    assert_eq!(
        ruling.decision.action,
        RecoveryAction::Run(String::from("elsewhere"))
    );
}

#[tokio::test]
async fn where_a_recovery_fails_the_session_is_left_alone() {
    for (detail, said) in [
        ("!t", "crashed"),
        ("!f", "`elsewhere`, which is not among the backups"),
    ] {
        let quarters = with("medic.wasm", medic('a')).await;
        let recoveries = quarters.host.recoveries().await;
        let ruling = recoveries.decide("medic", &incident(detail)).await;
        assert!(ruling.fallback.unwrap().contains(said));
        assert_eq!(ruling.decision.action, RecoveryAction::Wait);
        assert!(ruling.decision.delay_ms > 0);
        let report = quarters.until_problem(said).await;
        assert_eq!(report.kind, ProblemKind::Failed);
    }
}

#[tokio::test]
async fn a_recovery_cannot_go_on_for_ever() {
    let quarters = with("medic.wasm", medic('a')).await;
    let recoveries = quarters.host.recoveries().await;
    let mut exhausted = incident("");
    exhausted.attempts = 3;
    let ruling = recoveries.decide("medic", &exhausted).await;
    assert_eq!(ruling.decision.action, RecoveryAction::GiveUp);
    assert!(ruling.fallback.unwrap().contains("after all 3"));
    exhausted.detail = String::from("!w");
    let ruling = recoveries.decide("medic", &exhausted).await;
    assert_eq!(
        (ruling.fallback, ruling.decision.action),
        (None, RecoveryAction::Wait)
    );
    let mut old = incident("");
    old.age_ms = 3_600_000;
    let ruling = recoveries.decide("missing", &old).await;
    assert_eq!(ruling.decision.action, RecoveryAction::GiveUp);
}

#[tokio::test]
async fn each_kind_is_listed_and_swapped_without_losing_a_call() {
    let quarters = Plan {
        files: vec![
            ("turns.wasm", dispatcher('a')),
            ("teller.wasm", teller('a')),
            ("medic.wasm", medic('a')),
        ],
        ..Plan::with_base()
    }
    .settle()
    .await;
    let kinds: Vec<_> = quarters
        .host
        .list()
        .iter()
        .map(|status| (status.kind.unwrap(), status.state))
        .collect();
    use PolicyKind::{Approver, Distributor, ProgressParser, Recovery};
    assert_eq!(
        kinds,
        [Approver, Recovery, ProgressParser, Distributor].map(|it| (it, PolicyState::Active))
    );
    for letter in ['b', 'c', 'd'] {
        quarters.rename_in("turns.wasm", &dispatcher(letter));
        quarters.rename_in("teller.wasm", &teller(letter));
        quarters.rename_in("medic.wasm", &medic(letter));
        let rescan = quarters.host.rescan();
        let calls = async {
            for _ in 0..50 {
                let distributors = quarters.host.distributors().await;
                let answer = distributors.distribute("turns", &batch(2, "command")).await;
                assert_eq!(answer.fallback, None);
                let recoveries = quarters.host.recoveries().await;
                let ruling = recoveries.decide("medic", &incident("")).await;
                assert_eq!(ruling.fallback, None);
                let parsers = quarters.host.progress_parsers().await;
                let mut session = parsers.follow("teller", &SessionFacts::default()).unwrap();
                assert_eq!(session.feed(&[]).await.len(), 1);
            }
        };
        tokio::join!(rescan, calls);
        let recoveries = quarters.host.recoveries().await;
        let ruling = recoveries.decide("medic", &incident("")).await;
        assert_eq!(ruling.decision.reason, letter.to_string());
    }
    assert_eq!(quarters.reports(), Vec::<String>::new());
}

#[tokio::test]
async fn a_component_that_fails_its_trial_is_turned_away_whatever_its_kind() {
    let (resolve, package) = policy_package();
    for world in ["distributor", "progress-parser", "recovery"] {
        let content = dummy(resolve.clone(), package, world);
        let quarters = with("dummy.wasm", content).await;
        let report = quarters.until_problem("`configure` crashed").await;
        assert_eq!(report.kind, ProblemKind::Rejected, "{world}");
    }
}

#[tokio::test]
async fn a_bundled_approver_cannot_be_replaced_by_another_kind() {
    let quarters = Plan {
        bundled: vec![base(0)],
        files: vec![
            ("base.wasm", dispatcher('a')),
            ("yes.wasm", puppet(0, "fine with me")),
        ],
        ..Plan::default()
    }
    .settle()
    .await;
    let ruling = quarters.review("ls").await;
    assert_eq!(ruling.verdict.tier, Tier::Dangerous);
    assert!(ruling.verdict.reason.contains("is a distributor"));
}

#[tokio::test]
async fn a_broken_replacement_of_a_bundled_distributor_stops_no_command() {
    let bundled = quarterdeck_policy::BundledPolicy {
        kind: PolicyKind::Distributor,
        name: "turns",
        wasm: dispatcher('a').leak(),
    };
    let quarters = Plan {
        bundled: vec![base(0), bundled],
        files: vec![("turns.wasm", b"broken".to_vec())],
        ..Plan::default()
    }
    .settle()
    .await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
    let distributors = quarters.host.distributors().await;
    let answer = distributors.distribute("turns", &batch(1, "command")).await;
    assert!(answer.fallback.unwrap().contains("rejected"));
}

#[tokio::test]
async fn a_bundled_distributor_sleeps_until_distributors_are_asked_for() {
    let bundled = quarterdeck_policy::BundledPolicy {
        name: "turns",
        kind: PolicyKind::Distributor,
        wasm: dispatcher('a').leak(),
    };
    let quarters = Plan {
        bundled: vec![base(0), bundled],
        ..Plan::default()
    }
    .settle()
    .await;
    assert_eq!(quarters.review("ls").await.verdict.tier, Tier::Safe);
    let [_, asleep] = &quarters.host.list()[..] else {
        panic!("two policies: {:?}", quarters.host.list());
    };
    assert_eq!(asleep.state, PolicyState::Dormant);
    assert_eq!(asleep.kind, Some(PolicyKind::Distributor));
    assert!(asleep.size > 0 && asleep.digest.len() == 64 && asleep.generation == 0);

    let distributors = quarters.host.distributors().await;
    let answer = distributors.distribute("turns", &batch(1, "command")).await;
    assert_eq!(answer.fallback, None);
    assert_eq!(quarters.host.list()[1].state, PolicyState::Active);
}

#[tokio::test]
async fn whoever_asks_first_sees_every_bundled_distributor() {
    let bundled = |name| quarterdeck_policy::BundledPolicy {
        name,
        kind: PolicyKind::Distributor,
        wasm: dispatcher('a').leak(),
    };
    let quarters = Plan {
        bundled: vec![base(0), bundled("one"), bundled("two"), bundled("three")],
        ..Plan::default()
    }
    .settle()
    .await;
    let distributors = quarters.host.distributors().await;
    let names: Vec<&str> = distributors.names().collect();
    assert_eq!(names, ["one", "three", "two"]);
}
