//! Text as shells quote it: decoding what marks carry, and quoting words and
//! commands.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Decodes the value of a mark's field: `q:` and text as bash's `%q` or zsh's
/// `(qqqq)` quote it, or `u:` and percent-encoded text. DEL stands for `;`,
/// which would end the field.
pub(crate) fn decode(value: &[u8]) -> Option<Vec<u8>> {
    match value {
        [b'q', b':', rest @ ..] => decode_shell(rest),
        [b'u', b':', rest @ ..] => decode_percent(rest),
        _ => None,
    }
}

/// The bytes of a path as a path.
pub(crate) fn into_path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// One word of a shell: `\x`, `'…'` and `$'…'`. `None` when it is cut short.
fn decode_shell(quoted: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    loop {
        rest = match rest {
            [] => return Some(text),
            [b'\\', escaped, rest @ ..] => {
                text.push(semicolon(*escaped));
                rest
            }
            [b'\\'] => return None,
            [b'\'', rest @ ..] => {
                let end = memchr::memchr(b'\'', rest)?;
                text.extend(rest[..end].iter().copied().map(semicolon));
                &rest[end + 1..]
            }
            [b'$', b'\'', rest @ ..] => decode_ansi_c(rest, &mut text)?,
            [byte, rest @ ..] => {
                text.push(semicolon(*byte));
                rest
            }
        };
    }
}

fn semicolon(byte: u8) -> u8 {
    if byte == 0x7f { b';' } else { byte }
}

/// What follows `$'`, up to the closing quote; gives what comes after it.
fn decode_ansi_c<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\'', rest @ ..] => return Some(rest),
            [b'\\', escape, rest @ ..] => match escape {
                b'0'..=b'7' => {
                    let (value, after) = number(&[&[*escape], rest].concat(), 8, 3);
                    text.push(value as u8);
                    &rest[after - 1..]
                }
                b'x' => {
                    let (value, after) = number(rest, 16, 2);
                    text.push(value as u8);
                    &rest[after..]
                }
                b'u' | b'U' => {
                    let (value, after) = number(rest, 16, if *escape == b'u' { 4 } else { 8 });
                    let character = char::from_u32(value)?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    &rest[after..]
                }
                b'c' => {
                    let (control, rest) = rest.split_first()?;
                    text.push(control & 0x1f);
                    rest
                }
                simple => {
                    text.push(match simple {
                        b'a' => 0x07,
                        b'b' => 0x08,
                        b't' => b'\t',
                        b'n' => b'\n',
                        b'v' => 0x0b,
                        b'f' => 0x0c,
                        b'r' => b'\r',
                        b'e' | b'E' => 0x1b,
                        other => semicolon(*other),
                    });
                    rest
                }
            },
            [byte, rest @ ..] => {
                text.push(semicolon(*byte));
                rest
            }
            [] => return None,
        };
    }
}

/// The number at the start of `digits`, and how many digits it takes.
fn number(digits: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let mut value = 0_u32;
    let mut taken = 0;
    for &digit in digits.iter().take(most) {
        let Some(digit) = char::from(digit).to_digit(radix) else {
            break;
        };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        taken += 1;
    }
    (value, taken)
}

fn decode_percent(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    loop {
        rest = match rest {
            [] => return Some(text),
            [b'%', high, low, rest @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                text.push((digit(high)? * 16 + digit(low)?) as u8);
                rest
            }
            [byte, rest @ ..] => {
                text.push(*byte);
                rest
            }
        };
    }
}

/// `text` as one word of a POSIX shell: as it is where every such shell would take it
/// for itself, else in single quotes.
pub fn posix_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@".contains(c);
    // `=` begins something in zsh.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` as one word that POSIX shells and fish read alike: in fish's single quotes a
/// backslash escapes, so none stands in any.
pub fn any_shells_word(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('\'');
    for character in text.chars() {
        match character {
            '\\' => word.push_str(r"'\\'"),
            '\'' => word.push_str(r"'\''"),
            character => word.push(character),
        }
    }
    word.push('\'');
    word
}

/// `text` as one word of fish, in single quotes, where a backslash escapes.
pub fn fish_word(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Quotes text as `$'…'`, so that it can be typed on one line.
pub(crate) fn ansi_c(text: &str) -> String {
    let mut quoted = String::from("$'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_ascii_control() => {
                quoted.push_str(&format!("\\{:03o}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_what_shells_write() {
        let decoded = |text: &str| {
            decode(text.as_bytes()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        assert_eq!(decoded("q:''").as_deref(), Some(""));
        assert_eq!(decoded(r"q:echo\ it\'s").as_deref(), Some("echo it's"));
        assert_eq!(
            decoded(r"q:$'a\nb\tc\'d\\'").as_deref(),
            Some("a\nb\tc'd\\")
        );
        assert_eq!(
            decoded(r"q:$'\303\244\x41\u00e9\E'").as_deref(),
            Some("äAé\u{1b}")
        );
        assert_eq!(decoded("q:'a b'\\''c'").as_deref(), Some("a b'c"));
        assert_eq!(decoded("u:a%20b%3Bc%0A").as_deref(), Some("a b;c\n"));
        assert_eq!(decoded("q:'open"), None);
        assert_eq!(decoded("q:$'open"), None);
        assert_eq!(decoded("open"), None);
    }

    #[test]
    fn words_stay_words() {
        assert_eq!(posix_word("/usr/bin/quarterdeck"), "/usr/bin/quarterdeck");
        assert_eq!(posix_word("/a b/it's"), r"'/a b/it'\''s'");
        assert_eq!(posix_word("=ls"), "'=ls'");
        assert_eq!(posix_word(""), "''");
        assert_eq!(any_shells_word(r"it's \n"), r"'it'\''s '\\'n'");
        assert_eq!(fish_word(r"it's a\b"), r"'it\'s a\\b'");
    }

    proptest! {
        #[test]
        fn what_is_quoted_decodes_to_itself(text in "[^\u{7f}]*") {
            let quoted = format!("q:{}", ansi_c(&text));
            prop_assert_eq!(decode(quoted.as_bytes()), Some(text.into_bytes()));
        }

        #[test]
        fn nothing_that_arrives_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for prefix in [b"q:", b"u:"] {
                let _ = decode(&[prefix, &bytes[..]].concat());
            }
        }
    }
}
