//! A moment in the past, as people write it.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// From when on the log is read. Written as an age (`90m`, `24h`, `7d`, `2w`),
/// as a day (`2026-03-01`, in UTC) or as a time of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since(SystemTime);

/// A text that names no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no moment: write an age such as 30m, 24h, 7d or 2w, a day such as 2026-03-01, or a time such as 2026-03-01T08:00:00Z"
)]
pub struct NoMoment(String);

impl Since {
    /// From the first row on.
    pub const EVER: Self = Self(UNIX_EPOCH);

    /// The moment, in milliseconds since the Unix epoch.
    pub(super) fn epoch_ms(self) -> i64 {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

impl FromStr for Since {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let moment = match age(text) {
            Some(age) => SystemTime::now().checked_sub(age),
            None => fixed_moment(text),
        };
        moment.map(Self).ok_or_else(|| NoMoment(text.to_owned()))
    }
}

/// A span such as `90m`.
pub(crate) fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// The beginning of a day in UTC, or a time of RFC 3339.
pub(crate) fn fixed_moment(text: &str) -> Option<SystemTime> {
    let time: Timestamp = match Date::strptime("%Y-%m-%d", text) {
        Ok(day) => day.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        Err(_) => text.parse().ok()?,
    };
    Some(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_days_and_times_are_understood() {
        let at = |text: &str| text.parse::<Since>().map(Since::epoch_ms);
        assert_eq!(at("2023-11-14"), Ok(1_699_920_000_000));
        assert_eq!(at("2023-11-14T22:13:20Z"), Ok(1_700_000_000_000));
        let hour = at("1h").expect("an age") - at("2h").expect("an age");
        assert!((3_590_000..=3_610_000).contains(&hour), "{hour}");
    }

    #[test]
    fn anything_else_is_answered_with_examples() {
        for text in [
            "",
            "h",
            "yesterday",
            "-1h",
            "7 d",
            "ü",
            "99999999999999999999w",
        ] {
            let error = text.parse::<Since>().expect_err(text);
            assert!(error.to_string().contains("7d"), "{error}");
        }
    }
}
