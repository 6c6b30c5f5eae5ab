//! git's phases: `Receiving objects:  45% (123/270), 1.2 MiB | 3.00 MiB/s`.

use policy_progress_text::scan::leading_fraction;
use policy_progress_text::{Board, Status};

/// Those that git has; any other line of that form is somebody else's.
const PHASES: [&str; 14] = [
    "Enumerating objects",
    "Counting objects",
    "Compressing objects",
    "Receiving objects",
    "Writing objects",
    "Unpacking objects",
    "Resolving deltas",
    "Updating files",
    "Checking out files",
    "Checking objects",
    "Checking connectivity",
    "Finding sources",
    "Filtering content",
    "Rebasing",
];

pub(crate) fn line(line: &str, board: &mut Board) -> bool {
    if let Some(error) = line.strip_prefix("fatal: ") {
        let whole = board.whole();
        // The first says what; the second repeats it less clearly.
        if whole.status != Status::Failed {
            whole.label(error).status(Status::Failed);
        }
        return true;
    }
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    let Some((phase, rest)) = line.split_once(": ") else {
        return false;
    };
    if !PHASES.contains(&phase) {
        return false;
    }
    let Some((percent, rest)) = rest.split_once("% (") else {
        return false;
    };
    let Some(((done, total), rest)) = leading_fraction(rest) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(')') else {
        return false;
    };
    if percent.trim().parse::<u8>().is_err() {
        return false;
    }
    let item = board.item(phase).label(phase).counted(done, total);
    if rest.trim_end().ends_with(", done.") {
        item.finish();
    }
    true
}
