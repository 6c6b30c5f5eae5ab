//! Wall-clock time, in the two forms that the host shows it.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds, as in `2026-03-01T12:00:00.250Z`.
pub fn rfc3339(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    time.replace_millisecond(time.millisecond())
        .unwrap_or(time)
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_read_as_iso_8601() {
        let time = UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_999);
        assert_eq!(rfc3339(time), "2023-11-14T22:13:20.25Z");
    }
}
