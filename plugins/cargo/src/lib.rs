//! The bundled progress parser `cargo`: builds, and the tests they run.
//!
//! The whole is the build: cargo's bar counts units of work, and without a
//! terminal, where cargo draws none, only the label moves. The item `tests` counts
//! the tests of every test program that has begun, so that its total grows.
//! `cargo nextest` is understood too.

use policy_progress_text::scan::{leading_fraction, leading_number, percentage};
use policy_progress_text::{Board, NoSettings, Program, Status, export_program};

/// What cargo's output means.
#[derive(Debug, Clone, Default)]
pub struct Cargo {
    tests: Tests,
}

/// The tests so far.
#[derive(Debug, Clone, Default)]
struct Tests {
    done: u64,
    total: u64,
    failed: bool,
}

impl Program for Cargo {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        match line.as_bytes() {
            [b' ', ..] => self.status_line(line, board),
            [b't', ..] => self.test_line(line, board),
            [b'r', ..] => self.tests_begin(line, board),
            [b'e', ..] => self.error_line(line, board),
            _ => {}
        }
    }
}

impl Cargo {
    /// A verb in green or cyan, its end in the twelfth column.
    fn status_line(&mut self, line: &str, board: &mut Board) {
        const VERB_END: usize = 12;

        let Some((verb, rest)) = line.split_at_checked(VERB_END) else {
            return;
        };
        let verb = verb.trim_start();
        let Some(rest) = rest.strip_prefix(' ') else {
            return;
        };
        if !verb.starts_with(|first: char| first.is_ascii_uppercase()) || verb.contains(' ') {
            return;
        }
        if let Some(bar) = rest.strip_prefix('[') {
            self.bar(verb, bar, board);
            return;
        }
        match verb {
            "Compiling" | "Checking" | "Documenting" | "Downloading" | "Downloaded"
            | "Updating" | "Locking" | "Packaging" | "Verifying" | "Installing" | "Fresh"
            | "Dirty" => {
                let unit = rest.split(" (").next().unwrap_or(rest);
                let whole = board.whole();
                whole.label(&format!("{verb} {unit}"));
                whole.status(Status::Running);
            }
            "Blocking" => {
                board.whole().label(rest).status(Status::Waiting);
            }
            "Finished" => {
                board.whole().label(rest).finish();
            }
            "Running" | "Doc-tests" if rest.contains(" (") || verb == "Doc-tests" => {
                let program = rest.split(" (").next().unwrap_or(rest);
                board.item("tests").label(program);
            }
            _ => {}
        }
    }

    /// `[====>   ] 12/120: serde, syn(build)` or `[=> ] 12.34%, 1.2MiB/s`.
    fn bar(&mut self, verb: &str, bar: &str, board: &mut Board) {
        let Some((_, rest)) = bar.split_once(']') else {
            return;
        };
        let rest = rest.trim_start();
        if matches!(verb, "PASS" | "FAIL" | "SKIP" | "SLOW") {
            self.nextest(verb, rest, board);
        } else if let Some(((done, total), after)) = leading_fraction(rest) {
            let units = after.trim_start_matches(':').trim();
            let item = match verb {
                // nextest runs tests, cargo builds.
                "Running" => board.item("tests"),
                _ => board.whole(),
            };
            item.label(&format!("{verb} {units}")).counted(done, total);
        } else if let Some((percent, _)) = percentage(rest) {
            board.whole().label(verb).percent(percent);
        }
    }

    fn nextest(&mut self, verb: &str, rest: &str, board: &mut Board) {
        self.tests.failed |= verb == "FAIL";
        let count = rest.strip_prefix('(').and_then(leading_fraction);
        if let Some(((done, total), after)) = count {
            (self.tests.done, self.tests.total) = (done, total);
            board.item("tests").label(after.trim_start_matches(')'));
            self.show_tests(board);
        }
    }

    fn tests_begin(&mut self, line: &str, board: &mut Board) {
        let count = line.strip_prefix("running ").and_then(leading_number);
        if let Some((count, " tests" | " test")) = count {
            self.tests.total += count;
            self.show_tests(board);
        }
    }

    fn test_line(&mut self, line: &str, board: &mut Board) {
        let Some(test) = line.strip_prefix("test ") else {
            return;
        };
        if test.starts_with("result: ") {
            self.show_tests(board);
            if !self.tests.failed {
                board.item("tests").finish_if_full();
            }
            return;
        }
        let Some((name, outcome)) = test.rsplit_once(" ... ") else {
            return;
        };
        let outcome = outcome.trim();
        self.tests.failed |= outcome.starts_with("FAILED");
        if ["ok", "FAILED", "ignored"]
            .iter()
            .any(|known| outcome.starts_with(known))
        {
            self.tests.done += 1;
            board.item("tests").label(name);
            self.show_tests(board);
        }
    }

    fn show_tests(&self, board: &mut Board) {
        let tests = board.item("tests");
        tests.counted(self.tests.done, self.tests.total);
        if self.tests.failed {
            tests.status(Status::Failed);
        }
    }

    fn error_line(&mut self, line: &str, board: &mut Board) {
        let Some(error) = line.strip_prefix("error: ") else {
            return;
        };
        if error.starts_with("test failed") || error.starts_with("doctest failed") {
            self.tests.failed = true;
            self.show_tests(board);
        } else if [
            "could not",
            "failed to",
            "no matching",
            "no such",
            "process didn't",
        ]
        .iter()
        .any(|fatal| error.starts_with(fatal))
        {
            board.whole().label(error).status(Status::Failed);
        }
    }
}

export_program!(Cargo);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    const BUILD: &str = include_str!("../tests/recordings/cargo-build.txt");
    const BUILD_ERROR: &str = include_str!("../tests/recordings/cargo-build-error.txt");
    const TEST_FAILING: &str = include_str!("../tests/recordings/cargo-test-failing.txt");

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&Cargo::default(), output))
    }

    #[test]
    fn a_build_is_followed_to_its_end() {
        let half = &BUILD[..BUILD.find("3/5").unwrap()];
        assert_eq!(after(half), [": Running 2/5 40.0% | Compiling ryu v1.0.23"]);
        assert_eq!(
            after(BUILD),
            [": Completed 5/5 100.0% | `dev` profile [unoptimized + debuginfo] target(s) in 1.53s"]
        );
    }

    #[test]
    fn a_build_that_fails_says_so() {
        assert_eq!(
            after(BUILD_ERROR),
            [": Failed ?/? ? | could not compile `demo` (lib) due to 1 previous error"]
        );
    }

    #[test]
    fn tests_are_counted_apart_from_the_build() {
        assert_eq!(
            after(TEST_FAILING),
            [
                ": Completed 8/8 100.0% | `test` profile [unoptimized + debuginfo] target(s) in 0.43s",
                "tests: Failed 5/5 100.0% | breaks",
            ]
        );
    }

    #[test]
    fn a_lock_held_by_another_cargo_is_waiting() {
        let line = "    Blocking waiting for file lock on build directory\n";
        assert_eq!(
            after(line),
            [": Waiting ?/? ? | waiting for file lock on build directory"]
        );
    }

    #[test]
    fn nextest_counts() {
        let lines = "        PASS [   0.005s] (1/2) demo tests::adds\n        FAIL [   0.003s] (2/2) demo whole\n";
        assert_eq!(after(lines), ["tests: Failed 2/2 100.0% | demo whole"]);
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(
            after("total 12\ntest -f x\nrunning late\n  Finished\n     Running out of ideas\n")
                .is_empty()
        );
    }

    #[test]
    fn splits() {
        for recording in [BUILD, BUILD_ERROR, TEST_FAILING] {
            splits_make_no_difference(&Cargo::default(), recording);
        }
    }
}
