//! Text whose every character need not be known.
//!
//! What a word becomes is often known only in part. The parts that are not are
//! kept in the text itself, as control characters that no argument can hold or
//! that nobody types: so prefixes, suffixes and file names still match.

use crate::parser::Origin;

/// Text of any length, perhaps none.
pub(crate) const UNKNOWN: char = '\0';
/// The user's home folder.
pub(crate) const HOME: char = '\u{1}';
/// Text of any length that is not empty and holds no `/`.
pub(crate) const SOMETHING: char = '\u{2}';
/// An unquoted `*`.
pub(crate) const STAR: char = '\u{3}';
/// An unquoted `?` or `[…]`.
pub(crate) const ANY_ONE: char = '\u{4}';
/// An empty quoted string, while a word is being put together.
pub(crate) const EMPTY: char = '\u{5}';

/// Keeps what a person typed from being taken for a marker. Text that the walk
/// itself put together may hold them.
pub(crate) fn unmarked(character: char, origin: Origin) -> char {
    match (origin, character) {
        (Origin::CommandLine, UNKNOWN..=EMPTY) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// Whether every character is known.
pub(crate) fn is_known(text: &str) -> bool {
    !text
        .bytes()
        .any(|byte| byte == UNKNOWN as u8 || byte == SOMETHING as u8)
}

/// Whether the text is to be matched against the names of files.
pub(crate) fn is_glob(text: &str) -> bool {
    text.bytes()
        .any(|byte| byte == STAR as u8 || byte == ANY_ONE as u8)
}

/// The text as a person would write it.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            UNKNOWN | SOMETHING => shown.push('…'),
            HOME => shown.push('~'),
            STAR => shown.push('*'),
            ANY_ONE => shown.push('?'),
            control if control.is_control() => shown.push('␦'),
            character => shown.push(character),
        }
    }
    shown
}

/// Decodes the inside of `$'…'`; gives the text and the length up to the
/// closing quote.
pub(crate) fn ansi_c(source: &str) -> (String, usize) {
    let end = end_of_quote(source);
    (unescape(&source[..end]), end)
}

/// Where a quote ends that a backslash can keep open.
pub(crate) fn end_of_quote(source: &str) -> usize {
    let mut escaped = false;
    for (offset, byte) in source.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\'' => return offset,
            _ => {}
        }
    }
    source.len()
}

/// Replaces backslash escapes, as `$'…'`, `echo -e` and `printf` do.
pub(crate) fn unescape(source: &str) -> String {
    let mut bytes = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some(backslash) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..backslash]);
        rest = &rest[backslash + 1..];
        let Some(kind) = rest.chars().next() else {
            bytes.push(b'\\');
            break;
        };
        let digits = |radix: u32, from: usize, most: usize| {
            let text = &rest[from..];
            let length = text
                .chars()
                .take(most)
                .take_while(|digit| digit.is_digit(radix))
                .count();
            (
                u32::from_str_radix(&text[..length], radix).ok(),
                from + length,
            )
        };
        let simple = match kind {
            'n' => Some(b'\n'),
            't' => Some(b'\t'),
            'r' => Some(b'\r'),
            'a' => Some(7),
            'b' => Some(8),
            'e' | 'E' => Some(27),
            'f' => Some(12),
            'v' => Some(11),
            '\\' | '\'' | '"' | '?' => u8::try_from(kind).ok(),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            rest = &rest[1..];
            continue;
        }
        let (value, used) = match kind {
            'x' => digits(16, 1, 2),
            'u' => digits(16, 1, 4),
            'U' => digits(16, 1, 8),
            '0'..='7' => digits(8, 0, 3),
            _ => (None, 0),
        };
        match value {
            // A NUL would end the argument.
            Some(0) => rest = &rest[used..],
            Some(value) => {
                if matches!(kind, 'u' | 'U') {
                    let character = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                } else {
                    bytes.push((value & 0xff) as u8);
                }
                rest = &rest[used..];
            }
            None => {
                bytes.push(b'\\');
                bytes.extend_from_slice(kind.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[kind.len_utf8()..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes base64; nothing when it is none.
pub(crate) fn decode_base64(source: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(source.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in source
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
    {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes hexadecimal digits; nothing when it is none.
pub(crate) fn decode_hex(source: &str) -> Option<String> {
    let digits: Vec<u8> = source
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| {
            (byte as char)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    String::from_utf8(bytes).ok()
}

/// Whether `pattern`, in which `*` stands for any text and `?` for any
/// character, covers the whole of `text`.
#[inline]
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // Most patterns already differ in their first character.
    match pattern.as_bytes().first() {
        None => return text.is_empty(),
        Some(b'*') if pattern.len() == 1 => return true,
        Some(b'*' | b'?') => {}
        Some(first) if text.as_bytes().first() == Some(first) => {}
        Some(_) => return false,
    }
    wildcard(pattern.as_bytes(), text.as_bytes(), |pattern, text| {
        pattern == text
    })
}

/// As [`matches`], without regard to ASCII case.
#[inline]
pub(crate) fn matches_any_case(pattern: &str, text: &str) -> bool {
    match (pattern.as_bytes().first(), text.as_bytes().first()) {
        (None, _) => return text.is_empty(),
        (Some(b'*'), _) => {
            if let Some(wanted) = pattern[1..].strip_suffix('*')
                && !wanted.contains(['*', '?'])
            {
                return contains_any_case(wanted.as_bytes(), text.as_bytes());
            }
        }
        (Some(b'?'), _) => {}
        (Some(first), Some(other)) if first.eq_ignore_ascii_case(other) => {}
        (Some(_), _) => return false,
    }
    wildcard(pattern.as_bytes(), text.as_bytes(), |pattern, text| {
        pattern.eq_ignore_ascii_case(&text)
    })
}

/// Whether the text holds `wanted`, without regard to ASCII case.
fn contains_any_case(wanted: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let last = text.len().saturating_sub(rest.len());
    text[..last].iter().enumerate().any(|(at, byte)| {
        (*byte == lower || *byte == upper)
            && text[at + 1..at + 1 + rest.len()].eq_ignore_ascii_case(rest)
    })
}

/// Whether a name with globs in it could stand for the file `name`.
pub(crate) fn glob_covers(glob: &str, name: &str) -> bool {
    let glob: String = glob
        .chars()
        .map(|character| match character {
            STAR | UNKNOWN | SOMETHING => '*',
            ANY_ONE => '?',
            character => character,
        })
        .collect();
    matches(&glob, name)
}

/// Never looks back further than to the last `*`: no pattern takes more than
/// the product of both lengths.
fn wildcard(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    // Most patterns have one `*`, at the end or at the beginning.
    if let Some(suffix) = pattern.strip_prefix(b"*")
        && !suffix.iter().any(|byte| matches!(byte, b'*' | b'?'))
    {
        let Some(from) = text.len().checked_sub(suffix.len()) else {
            return false;
        };
        return suffix
            .iter()
            .zip(&text[from..])
            .all(|(pattern, text)| same(*pattern, *text));
    }
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(&byte) if same(byte, text[t]) => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((star, from)) = retry else {
                    return false;
                };
                retry = Some((star, from + 1));
                (p, t) = (star + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}
