//! What can be wrong with one session, and how it is noticed. Pure but for the clock.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use quarterdeck_policy::IncidentCause;
use quarterdeck_terminal::{ShellState, Status};
use regex::Regex;
use tokio::time::Instant;

use super::meter::Usage;
use crate::session::SessionId;

/// A question that was printed is one once nothing followed it for so long.
const QUESTION_AFTER: Duration = Duration::from_secs(2);

/// A process that waits may wake now and then: percent of one core.
const IDLE_CPU_PERCENT: f64 = 0.5;

/// Ends of lines behind which a program waits for a person.
static QUESTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)
        (?: pass(?:word|phrase|code) | \bpin\b | verification\ code )[^\n]{0,80}:\s*$
        | [\[(]\s*y(?:es)?\s*/\s*no?\s*(?:/[^\])]{0,40})?[\])]\s*[:?]?\s*$
        | \b(?:continue|proceed|overwrite|replace|are\ you\ sure|do\ you\ want)\b[^\n]{0,120}\?
            \s*(?:[\[(][^\])]{0,40}[\])])?\s*:?\s*$
        | press\ (?:any\ key|enter|return)[^\n]{0,60}$
        ",
    )
    .ok()
});

/// Something is wrong with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) cause: IncidentCause,
    /// What was noticed, in a sentence.
    pub(crate) detail: String,
}

impl Trouble {
    pub(super) fn unanswering(patience: Duration) -> Self {
        Self {
            cause: IncidentCause::BackendLost,
            detail: format!("it has not answered within {} s", patience.as_secs()),
        }
    }

    /// What is wrong, if anything.
    pub(super) fn of(observed: &Observed<'_>, hung_after: Duration) -> Option<Self> {
        let status = observed.status;
        if let Some(lost) = &status.lost {
            return Some(Self {
                cause: IncidentCause::BackendLost,
                detail: lost.clone(),
            });
        }
        if let ShellState::Exited(exit) = &status.shell {
            // Of an ending that nobody can tell, nothing is known to be wrong.
            let badly = exit.filter(|exit| !exit.success());
            return badly.map(|exit| Self {
                cause: IncidentCause::Exited,
                detail: format!("its shell ended by itself ({exit})"),
            });
        }
        if !status.is_running() {
            return None;
        }
        if let Some(question) = observed.question() {
            return Some(Self {
                cause: IncidentCause::AwaitsPerson,
                detail: question,
            });
        }
        (observed.quiet >= hung_after && !status.full_screen).then(|| {
            let what = match &status.shell {
                ShellState::Running {
                    command: Some(command),
                    ..
                } => format!("`{}`", crate::text::inert(command)),
                _ => "its program".to_owned(),
            };
            Self {
                cause: IncidentCause::Hung,
                detail: format!(
                    "{what} has shown no life for {} s: no output, no processor, no disk",
                    observed.quiet.as_secs()
                ),
            }
        })
    }
}

/// What is seen of a session.
pub(super) struct Observed<'a> {
    pub(super) status: &'a Status,
    /// For how long it printed nothing, was typed nothing and used nothing.
    pub(super) quiet: Duration,
    /// The line that the cursor stands on, where it was looked at.
    pub(super) cursor_line: Option<String>,
}

impl Observed<'_> {
    /// Whether it is worth looking at the screen for a question.
    pub(super) fn may_wait_for_a_person(&self) -> bool {
        self.status.is_running() && self.quiet >= QUESTION_AFTER && !self.status.full_screen
    }

    fn question(&self) -> Option<String> {
        if !self.may_wait_for_a_person() {
            return None;
        }
        let line = self.cursor_line.as_deref().unwrap_or_default().trim();
        if self.status.reads_hidden_line {
            return Some(format!("it waits for a secret: {line:?}"));
        }
        let asks = QUESTION
            .as_ref()
            .is_some_and(|question| question.is_match(line));
        asks.then(|| format!("it waits for an answer: {line:?}"))
    }
}

/// Since when sessions have been quiet. Owned by the monitor's task.
#[derive(Default)]
pub(super) struct QuietTimes(HashMap<SessionId, Instant>);

impl QuietTimes {
    /// How long a session has been quiet, with what was just measured.
    pub(super) fn observe(&mut self, id: &SessionId, status: &Status, usage: &Usage) -> Duration {
        let now = Instant::now();
        let silent = status.last_activity.elapsed().unwrap_or_default();
        let works = usage.cpu_percent > IDLE_CPU_PERCENT
            || usage.disk_read > 0.0
            || usage.disk_written > 0.0;
        if works {
            self.0.insert(id.clone(), now);
            return Duration::ZERO;
        }
        let idle = now - *self.0.entry(id.clone()).or_insert(now);
        // Before the first look nobody knows what was used; what was printed is known.
        if usage.period_ms == 0 {
            return Duration::ZERO;
        }
        let idle = idle + Duration::from_millis(usage.period_ms);
        silent.min(idle)
    }

    /// Forgets the others.
    pub(super) fn keep(&mut self, lives: impl Fn(&SessionId) -> bool) {
        self.0.retain(|id, _| lives(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_told_from_output() {
        let asks = |line: &str| QUESTION.as_ref().expect("a pattern").is_match(line.trim());
        for line in [
            "Password:",
            "[sudo] password for kim:",
            "Enter passphrase for key '/home/kim/.ssh/id_ed25519':",
            "Proceed? [y/N]",
            "Do you want to continue? [Y/n]",
            "Overwrite it (y/n)?",
            "Are you sure you want to continue connecting (yes/no/[fingerprint])?",
            "Press ENTER to continue",
            "remove write-protected file? Are you sure?",
        ] {
            assert!(asks(line), "{line}");
        }
        for line in [
            "",
            "password: accepted, welcome",
            "Compiling passwords v0.1.0",
            "3/4 done",
            "What is this?",
            "the [y/N] question was answered",
            "$",
        ] {
            assert!(!asks(line), "{line}");
        }
    }
}
