//! The bundled progress parser `pytest`.
//!
//! The total is what was collected; completed are the results printed since:
//! one character each, or one line each with `-v` and with xdist. Where only the
//! percentage at a line's end can be had, that is reported.

use policy_progress_text::scan::{leading_fraction, leading_number, percentage};
use policy_progress_text::{Board, NoSettings, Program, Status, export_program};

/// What pytest's output means.
#[derive(Debug, Clone, Default)]
pub struct Pytest {
    collected: Option<u64>,
    done: u64,
    failed: bool,
}

/// How a verbose line calls the outcomes.
const OUTCOMES: [&str; 6] = ["PASSED", "FAILED", "SKIPPED", "XFAIL", "XPASS", "ERROR"];

impl Program for Pytest {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("collected ") {
            self.collected(rest, board);
        } else if line.starts_with("INTERNALERROR>") {
            self.failed = true;
            board
                .whole()
                .label("pytest itself failed")
                .status(Status::Failed);
        } else if let Some(summary) = summary(line) {
            self.ended(summary, board);
        } else if self.collected.is_some() {
            self.results(line, board);
        }
    }
}

impl Pytest {
    /// `92 items / 2 deselected / 90 selected`.
    fn collected(&mut self, line: &str, board: &mut Board) {
        let Some((count, rest)) = leading_number(line) else {
            return;
        };
        if !rest.starts_with(" item") {
            return;
        }
        let part = |name: &str| {
            let number = |part: &str| leading_number(part.trim()).map(|(number, _)| number);
            rest.split('/')
                .find(|part| part.ends_with(name))
                .and_then(number)
        };
        let deselected = part("deselected").unwrap_or(0);
        let selected = rest.split('/').any(|part| {
            part.trim_start().starts_with(|c: char| c.is_ascii_digit())
                && part.trim().ends_with(" selected")
        });
        let total = if selected {
            part(" selected").unwrap_or(count)
        } else {
            count.saturating_sub(deselected)
        };
        *self = Self {
            collected: Some(total),
            ..Self::default()
        };
        board.whole().label("collected").counted(0, total);
    }

    fn results(&mut self, line: &str, board: &mut Board) {
        let (line, told) = split_tail(line);
        let (count, label) = match results_in(line) {
            Some(results) => results,
            None => return,
        };
        self.done += count.done;
        self.failed |= count.failed;
        let whole = board.whole();
        whole.label(label);
        if let Some(total) = self.collected {
            whole.counted(self.done.min(total), total);
        }
        match told {
            Some(Told::Percent(percent)) if self.collected.is_none() => {
                whole.percent(percent);
            }
            Some(Told::Count(done, total)) => {
                self.done = done;
                whole.counted(done, total);
            }
            _ => {}
        }
        if self.failed {
            whole.status(Status::Failed);
        }
    }

    /// `1 failed, 90 passed, 1 skipped in 0.12s`.
    fn ended(&mut self, summary: &str, board: &mut Board) {
        self.failed |= summary.contains(" failed") || summary.contains(" error");
        let whole = board.whole().label(summary).finish();
        if self.failed {
            whole.status(Status::Failed);
        }
    }
}

/// What a line's tail says about the whole.
enum Told {
    Percent(f64),
    Count(u64, u64),
}

/// Takes `[ 45%]` or `[ 12/92]` off the end of a line.
fn split_tail(line: &str) -> (&str, Option<Told>) {
    let Some((before, tail)) = line
        .strip_suffix(']')
        .and_then(|line| line.rsplit_once('['))
    else {
        return (line, None);
    };
    let told = if let Some(((done, total), "")) = leading_fraction(tail) {
        Told::Count(done, total)
    } else if let Some((percent, _)) = percentage(tail) {
        Told::Percent(percent)
    } else {
        return (line, None);
    };
    (before.trim_end(), Some(told))
}

/// Results in one line.
struct Results {
    done: u64,
    failed: bool,
}

/// Counts the results in a line without its tail; gives the file or test that
/// they are about.
fn results_in(line: &str) -> Option<(Results, &str)> {
    // `[gw0] [ 10%] PASSED test_a.py::test_b` (xdist).
    if line.starts_with("[gw") {
        let outcome = line.split(' ').find(|word| OUTCOMES.contains(word))?;
        let failed = matches!(outcome, "FAILED" | "ERROR");
        return Some((Results { done: 1, failed }, line.rsplit(' ').next()?));
    }
    if let Some((test, outcome)) = line.split_once(".py::") {
        let file = test.len() + ".py".len();
        let word = outcome.split(' ').find(|word| OUTCOMES.contains(word))?;
        let failed = matches!(word, "FAILED" | "ERROR");
        return (!test.contains(' ')).then_some((Results { done: 1, failed }, &line[..file]));
    }
    // `test_a.py ..F.s`, or the rest of such a line on the next.
    let (label, marks) = match line.split_once(".py ") {
        Some((file, marks)) if !file.contains(' ') => (&line[..file.len() + 3], marks),
        Some(_) => return None,
        None => ("", line),
    };
    let marks = marks.trim();
    let known = marks.bytes().all(|mark| b".FEsxXpP".contains(&mark));
    (known && !marks.is_empty()).then(|| {
        let failed = marks.bytes().any(|mark| matches!(mark, b'F' | b'E'));
        let done = marks.len() as u64;
        (Results { done, failed }, label)
    })
}

/// The last line, without the rules around it.
fn summary(line: &str) -> Option<&str> {
    let text = line.trim_matches(['=', ' ']);
    let (_, rest) = leading_number(text)?;
    let word = rest.trim_start().split([' ', ',']).next()?;
    let outcome = [
        "passed",
        "failed",
        "error",
        "errors",
        "skipped",
        "deselected",
        "xfailed",
        "xpassed",
        "warning",
        "warnings",
    ]
    .contains(&word);
    (outcome && text.contains(" in ")).then_some(text)
}

export_program!(Pytest);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    const QUIET: &str = include_str!("../tests/recordings/pytest.txt");
    const VERBOSE: &str = include_str!("../tests/recordings/pytest-verbose.txt");

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&Pytest::default(), output))
    }

    #[test]
    fn characters_are_counted() {
        let half = &QUIET[..QUIET.find("test_b.py").unwrap()];
        assert_eq!(after(half), [": Failed 62/92 67.4% | test_a.py"]);
        let summary = after(QUIET);
        assert!(
            summary[0].starts_with(": Failed 92/92 100.0% | 1 failed, 90 passed, 1 skipped in"),
            "{summary:?}"
        );
    }

    #[test]
    fn verbose_lines_are_counted() {
        let some = &VERBOSE[..VERBOSE.find("test_more[15]").unwrap()];
        assert_eq!(after(some), [": Running 15/30 50.0% | test_b.py"]);
        let summary = after(VERBOSE);
        assert!(
            summary[0].starts_with(": Completed 30/30 100.0% | 30 passed in"),
            "{summary:?}"
        );
    }

    #[test]
    fn deselected_tests_do_not_count() {
        assert_eq!(
            after("collected 92 items / 2 deselected / 90 selected\n"),
            [": Running 0/90 0.0% | collected"]
        );
        assert_eq!(
            after("collected 92 items / 2 deselected\n"),
            [": Running 0/90 0.0% | collected"]
        );
    }

    #[test]
    fn xdist_and_counts() {
        let xdist = "collected 4 items\n[gw1] [ 25%] PASSED test_a.py::test_b \n";
        assert_eq!(after(xdist), [": Running 1/4 25.0% | test_a.py::test_b"]);
        let counts = "collected 92 items\ntest_a.py ...   [ 3/92]\n";
        assert_eq!(after(counts), [": Running 3/92 3.3% | test_a.py"]);
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(after("...\ncollected stamps\n3 passed by\nE   assert 1 == 2\n").is_empty());
    }

    #[test]
    fn splits() {
        for recording in [QUIET, VERBOSE] {
            splits_make_no_difference(&Pytest::default(), recording);
        }
    }
}
