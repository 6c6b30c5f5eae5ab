//! What becomes of a task after an attempt. Pure.

use super::kept::Ending;
use crate::tasks::fate::Fate;
use crate::tasks::task::{NewTask, TaskState};

/// So many attempts may be lost with their workers before the task itself is
/// suspected.
const MOST_LOST: u32 = 3;

/// What happens next.
#[derive(Debug)]
pub(super) enum Next {
    /// As if it had never been assigned.
    NotStarted,
    /// Another attempt.
    Again { lost: u32, notes: Vec<String> },
    /// It is over.
    End {
        lost: u32,
        notes: Vec<String>,
        ending: Ending,
    },
}

/// What becomes of a task whose attempt number `attempt` ended so, in `session`.
pub(super) fn next(
    spec: &NewTask,
    attempt: u32,
    lost: u32,
    notes: Vec<String>,
    session: &str,
    fate: Fate,
) -> Next {
    let ending = match fate {
        Fate::NotTyped => return Next::NotStarted,
        Fate::Lost(how) => return after_a_loss(spec, attempt, lost, notes, session, &how),
        Fate::Impossible(error) => Ending::failed(error),
        Fate::Cancelled(result) => Ending {
            state: TaskState::Cancelled,
            result,
            error: Some(format!("cancelled while it ran in session {session}")),
        },
        Fate::TimedOut {
            result,
            goes_on: true,
        } => Ending {
            result,
            ..Ending::failed(format!(
                "{}; it goes on in session {session}, which could not be interrupted",
                timed_out(spec)
            ))
        },
        Fate::Finished(result) if result.exit_status.unwrap_or(0) == 0 => Ending {
            state: TaskState::Completed,
            result: Some(result),
            error: None,
        },
        Fate::Finished(result) => {
            let error = format!("exit status {}", result.exit_status.unwrap_or_default());
            match again(spec, attempt, lost, session, &error) {
                Some(note) => return Next::again(lost, notes, note),
                None => Ending {
                    result: Some(result),
                    ..Ending::failed(error)
                },
            }
        }
        Fate::TimedOut { result, .. } => {
            let error = timed_out(spec);
            match again(spec, attempt, lost, session, &error) {
                Some(note) => return Next::again(lost, notes, note),
                None => Ending {
                    result,
                    ..Ending::failed(error)
                },
            }
        }
    };
    Next::End {
        lost,
        notes,
        ending,
    }
}
/// Nobody knows how far a lost attempt came, so it is repeated only where that does no
/// harm, and not for ever.
fn after_a_loss(
    spec: &NewTask,
    attempt: u32,
    lost: u32,
    mut notes: Vec<String>,
    session: &str,
    how: &str,
) -> Next {
    let lost = lost + 1;
    notes.push(format!(
        "attempt {attempt} in session {session}: {how}; how far it came is unknown"
    ));
    let error = match (spec.rerun, lost < MOST_LOST) {
        (true, true) => return Next::Again { lost, notes },
        (false, _) => format!("{how}; it is not run again, as it asked"),
        (true, false) => {
            format!("{how}; that was attempt {lost} that ended so, and it is not run again")
        }
    };
    Next::End {
        lost,
        notes,
        ending: Ending::failed(error),
    }
}

/// The note on an attempt that failed, where there is another one. Lost attempts do not
/// count as failures.
fn again(spec: &NewTask, attempt: u32, lost: u32, session: &str, error: &str) -> Option<String> {
    (attempt.saturating_sub(lost) <= spec.retries)
        .then(|| format!("attempt {attempt} in session {session}: {error}"))
}

fn timed_out(spec: &NewTask) -> String {
    format!("timed out after {} ms", spec.timeout.as_millis())
}

impl Next {
    fn again(lost: u32, mut notes: Vec<String>, note: String) -> Self {
        notes.push(note);
        Self::Again { lost, notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::task::TaskResult;
    use crate::tasks::task::{TaskId, Work};

    fn spec(retries: u32, rerun: bool) -> NewTask {
        let id = TaskId::try_from("t".to_owned()).expect("an id");
        NewTask {
            retries,
            rerun,
            ..NewTask::new(
                id,
                Work::Command {
                    command: "make".into(),
                    folder: None,
                },
            )
        }
    }

    fn finished(exit_status: Option<i32>) -> Fate {
        Fate::Finished(TaskResult {
            exit_status,
            output: String::new(),
            truncated: false,
            duration_ms: 1,
        })
    }

    fn told(spec: &NewTask, attempt: u32, lost: u32, fate: Fate) -> String {
        match next(spec, attempt, lost, Vec::new(), "s1", fate) {
            Next::NotStarted => "not started".to_owned(),
            Next::Again { lost, notes } => format!("again, {lost} lost: {}", notes.join(" | ")),
            Next::End { ending, .. } => format!(
                "{} {}",
                ending.state.as_str(),
                ending.error.unwrap_or_default()
            ),
        }
    }

    #[test]
    fn a_failure_is_tried_again_as_often_as_was_asked() {
        assert_eq!(told(&spec(0, true), 1, 0, finished(Some(0))), "completed ");
        assert_eq!(told(&spec(0, true), 1, 0, finished(None)), "completed ");
        assert_eq!(
            told(&spec(0, true), 1, 0, finished(Some(2))),
            "failed exit status 2"
        );
        assert_eq!(
            told(&spec(1, true), 1, 0, finished(Some(2))),
            "again, 0 lost: attempt 1 in session s1: exit status 2"
        );
        assert_eq!(
            told(&spec(1, true), 2, 0, finished(Some(2))),
            "failed exit status 2"
        );
        assert_eq!(
            told(&spec(1, true), 2, 1, finished(Some(2))),
            "again, 1 lost: attempt 2 in session s1: exit status 2"
        );
    }

    #[test]
    fn a_lost_attempt_is_told_whatever_comes_of_it() {
        let lost = || Fate::Lost("the session ended under it".to_owned());
        assert_eq!(
            told(&spec(0, true), 1, 0, lost()),
            "again, 1 lost: attempt 1 in session s1: the session ended under it; how far it came is unknown"
        );
        assert!(told(&spec(9, true), 3, 2, lost()).contains("attempt 3 that ended so"));
        assert!(told(&spec(9, false), 1, 0, lost()).contains("as it asked"));
    }

    #[test]
    fn what_cannot_be_stopped_is_not_started_again() {
        let timed_out = |goes_on| Fate::TimedOut {
            result: None,
            goes_on,
        };
        assert!(told(&spec(5, true), 1, 0, timed_out(false)).starts_with("again"));
        assert!(told(&spec(5, true), 1, 0, timed_out(true)).contains("it goes on in session s1"));
        assert!(told(&spec(5, true), 1, 0, Fate::Cancelled(None)).starts_with("cancelled"));
        assert_eq!(told(&spec(5, true), 1, 0, Fate::NotTyped), "not started");
    }
}
