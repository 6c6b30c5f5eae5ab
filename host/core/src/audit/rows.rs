//! The log's rows as they are, whatever they are about: for lists and for export.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quarterdeck_policy::Tier;
use rusqlite::params;
use serde::Deserialize;

use super::change::ChangeKind;
use super::history::{History, HistoryError};
use super::since::Since;
use crate::clock::rfc3339;

/// Rows that are read at once.
const PAGE: i64 = 500;

/// Which rows are wanted. What is `None` or empty leaves all.
#[derive(Clone, Debug)]
pub struct RowFilter {
    /// From when on.
    pub since: Since,
    /// The session that they are about.
    pub session: Option<String>,
    /// The verdict that counted.
    pub tier: Option<Tier>,
    /// What the gate did, in the word of the log: `refused`, `confirmed` and so on.
    pub decision: Option<String>,
    /// What they are about, in the word of the log: `verdict`, `approval` and so on.
    pub kind: Option<String>,
    /// A piece of the command, or of what a change is about, in any case.
    pub text: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub sequence: i64,
    /// When it was written, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// What it is about.
    pub kind: String,
    /// What it says, as JSON, to the letter: the hash is of this.
    pub body: String,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// What lists show of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RowSummary {
    /// The session, or that of an agent; none for what belongs to no session.
    pub session: Option<String>,
    /// The command line.
    pub command: Option<String>,
    /// What the gate did.
    pub decision: Option<String>,
    /// Who answered, of an answer; who changed it, of a change.
    pub by: Option<String>,
    /// Whether the answer was a yes.
    pub allowed: Option<bool>,
    /// What the yes is good for: `once`, `session` or `always`.
    pub scope: Option<String>,
    /// What was done, of a change.
    pub change: Option<ChangeKind>,
    /// The rule or policy that was changed.
    pub subject: Option<String>,
    /// What holds since a change.
    pub detail: Option<String>,
    /// The last row that was taken off, of a row that tells of it.
    pub up_to: Option<i64>,
    /// When that was written.
    pub until: Option<String>,
    /// How the command ended, of an outcome.
    pub exit_status: Option<i64>,
    caller: Option<CallerSummary>,
    verdicts: Vec<VerdictSummary>,
    place: Option<PlaceSummary>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct PlaceSummary {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct CallerSummary {
    kind: String,
    client: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct VerdictSummary {
    tier: Tier,
    rule: Option<String>,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    generation: u64,
}

impl RowSummary {
    /// The verdict that counted.
    pub fn tier(&self) -> Option<Tier> {
        self.deciding().map(|verdict| verdict.tier)
    }

    /// The rule that it came from.
    pub fn rule(&self) -> Option<&str> {
        self.deciding()?.rule.as_deref()
    }

    /// The policy that it came from and which generation of it; `None` where the host
    /// answered in nobody's name.
    pub fn policy(&self) -> Option<(&str, u64)> {
        let deciding = self.deciding()?;
        (!deciding.policy.is_empty()).then_some((&deciding.policy, deciding.generation))
    }

    /// What a line was judged for that belongs to no session: `check`, `before run`.
    pub fn purpose(&self) -> Option<&str> {
        let place = self.place.as_ref()?;
        (self.session.is_none() && !place.name.is_empty()).then_some(&place.name)
    }

    /// Who asked: the client, else what kind of caller it was.
    pub fn caller(&self) -> Option<&str> {
        let caller = self.caller.as_ref()?;
        Some(caller.client.as_deref().unwrap_or(&caller.kind))
    }

    fn deciding(&self) -> Option<&VerdictSummary> {
        self.verdicts.iter().reduce(|strictest, verdict| {
            if verdict.tier > strictest.tier {
                verdict
            } else {
                strictest
            }
        })
    }
}

impl RowFilter {
    fn takes(&self, row: &AuditRow) -> bool {
        let summary = row.summary();
        let is = |wanted: &Option<String>, is: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| is == Some(wanted))
        };
        let holds = |text: &String| {
            let texts = [&summary.command, &summary.subject, &summary.detail];
            let text = text.to_lowercase();
            texts
                .into_iter()
                .flatten()
                .any(|it| it.to_lowercase().contains(&text))
        };
        is(&self.session, summary.session.as_deref())
            && self.tier.is_none_or(|tier| summary.tier() == Some(tier))
            && is(&self.decision, summary.decision.as_deref())
            && is(&self.kind, Some(&row.kind))
            && self.text.as_ref().is_none_or(holds)
    }
}

impl AuditRow {
    /// What is to be shown of it; nothing of a row that cannot be understood.
    pub fn summary(&self) -> RowSummary {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// When it was written.
    pub fn at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.time_ms.unsigned_abs())
    }

    /// The row as one line of JSON. Its body stands there to the letter, so that
    /// whoever has the lines can verify the chain: SHA-256 of the hash before, the
    /// sequence and the time (big-endian, 64 bits), and the kind and the body,
    /// each behind its length (big-endian, 64 bits).
    pub fn json_line(&self) -> String {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&self.body).is_ok();
        let body = match is_json && !self.body.contains('\n') {
            true => self.body.clone(),
            false => serde_json::Value::from(self.body.as_str()).to_string(),
        };
        let kind = serde_json::Value::from(self.kind.as_str());
        let hash: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            r#"{{"sequence":{},"time":"{}","timeMs":{},"kind":{kind},"hash":"{hash}","body":{body}}}"#,
            self.sequence,
            rfc3339(self.at()),
            self.time_ms,
        )
    }
}

impl History {
    /// The wanted rows, oldest first.
    pub fn rows(
        &self,
        filter: &RowFilter,
        mut each: impl FnMut(AuditRow),
    ) -> Result<(), HistoryError> {
        let mut after = 0;
        loop {
            let page = self.page_of_rows(after, filter.since)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.sequence;
            page.into_iter()
                .filter(|row| filter.takes(row))
                .for_each(&mut each);
        }
    }

    fn page_of_rows(&self, after: i64, since: Since) -> Result<Vec<AuditRow>, HistoryError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(AuditRow {
                sequence: row.get(0)?,
                time_ms: row.get(1)?,
                kind: row.get(2)?,
                body: row.get(3)?,
                hash: row.get(4)?,
            })
        };
        self.connection()
            .prepare_cached(
                "SELECT sequence, time_ms, kind, body, hash FROM entries
                 WHERE sequence > ?1 AND time_ms >= ?2 ORDER BY sequence LIMIT ?3",
            )
            .and_then(|mut select| {
                select
                    .query_map(params![after, since.epoch_ms(), PAGE], read)?
                    .collect()
            })
            .map_err(|source| self.unreadable(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditLog, EntryKind};
    use serde_json::json;

    fn log() -> (tempfile::TempDir, History) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = AuditLog::open(&folder.path().join("audit.sqlite")).expect("a log");
        let verdict = |command: &str, decision: &str, tiers: &[&str]| {
            let verdicts: Vec<_> = tiers
                .iter()
                .map(|tier| json!({ "tier": tier, "rule": format!("r/{tier}") }))
                .collect();
            json!({ "session": "s1", "command": command, "decision": decision,
                "caller": { "kind": "agent", "client": "claude-code" }, "verdicts": verdicts })
        };
        for (kind, body) in [
            (EntryKind::Verdict, verdict("ls", "allowed", &["safe"])),
            (
                EntryKind::Verdict,
                verdict("git PUSH", "refused", &["review", "dangerous"]),
            ),
            (
                EntryKind::Approval,
                json!({ "session": "s2", "command": "git push", "by": "ada", "allowed": true }),
            ),
            (
                EntryKind::Outcome,
                json!({ "session": "s1", "command": "ls", "exitStatus": 0 }),
            ),
        ] {
            log.append(kind, &body).expect("append");
        }
        let history = History::open(log.path()).expect("history");
        (folder, history)
    }

    fn sequences(history: &History, change: impl FnOnce(&mut RowFilter)) -> Vec<i64> {
        let mut filter = RowFilter {
            since: Since::EVER,
            session: None,
            tier: None,
            decision: None,
            kind: None,
            text: None,
        };
        change(&mut filter);
        let mut found = Vec::new();
        history
            .rows(&filter, |row| found.push(row.sequence))
            .expect("readable");
        found
    }

    #[test]
    fn each_filter_takes_what_it_says() {
        let (_folder, history) = log();
        let none: [i64; 0] = [];
        assert_eq!(sequences(&history, |_| ()), [1, 2, 3, 4]);
        assert_eq!(sequences(&history, |it| it.session = text("s2")), [3]);
        assert_eq!(
            sequences(&history, |it| it.tier = Some(Tier::Dangerous)),
            [2]
        );
        assert_eq!(sequences(&history, |it| it.tier = Some(Tier::Review)), none);
        assert_eq!(sequences(&history, |it| it.decision = text("refused")), [2]);
        assert_eq!(sequences(&history, |it| it.kind = text("outcome")), [4]);
        assert_eq!(sequences(&history, |it| it.text = text("push")), [2, 3]);
        assert_eq!(
            sequences(&history, |it| it.since =
                "2999-01-01".parse().expect("a day")),
            none
        );
    }

    #[test]
    fn a_row_is_shown_and_exported() {
        let (_folder, history) = log();
        let mut rows = Vec::new();
        let filter = RowFilter {
            since: Since::EVER,
            session: None,
            tier: None,
            decision: text("refused"),
            kind: None,
            text: None,
        };
        history
            .rows(&filter, |row| rows.push(row))
            .expect("readable");
        let summary = rows[0].summary();
        assert_eq!(summary.tier(), Some(Tier::Dangerous));
        assert_eq!(summary.rule(), Some("r/dangerous"));
        assert_eq!(summary.caller(), Some("claude-code"));
        let line = rows[0].json_line();
        let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["body"]["command"], "git PUSH");
        assert!(line.contains(&rows[0].body), "to the letter");
        assert_eq!(read["hash"].as_str().map(str::len), Some(64));
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
