//! curl's table of twelve columns, and its bar (`-#`).

use policy_progress_text::scan::{percentage, size};
use policy_progress_text::{Board, Status};

pub(crate) fn line(line: &str, board: &mut Board) -> bool {
    let line = line.trim();
    if let Some(error) = line.strip_prefix("curl: (") {
        let error = &line[line.len() - error.len() - 1..];
        board.whole().label(error).status(Status::Failed);
        return true;
    }
    bar(line, board) || row(line, board)
}

/// `#########     45.5%`.
fn bar(line: &str, board: &mut Board) -> bool {
    let rest = line.trim_start_matches('#').trim_start();
    let marks = rest.len() < line.len();
    match percentage(rest) {
        Some((percent, 0)) if rest.ends_with('%') && marks && rest.contains('.') => {
            board
                .whole()
                .label("curl")
                .percent(percent)
                .finish_if_full();
            true
        }
        _ => false,
    }
}

/// `% Total % Received % Xferd Dload Upload Total Spent Left Speed`.
fn row(line: &str, board: &mut Board) -> bool {
    if !line.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let mut columns = [""; 12];
    let mut words = line.split_ascii_whitespace();
    for column in &mut columns {
        match words.next() {
            Some(word) => *column = word,
            None => return false,
        }
    }
    let [
        percent,
        total,
        _,
        received,
        _,
        sent,
        _,
        _,
        whole_time,
        spent,
        left,
        _,
    ] = columns;
    let times = [whole_time, spent, left]
        .iter()
        .all(|time| time.contains(':'));
    let (Ok(percent), Some(total), Some(received), Some(sent)) = (
        percent.parse::<u8>(),
        size(total),
        size(received),
        size(sent),
    ) else {
        return false;
    };
    if !times || words.next().is_some() {
        return false;
    }
    if total > 0 {
        let item = board.whole().label("curl");
        item.counted((received + sent).min(total), total);
        item.percent(f64::from(percent)).finish_if_full();
    }
    true
}
