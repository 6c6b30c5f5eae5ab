//! A user's own marks in the output: a regular expression that says how far it is.

use quarterdeck_policy::ProgressStatus;
use regex::{Regex, RegexBuilder};

use super::board::Standing;

/// A compiled pattern takes no more memory.
const PATTERN_BYTES: usize = 1 << 20;

/// What a user looks for in the output.
///
/// Groups named `completed`, `total` and `percent` are what they say; without names,
/// two groups are how much of how much and one is a percentage. A pattern without
/// groups counts its matches.
#[derive(Clone, Debug)]
pub(super) struct Marker(Regex);

impl Marker {
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .multi_line(true)
            .build()
            .map(Self)
            .map_err(|error| format!("pattern is no regular expression: {error}"))
    }

    /// What the last mark in `text` says; `None` where there is none.
    pub(super) fn read(&self, text: &str) -> Option<Standing> {
        let names: Vec<&str> = self.0.capture_names().flatten().collect();
        let groups = self.0.captures_len() - 1;
        let (mut matches, mut last) = (0_u64, None);
        for found in self.0.captures_iter(text) {
            matches += 1;
            last = Some(found);
        }
        let last = last?;
        let number = |text: Option<regex::Match<'_>>| text.and_then(|it| parse(it.as_str()));
        let named = |name: &str| match names.contains(&name) {
            true => number(last.name(name)),
            false => None,
        };
        let (completed, total, percent) = if !names.is_empty() {
            (named("completed"), named("total"), named("percent"))
        } else {
            match groups {
                0 => (Some(matches as f64), None, None),
                1 => (None, None, number(last.get(1))),
                _ => (number(last.get(1)), number(last.get(2)), None),
            }
        };
        let mut standing = Standing {
            label: crate::text::inert(last.get(0).map_or("", |it| it.as_str()))
                .chars()
                .take(200)
                .collect(),
            status: ProgressStatus::Running,
            // A cast from a float saturates.
            completed: completed.map(|number| number as u64),
            total: total.map(|number| number as u64),
            percent: percent.map(|percent| percent.clamp(0.0, 100.0)),
        };
        if standing.percentage() >= 100.0 {
            standing.status = ProgressStatus::Completed;
        }
        Some(standing)
    }
}

fn parse(text: &str) -> Option<f64> {
    let number: f64 = text.trim().trim_end_matches('%').parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_mark_counts() {
        for (pattern, text, completed, total, percentage) in [
            (
                r"chunk (\d+)/(\d+)",
                "chunk 1/8\nchunk 2/8\n",
                Some(2),
                Some(8),
                25.0,
            ),
            (r"(\d+)% loaded", "10% loaded\n45% loaded", None, None, 45.0),
            (
                r"of (?P<total>\d+), done (?P<completed>\d+)",
                "of 10, done 5",
                Some(5),
                Some(10),
                50.0,
            ),
            (r"(?P<percent>[\d.]+)", "12.5", None, None, 12.5),
            ("^built", "built a\nbuilt b\nbuilt c\n", Some(3), None, 0.0),
        ] {
            let standing = Marker::new(pattern)
                .expect(pattern)
                .read(text)
                .expect(pattern);
            assert_eq!((standing.completed, standing.total), (completed, total));
            assert_eq!(standing.percentage(), percentage, "{pattern}");
        }
        assert_eq!(Marker::new(r"x(\d)").expect("a pattern").read("y1"), None);
        assert!(Marker::new("(").is_err());
    }

    proptest! {
        #[test]
        fn any_pattern_and_text_are_survived(pattern in ".{0,20}", text in ".{0,60}") {
            if let Ok(marker) = Marker::new(&pattern) {
                let percentage = marker.read(&text).map_or(0.0, |it| it.percentage());
                prop_assert!((0.0..=100.0).contains(&percentage));
            }
        }
    }
}
