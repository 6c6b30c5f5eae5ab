//! Incidents: what went wrong, since when and until when; and the times at which a
//! host ran. Kept in the file of the past.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use super::health::{Component, Issue, Severity};
use super::history::History;
use super::time_range::TimeRange;
use crate::store::StoreError;

/// Incidents of an answer, at most; the newest.
const MOST_INCIDENTS: u32 = 500;

/// An incident, as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct PastIncident {
    /// When it began.
    pub at: SystemTime,
    /// `warning`, `error` or `critical`.
    pub severity: String,
    /// The component's name.
    pub component: String,
    /// The session that it was about, where it was about one.
    pub session_id: Option<String>,
    /// How long it lasted, or has lasted so far.
    pub duration: Duration,
    /// Whether it is over.
    pub resolved: bool,
    /// What it was, in words.
    pub cause: String,
    /// What was done about it, where something was.
    pub recovery: Option<String>,
}

/// The health of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthHistory {
    /// How long a host ran within the range.
    pub uptime: Duration,
    /// The share of the range, as far back as anything is known, in which a host ran
    /// and nothing was critical, in percent.
    pub availability: f64,
    /// What went wrong, newest first.
    pub incidents: Vec<PastIncident>,
}

/// What is wrong now. Owned by the monitor's task.
pub(super) struct Incidents {
    history: History,
    run: i64,
    next: i64,
    open: HashMap<Key, i64>,
}

type Key = (Component, Option<String>, &'static str);

impl Incidents {
    /// A host begins to run. What was open when the last one ended, ended with it.
    pub(super) fn begin(history: History, now_ms: i64) -> Self {
        history.kept.write_later("that the host runs", move |kept| {
            kept.execute(
                "UPDATE incidents SET ended_ms =
                     max(began_ms, (SELECT coalesce(max(last_ms), ?1) FROM runs))
                 WHERE ended_ms IS NULL",
                [now_ms],
            )?;
            kept.execute(
                "INSERT INTO runs (id, began_ms, last_ms) VALUES (?1, ?1, ?1)",
                [now_ms],
            )
            .map(drop)
        });
        Self {
            history,
            run: now_ms,
            next: now_ms.saturating_mul(1_000),
            open: HashMap::new(),
        }
    }

    /// The host still runs.
    pub(super) fn still_alive(&self, now_ms: i64) {
        let run = self.run;
        self.history
            .kept
            .write_later("that the host runs", move |kept| {
                kept.prepare_cached("UPDATE runs SET last_ms = ?2 WHERE id = ?1")?
                    .execute((run, now_ms))
                    .map(drop)
            });
    }

    /// Begins an incident for each issue that is new, and ends those that are gone.
    /// Returns the new ones.
    pub(super) fn update<'a>(&mut self, issues: &'a [Issue], now_ms: i64) -> Vec<&'a Issue> {
        let key = |issue: &Issue| (issue.component, issue.session.clone(), issue.kind);
        let gone: Vec<Key> = self
            .open
            .keys()
            .filter(|open| !issues.iter().any(|issue| key(issue) == **open))
            .cloned()
            .collect();
        for key in gone {
            if let Some(id) = self.open.remove(&key) {
                self.history
                    .kept
                    .write_later("an incident's end", move |kept| {
                        kept.execute(
                            "UPDATE incidents SET ended_ms = ?2 WHERE id = ?1",
                            (id, now_ms),
                        )
                        .map(drop)
                    });
            }
        }
        let mut new = Vec::new();
        for issue in issues {
            if self.open.contains_key(&key(issue)) {
                continue;
            }
            self.next += 1;
            let id = self.next;
            self.open.insert(key(issue), id);
            new.push(issue);
            let row = issue.clone();
            self.history.kept.write_later("an incident", move |kept| {
                kept.execute(
                    "INSERT INTO incidents (id, component, session, severity, cause, began_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        id,
                        row.component.as_str(),
                        row.session.unwrap_or_default(),
                        row.severity.as_str(),
                        row.message,
                        now_ms
                    ],
                )
                .map(drop)
            });
        }
        new
    }
}

impl History {
    /// Keeps what was done about the newest incident of a session, or about nothing
    /// that was noticed: then the recovery is an incident of its own.
    pub(crate) fn keep_recovery(&self, session: String, detail: String, what: String, now_ms: i64) {
        self.kept.write_later("a recovery", move |kept| {
            let known = kept.execute(
                "UPDATE incidents SET recovery = ?2 WHERE id = (
                     SELECT id FROM incidents
                     WHERE session = ?1 AND component = 'sessions'
                       AND (ended_ms IS NULL OR ended_ms >= ?3 - 60000)
                     ORDER BY began_ms DESC LIMIT 1)",
                params![session, what, now_ms],
            )?;
            if known == 0 {
                kept.execute(
                    // The monitor's task numbers its own from above.
                    "INSERT INTO incidents
                         (id, component, session, severity, cause, began_ms, ended_ms, recovery)
                     VALUES ((SELECT min(coalesce(min(id), 0), 0) - 1 FROM incidents),
                             'sessions', ?1, ?2, ?3, ?4, ?4, ?5)",
                    params![session, Severity::Warning.as_str(), detail, now_ms, what],
                )?;
            }
            Ok(())
        });
    }

    /// The host that runs ends.
    pub(crate) async fn keep_end(&self, now_ms: i64) {
        let kept = self.kept.write(move |kept| {
            kept.execute(
                "UPDATE runs SET last_ms = ?1 WHERE id = (SELECT max(id) FROM runs)",
                [now_ms],
            )
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "the end of this host could not be kept");
        }
    }

    /// How it was, up to `now_ms`.
    pub(crate) async fn health(
        &self,
        range: TimeRange,
        now_ms: i64,
    ) -> Result<HealthHistory, StoreError> {
        self.kept.read(move |kept| read(kept, range, now_ms)).await
    }
}

fn read(kept: &Connection, range: TimeRange, now_ms: i64) -> rusqlite::Result<HealthHistory> {
    let from_ms = now_ms.saturating_sub(range.millis());
    let current: Option<i64> = kept.query_row("SELECT max(id) FROM runs", [], |row| row.get(0))?;
    let runs = kept
        .prepare_cached("SELECT id, began_ms, last_ms FROM runs WHERE last_ms >= ?1 OR id = ?2")?
        .query_map((from_ms, current), |row| {
            let id: i64 = row.get(0)?;
            let last: i64 = row.get(2)?;
            // The host that asks runs until now.
            let last = if Some(id) == current { now_ms } else { last };
            Ok(Span(row.get(1)?, last))
        })?
        .collect::<rusqlite::Result<Vec<Span>>>()?;
    let critical = kept
        .prepare_cached(
            "SELECT began_ms, coalesce(ended_ms, ?2) FROM incidents
             WHERE severity != 'warning' AND session = '' AND coalesce(ended_ms, ?2) >= ?1",
        )?
        .query_map((from_ms, now_ms), |row| Ok(Span(row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<Span>>>()?;
    let incidents = kept
        .prepare_cached(
            "SELECT began_ms, severity, component, session, ended_ms, cause, recovery
             FROM incidents WHERE coalesce(ended_ms, ?2) >= ?1
             ORDER BY began_ms DESC, id DESC LIMIT ?3",
        )?
        .query_map((from_ms, now_ms, MOST_INCIDENTS), |row| {
            let began: i64 = row.get(0)?;
            let ended: Option<i64> = row.get(4)?;
            let session: String = row.get(3)?;
            Ok(PastIncident {
                at: UNIX_EPOCH + Duration::from_millis(began.unsigned_abs()),
                severity: row.get(1)?,
                component: row.get(2)?,
                session_id: Some(session).filter(|session| !session.is_empty()),
                duration: millis(ended.unwrap_or(now_ms) - began),
                resolved: ended.is_some(),
                cause: row.get(5)?,
                recovery: row.get(6)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<PastIncident>>>()?;
    let (uptime, availability) = availability(&runs, &critical, from_ms, now_ms);
    Ok(HealthHistory {
        uptime: millis(uptime),
        availability,
        incidents,
    })
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// From when until when, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span(i64, i64);

/// How long hosts ran, and the share of the time since the first of them in which
/// one ran well, in percent.
fn availability(runs: &[Span], critical: &[Span], from: i64, to: i64) -> (i64, f64) {
    let within = |spans: &[Span]| -> Vec<Span> {
        spans
            .iter()
            .map(|span| Span(span.0.max(from), span.1.min(to)))
            .filter(|span| span.0 < span.1)
            .collect()
    };
    let up = union(within(runs));
    let uptime: i64 = up.iter().map(|span| span.1 - span.0).sum();
    let Some(known_from) = up.first().map(|span| span.0) else {
        return (0, 100.0);
    };
    let down: i64 = union(within(critical))
        .iter()
        .flat_map(|down| up.iter().map(move |up| up.1.min(down.1) - up.0.max(down.0)))
        .filter(|overlap| *overlap > 0)
        .sum();
    let share = (uptime - down) as f64 * 100.0 / (to - known_from) as f64;
    (uptime, (share * 1_000.0).round() / 1_000.0)
}

/// The same time as spans that do not touch, in order.
fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable_by_key(|span| span.0);
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::settings::HistorySettings;
    use super::*;

    fn issue(session: &str, severity: Severity) -> Issue {
        Issue {
            component: Component::Sessions,
            session: Some(session.to_owned()),
            kind: "hung",
            severity,
            message: format!("{session} hangs"),
        }
    }

    #[tokio::test]
    async fn an_incident_lasts_from_when_it_is_seen_until_it_is_gone() {
        let history = History::temporary(HistorySettings::default());
        let mut incidents = Incidents::begin(history.clone(), 1_000_000);
        let host_is_down = Issue {
            session: None,
            ..issue("the host", Severity::Error)
        };
        // That one session hangs is no reason to call the host unavailable.
        let [a, b] = [issue("a", Severity::Error), issue("b", Severity::Warning)];
        let hangs = [a, host_is_down, b];
        assert_eq!(incidents.update(&hangs[..1], 1_005_000).len(), 1);
        assert_eq!(incidents.update(&hangs, 1_010_000).len(), 2);
        assert_eq!(
            incidents.update(&hangs, 1_020_000).len(),
            0,
            "known already"
        );
        assert_eq!(incidents.update(&hangs[2..], 1_030_000).len(), 0);
        history.keep_recovery("a".into(), String::new(), "restart".into(), 1_031_000);
        incidents.still_alive(1_040_000);
        history
            .kept
            .write(|_| Ok(()))
            .await
            .expect("all is written");

        let range = TimeRange::seconds(3_600);
        let past = history.health(range, 1_100_000).await.expect("read");
        assert_eq!(past.uptime, Duration::from_secs(100));
        assert_eq!(past.availability, 80.0, "20 of 100 seconds were critical");
        let [open, _, over] = past.incidents.as_slice() else {
            panic!("{past:?}");
        };
        assert_eq!((open.cause.as_str(), open.resolved), ("b hangs", false));
        assert_eq!(open.duration, Duration::from_secs(90));
        assert_eq!((over.cause.as_str(), over.resolved), ("a hangs", true));
        assert_eq!(over.duration, Duration::from_secs(25));
        assert_eq!(over.recovery.as_deref(), Some("restart"));

        // The next host ends what the last one left open.
        Incidents::begin(history.clone(), 1_200_000);
        history
            .kept
            .write(|_| Ok(()))
            .await
            .expect("all is written");
        let past = history.health(range, 1_300_000).await.expect("read");
        assert!(past.incidents.iter().all(|incident| incident.resolved));
        assert_eq!(past.uptime, Duration::from_secs(140));
    }

    #[test]
    fn availability_is_the_share_of_time_in_which_all_was_well() {
        for (runs, critical, expected) in [
            (vec![], vec![], (0, 100.0)),
            (vec![Span(0, 100)], vec![], (100, 100.0)),
            (vec![Span(0, 50)], vec![], (50, 50.0)),
            (vec![Span(50, 100)], vec![], (50, 100.0)),
            (
                vec![Span(-50, 200)],
                vec![Span(0, 10), Span(5, 20)],
                (100, 80.0),
            ),
            (
                vec![Span(0, 50), Span(80, 100)],
                vec![Span(40, 90)],
                (70, 50.0),
            ),
        ] {
            assert_eq!(availability(&runs, &critical, 0, 100), expected, "{runs:?}");
        }
    }
}
