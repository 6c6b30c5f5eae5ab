//! What a session has not been told of before its program ended, read off what its
//! carrier still shows.

use super::Session;
use crate::backend::LastLines;
use crate::emulator::Emulator;
use crate::screen::Row;

/// Rows above the screen that are compared.
const ROWS_ABOVE: usize = 2000;

/// So many equal lines are enough to know the place.
const ENOUGH_LINES: usize = 50;

impl Session {
    /// Takes over the lines that the carrier shows and this session does not.
    pub(super) fn catch_up(&mut self, theirs: &LastLines) {
        let ours = lines(&self.emulator);
        if let Some(missing) = ours.and_then(|ours| missing(&ours, &theirs.lines)) {
            tracing::debug!(
                pid = self.pid,
                bytes = missing.len(),
                "output that was lost is read off the screen"
            );
            // What came last may have been cut anywhere.
            self.stream.abandon_sequence();
            self.emulator.abandon_string();
            self.receive(missing.as_bytes());
        }
    }
}

/// The lines of a main screen and above it, down to the cursor's; `None` where that is
/// not the last one.
fn lines(emulator: &Emulator) -> Option<Vec<String>> {
    let screen = emulator.screen();
    let (shown, below) = screen
        .rows
        .split_at_checked(usize::from(screen.cursor.row) + 1)?;
    if screen.full_screen || below.iter().any(|row| !row.text.is_empty()) {
        return None;
    }
    let total = emulator.scrollback(0, 0).total;
    let above = emulator.scrollback(total.saturating_sub(ROWS_ABOVE), ROWS_ABOVE);
    Some(unwrapped(above.rows.iter().chain(shown)))
}

fn unwrapped<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut goes_on = false;
    for row in rows {
        line.push_str(&row.text);
        goes_on = row.wrapped;
        if !goes_on {
            lines.push(std::mem::take(&mut line));
        }
    }
    if goes_on {
        lines.push(line);
    }
    lines
}

/// What has to be printed after `ours` to make it `theirs`, of which either may lack
/// its beginning; `None` where it cannot be told, or nothing has to.
fn missing(ours: &[String], theirs: &[String]) -> Option<String> {
    let (last, before) = ours.split_last()?;
    // Ours ends in this line of theirs.
    let ends_in = |at: usize| {
        let compared = at.min(before.len()).min(ENOUGH_LINES);
        theirs[at].starts_with(last.as_str())
            && theirs[at - compared..at] == before[before.len() - compared..]
    };
    let placed = |at: usize| {
        let compared = at.min(before.len());
        before[before.len() - compared..]
            .iter()
            .any(|line| !line.is_empty())
    };
    let whole = before.len();
    let at = if whole < theirs.len() && theirs[..whole] == *before && ends_in(whole) {
        whole
    } else {
        // Where lines repeat themselves, rather too little than anything twice.
        (0..theirs.len())
            .rev()
            .find(|&at| ends_in(at) && placed(at))?
    };
    let mut text = theirs[at][last.len()..].to_owned();
    for line in &theirs[at + 1..] {
        text.push_str("\r\n");
        text.push_str(line);
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Size;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn found(ours: &[&str], theirs: &[&str]) -> Option<String> {
        missing(&owned(ours), &owned(theirs))
    }

    #[test]
    fn lines_and_pieces_of_lines() {
        assert_eq!(
            found(&["$ x", ""], &["$ x", "here", ""]).as_deref(),
            Some("here\r\n")
        );
        assert_eq!(
            found(&["$ x", "he"], &["$ x", "here"]).as_deref(),
            Some("re")
        );
        assert_eq!(found(&[""], &["a", "b"]).as_deref(), Some("a\r\nb"));
        assert_eq!(found(&["$ x", "here", ""], &["$ x", "here", ""]), None);
    }

    #[test]
    fn lines_above_are_forgotten_by_either() {
        assert_eq!(
            found(&["b", "c"], &["a", "b", "c", "d"]).as_deref(),
            Some("\r\nd")
        );
        assert_eq!(
            found(&["a", "b", "c"], &["b", "c", "d"]).as_deref(),
            Some("\r\nd")
        );
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        assert_eq!(found(&["a", "b"], &["c", "d"]), None);
        assert_eq!(found(&["a", ""], &["b", "c", ""]), None);
        assert_eq!(found(&["y", "y"], &["x", "y", "y", "y"]), None);
    }

    #[test]
    fn a_wrapped_line_is_one() {
        let mut emulator = Emulator::new(Size::new(5, 3).expect("a size"), 10);
        emulator.advance(b"0123456789ab\r\nx");
        assert_eq!(lines(&emulator), Some(owned(&["0123456789ab", "x"])));
        emulator.advance(b"\x1b[A");
        assert_eq!(lines(&emulator), None, "something is below the cursor");
    }

    proptest! {
        #[test]
        fn what_is_found_makes_them_equal(
            all in proptest::collection::vec("[ab]{0,2}", 1..20),
            told in any::<prop::sample::Index>(),
        ) {
            let told = told.index(all.len());
            let (ours, theirs) = (&all[..=told], &all[..]);
            let text = missing(ours, theirs).unwrap_or_default();
            prop_assert_eq!([ours.join("\r\n"), text].concat(), theirs.join("\r\n"));
        }
    }
}
