//! Terminal output as text that commands nobody.

/// Leaves out control characters other than tab and line feed, and the
/// characters that reorder text (Unicode's bidirectional controls), which would
/// let output look like something that it is not.
pub fn inert(text: &str) -> String {
    text.chars()
        .filter(|&c| !(c.is_control() && !matches!(c, '\n' | '\t')) && !reorders(c))
        .collect()
}

/// Unicode's bidirectional embeddings, overrides and isolates (UAX #9, 2).
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn controls_go_and_text_stays() {
        assert_eq!(
            inert("a\u{1b}[31mb\tc\r\nd\u{7}\u{9b}\u{202e}é 漢"),
            "a[31mb\tc\ndé 漢"
        );
    }
}
