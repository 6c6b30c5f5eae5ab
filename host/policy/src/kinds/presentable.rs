//! Text that a policy wrote and a person, a terminal or a model reads.

/// `text` without anything that could command a terminal or pass for another
/// line of output, cut to `longest` bytes.
pub(crate) fn presentable(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    for character in text.trim().chars() {
        if shown.len() + character.len_utf8() > longest {
            shown.push('…');
            break;
        }
        shown.push(match character {
            '\n' | '\r' | '\t' => ' ',
            _ if character.is_control() || is_invisible_command(character) => '\u{fffd}',
            _ => character,
        });
    }
    shown
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
