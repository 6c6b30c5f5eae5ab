//! Text that a policy wrote and a person, a terminal or a model reads.

/// `text` without anything that could command a terminal or pass for another
/// line of output, cut to `longest` bytes.
pub(crate) fn presentable(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        if shown.len() + character.len_utf8() > longest {
            shown.push('…');
            break;
        }
        shown.push(match character {
            '\n' | '\r' | '\t' => ' ',
            '\u{200c}' | '\u{200d}'
                if shown.chars().next_back().is_some_and(may_be_joined)
                    && characters.peek().copied().is_some_and(may_be_joined) =>
            {
                character
            }
            _ if character.is_control() || is_invisible_command(character) => '\u{fffd}',
            _ => character,
        });
    }
    shown
}

/// The same of what a policy may leave out: an empty text says nothing.
pub(crate) fn presentable_if_any(text: Option<&str>, longest: usize) -> Option<String> {
    text.map(|text| presentable(text, longest))
        .filter(|text| !text.is_empty())
}

/// Whether a joiner beside it means something: emoji are made with them, and Persian and
/// the scripts of India are written with them. In what commands are made of it hides.
fn may_be_joined(character: char) -> bool {
    !character.is_ascii()
        && !character.is_control()
        && !character.is_whitespace()
        && !is_invisible_command(character)
        && character != '\u{fffd}'
}

/// Characters that reorder or hide what stands around them.
fn is_invisible_command(character: char) -> bool {
    matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_commands_a_terminal_is_left() {
        assert_eq!(
            presentable(" a\u{1b}[31mb\nc\u{202e}d ", 100),
            "a\u{fffd}[31mb c\u{fffd}d"
        );
        assert_eq!(presentable("ééé", 4), "éé…");
        assert_eq!(presentable_if_any(Some(" \n"), 4), None);
        assert_eq!(presentable_if_any(Some(" a"), 4).as_deref(), Some("a"));
    }

    #[test]
    fn joiners_stay_where_a_script_needs_them() {
        for text in [
            "👩\u{200d}👩\u{200d}👧",
            "👁\u{fe0f}\u{200d}🗨\u{fe0f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
        ] {
            assert_eq!(presentable(text, 100), text);
        }
        for (text, shown) in [
            ("r\u{200d}m", "r\u{fffd}m"),
            ("\u{200d}é", "\u{fffd}é"),
            ("é\u{200d}", "é\u{fffd}"),
            ("é\u{200d}\u{200d}é", "é\u{fffd}\u{fffd}é"),
        ] {
            assert_eq!(presentable(text, 100), shown);
        }
    }

    proptest! {
        #[test]
        fn the_result_is_bounded_and_free_of_controls(text in any::<String>(), longest in 0..64usize) {
            let shown = presentable(&text, longest);
            prop_assert!(shown.len() <= longest + '…'.len_utf8());
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
