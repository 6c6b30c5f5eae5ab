//! Patterns with `*` and `?`.

/// Whether `pattern` matches the whole of `text`: `*` is any text, `?` any character. Takes
/// time in proportion to both lengths: a star that cannot be left is taken up again where
/// it stood, and an earlier one never.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else {
                    return false;
                };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pattern_means_what_the_regular_expression_means(
            pattern in "[aé*?]{0,8}",
            text in "[aé]{0,8}",
        ) {
            let regex: String = pattern
                .chars()
                .map(|c| match c {
                    '*' => ".*".to_owned(),
                    '?' => ".".to_owned(),
                    other => other.to_string(),
                })
                .collect();
            let regex = regex::Regex::new(&format!("^{regex}$")).expect("a pattern");
            prop_assert_eq!(matches(&pattern, &text), regex.is_match(&text));
        }
    }
}
