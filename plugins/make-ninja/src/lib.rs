//! The bundled progress parser `make-ninja`: builds by ninja, CMake, meson and make.
//!
//! ninja counts steps, CMake's makefiles give percentages; make alone says only
//! when it has nothing to do and when it fails.

use policy_progress_text::scan::{leading_fraction, percentage};
use policy_progress_text::{Board, NoSettings, Program, Status, export_program};

/// What the output of build programs means.
#[derive(Debug, Clone, Default)]
pub struct MakeNinja {
    failed: bool,
}

impl Program for MakeNinja {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        if let Some(rest) = line.strip_prefix('[') {
            self.step(rest, board);
        } else if let Some(failure) = failure(line) {
            // ninja ends with a line that says less than the one before it.
            if !std::mem::replace(&mut self.failed, true) {
                board.whole().label(failure);
            }
            board.whole().status(Status::Failed);
        } else if nothing_to_do(line) {
            board.whole().label(line).finish();
        }
    }
}

impl MakeNinja {
    /// `12/345] CC x.o` or ` 45%] Building C object x.o`.
    fn step(&mut self, line: &str, board: &mut Board) {
        let Some((count, label)) = line.split_once(']') else {
            return;
        };
        let Some(label) = label.strip_prefix(' ') else {
            return;
        };
        let whole = if let Some(((done, total), "")) = leading_fraction(count) {
            board.whole().counted(done, total)
        } else if count.ends_with('%') && count.len() == 4 {
            let Some((percent, _)) = percentage(count) else {
                return;
            };
            board.whole().percent(percent)
        } else {
            return;
        };
        whole.label(label).finish_if_full();
        if self.failed {
            whole.status(Status::Failed);
        }
    }
}

/// What went wrong, in a line that says that something did.
fn failure(line: &str) -> Option<&str> {
    if let Some(step) = line.strip_prefix("FAILED: ") {
        return Some(step);
    }
    if line.starts_with("ninja: error: ") || line.starts_with("ninja: build stopped: ") {
        return Some(line);
    }
    // `make: *** […] Error 1`, `make[2]: *** …`; gmake says its own name.
    let (program, rest) = line.split_once(": *** ")?;
    let name = program.split('[').next()?;
    matches!(name, "make" | "gmake").then_some(rest)
}

fn nothing_to_do(line: &str) -> bool {
    line == "ninja: no work to do."
        || line.strip_prefix("make: ").is_some_and(|rest| {
            rest.starts_with("Nothing to be done for ") || rest.ends_with(" is up to date.")
        })
}

export_program!(MakeNinja);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    const NINJA: &str = include_str!("../tests/recordings/ninja.txt");
    const NINJA_FAILING: &str = include_str!("../tests/recordings/ninja-failing.txt");
    const MAKE: &str = include_str!("../tests/recordings/make.txt");
    const MAKE_FAILING: &str = include_str!("../tests/recordings/make-failing.txt");
    /// As makefiles by CMake print it.
    const CMAKE: &str = "[ 33%] \x1b[32mBuilding C object CMakeFiles/app.dir/a.c.o\x1b[0m\n[ 66%] Building C object b.c.o\n";

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&MakeNinja::default(), output))
    }

    #[test]
    fn ninja_counts() {
        let some = &NINJA[..NINJA.find("[13/24]").unwrap()];
        assert!(
            after(some)[0].starts_with(": Running 12/24 50.0% | CC o"),
            "{:?}",
            after(some)
        );
        assert!(after(NINJA)[0].starts_with(": Completed 24/24 100.0% | CC o"));
    }

    #[test]
    fn a_step_that_fails_is_named() {
        assert_eq!(after(NINJA_FAILING), [": Failed 2/2 100.0% | app"]);
        assert_eq!(
            after(MAKE_FAILING),
            [": Failed ?/? ? | [Makefile:6: bad] Error 1"]
        );
    }

    #[test]
    fn make_alone_says_nothing() {
        assert!(after(MAKE).is_empty());
        assert_eq!(
            after("make: Nothing to be done for 'all'.\n"),
            [": Completed ?/? 100.0% | make: Nothing to be done for 'all'."]
        );
    }

    #[test]
    fn cmake_gives_percentages() {
        assert_eq!(
            after(CMAKE),
            [": Running ?/? 66.0% | Building C object b.c.o"]
        );
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(after("[1] 4242\n[ok] fine\n[3/2] x\n*** stop\n[12/05/2026] x\n").is_empty());
    }

    #[test]
    fn splits() {
        for recording in [NINJA, NINJA_FAILING, MAKE_FAILING, CMAKE] {
            splits_make_no_difference(&MakeNinja::default(), recording);
        }
    }
}
