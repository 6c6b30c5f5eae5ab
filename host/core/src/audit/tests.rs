use super::*;
use serde_json::json;

fn log_with_rows(count: usize) -> (tempfile::TempDir, AuditLog) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let log = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open");
    for number in 0..count {
        log.append(EntryKind::Verdict, &json!({ "number": number }))
            .expect("append");
    }
    (folder, log)
}

fn rows_that_hold(log: &AuditLog) -> Result<u64, Broken> {
    log.verify().expect("verify").map(|sound| sound.rows)
}

fn tampered(statement: &str) -> Result<u64, Broken> {
    let (_folder, log) = log_with_rows(5);
    tamper_with(&log, statement);
    rows_that_hold(&log)
}

fn tamper_with(log: &AuditLog, statement: &str) {
    log.appender
        .connection()
        .execute_batch(&format!(
            "DROP TRIGGER entries_are_not_changed;
             DROP TRIGGER entries_are_not_deleted;
             {statement}"
        ))
        .expect("tamper");
}

#[test]
fn an_untouched_chain_holds() {
    let (_folder, log) = log_with_rows(5);
    assert_eq!(rows_that_hold(&log), Ok(5));
}

#[test]
fn tampering_shows() {
    for statement in [
        "UPDATE entries SET body = '{\"number\":9}' WHERE sequence = 3",
        "UPDATE entries SET time_ms = time_ms + 1 WHERE sequence = 3",
        "DELETE FROM entries WHERE sequence = 3",
        "UPDATE entries SET sequence = 9 WHERE sequence = 3;
         UPDATE entries SET sequence = 3 WHERE sequence = 4;
         UPDATE entries SET sequence = 4 WHERE sequence = 9;",
    ] {
        let broken = tampered(statement).expect_err(statement);
        assert_eq!(broken.sequence, 3, "{statement}");
    }
}

#[test]
fn the_loss_of_the_newest_rows_shows() {
    for (statement, first_lost) in [
        ("DELETE FROM entries WHERE sequence = 5", 5),
        ("DELETE FROM entries WHERE sequence > 2", 3),
        ("DELETE FROM entries", 1),
        ("DELETE FROM head", 6),
    ] {
        let broken = tampered(statement).expect_err(statement);
        assert_eq!(broken.sequence, first_lost, "{statement}");
    }
}

#[test]
fn a_log_that_was_cut_is_not_mended_by_writing_on() {
    for statement in [
        "DELETE FROM entries WHERE sequence = 5",
        "DELETE FROM entries",
        "DELETE FROM head",
    ] {
        let (folder, log) = log_with_rows(5);
        tamper_with(&log, statement);
        let broken = rows_that_hold(&log);
        broken.clone().expect_err(statement);
        let reopened = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open");
        for log in [&log, &reopened] {
            let error = log.append(EntryKind::Verdict, &json!({}));
            let error = error.expect_err("nothing is written behind a gap");
            assert!(matches!(error, AuditError::Cut { .. }), "{error}");
            assert_eq!(rows_that_hold(log), broken);
        }
    }
}

#[test]
fn a_log_that_was_taken_away_is_not_written_to() {
    let (folder, log) = log_with_rows(2);
    let files = ["audit.sqlite", "audit.sqlite-wal", "audit.sqlite-shm"];
    let aside = tempfile::tempdir_in(folder.path()).expect("a folder aside");
    let moved = |from: &Path, to: &Path| {
        for file in files {
            std::fs::rename(from.join(file), to.join(file)).expect("moved");
        }
    };
    let append = || log.append(EntryKind::Verdict, &json!({}));
    moved(folder.path(), aside.path());
    assert!(matches!(append(), Err(AuditError::Gone { .. })));
    // A new one in its place is another.
    drop(AuditLog::open(&folder.path().join("audit.sqlite")).expect("made anew"));
    assert!(matches!(append(), Err(AuditError::Gone { .. })));
    moved(aside.path(), folder.path());
    assert_eq!(append().expect("put back"), 3);
}

#[test]
fn a_log_of_the_first_version_is_taken_over() {
    let (folder, log) = log_with_rows(3);
    log.appender
        .connection()
        .execute_batch("DROP TABLE head; PRAGMA user_version = 1;")
        .expect("made old");
    drop(log);
    let log = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open");
    assert_eq!(rows_that_hold(&log), Ok(3));
    log.append(EntryKind::Verdict, &json!({})).expect("append");
    assert_eq!(rows_that_hold(&log), Ok(4));
}

#[test]
fn a_log_of_a_later_version_is_left_alone() {
    let (folder, log) = log_with_rows(1);
    log.appender
        .connection()
        .execute_batch("PRAGMA user_version = 999")
        .expect("made newer");
    drop(log);
    let opened = AuditLog::open(&folder.path().join("audit.sqlite"));
    assert!(
        matches!(opened, Err(AuditError::TooNew { found: 999, .. })),
        "{:?}",
        opened.err()
    );
}

#[test]
fn two_hosts_share_one_chain() {
    let (folder, first) = log_with_rows(2);
    let second = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open again");
    second
        .append(EntryKind::Outcome, &json!({}))
        .expect("append");
    first
        .append(EntryKind::Approval, &json!({}))
        .expect("append");
    assert_eq!(rows_that_hold(&second), Ok(4));
}

/// Some thousand rows, and the retention that keeps about a half of them.
fn half_of_a_long_log() -> (tempfile::TempDir, AuditLog, Retention) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let log = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open");
    let body = json!({ "text": "x".repeat(400) });
    log.appender
        .connection()
        .execute_batch("PRAGMA synchronous = OFF")
        .expect("quick");
    for _ in 0..5_000 {
        log.append(EntryKind::Verdict, &body).expect("append");
    }
    let retention = Retention {
        age: None,
        bytes: Some(1_300_000),
    };
    (folder, log, retention)
}

#[test]
fn a_log_that_is_shortened_holds_from_its_anchor_on() {
    let (folder, log, retention) = half_of_a_long_log();
    let gone = log.shorten(retention).expect("shortened");
    assert!((1_500..4_000).contains(&gone), "{gone}");
    let sound = log.verify().expect("verify").expect("it holds");
    let anchor = sound.from.expect("an anchor");
    assert_eq!(anchor.sequence.unsigned_abs(), gone);
    let told = sound.rows + gone - 5_000;
    assert!((1..=3).contains(&told), "{told} rows tell of it");
    assert_eq!(log.shorten(retention).expect("nothing to do"), 0);

    // It goes on, and stays append-only.
    log.append(EntryKind::Verdict, &json!({})).expect("append");
    assert_eq!(rows_that_hold(&log), Ok(sound.rows + 1));
    let deleted = log.appender.connection().execute("DELETE FROM entries", []);
    assert!(deleted.is_err());
    drop(log);
    let again = AuditLog::open(&folder.path().join("audit.sqlite")).expect("open");
    assert_eq!(rows_that_hold(&again), Ok(sound.rows + 1));
}

#[test]
fn rows_that_somebody_else_took_off_are_missed() {
    for statement in [
        "DELETE FROM entries WHERE sequence <= (SELECT sequence + 1 FROM anchor)",
        // An anchor of one's own.
        "INSERT OR REPLACE INTO anchor SELECT 1, sequence, time_ms, hash FROM entries
             WHERE sequence = (SELECT sequence + 100 FROM anchor);
         DELETE FROM entries WHERE sequence <= (SELECT sequence FROM anchor)",
        "DELETE FROM anchor",
    ] {
        let (_folder, log, retention) = half_of_a_long_log();
        log.shorten(retention).expect("shortened");
        tamper_with(&log, statement);
        rows_that_hold(&log).expect_err(statement);
    }
}

#[test]
fn rows_go_for_their_age() {
    let (_folder, log) = log_with_rows(5);
    let written = crate::clock::now_ms();
    while crate::clock::now_ms() == written {
        std::thread::yield_now();
    }
    let keep = |age| Retention {
        age: Some(age),
        bytes: None,
    };
    assert_eq!(
        log.shorten(keep(Duration::from_secs(3_600)))
            .expect("young"),
        0
    );
    assert_eq!(log.verify().expect("verify").expect("it holds").from, None);
    assert_eq!(log.shorten(keep(Duration::ZERO)).expect("old"), 5);
    assert_eq!(rows_that_hold(&log), Ok(1));
}

#[test]
fn a_log_whose_making_was_killed_is_opened() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (made, left) = (folder.path().join("made"), folder.path().join("left"));
    let making = Connection::open(&made).expect("open");
    making
        .execute_batch(
            "CREATE TABLE filler (bytes BLOB); PRAGMA cache_size = 1;
             BEGIN; INSERT INTO filler VALUES (zeroblob(5000000));",
        )
        .expect("half a transaction, which is on disk");
    for file in ["", "-journal"] {
        let copied = |path: &Path| format!("{}{file}", path.display());
        std::fs::copy(copied(&made), copied(&left)).expect("a copy");
    }
    let log = AuditLog::open(&left).expect("opened");
    assert_eq!(rows_that_hold(&log), Ok(0));
}

/// Kinds and numbers of all rows, as another process would read them.
fn rows_in(path: &Path) -> Vec<(i64, String)> {
    let reader = Connection::open(path).expect("open");
    let mut rows = reader
        .prepare("SELECT sequence, kind FROM entries ORDER BY sequence")
        .expect("prepare");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("query").map(|row| row.expect("row")).collect()
}

#[test]
fn what_nobody_waits_for_is_written_before_the_next_row_and_at_the_end() {
    let (_folder, log) = log_with_rows(1);
    let outcome = || {
        log.append_soon(EntryKind::Outcome, &json!({}))
            .expect("encode")
    };
    outcome();
    assert_eq!(
        log.append(EntryKind::Verdict, &json!({})).expect("append"),
        3
    );
    outcome();
    log.catch_up();
    assert_eq!(rows_in(log.path()).len(), 4);
    outcome();
    assert_eq!(rows_that_hold(&log).map(|_| ()), Ok(()));

    let path = log.path().to_owned();
    drop(log);
    let kinds: Vec<_> = rows_in(&path).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(
        kinds,
        ["verdict", "outcome", "verdict", "outcome", "outcome"]
    );
    assert_eq!(rows_that_hold(&AuditLog::open(&path).expect("open")), Ok(5));
}

#[test]
fn what_nobody_waits_for_is_written_by_the_thread_of_the_log() {
    let (_folder, log) = log_with_rows(1);
    log.append_soon(EntryKind::Outcome, &json!({}))
        .expect("encode");
    let since = std::time::Instant::now();
    while rows_in(log.path()).len() < 2 {
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "it is not written"
        );
        std::thread::yield_now();
    }
}

#[test]
fn what_could_not_be_written_goes_with_the_next_row() {
    let (folder, log) = log_with_rows(1);
    let aside = folder.path().join("aside.sqlite");
    std::fs::rename(log.path(), &aside).expect("move");
    log.append_soon(EntryKind::Outcome, &json!({}))
        .expect("encode");
    log.catch_up();
    let refused = log.append(EntryKind::Verdict, &json!({}));
    assert!(matches!(refused, Err(AuditError::Gone { .. })));
    std::fs::rename(&aside, log.path()).expect("move back");
    assert_eq!(
        log.append(EntryKind::Verdict, &json!({})).expect("append"),
        3
    );
    assert_eq!(rows_in(log.path())[1], (2, "outcome".to_owned()));
}
