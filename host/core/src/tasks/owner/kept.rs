//! Tasks in the store. What a task went through is written before anybody is
//! told of it, and its start before anything is typed.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::clock::now_ms;
use crate::tasks::errand::OwnerId;
use crate::tasks::task::{NewTask, TaskId, TaskReport, TaskResult, TaskState, WorkerChoice};

/// How long tasks that have ended are kept: 30 days.
const HISTORY_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// Past runs that estimates begin with.
const RUNS_REMEMBERED: u32 = 2_000;

/// As much of a command is what estimates go by.
const WORK_BYTES: usize = 400;

/// What the tasks of one submission share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) strategy: String,
    pub(super) max_concurrent: Option<u32>,
    pub(super) workers: WorkerChoice,
    pub(super) caller: Caller,
}

/// A task that has not ended.
#[derive(Clone, Debug)]
pub(super) struct KeptTask {
    pub(super) number: u64,
    pub(super) submission: u64,
    pub(super) spec: NewTask,
    pub(super) needs: Vec<u64>,
    pub(super) state: TaskState,
    pub(super) attempts: u32,
    pub(super) lost: u32,
    pub(super) notes: Vec<String>,
    pub(super) session_id: Option<String>,
    pub(super) submitted_ms: u64,
    /// Tells the last time that it was sent to machines from all others.
    pub(super) sending: u64,
}

/// Everything that a queue begins with.
#[derive(Debug, Default)]
pub(super) struct KeptTasks {
    pub(super) submissions: Vec<(u64, Terms)>,
    pub(super) tasks: Vec<KeptTask>,
    /// Tasks that cannot run: their numbers, with the id and the state of one that
    /// they need and that ended otherwise than well.
    pub(super) broken: Vec<(u64, TaskId, TaskState)>,
    /// What was done, and how long it took, oldest first.
    pub(super) runs: Vec<(String, u64)>,
    pub(super) last_submission: u64,
    pub(super) last_task: u64,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) state: TaskState,
    pub(super) result: Option<TaskResult>,
    pub(super) error: Option<String>,
}

impl Ending {
    /// Nothing came of it.
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self {
            state: TaskState::Failed,
            result: None,
            error: Some(error.into()),
        }
    }

    /// It was called off, with nothing to show.
    pub(super) fn cancelled(error: &str) -> Self {
        Self {
            state: TaskState::Cancelled,
            result: None,
            error: Some(error.to_owned()),
        }
    }
}

/// What estimates go by.
pub(super) fn work_key(spec: &NewTask) -> String {
    let text = spec.work.text();
    let end = text.floor_char_boundary(WORK_BYTES);
    format!("{} {}", spec.work.kind(), &text[..end])
}

/// What this store's host is called among machines.
pub(super) fn owner(kept: &Transaction<'_>) -> rusqlite::Result<OwnerId> {
    kept.execute(
        "INSERT OR IGNORE INTO machine_owner (only, id) VALUES (1, ?1)",
        [OwnerId::by_chance().as_str()],
    )?;
    let id: String = kept.query_row("SELECT id FROM machine_owner", [], |row| row.get(0))?;
    OwnerId::try_from(id).map_err(|error| bad_column(0, error))
}

/// Whether there is anything left to do.
pub(in crate::tasks) fn any_open(kept: &Connection) -> rusqlite::Result<bool> {
    kept.query_row(
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE ended_ms IS NULL)",
        [],
        |row| row.get(0),
    )
}

/// Drops what has ended long ago, but for the newest task: numbers count on from it.
pub(super) fn forget_old(kept: &Transaction<'_>) -> rusqlite::Result<()> {
    let before = now_ms().saturating_sub(HISTORY_MS);
    kept.execute(
        "DELETE FROM tasks WHERE ended_ms < ?1 AND number < (SELECT max(number) FROM tasks)",
        [signed(before)],
    )?;
    kept.execute("DELETE FROM submissions WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE submission = submissions.number)", [])?;
    Ok(())
}

/// Reads what a queue begins with.
pub(super) fn load(kept: &Connection) -> rusqlite::Result<KeptTasks> {
    let tasks = kept
        .prepare(
            "SELECT number, id, submission, spec, needs, state, attempts, lost, notes, session_id, submitted_ms, sendings
             FROM tasks WHERE ended_ms IS NULL ORDER BY number",
        )?
        .query_map([], kept_task)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let submissions = kept
        .prepare(
            "SELECT number, terms FROM submissions
             WHERE number IN (SELECT submission FROM tasks WHERE ended_ms IS NULL) ORDER BY number",
        )?
        .query_map([], |row| Ok((unsigned(row, 0)?, json(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut broken = Vec::new();
    let mut state_of =
        kept.prepare("SELECT id, state FROM tasks WHERE number = ?1 AND ended_ms IS NOT NULL")?;
    for (task, needed) in tasks
        .iter()
        .flat_map(|task| task.needs.iter().map(|needed| (task.number, *needed)))
    {
        let ended = state_of
            .query_row([signed(needed)], |row| Ok((id(row, 0)?, state(row, 1)?)))
            .optional()?;
        broken.extend(
            ended
                .filter(|(_, state)| *state != TaskState::Completed)
                .map(|(id, state)| (task, id, state)),
        );
    }
    let mut runs = kept
        .prepare("SELECT work, duration_ms FROM tasks WHERE state = 'completed' AND duration_ms IS NOT NULL ORDER BY number DESC LIMIT ?1")?
        .query_map([RUNS_REMEMBERED], |row| Ok((row.get(0)?, unsigned(row, 1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    runs.reverse();
    let last = |table: &str| {
        kept.query_row(
            &format!("SELECT coalesce(max(number), 0) FROM {table}"),
            [],
            |row| unsigned(row, 0),
        )
    };
    Ok(KeptTasks {
        submissions,
        tasks,
        broken,
        runs,
        last_submission: last("submissions")?,
        last_task: last("tasks")?,
    })
}

/// The newest task of an id that has ended: its number and how.
pub(super) fn ended(kept: &Connection, id: &TaskId) -> rusqlite::Result<Option<(u64, TaskState)>> {
    kept.query_row(
        "SELECT number, state FROM tasks WHERE id = ?1 ORDER BY number DESC LIMIT 1",
        [id.as_str()],
        |row| Ok((unsigned(row, 0)?, state(row, 1)?)),
    )
    .optional()
}

/// Keeps a submission with all of its tasks.
pub(super) fn add(
    kept: &Transaction<'_>,
    number: u64,
    terms: &Terms,
    tasks: &[KeptTask],
) -> rusqlite::Result<()> {
    kept.execute(
        "INSERT INTO submissions (number, terms, submitted_ms) VALUES (?1, ?2, ?3)",
        params![signed(number), to_json(terms)?, signed(now_ms())],
    )?;
    let mut insert = kept.prepare_cached(
        "INSERT INTO tasks (number, id, submission, spec, needs, work, submitted_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for task in tasks {
        insert.execute(params![
            signed(task.number),
            task.spec.id.as_str(),
            signed(task.submission),
            to_json(&task.spec)?,
            to_json(&task.needs)?,
            work_key(&task.spec),
            signed(task.submitted_ms),
        ])?;
    }
    Ok(())
}

/// Keeps other terms of a submission.
pub(super) fn new_terms(
    kept: &Transaction<'_>,
    number: u64,
    terms: &Terms,
) -> rusqlite::Result<()> {
    kept.execute(
        "UPDATE submissions SET terms = ?2 WHERE number = ?1",
        params![signed(number), to_json(terms)?],
    )
    .map(drop)
}

/// Keeps that an attempt begins. `false` if the task has ended meanwhile.
pub(super) fn started(
    kept: &Transaction<'_>,
    number: u64,
    session: &str,
) -> rusqlite::Result<bool> {
    let changed = kept
        .prepare_cached(
            "UPDATE tasks SET state = 'running', attempts = attempts + 1, session_id = ?2, started_ms = ?3
             WHERE number = ?1 AND ended_ms IS NULL",
        )?
        .execute(params![signed(number), session, signed(now_ms())])?;
    Ok(changed == 1)
}

/// Keeps that an attempt is about to leave for a machine. `false` if the task has ended
/// meanwhile.
pub(super) fn leaves(kept: &Transaction<'_>, number: u64, sending: u64) -> rusqlite::Result<bool> {
    let changed = kept
        .prepare_cached(
            "UPDATE tasks SET state = 'running', attempts = attempts + 1, session_id = NULL, started_ms = ?2, sendings = ?3
             WHERE number = ?1 AND ended_ms IS NULL",
        )?
        .execute(params![signed(number), signed(now_ms()), signed(sending)])?;
    Ok(changed == 1)
}

/// Keeps how far a task on its way is: with whom.
pub(super) fn is_with(kept: &Transaction<'_>, number: u64, worker: &str) -> rusqlite::Result<()> {
    kept.prepare_cached(
        "UPDATE tasks SET session_id = ?2, started_ms = ?3 WHERE number = ?1 AND ended_ms IS NULL",
    )?
    .execute(params![signed(number), worker, signed(now_ms())])
    .map(drop)
}

/// Takes an attempt back that came to nothing before anything was typed.
pub(super) fn not_started(kept: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    kept.execute(
        "UPDATE tasks SET state = 'queued', attempts = attempts - 1, session_id = NULL, started_ms = NULL WHERE number = ?1",
        [signed(number)],
    )
    .map(drop)
}

/// Keeps that a task waits again, and why.
pub(super) fn given_back(
    kept: &Transaction<'_>,
    number: u64,
    lost: u32,
    notes: &[String],
) -> rusqlite::Result<()> {
    kept.execute(
        "UPDATE tasks SET state = 'queued', lost = ?2, notes = ?3 WHERE number = ?1",
        params![signed(number), lost, to_json(notes)?],
    )
    .map(drop)
}

/// Keeps a task's end.
pub(super) fn ends(
    kept: &Transaction<'_>,
    number: u64,
    lost: u32,
    notes: &[String],
    ending: &Ending,
) -> rusqlite::Result<()> {
    let result = ending.result.as_ref().map(to_json).transpose()?;
    kept.prepare_cached(
        "UPDATE tasks SET state = ?2, lost = ?3, notes = ?4, result = ?5, error = ?6, duration_ms = ?7, ended_ms = ?8
         WHERE number = ?1",
    )?
    .execute(params![
        signed(number),
        ending.state.as_str(),
        lost,
        to_json(notes)?,
        result,
        ending.error,
        ending.result.as_ref().map(|result| signed(result.duration_ms)),
        signed(now_ms()),
    ])
    .map(drop)
}

/// The columns of [`report`].
const REPORT: &str =
    "SELECT id, state, session_id, result, error, attempts, notes, started_ms, ended_ms FROM tasks";

/// The newest task of an id, if it has ended.
pub(in crate::tasks) fn report_of(
    kept: &Connection,
    id: &str,
) -> rusqlite::Result<Option<TaskReport>> {
    kept.prepare_cached(&format!(
        "{REPORT} WHERE id = ?1 ORDER BY number DESC LIMIT 1"
    ))?
    .query_row([id], report)
    .optional()
    .map(|report| report.filter(|report| report.state.has_ended()))
}

/// Tasks that have ended, the newest `most` of them, oldest first.
pub(in crate::tasks) fn reports(
    kept: &Connection,
    session: Option<&str>,
    most: u32,
) -> rusqlite::Result<Vec<TaskReport>> {
    let mut reports = kept
        .prepare_cached(&format!(
            "{REPORT} WHERE ended_ms IS NOT NULL AND (?1 IS NULL OR session_id = ?1) ORDER BY ended_ms DESC, number DESC LIMIT ?2"
        ))?
        .query_map(params![session, most], report)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    reports.reverse();
    Ok(reports)
}

fn report(row: &Row<'_>) -> rusqlite::Result<TaskReport> {
    let state = state(row, 1)?;
    let optional = |at: usize| {
        row.get::<_, Option<i64>>(at)
            .map(|it| it.map(i64::cast_unsigned))
    };
    Ok(TaskReport {
        id: id(row, 0)?,
        state,
        session_id: row.get(2)?,
        progress: if state == TaskState::Completed {
            100.0
        } else {
            0.0
        },
        milestone: None,
        result: match row.get::<_, Option<String>>(3)? {
            Some(_) => Some(json(row, 3)?),
            None => None,
        },
        error: row.get(4)?,
        waits_for: None,
        attempts: row.get(5)?,
        notes: json(row, 6)?,
        started_ms: optional(7)?,
        ended_ms: optional(8)?,
    })
}

fn kept_task(row: &Row<'_>) -> rusqlite::Result<KeptTask> {
    Ok(KeptTask {
        number: unsigned(row, 0)?,
        submission: unsigned(row, 2)?,
        spec: json(row, 3)?,
        needs: json(row, 4)?,
        state: state(row, 5)?,
        attempts: row.get(6)?,
        lost: row.get(7)?,
        notes: json(row, 8)?,
        session_id: row.get(9)?,
        submitted_ms: unsigned(row, 10)?,
        sending: unsigned(row, 11)?,
    })
}

fn id(row: &Row<'_>, at: usize) -> rusqlite::Result<TaskId> {
    TaskId::try_from(row.get::<_, String>(at)?).map_err(|error| bad_column(at, error))
}

fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<TaskState> {
    let name: String = row.get(at)?;
    serde_json::from_value(name.into()).map_err(|error| bad_column(at, error))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(at)?).map_err(|error| bad_column(at, error))
}

fn bad_column(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}

fn to_json(value: &(impl Serialize + ?Sized)) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn numbers_count_on_when_old_tasks_are_forgotten() {
        let store = Store::temporary().expect("a store");
        let filled = store.write(|kept| {
            kept.execute_batch(
                "INSERT INTO submissions (number, terms, submitted_ms) VALUES (1, '{}', 0), (2, '{}', 0);
                 INSERT INTO tasks (number, id, submission, spec, needs, work, submitted_ms, state, ended_ms)
                 VALUES (1, 'a', 1, '{}', '[]', '', 0, 'completed', 0),
                        (2, 'b', 2, '{}', '[]', '', 0, 'completed', 0);",
            )?;
            forget_old(kept)
        });
        filled.await.expect("tasks of long ago");
        let kept = store.read(load).await.expect("read");
        assert_eq!((kept.last_task, kept.last_submission), (2, 2));
        let first = store.read(|kept| report_of(kept, "a")).await;
        assert_eq!(first.expect("read"), None, "forgotten");
    }
}
