//! The bundled progress parser `npm`: installations by npm, pnpm and yarn.
//!
//! npm since version 9 counts nothing while it works: its spinner says only that
//! it runs, and its last line how it ended. Older ones draw a bar; pnpm counts
//! packages; yarn counts steps.

use policy_progress_text::scan::{leading_fraction, leading_number};
use policy_progress_text::{Board, NoSettings, Program, Status, export_program};

/// What the output of npm and its kin means.
#[derive(Debug, Clone, Default)]
pub struct Npm {
    failed: bool,
    ended: bool,
}

impl Program for Npm {
    type Settings = NoSettings;

    fn configured(NoSettings {}: NoSettings) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn line(&mut self, line: &str, board: &mut Board) {
        let line = line.trim();
        if let Some(error) = error(line) {
            // The first line names the error; what follows explains it.
            if !std::mem::replace(&mut self.failed, true) {
                board.whole().label(error);
            }
            board.whole().status(Status::Failed);
        } else if self.failed {
            // A spinner may still be wiped off.
        } else if let Some((percent, label)) = bar(line) {
            board.whole().label(label).percent(percent);
        } else if let Some(rest) = line.strip_prefix("Progress: ") {
            pnpm(rest, board);
        } else if let Some(((step, steps), label)) =
            line.strip_prefix('[').and_then(leading_fraction)
        {
            if let Some(label) = label.strip_prefix("] ") {
                // The step named is under way, not done.
                board
                    .whole()
                    .label(label)
                    .counted(step.saturating_sub(1), steps);
            }
        } else if ended(line) {
            self.ended = true;
            board.whole().label(line).finish();
        } else if spins(line) && !self.ended {
            board.whole().status(Status::Running);
        }
    }
}

/// `npm error code E404`, before version 10 `npm ERR! code E404`.
fn error(line: &str) -> Option<&str> {
    line.strip_prefix("npm error ")
        .or_else(|| line.strip_prefix("npm ERR! "))
        .or_else(|| line.strip_prefix("ERR_PNPM_").map(|_| line))
}

/// `[####......] / reify:debug: timing …`, or `⸨####⠂⠂⸩ ⠋ …`.
fn bar(line: &str) -> Option<(f64, &str)> {
    let (inside, rest) = match line.chars().next()? {
        '[' => line[1..].split_once(']')?,
        '⸨' => line['⸨'.len_utf8()..].split_once('⸩')?,
        _ => return None,
    };
    let mut full = 0u32;
    let mut all = 0u32;
    for mark in inside.chars() {
        match mark {
            '#' | '░' => full += 1,
            '.' | '⠂' | ' ' => {}
            _ => return None,
        }
        all += 1;
    }
    let label = rest.trim_start_matches([' ', '/', '-', '\\', '|']);
    let label = label.trim_start_matches(|mark| ('\u{2800}'..='\u{28ff}').contains(&mark));
    (all >= 5).then(|| (f64::from(full) / f64::from(all) * 100.0, label))
}

/// `resolved 120, reused 100, downloaded 15, added 90[, done]`.
fn pnpm(counts: &str, board: &mut Board) {
    let count = |name: &str| {
        let (_, rest) = counts.split_once(name)?;
        leading_number(rest.trim_start()).map(|(number, _)| number)
    };
    let (Some(resolved), Some(added)) = (count("resolved"), count("added")) else {
        return;
    };
    let whole = board.whole();
    whole
        .label("Adding packages")
        .counted(added.min(resolved), resolved);
    if counts.ends_with(", done") {
        whole.finish();
    }
}

/// How an installation says that it ended well.
fn ended(line: &str) -> bool {
    if line.starts_with("up to date") || line.starts_with("Done in ") {
        return true;
    }
    ["added ", "changed ", "removed "].iter().any(|verb| {
        let count = line.strip_prefix(verb).and_then(leading_number);
        count.is_some_and(|(_, rest)| rest.starts_with(" package") && line.contains(" in "))
    })
}

/// A spinner's only sign, of the Braille block.
fn spins(line: &str) -> bool {
    let mut marks = line.chars();
    marks
        .next()
        .is_some_and(|mark| ('\u{2800}'..='\u{28ff}').contains(&mark))
        && marks.next().is_none_or(|next| next == ' ')
}

export_program!(Npm);

#[cfg(test)]
mod tests {
    use policy_progress_text::testing::{board_after, outline, splits_make_no_difference};

    use super::*;

    const INSTALL: &str = include_str!("../tests/recordings/npm-install.txt");
    const FAILING: &str = include_str!("../tests/recordings/npm-failing.txt");
    const NPM_8: &str = "\x1b[?25l[##................] | idealTree: timing idealTree Completed in 9ms\x1b[0K\r\
         [#########.........] / reify:debug: http fetch GET 200\x1b[0K\r";
    const PNPM: &str = "Progress: resolved 120, reused 100, downloaded 15, added 90\n";
    const YARN: &str =
        "yarn install v1.22.19\n[1/4] Resolving packages...\n[2/4] Fetching packages...\n";

    fn after(output: &str) -> Vec<String> {
        outline(&board_after(&Npm::default(), output))
    }

    #[test]
    fn an_installation_runs_and_ends() {
        let spinning = &INSTALL[..INSTALL.find("added").unwrap()];
        assert_eq!(after(spinning), [": Running ?/? ? | "]);
        let done = &INSTALL[..INSTALL.find(" in 1s").unwrap() + 8];
        assert_eq!(
            after(done),
            [": Completed ?/? 100.0% | added 4 packages in 1s"]
        );
    }

    #[test]
    fn a_spinner_after_the_end_is_being_wiped_off() {
        assert_eq!(
            after(INSTALL),
            [": Completed ?/? 100.0% | added 4 packages in 1s"]
        );
    }

    #[test]
    fn the_first_error_is_the_one_to_show() {
        assert_eq!(after(FAILING), [": Failed ?/? ? | code E404"]);
    }

    #[test]
    fn bars_counts_and_steps() {
        assert_eq!(
            after(NPM_8),
            [": Running ?/? 50.0% | reify:debug: http fetch GET 200"]
        );
        assert_eq!(after(PNPM), [": Running 90/120 75.0% | Adding packages"]);
        assert_eq!(after(YARN), [": Running 1/4 25.0% | Fetching packages..."]);
    }

    #[test]
    fn other_output_means_nothing() {
        assert!(after("[x] done\nadded a line\n[1] 4242\nUp to you\n").is_empty());
    }

    #[test]
    fn splits() {
        for recording in [INSTALL, FAILING, NPM_8, PNPM, YARN] {
            splits_make_no_difference(&Npm::default(), recording);
        }
    }
}
