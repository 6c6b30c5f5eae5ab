//! A caller's regular expression.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::operations::PATTERN_SIZE_LIMIT;

/// A regular expression that a caller gave: bounded in size, and `^` and `$` stand at
/// the ends of lines.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// A text that is no regular expression.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text:?} is not a regular expression: {source}")]
pub struct BadPattern {
    /// The text.
    pub text: String,
    /// Why not.
    pub source: regex::Error,
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE_LIMIT)
            .multi_line(true)
            .build();
        built.map(Self).map_err(|source| BadPattern {
            text: text.to_owned(),
            source,
        })
    }
}

impl Pattern {
    /// Whether it is found in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}
