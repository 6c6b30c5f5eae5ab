//! `quarterdeck audit list` and `quarterdeck audit export`.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};
use quarterdeck_core::audit::{AuditRow, History, RowFilter};
use quarterdeck_core::policy::Tier;
use quarterdeck_core::{rfc3339, spelled_out};

use crate::Setup;
use crate::arguments::AuditFilter;

const FAINT: Style = Style::new().dimmed();

/// Of a longer command the beginning is shown; `--json` has all of it.
const SHOWN_CHARACTERS: usize = 2_000;

impl From<AuditFilter> for RowFilter {
    fn from(filter: AuditFilter) -> Self {
        Self {
            since: filter.since,
            session: filter.session,
            tier: filter.tier,
            decision: filter.decision,
            kind: filter.kind,
            text: filter.text,
        }
    }
}

/// The newest so many rows, oldest first.
pub(super) fn list(
    setup: &Setup,
    filter: &RowFilter,
    limit: usize,
    json: bool,
) -> Result<ExitCode> {
    let mut newest: VecDeque<AuditRow> = VecDeque::new();
    History::open(&setup.paths.audit_file())?.rows(filter, |row| {
        newest.push_back(row);
        if newest.len() > limit {
            newest.pop_front();
        }
    })?;
    for row in &newest {
        if json {
            anstream::println!("{}", row.json_line());
        } else {
            print(row);
        }
    }
    if newest.is_empty() && !json {
        anstream::println!("there is no such row");
    }
    Ok(ExitCode::SUCCESS)
}

/// Every row as a line of JSON, to standard output or into a file that only its
/// owner can read.
pub(super) fn export(setup: &Setup, filter: &RowFilter, into: Option<&Path>) -> Result<ExitCode> {
    let history = History::open(&setup.paths.audit_file())?;
    let out: Box<dyn Write> = match into {
        None => Box::new(io::stdout().lock()),
        Some(path) => Box::new(
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| {
                    format!("making {}, which must not be there yet", path.display())
                })?,
        ),
    };
    let mut out = BufWriter::new(out);
    let mut written = Ok(());
    history.rows(filter, |row| {
        if written.is_ok() {
            written = writeln!(out, "{}", row.json_line());
        }
    })?;
    match written.and_then(|()| out.flush()) {
        // Whoever reads them has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.context("writing the rows")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print(row: &AuditRow) {
    let summary = row.summary();
    let mut words = Vec::new();
    if let Some(tier) = summary.tier() {
        let colour = match tier {
            Tier::Safe => AnsiColor::Green,
            Tier::Review => AnsiColor::Yellow,
            Tier::Dangerous => AnsiColor::Red,
        };
        let colour = colour.on_default();
        words.push(format!("{colour}{tier}{colour:#}"));
    }
    words.extend(summary.decision.clone());
    words.extend(summary.allowed.map(|yes| {
        let said = match (yes, summary.scope.as_deref()) {
            (true, Some("session")) => "allowed for the session",
            (true, Some("always")) => "allowed for good",
            (true, _) => "allowed once",
            (false, _) => "denied",
        };
        let by = summary.by.as_deref().unwrap_or("somebody");
        format!("{said} by {}", spelled_out(by))
    }));
    if let (Some(up_to), Some(until)) = (summary.up_to, &summary.until) {
        words.push(format!("rows until {up_to}, of {}", spelled_out(until)));
    }
    if let Some(change) = summary.change {
        let subject = summary.subject.as_deref().unwrap_or_default();
        let by = summary.by.as_deref().unwrap_or("somebody");
        words.push(format!(
            "{}: {}  by {}",
            change.words(),
            spelled_out(subject),
            spelled_out(by)
        ));
    }
    words.extend(summary.exit_status.map(|status| format!("status {status}")));
    words.extend(summary.rule().map(|rule| format!("rule {rule}")));
    words.extend(
        summary
            .policy()
            .map(|(policy, generation)| match generation {
                0 => format!("of {}", spelled_out(policy)),
                _ => format!("of {} (generation {generation})", spelled_out(policy)),
            }),
    );
    words.extend(summary.caller().map(spelled_out));
    words.extend(summary.purpose().map(spelled_out));
    words.extend(
        summary
            .session
            .as_deref()
            .map(|session| format!("session {}", spelled_out(session))),
    );
    anstream::println!(
        "{FAINT}{:>6}  {}{FAINT:#}  {}  {}",
        row.sequence,
        rfc3339(row.at()),
        row.kind,
        words.join("  "),
    );
    if let Some(command) = summary.command.as_ref().or(summary.detail.as_ref()) {
        anstream::println!("        {}", cut(&spelled_out(command)));
    }
}

fn cut(command: &str) -> String {
    match command.char_indices().nth(SHOWN_CHARACTERS) {
        None => command.to_owned(),
        Some((end, _)) => {
            let left = command.len() - end;
            format!("{}… ({left} bytes more)", &command[..end])
        }
    }
}
