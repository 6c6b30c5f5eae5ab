//! Wall-clock time, in the two forms that the host shows it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    ms_of(SystemTime::now())
}

/// Milliseconds since the Unix epoch of another time.
pub(crate) fn ms_of(time: SystemTime) -> u64 {
    whole_ms(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The time at so many milliseconds since the Unix epoch.
pub(crate) fn time_of_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}

/// A duration in whole milliseconds.
pub fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds, as in `2026-03-01T12:00:00.250Z`.
/// Always with three digits, so that times sort as texts do.
pub fn rfc3339(time: SystemTime) -> String {
    // What lies beyond the year 9999 is shown as its end.
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    format!("{time:.3}")
}

/// As [`rfc3339`], for milliseconds since 1970.
pub fn rfc3339_of_ms(ms: u64) -> String {
    rfc3339(time_of_ms(ms))
}

/// Milliseconds since 1970 of a time in RFC 3339; one without a zone is UTC.
pub fn ms_of_rfc3339(text: &str) -> Option<u64> {
    let text = text.trim();
    let time: Timestamp = text.parse().or_else(|_| format!("{text}Z").parse()).ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_iso_8601() {
        let time = UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_999);
        assert_eq!(rfc3339(time), "2023-11-14T22:13:20.250Z");
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339_of_ms(1_700_000_000_250), rfc3339(time));
        assert_eq!(rfc3339_of_ms(u64::MAX >> 12), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        for text in [
            "2023-11-14T22:13:20.25Z",
            "2023-11-14T22:13:20.25",
            "2023-11-14T23:13:20.25+01:00",
        ] {
            assert_eq!(ms_of_rfc3339(text), Some(1_700_000_000_250), "{text}");
        }
        for text in ["yesterday", "", "2023-11-14", "1969-12-31T23:59:59Z"] {
            assert_eq!(ms_of_rfc3339(text), None, "{text}");
        }
    }
}
