//! Terminal output as text that commands nobody.

/// Leaves out control characters other than tab and line feed, and the
/// characters that reorder text (Unicode's bidirectional controls), which would
/// let output look like something that it is not.
pub fn inert(text: &str) -> String {
    text.chars()
        .filter(|&c| (!c.is_control() || matches!(c, '\n' | '\t')) && !reorders(c))
        .collect()
}

/// A text in one line that shows all that is in it: what would command a terminal, break
/// the line, reorder it or not be seen at all is written as an escape (`\n`, `\u{202e}`).
pub fn spelled_out(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || reorders(c) || is_unseen(c) {
            shown.extend(c.escape_debug());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters that take no room, and those that break a line: Unicode's default ignorable
/// ones as far as they are used, and its separators.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{2029}' | '\u{2060}'..='\u{2065}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Unicode's bidirectional embeddings, overrides and isolates (UAX #9, 2).
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{inert, spelled_out};

    #[test]
    fn what_is_not_seen_is_spelled_out() {
        for (text, shown) in [
            ("git commit -m \"it's\"", "git commit -m \"it's\""),
            ("true\n     2  allowed", "true\\n     2  allowed"),
            ("a\0\u{1b}[2K\rb", "a\\0\\u{1b}[2K\\rb"),
            ("npm # \u{202e}x\u{200b}", "npm # \\u{202e}x\\u{200b}"),
            ("👩\u{200d}👧 é 漢", "👩\u{200d}👧 é 漢"),
        ] {
            assert_eq!(spelled_out(text), shown);
        }
    }

    #[test]
    fn controls_go_and_text_stays() {
        assert_eq!(
            inert("a\u{1b}[31mb\tc\r\nd\u{7}\u{9b}\u{202e}é 漢"),
            "a[31mb\tc\ndé 漢"
        );
    }
}
