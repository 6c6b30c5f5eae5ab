//! rsync's progress, for each file (`--progress`) or in all (`--info=progress2`).

use policy_progress_text::scan::leading_number;
use policy_progress_text::{Board, Status};

/// What is known of one run of rsync.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rsync {
    /// Whether percentages are those of a file; until a file is done, nobody can
    /// tell.
    of_files: Option<bool>,
}

/// `      1,400,000  33%    4.15MB/s    0:00:00 (xfr#2, to-chk=4/7)`.
struct Progress {
    percent: u8,
    /// Files left and files known, in the brackets that follow a finished file.
    files: Option<(u64, u64)>,
    /// Whether rsync has not finished looking for files.
    looking: bool,
}

impl Rsync {
    pub(crate) fn line(&mut self, line: &str, board: &mut Board) -> bool {
        if let Some(error) = line.strip_prefix("rsync error: ") {
            board.whole().label(error).status(Status::Failed);
            return true;
        }
        let Some(progress) = progress(line) else {
            return false;
        };
        let percent = f64::from(progress.percent);
        if let Some((left, known)) = progress.files {
            if self.of_files.is_none() || progress.percent < 100 {
                self.of_files = Some(progress.percent == 100 && left > 0);
            }
            let whole = board.whole().label("rsync");
            whole.counted(known.saturating_sub(left), known);
            if self.of_files == Some(false) {
                whole.percent(percent);
            }
            if left == 0 && !progress.looking {
                whole.finish();
            }
        }
        if self.of_files == Some(true) {
            let file = board.item("file").label("rsync");
            file.percent(percent).finish_if_full();
        } else if progress.files.is_none() {
            // The only file so far is the whole, as far as anybody knows.
            board.whole().label("rsync").percent(percent);
        }
        true
    }
}

fn progress(line: &str) -> Option<Progress> {
    if !line.starts_with(' ') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (_, "") = leading_number(words.next()?)? else {
        return None;
    };
    let percent = words.next()?.strip_suffix('%')?.parse().ok()?;
    let speed = words.next()?;
    let time = words.next()?;
    if !speed.ends_with("B/s") || !time.contains(':') {
        return None;
    }
    let brackets = line.split_once('(').map_or("", |(_, rest)| rest);
    let counts = brackets.split_once("-chk=").map(|(_, counts)| counts);
    let files = counts.and_then(|counts| {
        let (left, rest) = leading_number(counts)?;
        let (known, rest) = leading_number(rest.strip_prefix('/')?)?;
        rest.starts_with(')').then_some((left, known))
    });
    Some(Progress {
        percent,
        files,
        looking: brackets.contains("ir-chk="),
    })
}
