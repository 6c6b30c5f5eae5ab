//! What sessions used in the past: a SQLite file of its own beside the store.
//!
//! Each sample is kept three times: as it is, and added to its minute and its hour.
//! So every resolution is exact, at any time, without a job that rolls up. Nothing
//! here asks what time it is: whoever keeps or asks says so.

mod keeping;
mod question;

use std::path::Path;
use std::time::Duration;

pub(crate) use keeping::{Amount, Sample};
pub use question::{HistoryPoint, HistoryQuestion, HistorySummary, PerformanceHistory};

use super::settings::HistorySettings;
use crate::store::{Schema, Store, StoreError};

/// How the file's tables came to be.
static SCHEMA: Schema = Schema(&[include_str!("history/0001-samples.sql")]);

/// One of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grain {
    Raw,
    Minute,
    Hour,
}

impl Grain {
    const ALL: [Self; 3] = [Self::Raw, Self::Minute, Self::Hour];

    fn table(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    /// Milliseconds that a row stands for; a raw one stands for itself.
    fn width_ms(self) -> i64 {
        match self {
            Self::Raw => 1,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
        }
    }

    fn kept(self, settings: &HistorySettings) -> Duration {
        match self {
            Self::Raw => settings.raw,
            Self::Minute => settings.minutes,
            Self::Hour => settings.hours,
        }
    }
}

/// The past. A clone is another way to the same file.
#[derive(Clone)]
pub(crate) struct History {
    pub(super) kept: Store,
    settings: HistorySettings,
}

impl History {
    /// Opens the file at `path`. A host beside the first one, to which the file
    /// belongs, forgets when it ends.
    pub(crate) fn open(path: &Path, settings: HistorySettings) -> Result<Self, StoreError> {
        let kept = match Store::open_with(path, &SCHEMA) {
            Err(StoreError::InUse { .. }) => Store::temporary_with(&SCHEMA)?,
            opened => opened?,
        };
        Ok(Self { kept, settings })
    }

    /// One that is forgotten.
    #[cfg(test)]
    pub(crate) fn temporary(settings: HistorySettings) -> Self {
        Self {
            kept: Store::temporary_with(&SCHEMA).expect("a temporary store"),
            settings,
        }
    }
}
