//! A piece of a command line, underlined so that it shows without colours.

use quarterdeck_core::inert_text;
use unicode_width::UnicodeWidthStr;

/// The lines of `command` that `span` (in bytes) touches, each with a line
/// below it that marks the piece. Nothing where the span fits no characters.
pub(super) fn underlined(command: &str, span: (usize, usize)) -> Vec<(String, String)> {
    let (start, end) = span;
    if start >= end || command.get(start..end).is_none() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut begins = 0;
    for line in command.split('\n') {
        let ends = begins + line.len();
        let (from, to) = (start.max(begins), end.min(ends));
        if from < to {
            let before = shown(&line[..from - begins]);
            let marked = shown(&line[from - begins..to - begins]);
            let after = shown(&line[to - begins..]);
            let marks = format!(
                "{}{}",
                " ".repeat(before.width()),
                "^".repeat(marked.width().max(1))
            );
            lines.push((format!("{before}{marked}{after}"), marks));
        }
        begins = ends + 1;
    }
    lines
}

/// The text as a terminal may print it, every tab as one column.
fn shown(text: &str) -> String {
    inert_text(text).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::underlined;
    use proptest::prelude::*;

    fn marked(command: &str, piece: &str) -> Vec<(String, String)> {
        let start = command.find(piece).expect("the piece is there");
        underlined(command, (start, start + piece.len()))
    }

    #[test]
    fn the_piece_is_marked_where_it_stands() {
        for (command, piece, marks) in [
            ("git push --force", "--force", "         ^^^^^^^"),
            ("echo 日本 && rm x", "rm x", "             ^^^^"),
            ("a\tb", "b", "  ^"),
            ("\u{1b}[31mrm", "rm", "    ^^"),
        ] {
            let lines = marked(command, piece);
            assert_eq!(lines.len(), 1, "{command:?}");
            assert_eq!(lines[0].1, marks, "{command:?}");
        }
    }

    #[test]
    fn of_several_lines_those_that_matter_are_shown() {
        let lines = marked("cd /\nrm -rf \\\n  x\nls", "rm -rf \\\n  x");
        let expected = [("rm -rf \\", "^^^^^^^^"), ("  x", "^^^")];
        assert!(
            lines
                .iter()
                .map(|(line, marks)| (&**line, &**marks))
                .eq(expected)
        );
    }

    proptest! {
        #[test]
        fn no_span_is_too_odd(command in "\\PC{0,20}\n?\\PC{0,5}", start in 0..30usize, end in 0..30usize) {
            for (line, marks) in underlined(&command, (start, end)) {
                prop_assert!(!line.contains('\n'));
                prop_assert!(marks.ends_with('^'));
            }
        }
    }
}
