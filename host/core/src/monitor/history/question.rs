//! Asking about the past.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension};

use super::super::settings::HistorySettings;
use super::super::time_range::TimeRange;
use super::{Grain, History};
use crate::store::StoreError;

/// An answer has no more points: a finer resolution is made coarser.
const MOST_POINTS: i64 = 2_000;

/// Where no resolution is asked for, an answer has about so many points.
const USUAL_POINTS: i64 = 120;

/// Resolutions that are chosen where none is asked for.
const USUAL_RESOLUTIONS: [TimeRange; 8] = [
    TimeRange::seconds(10),
    TimeRange::seconds(60),
    TimeRange::seconds(5 * 60),
    TimeRange::seconds(15 * 60),
    TimeRange::seconds(3_600),
    TimeRange::seconds(6 * 3_600),
    TimeRange::seconds(24 * 3_600),
    TimeRange::seconds(7 * 24 * 3_600),
];

/// What is asked about the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuestion {
    /// From how long ago until now.
    pub range: TimeRange,
    /// How far apart the points are; chosen by the range where there is none.
    pub resolution: Option<TimeRange>,
    /// One session, of this or an earlier host; all together where there is none.
    pub session_id: Option<String>,
}

/// One point: the mean of its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPoint {
    /// When it begins.
    pub at: SystemTime,
    /// Percent of one core.
    pub cpu: f64,
    /// The highest sample.
    pub max_cpu: f64,
    /// MB.
    pub memory: f64,
    /// The highest sample.
    pub max_memory: f64,
    /// The mean number of sessions.
    pub sessions: f64,
    /// Mean response time in milliseconds; 0 where no command answered.
    pub response_ms: f64,
    /// Bytes read from storage.
    pub disk_read: u64,
    /// Bytes written to storage.
    pub disk_written: u64,
    /// Commands that ended.
    pub commands: u64,
    /// Those of them that failed.
    pub failed_commands: u64,
    /// Samples behind it.
    pub samples: u64,
}

/// The whole range in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HistorySummary {
    /// Mean of all samples, percent of one core.
    pub avg_cpu: f64,
    /// The highest sample.
    pub max_cpu: f64,
    /// Mean of all samples, MB.
    pub avg_memory: f64,
    /// The highest sample.
    pub max_memory: f64,
    /// Mean over the commands that answered, milliseconds.
    pub avg_response_ms: f64,
    /// Bytes read from storage.
    pub disk_read: u64,
    /// Bytes written to storage.
    pub disk_written: u64,
    /// Commands that ended.
    pub commands: u64,
    /// Those of them that failed.
    pub failed_commands: u64,
    /// Samples behind it.
    pub samples: u64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct PerformanceHistory {
    /// Oldest first; a time without samples has no point.
    pub points: Vec<HistoryPoint>,
    /// All of it.
    pub summary: HistorySummary,
    /// How far apart the points are, which is coarser than asked where so fine is
    /// not kept.
    pub resolution: TimeRange,
    /// Why it is not the one that was asked for.
    pub why_coarser: Option<String>,
}

impl PerformanceHistory {
    /// Of what has no past yet.
    fn empty(plan: &Plan) -> Self {
        Self {
            points: Vec::new(),
            summary: HistorySummary::default(),
            resolution: plan.resolution(),
            why_coarser: plan.why_coarser.clone(),
        }
    }
}

/// Which rows answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    grain: Grain,
    slot_ms: i64,
    from_ms: i64,
    why_coarser: Option<String>,
}

impl Plan {
    fn new(question: &HistoryQuestion, now_ms: i64, settings: &HistorySettings) -> Self {
        let range_ms = question.range.millis();
        let wanted = question
            .resolution
            .unwrap_or_else(|| usual(question.range))
            .millis()
            .max(range_ms / MOST_POINTS);
        let grain = Grain::ALL
            .into_iter()
            .rev()
            .find(|grain| wanted >= grain.width_ms() && wanted % grain.width_ms() == 0)
            .unwrap_or(Grain::Raw);
        // A finer grain that is not kept so far back leaves the range half empty.
        let grain = Grain::ALL
            .into_iter()
            .skip_while(|candidate| *candidate != grain)
            .find(|grain| grain.kept(settings).as_millis() >= range_ms.unsigned_abs().into())
            .unwrap_or(Grain::Hour);
        let width = grain.width_ms();
        // Whole rows, and whole seconds.
        let unit = width.max(1_000);
        let slot_ms = (wanted + unit - 1) / unit * unit;
        let from = now_ms.saturating_sub(range_ms);
        let mut plan = Self {
            grain,
            slot_ms,
            from_ms: from - from.rem_euclid(slot_ms),
            why_coarser: None,
        };
        let asked = question.resolution.filter(|it| it.millis() != slot_ms);
        plan.why_coarser = asked.map(|asked| {
            let why = match wanted > asked.millis() {
                true => format!("an answer has at most {MOST_POINTS} points"),
                false => "what lies so far back is kept no finer".to_owned(),
            };
            format!("points are {} apart, not {asked}: {why}", plan.resolution())
        });
        plan
    }

    fn resolution(&self) -> TimeRange {
        TimeRange::seconds(self.slot_ms.unsigned_abs() / 1000)
    }
}

fn usual(range: TimeRange) -> TimeRange {
    USUAL_RESOLUTIONS
        .into_iter()
        .find(|resolution| range.millis() / resolution.millis() <= USUAL_POINTS)
        .unwrap_or(USUAL_RESOLUTIONS[USUAL_RESOLUTIONS.len() - 1])
}

impl History {
    /// The answer on what has not been looked at yet.
    pub(crate) fn nothing_yet(
        &self,
        question: &HistoryQuestion,
        now_ms: i64,
    ) -> PerformanceHistory {
        PerformanceHistory::empty(&Plan::new(question, now_ms, &self.settings))
    }

    /// What was used up to `now_ms`; `None` where nothing is known of the session.
    /// The first point may begin a little before the range does: points lie at
    /// whole multiples of the resolution.
    pub(crate) async fn ask(
        &self,
        question: HistoryQuestion,
        now_ms: i64,
    ) -> Result<Option<PerformanceHistory>, StoreError> {
        let plan = Plan::new(&question, now_ms, &self.settings);
        self.kept
            .read(move |kept| answer(kept, &question, plan, now_ms))
            .await
    }
}

fn answer(
    kept: &Connection,
    question: &HistoryQuestion,
    plan: Plan,
    now_ms: i64,
) -> rusqlite::Result<Option<PerformanceHistory>> {
    let session = question.session_id.as_deref().unwrap_or("");
    let series: Option<i64> = kept
        .prepare_cached("SELECT id FROM series WHERE session = ?1")?
        .query_row([session], |row| row.get(0))
        .optional()?;
    let Some(series) = series else {
        return Ok(None);
    };
    let mut statement = kept.prepare_cached(&format!(
        "SELECT at - at % ?1, sum(samples), sum(cpu_sum), max(cpu_max), sum(memory_sum),
                max(memory_max), sum(disk_read), sum(disk_written), sum(answered),
                sum(answer_us), sum(ended), sum(failed), sum(sessions_sum)
         FROM {} WHERE series = ?2 AND at >= ?3 AND at <= ?4 GROUP BY 1 ORDER BY 1",
        plan.grain.table()
    ))?;
    let slots = statement
        .query_map((plan.slot_ms, series, plan.from_ms, now_ms), |row| {
            Ok(Slot {
                at_ms: row.get(0)?,
                samples: row.get(1)?,
                cpu_sum: row.get(2)?,
                cpu_max: row.get(3)?,
                memory_sum: row.get(4)?,
                memory_max: row.get(5)?,
                disk_read: row.get(6)?,
                disk_written: row.get(7)?,
                answered: row.get(8)?,
                answer_us: row.get(9)?,
                ended: row.get(10)?,
                failed: row.get(11)?,
                sessions_sum: row.get(12)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<Slot>>>()?;
    Ok(Some(PerformanceHistory {
        summary: summary(&slots),
        points: slots.iter().map(Slot::point).collect(),
        ..PerformanceHistory::empty(&plan)
    }))
}

/// The samples of one point, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    at_ms: i64,
    samples: i64,
    cpu_sum: i64,
    cpu_max: i64,
    memory_sum: i64,
    memory_max: i64,
    disk_read: i64,
    disk_written: i64,
    answered: i64,
    answer_us: i64,
    ended: i64,
    failed: i64,
    sessions_sum: i64,
}

impl Slot {
    fn point(&self) -> HistoryPoint {
        HistoryPoint {
            at: UNIX_EPOCH + Duration::from_millis(self.at_ms.unsigned_abs()),
            cpu: percent(mean(self.cpu_sum, self.samples)),
            max_cpu: percent(self.cpu_max as f64),
            memory: megabytes(mean(self.memory_sum, self.samples)),
            max_memory: megabytes(self.memory_max as f64),
            sessions: hundredths(mean(self.sessions_sum, self.samples)),
            response_ms: hundredths(mean(self.answer_us, self.answered) / 1e3),
            disk_read: self.disk_read.unsigned_abs(),
            disk_written: self.disk_written.unsigned_abs(),
            commands: self.ended.unsigned_abs(),
            failed_commands: self.failed.unsigned_abs(),
            samples: self.samples.unsigned_abs(),
        }
    }
}

fn summary(slots: &[Slot]) -> HistorySummary {
    let mut all = Slot::default();
    for slot in slots {
        all.samples += slot.samples;
        all.cpu_sum += slot.cpu_sum;
        all.cpu_max = all.cpu_max.max(slot.cpu_max);
        all.memory_sum += slot.memory_sum;
        all.memory_max = all.memory_max.max(slot.memory_max);
        all.disk_read += slot.disk_read;
        all.disk_written += slot.disk_written;
        all.answered += slot.answered;
        all.answer_us += slot.answer_us;
        all.ended += slot.ended;
        all.failed += slot.failed;
    }
    let whole = all.point();
    HistorySummary {
        avg_cpu: whole.cpu,
        max_cpu: whole.max_cpu,
        avg_memory: whole.memory,
        max_memory: whole.max_memory,
        avg_response_ms: whole.response_ms,
        disk_read: whole.disk_read,
        disk_written: whole.disk_written,
        commands: whole.commands,
        failed_commands: whole.failed_commands,
        samples: whole.samples,
    }
}

fn mean(sum: i64, count: i64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    sum as f64 / count as f64
}

fn percent(hundredths_of_percent: f64) -> f64 {
    hundredths(hundredths_of_percent / 100.0)
}

fn megabytes(kib: f64) -> f64 {
    hundredths(kib / 1024.0)
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Sample};
    use super::*;

    /// 2026-03-01, midnight.
    const MIDNIGHT_MS: i64 = 1_772_323_200_000;
    const DAY_MS: i64 = 24 * 3_600_000;
    const EVERY_MS: i64 = 10_000;

    fn range(text: &str) -> TimeRange {
        text.parse().expect("a range")
    }

    /// Figures that go up and down, different for each session.
    fn amount(session: i64, tick: i64) -> Amount {
        let wave = (tick * 37 + session * 101) % 1_000;
        let ended = i64::from(tick % 7 == session);
        Amount {
            cpu: wave * 13,
            memory: 100_000 + wave * 17 * (session + 1),
            disk_read: wave * 3,
            disk_written: wave * 5,
            answered: ended,
            answer_us: ended * wave * 1_000,
            ended,
            failed: i64::from(tick % 49 == session),
        }
    }

    /// A day of three sessions, at a clock that is only said.
    async fn a_day() -> (History, Vec<Sample>) {
        let history = History::temporary(HistorySettings::default());
        let samples: Vec<Sample> = (0..DAY_MS / EVERY_MS)
            .map(|tick| Sample {
                at_ms: MIDNIGHT_MS + tick * EVERY_MS,
                sessions: (0..3)
                    .map(|session| (format!("session{session}"), amount(session, tick)))
                    .collect(),
            })
            .collect();
        for sample in &samples {
            history.keep(sample.clone());
        }
        // Behind all of them in the writer's queue.
        history.kept.write(|_| Ok(())).await.expect("written");
        (history, samples)
    }

    /// The same answer by plain arithmetic on the samples.
    fn computed(samples: &[Sample], slot_ms: i64, session: Option<&str>) -> Vec<HistoryPoint> {
        let mut points: Vec<HistoryPoint> = Vec::new();
        let slots = samples.chunk_by(|one, next| one.at_ms / slot_ms == next.at_ms / slot_ms);
        for slot in slots {
            let figures: Vec<Amount> = slot
                .iter()
                .map(|sample| {
                    let mut all = Amount::default();
                    for (name, amount) in &sample.sessions {
                        if session.is_none_or(|session| session == name) {
                            all += *amount;
                        }
                    }
                    all
                })
                .collect();
            let count = figures.len() as f64;
            let total = |figure: fn(&Amount) -> i64| figures.iter().map(figure).sum::<i64>();
            let highest =
                |figure: fn(&Amount) -> i64| figures.iter().map(figure).max().unwrap_or(0) as f64;
            let answered = total(|it| it.answered);
            let begins = slot[0].at_ms - slot[0].at_ms % slot_ms;
            points.push(HistoryPoint {
                at: UNIX_EPOCH + Duration::from_millis(begins.unsigned_abs()),
                cpu: percent(total(|it| it.cpu) as f64 / count),
                max_cpu: percent(highest(|it| it.cpu)),
                memory: megabytes(total(|it| it.memory) as f64 / count),
                max_memory: megabytes(highest(|it| it.memory)),
                sessions: if session.is_some() { 1.0 } else { 3.0 },
                response_ms: hundredths(mean(total(|it| it.answer_us), answered) / 1e3),
                disk_read: total(|it| it.disk_read).unsigned_abs(),
                disk_written: total(|it| it.disk_written).unsigned_abs(),
                commands: total(|it| it.ended).unsigned_abs(),
                failed_commands: total(|it| it.failed).unsigned_abs(),
                samples: slot.len() as u64,
            });
        }
        points
    }

    #[tokio::test]
    async fn a_day_in_every_resolution_is_what_its_samples_add_up_to() {
        let (history, samples) = a_day().await;
        let now_ms = MIDNIGHT_MS + DAY_MS - 1;
        // An hour in raw samples; more would be more points than an answer has.
        for (back, resolution) in [
            ("1h", "10s"),
            ("1h", "30s"),
            ("24h", "1m"),
            ("24h", "5m"),
            ("24h", "90m"),
            ("24h", "1h"),
            ("24h", "6h"),
            ("24h", "24h"),
        ] {
            for session in [None, Some("session1")] {
                let question = HistoryQuestion {
                    range: range(back),
                    resolution: Some(range(resolution)),
                    session_id: session.map(str::to_owned),
                };
                let answer = history.ask(question, now_ms).await.expect("read");
                let answer = answer.expect("a session that is known");
                assert_eq!(answer.resolution, range(resolution));
                let slot_ms = range(resolution).millis();
                let from = now_ms - range(back).millis();
                let from = from - from % slot_ms;
                let of_range: Vec<Sample> = samples
                    .iter()
                    .filter(|sample| sample.at_ms >= from)
                    .cloned()
                    .collect();
                let expected = computed(&of_range, slot_ms, session);
                assert_eq!(answer.points, expected, "{back} by {resolution}");
                // The summary is the one point of an endless slot.
                let whole = &computed(&of_range, i64::MAX, session)[0];
                assert_eq!(answer.summary.avg_cpu, whole.cpu);
                assert_eq!(answer.summary.max_memory, whole.max_memory);
                assert_eq!(answer.summary.failed_commands, whole.failed_commands);
                assert_eq!(answer.summary.samples, of_range.len() as u64);
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_made_up_about_a_session_that_nobody_knows() {
        let (history, _) = a_day().await;
        let question = HistoryQuestion {
            range: range("24h"),
            resolution: None,
            session_id: Some("nobody".to_owned()),
        };
        let answer = history.ask(question, MIDNIGHT_MS + DAY_MS).await;
        assert_eq!(answer.expect("read"), None);
    }

    #[test]
    fn a_resolution_that_is_not_kept_so_long_becomes_coarser() {
        let settings = HistorySettings::default();
        for (back, resolution, grain, slot) in [
            ("1h", Some("5s"), Grain::Raw, "5s"),
            ("7d", Some("1m"), Grain::Minute, "6m"),
            ("7d", Some("5s"), Grain::Minute, "6m"),
            ("30d", Some("1m"), Grain::Hour, "1h"),
            ("7d", Some("90m"), Grain::Minute, "90m"),
            ("1h", None, Grain::Minute, "1m"),
            ("24h", None, Grain::Minute, "15m"),
            ("7d", None, Grain::Hour, "6h"),
        ] {
            let question = HistoryQuestion {
                range: range(back),
                resolution: resolution.map(range),
                session_id: None,
            };
            let plan = Plan::new(&question, MIDNIGHT_MS, &settings);
            assert_eq!(plan.grain, grain, "{back} by {resolution:?}");
            assert_eq!(
                plan.slot_ms,
                range(slot).millis(),
                "{back} by {resolution:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_too_old_or_too_much_is_forgotten() {
        let settings = HistorySettings {
            raw: Duration::from_secs(3_600),
            minutes: Duration::from_secs(2 * 3_600),
            hours: Duration::from_secs(6 * 3_600),
            max_bytes: 256 << 10,
        };
        let history = History::temporary(settings);
        for tick in 0..10 * 60 {
            history.keep(Sample {
                at_ms: MIDNIGHT_MS + tick * 60_000,
                sessions: vec![(format!("of-hour-{}", tick / 60), amount(0, tick))],
            });
        }
        let counts = history.kept.write(|kept| {
            let count = |sql: &str| kept.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok([
                count("SELECT count(*) FROM raw WHERE series = 0")?,
                count("SELECT count(*) FROM minute WHERE series = 0")?,
                count("SELECT count(*) FROM hour WHERE series = 0")?,
                count("SELECT count(*) FROM series")?,
            ])
        });
        let [raw, minutes, hours, series] = counts.await.expect("count");
        assert!((60..=120).contains(&raw), "{raw} raw rows");
        assert!((120..=180).contains(&minutes), "{minutes} rows of minutes");
        assert_eq!(hours, 7);
        assert!(series <= 9, "{series} series");
    }

    #[tokio::test]
    async fn the_file_stays_within_its_size() {
        let settings = HistorySettings {
            max_bytes: 400 << 10,
            ..HistorySettings::default()
        };
        let history = History::temporary(settings);
        for tick in 0..6 * 3_600 / 10 {
            history.keep(Sample {
                at_ms: MIDNIGHT_MS + tick * EVERY_MS,
                sessions: (0..10)
                    .map(|session| (format!("session{session}"), amount(session, tick)))
                    .collect(),
            });
        }
        let used = history.kept.write(|kept| {
            kept.query_row(
                "SELECT (page_count - freelist_count) * page_size
                 FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
                [],
                |row| row.get::<_, i64>(0),
            )
        });
        let used = used.await.expect("size");
        // One hour of what comes between two lookings.
        assert!(used < 1_600 << 10, "{used} bytes");
    }
}
