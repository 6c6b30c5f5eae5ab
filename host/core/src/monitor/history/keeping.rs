//! Writing samples, and forgetting old ones.

use rusqlite::{Transaction, named_params};

use super::super::meter::Usage;
use super::super::settings::HistorySettings;
use super::{Grain, History};

/// All samples of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    /// Session → what it used.
    pub(crate) sessions: Vec<(String, Amount)>,
}

/// What one session used, in the whole numbers that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Hundredths of a percent of one core.
    pub(crate) cpu: i64,
    /// KiB.
    pub(crate) memory: i64,
    /// Bytes in the sample's period.
    pub(crate) disk_read: i64,
    /// See `disk_read`.
    pub(crate) disk_written: i64,
    pub(crate) answered: i64,
    /// Microseconds, of all that answered.
    pub(crate) answer_us: i64,
    pub(crate) ended: i64,
    pub(crate) failed: i64,
}

impl From<&Usage> for Amount {
    fn from(usage: &Usage) -> Self {
        let seconds = usage.period_ms as f64 / 1e3;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        // A cast from a float saturates.
        let whole = |value: f64| value.round() as i64;
        Self {
            cpu: whole(usage.cpu_percent * 100.0),
            memory: whole(usage.memory_mb * 1024.0),
            disk_read: whole(usage.disk_read * seconds),
            disk_written: whole(usage.disk_written * seconds),
            answered: count(usage.answered_commands),
            answer_us: whole(usage.response_ms * 1e3 * usage.answered_commands as f64),
            ended: count(usage.commands),
            failed: count(usage.failed_commands),
        }
    }
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, more: Self) {
        self.cpu += more.cpu;
        self.memory += more.memory;
        self.disk_read += more.disk_read;
        self.disk_written += more.disk_written;
        self.answered += more.answered;
        self.answer_us += more.answer_us;
        self.ended += more.ended;
        self.failed += more.failed;
    }
}

impl History {
    /// Keeps a sample; what is too old goes, once an hour.
    pub(crate) fn keep(&self, sample: Sample) {
        let settings = self.settings.clone();
        self.kept
            .write_later("a sample of what sessions use", move |kept| {
                write(kept, &sample)?;
                forget(kept, sample.at_ms, &settings)
            });
    }
}

fn write(kept: &Transaction<'_>, sample: &Sample) -> rusqlite::Result<()> {
    let mut overall = Amount::default();
    for (session, amount) in &sample.sessions {
        overall += *amount;
        let series: i64 = kept
            .prepare_cached(
                "INSERT INTO series (session, last_ms) VALUES (?1, ?2)
                 ON CONFLICT (session) DO UPDATE SET last_ms = ?2 RETURNING id",
            )?
            .query_row((session, sample.at_ms), |row| row.get(0))?;
        add(kept, series, sample.at_ms, amount, 1)?;
    }
    let sessions = i64::try_from(sample.sessions.len()).unwrap_or(i64::MAX);
    add(kept, 0, sample.at_ms, &overall, sessions)
}

fn add(
    kept: &Transaction<'_>,
    series: i64,
    at_ms: i64,
    amount: &Amount,
    sessions: i64,
) -> rusqlite::Result<()> {
    for grain in Grain::ALL {
        let table = grain.table();
        let at = at_ms - at_ms.rem_euclid(grain.width_ms());
        kept.prepare_cached(&format!(
            "INSERT INTO {table} VALUES (
                 :series, :at, 1, :cpu, :cpu, :memory, :memory, :disk_read, :disk_written,
                 :answered, :answer_us, :ended, :failed, :sessions, :sessions)
             ON CONFLICT (series, at) DO UPDATE SET
                 samples = samples + 1,
                 cpu_sum = cpu_sum + :cpu, cpu_max = max(cpu_max, :cpu),
                 memory_sum = memory_sum + :memory, memory_max = max(memory_max, :memory),
                 disk_read = disk_read + :disk_read,
                 disk_written = disk_written + :disk_written,
                 answered = answered + :answered, answer_us = answer_us + :answer_us,
                 ended = ended + :ended, failed = failed + :failed,
                 sessions_sum = sessions_sum + :sessions,
                 sessions_max = max(sessions_max, :sessions)"
        ))?
        .execute(named_params! {
            ":series": series, ":at": at,
            ":cpu": amount.cpu, ":memory": amount.memory,
            ":disk_read": amount.disk_read, ":disk_written": amount.disk_written,
            ":answered": amount.answered, ":answer_us": amount.answer_us,
            ":ended": amount.ended, ":failed": amount.failed, ":sessions": sessions,
        })?;
    }
    Ok(())
}

/// Forgets what is older than it is to be kept, and the oldest of what is left
/// while the file is larger than it may be. Does so with the first sample of an hour.
fn forget(kept: &Transaction<'_>, now_ms: i64, settings: &HistorySettings) -> rusqlite::Result<()> {
    let hour = Grain::Hour.width_ms();
    let samples: i64 = kept
        .prepare_cached("SELECT samples FROM hour WHERE series = 0 AND at = ?1")?
        .query_row([now_ms - now_ms.rem_euclid(hour)], |row| row.get(0))?;
    if samples > 1 {
        return Ok(());
    }
    for grain in Grain::ALL {
        let keep_ms = i64::try_from(grain.kept(settings).as_millis()).unwrap_or(i64::MAX);
        forget_before(kept, grain, now_ms.saturating_sub(keep_ms))?;
    }
    let oldest =
        now_ms.saturating_sub(i64::try_from(settings.hours.as_millis()).unwrap_or(i64::MAX));
    kept.execute("DELETE FROM series WHERE id > 0 AND last_ms < ?1", [oldest])?;
    kept.execute("DELETE FROM incidents WHERE ended_ms < ?1", [oldest])?;
    kept.execute("DELETE FROM runs WHERE last_ms < ?1", [oldest])?;
    for grain in Grain::ALL {
        while size_bytes(kept)? > settings.max_bytes {
            let (first, last): (Option<i64>, Option<i64>) = kept.query_row(
                &format!(
                    "SELECT min(at), max(at) FROM {} WHERE series = 0",
                    grain.table()
                ),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let (Some(first), Some(last)) = (first, last) else {
                break;
            };
            forget_before(kept, grain, first + (last - first) / 4 + 1)?;
        }
    }
    Ok(())
}

/// Series by series: the tables are in the order of series.
fn forget_before(kept: &Transaction<'_>, grain: Grain, before_ms: i64) -> rusqlite::Result<()> {
    kept.execute(
        &format!(
            "DELETE FROM {table} WHERE (series, at) IN (
                 SELECT {table}.series, {table}.at FROM series
                 JOIN {table} ON {table}.series = series.id AND {table}.at < ?1)",
            table = grain.table()
        ),
        [before_ms],
    )
    .map(drop)
}

/// What the file holds, without the pages that are free to be used again.
fn size_bytes(kept: &Transaction<'_>) -> rusqlite::Result<u64> {
    let number = |pragma: &str| -> rusqlite::Result<u64> {
        kept.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
    };
    let used = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(used * number("page_size")?)
}
