//! Builds: the classic builder's `Step 2/3 : RUN make`, BuildKit's plain
//! `#6 [2/3] RUN make` and its headline `[+] Building 1.2s (5/9)`.

use policy_progress_text::scan::{leading_fraction, leading_number};
use policy_progress_text::{Board, Status};

/// What is known of one build.
#[derive(Debug, Clone, Default)]
pub(crate) struct Build {
    /// Numbers of BuildKit's vertices that are steps of the Dockerfile, with
    /// whether they are done.
    steps: Vec<(u64, bool)>,
    total: u64,
    failed: bool,
}

/// More steps than a Dockerfile has.
const STEPS: usize = 1_000;

impl Build {
    pub(crate) fn line(&mut self, line: &str, board: &mut Board) -> bool {
        if let Some(rest) = line.strip_prefix("Step ") {
            classic(rest, board)
        } else if let Some(vertex) = line.strip_prefix('#') {
            self.vertex(vertex, board)
        } else if let Some(headline) = line.strip_prefix("[+] ") {
            headline_counts(headline, board)
        } else if line.starts_with("Successfully built ") {
            board.whole().label(line).finish();
            true
        } else {
            false
        }
    }

    /// `6 [2/3] RUN make`, `6 DONE 0.4s`, `6 CACHED`, `6 ERROR: …`.
    fn vertex(&mut self, line: &str, board: &mut Board) -> bool {
        let Some((number, rest)) = leading_number(line) else {
            return false;
        };
        let rest = rest.trim_start();
        if rest.starts_with('[') {
            return self.step_begins(number, rest, board);
        }
        let Some(step) = self.steps.iter_mut().find(|(known, _)| *known == number) else {
            return false;
        };
        if rest.starts_with("DONE") || rest == "CACHED" {
            step.1 = true;
        } else if rest.starts_with("ERROR") {
            self.failed = true;
        } else {
            return false;
        }
        self.show(board);
        true
    }

    /// `[2/3] RUN make` or `[build 2/5] RUN make`.
    fn step_begins(&mut self, number: u64, step: &str, board: &mut Board) -> bool {
        let Some((place, _)) = step[1..].split_once(']') else {
            return false;
        };
        let place = place.rsplit(' ').next().unwrap_or(place);
        let Some(((_, total), "")) = leading_fraction(place) else {
            return false;
        };
        if !self.steps.iter().any(|(known, _)| *known == number) && self.steps.len() < STEPS {
            self.steps.push((number, false));
        }
        // Of several stages, each counts its own: take what has been seen.
        self.total = self.total.max(total).max(self.steps.len() as u64);
        board.whole().label(step);
        self.show(board);
        true
    }

    fn show(&self, board: &mut Board) {
        let done = self.steps.iter().filter(|(_, done)| *done).count() as u64;
        let whole = board.whole().counted(done, self.total).finish_if_full();
        if self.failed {
            whole.status(Status::Failed);
        }
    }
}

/// `2/3 : RUN make`: the step named is under way, not done.
fn classic(rest: &str, board: &mut Board) -> bool {
    let Some(((step, steps), rest)) = leading_fraction(rest) else {
        return false;
    };
    let Some(command) = rest.trim_start().strip_prefix(": ") else {
        return false;
    };
    board
        .whole()
        .label(command)
        .counted(step.saturating_sub(1), steps);
    true
}

/// `Building 12.3s (5/9)`, `Running 2/2`, `Pulling 3/5`.
fn headline_counts(headline: &str, board: &mut Board) -> bool {
    let Some((verb, rest)) = headline.split_once(' ') else {
        return false;
    };
    let count = match rest.split_once('(') {
        Some((_, count)) => count,
        None => rest,
    };
    let Some(((done, total), _)) = leading_fraction(count) else {
        return false;
    };
    board
        .whole()
        .label(verb)
        .counted(done, total)
        .finish_if_full();
    true
}
