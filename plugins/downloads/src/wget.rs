//! wget's bar and its dots.

use policy_progress_text::scan::{leading_fraction, percentage};
use policy_progress_text::{Board, Status};

pub(crate) fn line(line: &str, board: &mut Board) -> bool {
    if let Some((before, _)) = line.split_once("%[") {
        // `name      45%[====>   ]`; a long name scrolls, and so ends anywhere.
        let Some((name, percent)) = before.trim().rsplit_once(' ') else {
            return false;
        };
        let Ok(percent) = percent.parse::<u8>() else {
            return false;
        };
        board
            .whole()
            .label(name)
            .percent(f64::from(percent))
            .finish_if_full();
        return true;
    }
    if let Some((size, _)) = line.split_once("K .......... ") {
        let Some((percent, _)) = percentage(line) else {
            return false;
        };
        if size.trim().parse::<u64>().is_err() {
            return false;
        }
        board
            .whole()
            .label("wget")
            .percent(percent)
            .finish_if_full();
        return true;
    }
    saved(line, board) || failed(line, board)
}

/// `… - ‘name’ saved [3000000/3000000]`.
fn saved(line: &str, board: &mut Board) -> bool {
    let Some((before, sizes)) = line.split_once(" saved [") else {
        return false;
    };
    let Some(((done, total), "]")) = leading_fraction(sizes.trim_end()) else {
        return false;
    };
    let name = before.rsplit(" - ").next().unwrap_or(before);
    let item = board
        .whole()
        .label(name.trim_matches(['‘', '’', '\'', '"']));
    item.counted(done, total).finish_if_full();
    true
}

/// `2026-01-01 12:00:00 ERROR 404: Not Found.`
fn failed(line: &str, board: &mut Board) -> bool {
    let Some(at) = line.find(" ERROR ").filter(|_| line.starts_with("20")) else {
        return false;
    };
    board.whole().label(&line[at..]).status(Status::Failed);
    true
}
