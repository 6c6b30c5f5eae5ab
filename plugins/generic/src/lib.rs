//! The bundled progress parser `generic`: reads what most programs print.
//!
//! Percentages, `n/m`, `step n of m`, bars like `[####    ]`, and OSC 9;4. Rules in
//! the sidecar's `[config]` come first, so that a program that this parser
//! misreads can be read by editing TOML; see [`Settings`].

mod guess;
mod rule;

use std::sync::Arc;

use policy_progress_text::{Board, Program, ReportedProgress, Status, export_program};
use serde::Deserialize;

use crate::rule::{Rule, RuleSettings};

/// The `[config]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whether percentages count.
    pub percentages: bool,
    /// Whether `n/m` counts.
    pub fractions: bool,
    /// Whether `step n of m` counts.
    pub steps: bool,
    /// Whether `[####    ]` counts.
    pub bars: bool,
    /// Whether OSC 9;4 counts.
    pub reports: bool,
    /// Tried on each line before anything else; the first that matches counts.
    pub rules: Vec<RuleSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            percentages: true,
            fractions: true,
            steps: true,
            bars: true,
            reports: true,
            rules: Vec::new(),
        }
    }
}

/// How many rules there may be: each is tried on each line.
const RULES: usize = 64;

/// What output means that nobody knows.
#[derive(Debug, Clone)]
pub struct Generic {
    /// Shared, because a program is cloned for each line under way.
    prepared: Arc<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    settings: Settings,
    rules: Vec<Rule>,
}

impl Program for Generic {
    type Settings = Settings;

    fn configured(settings: Settings) -> Result<Self, String> {
        if settings.rules.len() > RULES {
            return Err(format!(
                "there are {} rules; there may be up to {RULES}",
                settings.rules.len()
            ));
        }
        let rules = settings
            .rules
            .iter()
            .map(Rule::new)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            prepared: Arc::new(Prepared { settings, rules }),
        })
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        let Prepared { settings, rules } = &*self.prepared;
        if rules.iter().any(|rule| rule.apply(line, board)) {
            return;
        }
        if let Some(guess) = guess::guess(line, settings) {
            let whole = board.whole().label(guess.label);
            if let Some((done, total)) = guess.count {
                whole.counted(done, total);
            }
            if let Some(percent) = guess.percent {
                whole.percent(percent);
            }
            whole.finish_if_full();
        }
    }

    fn reported(&mut self, reported: ReportedProgress, board: &mut Board) {
        if !self.prepared.settings.reports {
            return;
        }
        let whole = board.whole();
        if let Some(percent) = reported.percent.filter(|_| reported.state != 0) {
            whole.percent(f64::from(percent));
        }
        // The states of OSC 9;4: see `wit/progress-parser.wit`.
        match reported.state {
            0 => whole.finish(),
            2 => whole.status(Status::Failed),
            4 => whole.status(Status::Waiting),
            _ => whole.status(Status::Running),
        };
    }
}

export_program!(Generic);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    fn generic() -> Generic {
        Generic::configured(Settings::default()).unwrap()
    }

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&generic(), output))
    }

    #[test]
    fn percentages() {
        assert_eq!(
            after("Loading model: 45.5% done\n"),
            [": Running ?/? 45.5% | Loading model"]
        );
        assert_eq!(after("a\r 10%\r 100%"), [": Completed ?/? 100.0% | "]);
    }

    #[test]
    fn fractions_and_steps() {
        assert_eq!(
            after("Epoch [3/10] loss 0.2\n"),
            [": Running 3/10 30.0% | Epoch"]
        );
        assert_eq!(
            after("Step 2 of 5: copying\n"),
            [": Running 2/5 40.0% | Step"]
        );
        assert_eq!(after("(4 of 8) tiles\n"), [": Running 4/8 50.0% | tiles"]);
    }

    #[test]
    fn bars() {
        assert_eq!(
            after("Build [#####     ]\n"),
            [": Running ?/? 50.0% | Build"]
        );
        assert_eq!(
            after("[=======>  ] eta 3s\n"),
            [": Running ?/? 80.0% | eta 3s"]
        );
        assert_eq!(
            after("fetch |██████    | 3/5\n"),
            [": Running 3/5 60.0% | fetch"]
        );
    }

    #[test]
    fn tqdm() {
        let bar = "\rtrain:  42%|████▏     | 42/100 [00:02<00:03, 19.5it/s]";
        assert_eq!(after(bar), [": Running 42/100 42.0% | train"]);
    }

    #[test]
    fn what_the_program_reports_itself() {
        assert_eq!(after("\x1b]9;4;1;42\x07"), [": Running ?/? 42.0% | "]);
        assert_eq!(after("\x1b]9;4;2;42\x07"), [": Failed ?/? 42.0% | "]);
        assert_eq!(
            after("\x1b]9;4;1;42\x07\x1b]9;4;0\x07"),
            [": Completed ?/? 100.0% | "]
        );
    }

    #[test]
    fn other_output_means_nothing() {
        for line in [
            "2026/05/12 started",
            "see /usr/1/2",
            "12/05/2026",
            "a 7/3 ratio",
            "https://x/3/4",
            "v1/2",
            "printf %5d",
            "one of us",
            "[ok] [x] [  ]",
            "[-----] no",
            "-rw-r--r-- 1 of",
        ] {
            assert!(
                after(&format!("{line}\n")).is_empty(),
                "{line}: {:?}",
                after(line)
            );
        }
    }

    fn with_config(json: &str) -> Result<Generic, String> {
        let configured = policy_progress_text::Configured::<Generic>::new();
        configured.configure(json)?;
        configured.program().cloned().ok_or_else(String::new)
    }

    #[test]
    fn a_rule_reads_what_nobody_else_can() {
        let generic = with_config(
            r#"{"rules": [
                {"pattern": "^tile (?<completed>\\d+) done, (?<total>\\d+) in all on (?<item>\\w+)"},
                {"pattern": "^render aborted", "status": "failed", "label": "aborted"}
            ]}"#,
        )
        .unwrap();
        let board = board_after(&generic, "tile 3 done, 12 in all on gpu0\nrender aborted\n");
        assert_eq!(
            outline(&board),
            [
                "gpu0: Running 3/12 25.0% | tile 3 done, 12 in all on gpu0",
                ": Failed ?/? ? | aborted"
            ]
        );
    }

    #[test]
    fn a_kind_can_be_switched_off() {
        let generic = with_config(r#"{"percentages": false}"#).unwrap();
        assert!(outline(&board_after(&generic, "battery 45%\n")).is_empty());
    }

    #[test]
    fn a_bad_rule_is_refused_with_its_pattern() {
        for (config, told) in [
            (r#"{"rules": [{"pattern": "(("}]}"#, "(("),
            (r#"{"rules": [{"pattern": "x"}]}"#, "completed"),
            (
                r#"{"rules": [{"pattern": "(?<percent>.)", "status": "done"}]}"#,
                "done",
            ),
            (
                r#"{"rules": [{"pattern": "(?<percentage>.)"}]}"#,
                "percentage",
            ),
            (r#"{"percents": false}"#, "percents"),
        ] {
            let error = with_config(config).unwrap_err();
            assert!(error.contains(told), "{config}: {error}");
        }
    }

    #[test]
    fn splits() {
        splits_make_no_difference(
            &generic(),
            "\x1b[32mEpoch [1/10]\x1b[0m\r\nx  12%|█▏   | 12/100 [00:02]\rx  42%|████▏     | 42/100\r\x1b]9;4;1;50\x1b\\Step 2 of 5: copying\nat 100%\n",
        );
    }
}
