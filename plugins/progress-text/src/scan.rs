//! Numbers in a line.

use memchr::memchr_iter;

/// The whole number that the text begins with, commas between thousands allowed,
/// and what follows.
#[must_use]
pub fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit() && byte != b',')
        .unwrap_or(text.len());
    let digits = text[..end].trim_end_matches(',');
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut number = 0u64;
    for digit in digits.bytes().filter(u8::is_ascii_digit) {
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    Some((number, &text[digits.len()..]))
}

/// `n/m` at the start of the text, with n at most m and m above 0, and what
/// follows. Blanks may stand around both numbers.
#[must_use]
pub fn leading_fraction(text: &str) -> Option<((u64, u64), &str)> {
    let (completed, rest) = leading_number(text.trim_start())?;
    let (total, rest) = leading_number(rest.trim_start().strip_prefix('/')?.trim_start())?;
    (completed <= total && total > 0).then_some(((completed, total), rest))
}

/// The first number between 0 and 100 that a percent sign follows, and where it
/// begins.
#[must_use]
pub fn percentage(text: &str) -> Option<(f64, usize)> {
    memchr_iter(b'%', text.as_bytes()).find_map(|end| {
        let number = text[..end].trim_end_matches(' ');
        // `50 %` is one, `- %` is none, and neither is `12%x`.
        if text[end + 1..].starts_with(|next: char| next.is_alphanumeric()) {
            return None;
        }
        let begin = number
            .bytes()
            .rposition(|byte| !byte.is_ascii_digit() && byte != b'.')
            .map_or(0, |before| before + 1);
        let before = number[..begin].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || "-+/:_".contains(before)) {
            return None;
        }
        let percent: f64 = number[begin..].parse().ok()?;
        (0.0..=100.0).contains(&percent).then_some((percent, begin))
    })
}

/// A size as programs write it, in bytes: `512`, `1.5k`, `2929k`, `3.2MB`,
/// `10 MiB`. A unit without `i` counts in thousands only in `kB`, `MB`, `GB`.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite, positive and below 2^63 after the check"
)]
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit() && byte != b'.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let unit: f64 = match text[end..].trim_start() {
        "" | "B" => 1.0,
        "k" | "K" | "KiB" => 1_024.0,
        "kB" | "KB" => 1_000.0,
        "M" | "MiB" => 1_048_576.0,
        "MB" => 1_000_000.0,
        "G" | "GiB" => 1_073_741_824.0,
        "GB" => 1_000_000_000.0,
        _ => return None,
    };
    let bytes = number * unit;
    (bytes.is_finite() && bytes < 9.0e18).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(leading_number("1,234,567 rest"), Some((1_234_567, " rest")));
        assert_eq!(leading_number("12, and"), Some((12, ", and")));
        assert_eq!(leading_number(",1"), None);
        assert_eq!(leading_number("99999999999999999999"), None);
    }

    #[test]
    fn fractions() {
        assert_eq!(leading_fraction("3/10] x"), Some(((3, 10), "] x")));
        assert_eq!(leading_fraction(" 3 / 10"), Some(((3, 10), "")));
        for no in ["11/10", "0/0", "3", "3/x", "/3"] {
            assert_eq!(leading_fraction(no), None, "{no}");
        }
    }

    #[test]
    fn percentages() {
        assert_eq!(percentage("at 45.5%, soon"), Some((45.5, 3)));
        assert_eq!(percentage("[ 67%]"), Some((67.0, 2)));
        assert_eq!(percentage("7 %"), Some((7.0, 0)));
        for no in ["%", "101%", "-5%", "x5%", "5%x", "1.2.3%", "100%off"] {
            assert_eq!(percentage(no), None, "{no}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("2929k"), Some(2_999_296));
        assert_eq!(size("3.2MB"), Some(3_200_000));
        assert_eq!(size("10 MiB"), Some(10_485_760));
        assert_eq!(size("--"), None);
    }
}
