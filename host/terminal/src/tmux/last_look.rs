//! A last look at a pane whose program has ended. tmux throws away what it has not
//! sent yet of such a pane's output, but goes on showing it until the pane goes. Pure.

use super::command::Line;
use super::protocol::PaneId;
use crate::backend::LastLines;

/// Rows above the screen that are looked at.
const ROWS_ABOVE: &str = "-2000";

/// What tmux is asked for before the rows. Where it draws a row of its own into a
/// dead pane, as tmux before 3.3 does, there is no telling what the program wrote.
const FORMAT: &str = "#{pane_height} #{cursor_y} #{alternate_on} #{version}";

/// Looks at a pane.
pub(super) fn ask(pane: PaneId) -> Line {
    let target = pane.to_string();
    Line::of("display-message")
        .args(["-p", "-t", &target, FORMAT])
        .then("capture-pane")
        .args(["-p", "-J", "-t", &target, "-S", ROWS_ABOVE])
}

/// What was seen, down to the cursor's line; `None` where that tells nothing.
pub(super) fn read(state: &str, rows: &[u8]) -> Option<LastLines> {
    let mut fields = state.split(' ');
    let height: usize = fields.next()?.parse().ok()?;
    let cursor: usize = fields.next()?.parse().ok()?;
    let alternate = fields.next()? != "0";
    let too_old = super::program::version(fields.next()?).is_some_and(|found| found < (3, 3));
    if alternate || too_old {
        return None;
    }
    let text = String::from_utf8_lossy(rows);
    let mut lines: Vec<String> = text
        .split('\n')
        .map(|line| line.trim_end_matches(' ').to_owned())
        .collect();
    // Below the cursor nothing is written: each row there is a line.
    let below = lines.split_off(lines.len().saturating_sub(height.checked_sub(cursor + 1)?));
    (below.iter().all(String::is_empty) && !lines.is_empty()).then_some(LastLines { lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(state: &str, rows: &str) -> Option<Vec<String>> {
        read(state, rows.as_bytes()).map(|seen| seen.lines)
    }

    #[test]
    fn lines_down_to_the_cursor() {
        let seen = lines("4 2 0 3.3a", "above\none \n\n\n").expect("seen");
        assert_eq!(seen, ["above", "one", "", ""]);
        assert_eq!(lines("2 1 0 3.3a", "one\ntwo").expect("seen").len(), 2);
    }

    #[test]
    fn what_tells_nothing() {
        assert_eq!(lines("2 1 1 3.3a", "one\ntwo"), None, "another screen");
        assert_eq!(lines("2 1 0 3.2a", "one\nPane is dead"), None);
        assert_eq!(lines("2 0 0 3.3a", "one\ntwo"), None, "below the cursor");
        for nonsense in ["", "2", "x y z 3.3a", "2 5 0 3.3a"] {
            assert_eq!(lines(nonsense, "one"), None, "{nonsense}");
        }
    }
}
