//! What sessions used in the past: a SQLite file of its own beside the store.
//!
//! Each sample is kept three times: as it is, and added to its minute and its hour.
//! So every resolution is exact, at any time, without a job that rolls up. Nothing
//! here asks what time it is: whoever keeps or asks says so.

mod keeping;
mod question;

use std::path::{Path, PathBuf};
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
    /// belongs, forgets when it ends. Figures of the past are no reason not to start:
    /// a damaged file is set aside, and a new one begun.
    pub(crate) fn open(path: &Path, settings: HistorySettings) -> Result<Self, StoreError> {
        let kept = match Store::open_with(path, &SCHEMA) {
            Err(StoreError::InUse { .. }) => Store::temporary_with(&SCHEMA)?,
            Err(error) if error.is_damage() => {
                let aside = set_aside(path)?;
                tracing::warn!(
                    "{} is damaged: it is kept as {}, and the history begins anew",
                    path.display(),
                    aside.display()
                );
                Store::open_with(path, &SCHEMA)?
            }
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

/// Moves a file away, with what SQLite keeps beside it, to a name that nothing has.
fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let named = |file: &str| path.with_extension(file);
    let aside = (1..)
        .map(|number| named(&format!("sqlite.damaged-{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| named("sqlite.damaged"));
    std::fs::rename(path, &aside).map_err(|source| StoreError::Replace {
        path: path.to_owned(),
        source,
    })?;
    for beside in ["sqlite-wal", "sqlite-shm"] {
        // Mostly not there; what stays makes the new file fail to open, which is told.
        let _ = std::fs::remove_file(named(beside));
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_damaged_file_is_kept_and_another_begun() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("metrics.sqlite");
        let settings = crate::monitor::MonitorSettings::at(path.clone()).history;
        for number in 1..=2 {
            let noise = format!("noise {number} ").repeat(4_000);
            std::fs::write(&path, &noise).expect("write");
            let history = History::open(&path, settings.clone()).expect("begun anew");
            assert_eq!(history.kept.path(), path);
            let aside = path.with_extension(format!("sqlite.damaged-{number}"));
            assert_eq!(std::fs::read_to_string(aside).expect("kept"), noise);
        }
    }
}
