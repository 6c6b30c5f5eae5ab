//! A moment to come, as people write it.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::audit::{age, fixed_moment};
use crate::clock::rfc3339;

/// Until when something holds. Written as a span from now (`90m`, `8h`, `7d`,
/// `2w`), as a day (`2026-12-31`, in UTC, which does not count itself) or as a
/// time of RFC 3339; a file holds the latter two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(SystemTime);

/// A text that names no such moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no end: write a span such as 30m, 8h, 7d or 2w, a day such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z"
)]
pub struct NoEnd(String);

impl Until {
    /// The moment.
    pub fn moment(self) -> SystemTime {
        self.0
    }
}

impl FromStr for Until {
    type Err = NoEnd;

    fn from_str(text: &str) -> Result<Self, NoEnd> {
        let moment = match age(text) {
            Some(span) => SystemTime::now().checked_add(span),
            None => fixed_moment(text),
        };
        moment.map(Self).ok_or_else(|| NoEnd(text.to_owned()))
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Until {
    /// A span would begin anew each time that the file is read.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        fixed_moment(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no end: write a day such as \"2026-12-31\" or a time such as \"2026-12-31T18:00:00Z\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_span_begins_now_and_is_kept_as_a_time() {
        let before = SystemTime::now();
        let until: Until = "2h".parse().expect("a span");
        assert!(until.moment() >= before + Duration::from_secs(7200));
        let kept: Until = serde_json::from_value(serde_json::json!(until)).expect("kept");
        assert!(
            until.moment().duration_since(kept.moment()).expect("cut") < Duration::from_millis(1)
        );
    }

    #[test]
    fn a_span_in_the_file_is_refused() {
        let error = serde_json::from_str::<Until>("\"2h\"").expect_err("a span");
        assert!(error.to_string().contains("2026-12-31"), "{error}");
        assert!("soon".parse::<Until>().is_err());
    }
}
