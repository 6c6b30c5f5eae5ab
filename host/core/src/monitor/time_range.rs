//! Lengths of time as people write them: `30m`, `1h`, `24h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// No range is longer: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A length of time of whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeRange(Duration);

impl TimeRange {
    /// The range of so many seconds, kept between one second and a year.
    pub const fn seconds(seconds: u64) -> Self {
        let seconds = if seconds == 0 { 1 } else { seconds };
        let longest = LONGEST.as_secs();
        Self(Duration::from_secs(if seconds > longest {
            longest
        } else {
            seconds
        }))
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// In milliseconds.
    pub(crate) fn millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no length of time: write a number and a unit (s, m, h, d or w), such as 30m, 24h or 7d, up to 366d"
)]
pub struct TimeRangeError(String);

impl FromStr for TimeRange {
    type Err = TimeRangeError;

    fn from_str(text: &str) -> Result<Self, TimeRangeError> {
        let refused = || TimeRangeError(text.chars().take(40).collect());
        let trimmed = text.trim();
        let unit_at = trimmed
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(refused)?;
        let (number, unit) = trimmed.split_at(unit_at);
        let number: u64 = number.parse().map_err(|_| refused())?;
        let unit = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            "w" => 7 * 24 * 3600,
            _ => return Err(refused()),
        };
        let seconds = number.checked_mul(unit).ok_or_else(refused)?;
        let range = Duration::from_secs(seconds);
        if seconds == 0 || range > LONGEST {
            return Err(refused());
        }
        Ok(Self(range))
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, name) in [(24 * 3600, "d"), (3600, "h"), (60, "m")] {
            if seconds.is_multiple_of(unit) {
                return write!(f, "{}{name}", seconds / unit);
            }
        }
        write!(f, "{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("1s", 1),
            ("30m", 1_800),
            (" 1h ", 3_600),
            ("24h", 86_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
        ] {
            assert_eq!(text.parse(), Ok(TimeRange::seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "1",
            "h",
            "-1h",
            "0m",
            "1.5h",
            "1y",
            "400d",
            "99999999999999999999d",
        ] {
            let error = text.parse::<TimeRange>().expect_err(text).to_string();
            assert!(error.contains("24h"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(seconds in 1..LONGEST.as_secs()) {
            let range = TimeRange::seconds(seconds);
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,20}") {
            let _ = text.parse::<TimeRange>();
        }
    }
}
