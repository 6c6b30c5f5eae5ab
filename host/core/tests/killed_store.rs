//! A process that writes to the store is killed at a random moment, 200 times:
//! what it has acknowledged is there, and the file is whole.
//!
//! This program is both: the one that is killed, and the one that looks.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use quarterdeck_core::store::Store;

/// Set for the process that is to be killed: the store's path.
const STORE: &str = "QUARTERDECK_KILLED_STORE";
/// The first number that it writes.
const FROM: &str = "QUARTERDECK_KILLED_FROM";

const KILLS: u64 = 200;

/// Who writes at the same time.
const WRITERS: u64 = 4;

fn main() {
    match std::env::var(STORE) {
        Ok(path) => write_until_killed(Path::new(&path)),
        Err(_) => kill_again_and_again(),
    }
}

/// Adds rows, and prints the number of each once it is kept.
fn write_until_killed(path: &Path) {
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let store = Store::open(path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        futures_util::future::join_all((0..WRITERS).map(|writer| {
            let store = store.clone();
            async move {
                for number in (from + writer..).step_by(WRITERS as usize) {
                    store.write(move |kept| add(kept, number)).await.unwrap();
                    println!("{number}");
                }
            }
        }))
        .await
    });
}

/// A row in each of two tables, which have to come together.
fn add(kept: &rusqlite::Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    let number = number.cast_signed();
    kept.execute(
        "INSERT INTO submissions (number, terms, submitted_ms) VALUES (?1, '{}', 0)",
        [number],
    )?;
    kept.execute(
        "INSERT INTO tasks (number, id, submission, spec, needs, work, submitted_ms)
         VALUES (?1, 'n' || ?1, ?1, '{}', '[]', 'command true', 0)",
        [number],
    )
    .map(drop)
}

fn kill_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut acknowledged = HashSet::new();
    let mut next = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(STORE, &path)
            .env(FROM, next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        // From the first acknowledgement on, at any moment.
        let moment = Duration::from_micros(rand::random_range(0..5_000));
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        // A line goes into the pipe in one piece.
        let told = std::iter::once(first).chain(lines.map_while(Result::ok));
        acknowledged.extend(told.filter_map(|line| line.parse::<u64>().ok()));
        next = 1_000_000 * (kill + 1);
    }
    let store = Store::open(&path).unwrap();
    let (whole, kept, halves) = store.read_blocking(look).unwrap();
    assert_eq!(whole, "ok");
    assert_eq!(halves, 0, "submissions without their task");
    let missing: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(
        missing.is_empty(),
        "acknowledged, and not there: {missing:?}"
    );
    assert!(acknowledged.len() as u64 >= KILLS);
    println!(
        "{KILLS} kills, {} rows acknowledged, {} kept: whole",
        acknowledged.len(),
        kept.len()
    );
}

fn look(kept: &rusqlite::Connection) -> rusqlite::Result<(String, HashSet<u64>, i64)> {
    let whole = kept.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let numbers = kept
        .prepare("SELECT number FROM tasks")?
        .query_map([], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?
        .collect::<rusqlite::Result<_>>()?;
    let halves = kept.query_row(
        "SELECT count(*) FROM submissions WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE submission = submissions.number)",
        [],
        |row| row.get(0),
    )?;
    Ok((whole, numbers, halves))
}
