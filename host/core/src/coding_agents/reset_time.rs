//! When a usage limit is lifted, read off what agents' programs say: "in 3 days 6
//! hours", "3pm (Europe/Paris)", "Oct 9 at 5pm". Pure.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use regex::{Captures, Regex};

/// A time of day that was so long ago, in seconds, is meant, and not that of tomorrow.
const JUST_NOW: i64 = 300;

static LENGTHS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:about |in )*(?:(?:\d+(?:\.\d+)?)\s*(?:days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|ms|m|seconds?|secs?|sec|s)\b[ ,]*(?:and )?)+$").ok()
});
static LENGTH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|ms|m|seconds?|secs?|sec|s)").ok()
});
static CLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^
        (?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+
           (?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s*(?:(?P<year>\d{4}),?\s*)?(?:at\s+)?)?
        (?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>am|pm)?)?
        \s*(?:\((?P<zone>[a-z_]+(?:/[a-z_+-]+)*)\)|(?:GMT|UTC)(?P<offset>[+-]\d{1,2})?)?\s*$",
    )
    .ok()
});

/// The moment that `words` speak of, in milliseconds since the Unix epoch; `None`
/// where they cannot be understood. A time of day without a zone is one of `local`.
pub(super) fn reset_time(words: &str, now: Timestamp, local: &TimeZone) -> Option<u64> {
    let words = words.trim().trim_end_matches('.');
    let at = words
        .parse::<Timestamp>()
        .ok()
        .or_else(|| after(words, now))
        .or_else(|| on_the_clock(words, now, local))?;
    u64::try_from(at.as_millisecond()).ok()
}

/// "2 hours 5 minutes", "12h22m45s".
fn after(words: &str, now: Timestamp) -> Option<Timestamp> {
    let words = words.replace("hours", "h").replace("minutes", "min");
    // Without blanks, as in 12h22m45s, units end where the next number begins.
    let spaced = LENGTH.as_ref()?.replace_all(&words, "$number $unit ");
    if !LENGTHS.as_ref()?.is_match(spaced.trim()) {
        return None;
    }
    let mut seconds = 0.0;
    for length in LENGTH.as_ref()?.captures_iter(&spaced) {
        let number: f64 = length.name("number")?.as_str().parse().ok()?;
        seconds += number
            * match length.name("unit")?.as_str().to_ascii_lowercase().as_str() {
                "ms" => 0.001,
                unit if unit.starts_with('d') => 86_400.0,
                unit if unit.starts_with('h') => 3_600.0,
                unit if unit.starts_with('m') => 60.0,
                _ => 1.0,
            };
    }
    let span = Span::new()
        .try_milliseconds((seconds * 1_000.0) as i64)
        .ok()?;
    now.checked_add(span).ok()
}

/// "3pm (Europe/Paris)", "Aug 8th, 2026 12:30 PM", "11:00 AM GMT+2".
fn on_the_clock(words: &str, now: Timestamp, local: &TimeZone) -> Option<Timestamp> {
    let found = CLOCK.as_ref()?.captures(words)?;
    let zone = match (found.name("zone"), found.name("offset")) {
        (Some(name), _) => TimeZone::get(name.as_str()).ok()?,
        (None, Some(hours)) => {
            TimeZone::fixed(Offset::from_hours(hours.as_str().parse().ok()?).ok()?)
        }
        (None, None) if words.contains("GMT") || words.contains("UTC") => TimeZone::UTC,
        (None, None) => local.clone(),
    };
    let here = now.to_zoned(zone.clone());
    let at = |date: Date, time: Time| -> Option<Timestamp> {
        let moment = DateTime::from_parts(date, time)
            .to_zoned(zone.clone())
            .ok()?;
        Some(moment.timestamp())
    };
    let time = time_of_day(&found)?;
    let Some(month) = found.name("month") else {
        let today = at(here.date(), time)?;
        return match today.as_second() + JUST_NOW < now.as_second() {
            true => at(here.date().tomorrow().ok()?, time),
            false => Some(today),
        };
    };
    let month = month_number(month.as_str())?;
    let day = found.name("day")?.as_str().parse().ok()?;
    let year = match found.name("year") {
        Some(year) => year.as_str().parse().ok()?,
        None => here.year(),
    };
    let named = at(Date::new(year, month, day).ok()?, time)?;
    // In December, January is next year's.
    let half_a_year = 180 * 86_400;
    match found.name("year").is_none() && named.as_second() + half_a_year < now.as_second() {
        true => at(Date::new(year + 1, month, day).ok()?, time),
        false => Some(named),
    }
}

fn time_of_day(found: &Captures<'_>) -> Option<Time> {
    let number = |name| {
        found
            .name(name)
            .and_then(|it| it.as_str().parse::<i8>().ok())
    };
    let half = found
        .name("half")
        .map(|half| half.as_str().to_ascii_lowercase());
    let hour = match (number("hour"), half.as_deref()) {
        (None, _) if found.name("month").is_some() => 0,
        (Some(hour @ 1..=12), Some("am")) => hour % 12,
        (Some(hour @ 1..=12), Some(_)) => hour % 12 + 12,
        (Some(hour), None) if found.name("minute").is_some() => hour,
        // A bare number is no time.
        _ => return None,
    };
    Time::new(hour, number("minute").unwrap_or(0), 0, 0).ok()
}

fn month_number(name: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let at = MONTHS.iter().position(|it| it.eq_ignore_ascii_case(name))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(words: &str) -> Option<String> {
        let now: Timestamp = "2026-11-21T18:00:00Z".parse().expect("a time");
        let at = reset_time(words, now, &TimeZone::UTC)?;
        let at = Timestamp::from_millisecond(i64::try_from(at).ok()?).ok()?;
        Some(at.to_string())
    }

    #[test]
    fn what_programs_say_is_understood() {
        for (words, moment) in [
            ("2 seconds", "2026-11-21T18:00:02Z"),
            ("20s", "2026-11-21T18:00:20Z"),
            ("12h22m45s", "2026-11-22T06:22:45Z"),
            ("3 days 6 hours 57 minutes", "2026-11-25T00:57:00Z"),
            ("12 minutes", "2026-11-21T18:12:00Z"),
            ("9pm", "2026-11-21T21:00:00Z"),
            ("3:28 PM", "2026-11-22T15:28:00Z"),
            ("5:58 PM", "2026-11-21T17:58:00Z"),
            ("12am", "2026-11-22T00:00:00Z"),
            ("19:30", "2026-11-21T19:30:00Z"),
            ("1:20am (Europe/Vienna)", "2026-11-22T00:20:00Z"),
            ("11:00 AM GMT+2", "2026-11-22T09:00:00Z"),
            ("Jan 2 at 5pm (America/Los_Angeles)", "2027-01-03T01:00:00Z"),
            ("Aug 8th, 2027 12:30 PM", "2027-08-08T12:30:00Z"),
            ("2026-11-21T20:00:00+01:00", "2026-11-21T19:00:00Z"),
        ] {
            assert_eq!(read(words).as_deref(), Some(moment), "{words}");
        }
        for words in [
            "",
            "soon",
            "3",
            "25:00",
            "13pm",
            "Feb 31 at 5pm",
            "5pm (Nowhere/Land)",
        ] {
            assert_eq!(read(words), None, "{words}");
        }
    }

    proptest! {
        #[test]
        fn no_words_are_too_odd(words in "\\PC{0,60}") {
            read(&words);
        }
    }
}
