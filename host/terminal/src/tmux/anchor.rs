//! The pane that only waits, where it rings when another one's program has ended. People
//! rename windows, and may have one of the same name: it bears a mark of ours.

use super::command::Line;
use super::protocol::PaneId;
use super::{ANCHOR, ANCHOR_OPTION, SESSION};

/// What a pane of ours is and is called.
const FORMAT: &str = "#{pane_id} #{@quarterdeck-anchor} #{window_name}";

/// Reads what nobody writes: costs nothing, and echoes.
pub(super) const PROGRAM: &str = "exec cat";

/// Asks what [`read`] reads.
pub(super) fn ask() -> Line {
    Line::of("list-panes").args(["-s", "-t", &format!("={SESSION}:"), "-F", FORMAT])
}

/// The pane that bears the mark; before any does, the first in a window of the name.
pub(super) fn read(answer: &str) -> Option<PaneId> {
    let panes: Vec<(PaneId, bool, bool)> = answer
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ' ');
            let pane = PaneId::parse(fields.next()?)?;
            let is_marked = fields.next()? == "1";
            Some((pane, is_marked, fields.next()? == ANCHOR))
        })
        .collect();
    let marked = panes.iter().find(|(_, is_marked, _)| *is_marked);
    let named = || panes.iter().find(|(_, _, is_named)| *is_named);
    marked.or_else(named).map(|(pane, ..)| *pane)
}

/// Marks the pane.
pub(super) fn mark(pane: PaneId) -> Line {
    Line::of("set-option").args(["-p", "-t", &pane.to_string(), ANCHOR_OPTION, "1"])
}

/// Another one, where somebody has closed it. The answer is for [`read`].
pub(super) fn open() -> Line {
    Line::of("new-window")
        .args(["-d", "-P", "-F", FORMAT, "-t", &format!("={SESSION}:")])
        .args(["-n", ANCHOR, PROGRAM])
}

/// Rings.
pub(super) fn ring(anchor: PaneId) -> String {
    format!("send-keys -t {anchor} Enter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_counts_before_the_name() {
        let renamed = "%3  anchor\n%0 1 mine\n";
        assert_eq!(read(renamed), PaneId::parse("%0"));
        assert_eq!(
            read("%1  work\n%2  anchor\n%3  anchor\n"),
            PaneId::parse("%2")
        );
        assert_eq!(read("%1  work\n"), None);
    }
}
