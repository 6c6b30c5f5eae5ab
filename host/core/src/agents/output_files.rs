//! The files that a followed session's output goes to: the log of what its filters let
//! through, a snapshot of its last lines, and the lines that the snapshot had no more
//! room for.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that grows larger becomes the one before, whose place it takes.
const LARGEST: u64 = 10 * 1024 * 1024;

/// Sessions whose files are kept; those of the longest silent ones make room.
const MOST_SESSIONS: usize = 100;

/// Which of a session's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFile {
    /// What the filters let through.
    Log,
    /// The last lines, whatever they hold.
    Snapshot,
    /// The lines before those of the snapshot.
    Overflow,
}

impl OutputFile {
    /// Where a session's file is.
    pub fn path(self, folder: &Path, session: &str) -> PathBuf {
        folder.join(match self {
            Self::Log => format!("{session}.log"),
            Self::Snapshot => format!("{session}.snapshot"),
            Self::Overflow => format!("{session}.overflow.log"),
        })
    }
}

/// Removes the files that were written to longest ago, if there are those of too many
/// sessions. Those of sessions that live stay.
pub(super) fn make_room(folder: &Path, lives: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut sessions: BTreeMap<String, (SystemTime, Vec<PathBuf>)> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((session, _)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        // One that is gone already needs no removing.
        let Ok(written) = entry.metadata().and_then(|found| found.modified()) else {
            continue;
        };
        let found = sessions
            .entry(session.to_owned())
            .or_insert((written, Vec::new()));
        found.0 = found.0.max(written);
        found.1.push(entry.path());
    }
    let excess = sessions.len().saturating_sub(MOST_SESSIONS);
    let mut oldest: Vec<_> = (sessions.into_iter())
        .filter(|(session, _)| !lives(session))
        .map(|(_, found)| found)
        .collect();
    oldest.sort();
    for path in oldest.into_iter().take(excess).flat_map(|(_, paths)| paths) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// A file of its owner's alone (mode 0600), and the one before it.
#[derive(Debug)]
pub(super) struct GrowingFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl GrowingFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = own().append(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
        })
    }

    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.size + text.len() as u64 > LARGEST && self.size > 0 {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(text.as_bytes())?;
        self.size += text.len() as u64;
        Ok(())
    }
}

/// The last lines of a session's output, in a file that is always whole.
#[derive(Debug)]
pub(super) struct Snapshot {
    path: PathBuf,
    lines: VecDeque<String>,
    most: usize,
    overflow: GrowingFile,
}

impl Snapshot {
    pub(super) fn open(folder: &Path, session: &str, most: usize) -> io::Result<Self> {
        let overflow = GrowingFile::open(&OutputFile::Overflow.path(folder, session))?;
        let mut snapshot = Self {
            path: OutputFile::Snapshot.path(folder, session),
            lines: VecDeque::new(),
            most,
            overflow,
        };
        snapshot.add("")?;
        Ok(snapshot)
    }

    /// Takes lines in, at the cost of the oldest.
    pub(super) fn add(&mut self, lines: &str) -> io::Result<()> {
        self.lines
            .extend(lines.split_inclusive('\n').map(str::to_owned));
        let excess = self.lines.len().saturating_sub(self.most);
        let gone: String = self.lines.drain(..excess).collect();
        self.overflow.write(&gone)?;
        let written = self.path.with_extension("snapshot.new");
        let mut file = own().write(true).truncate(true).open(&written)?;
        for line in &self.lines {
            file.write_all(line.as_bytes())?;
        }
        std::fs::rename(&written, &self.path)
    }
}

/// For files that nobody else reads.
fn own() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_full_makes_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("logs/s.log");
        let mut log = GrowingFile::open(&path).expect("open");
        let piece = "x".repeat(6 * 1024 * 1024);
        log.write(&piece).expect("first");
        log.write(&piece).expect("second");
        for path in [&path, &path.with_extension("log.1")] {
            let size = std::fs::metadata(path).expect("a log").len();
            assert_eq!(size, piece.len() as u64, "{}", path.display());
        }
    }

    #[test]
    fn the_longest_silent_sessions_files_make_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let began = SystemTime::now() - std::time::Duration::from_secs(3600);
        for number in 0..MOST_SESSIONS + 3 {
            for file in [OutputFile::Log, OutputFile::Overflow, OutputFile::Snapshot] {
                let path = file.path(folder.path(), &format!("s{number}"));
                let written = began + std::time::Duration::from_secs(number as u64);
                let made = File::create(path).expect("a file");
                made.set_modified(written).expect("a time");
            }
        }
        make_room(folder.path(), |session| session == "s0").expect("room");
        let left = |session: &str| OutputFile::Log.path(folder.path(), session).exists();
        assert!(left("s0"), "it lives");
        assert_eq!(
            [1, 2, 3, 4].map(|it| left(&format!("s{it}"))),
            [false, false, false, true]
        );
        let files = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 3 * MOST_SESSIONS);
    }

    #[test]
    fn what_a_snapshot_has_no_room_for_overflows() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut snapshot = Snapshot::open(folder.path(), "s", 2).expect("open");
        let read = |file: OutputFile| {
            std::fs::read_to_string(file.path(folder.path(), "s")).expect("a file")
        };
        assert_eq!(read(OutputFile::Snapshot), "");
        snapshot.add("one\n").expect("added");
        snapshot.add("two\nthree\nfour\n").expect("added");
        assert_eq!(read(OutputFile::Snapshot), "three\nfour\n");
        assert_eq!(read(OutputFile::Overflow), "one\ntwo\n");
    }
}
