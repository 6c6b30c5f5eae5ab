//! One configuration file: read, backed up, written, restored.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

use super::agent::Wanted;
use super::edit::Format;
use super::switched_off::switch_in;

/// What the backup of a file ends with.
const BACKUP: &str = ".before-quarterdeck";

/// A file as it is, and what belongs into it.
pub(super) struct ConfiguredFile {
    wanted: Wanted,
    /// Where it really lies: people link to such files from elsewhere.
    target: PathBuf,
    /// `None` if it is not there.
    text: Option<String>,
    backup: Option<String>,
}

/// What is to be done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileChange {
    /// Nothing.
    Nothing,
    /// It gets this text; what it is now is kept beside it if `keep` says so.
    Write {
        /// All of it.
        text: String,
        /// Whether a backup is made.
        keep: bool,
    },
    /// It gets this text, and the backup goes.
    Restore(String),
    /// It was made by installing, and goes.
    Remove,
}

impl ConfiguredFile {
    /// Reads the file, which need not be there.
    pub(super) fn read(wanted: Wanted) -> Result<Self> {
        let target = fs::canonicalize(&wanted.path).unwrap_or_else(|_| wanted.path.clone());
        let text = text_of(&target)?;
        let backup = text_of(&beside(&target))?;
        Ok(Self {
            wanted,
            target,
            text,
            backup,
        })
    }

    /// Where the agent looks for it.
    pub(super) fn path(&self) -> &Path {
        &self.wanted.path
    }

    /// The setting that switches the agent's hooks off, if there is one.
    pub(super) fn hooks_off(&self) -> Option<String> {
        switch_in(self.wanted.format, self.text.as_deref()?)
    }

    /// What installing changes.
    pub(super) fn installed(&self) -> Result<FileChange> {
        let now = self.text.as_deref().unwrap_or_default();
        let text = self.with(now)?;
        if self.text.as_deref() == Some(&text) {
            return Ok(FileChange::Nothing);
        }
        // Of two installations in a row the first has the backup.
        let untouched = self.without(now)? == now;
        Ok(FileChange::Write {
            keep: self.text.is_some() && (untouched || self.backup.is_none()),
            text,
        })
    }

    /// What uninstalling changes: back to the backup if nobody else has changed
    /// the file since, else only what is ours is taken out.
    pub(super) fn uninstalled(&self) -> Result<FileChange> {
        let Some(now) = &self.text else {
            return Ok(FileChange::Nothing);
        };
        match &self.backup {
            Some(backup) if self.with(backup).is_ok_and(|text| text == *now) => {
                return Ok(FileChange::Restore(backup.clone()));
            }
            None if self.with("")? == *now => return Ok(FileChange::Remove),
            _ => {}
        }
        let text = self.without(now)?;
        Ok(match text == *now {
            true => FileChange::Nothing,
            false if self.wanted.format == Format::Script && text.is_empty() => FileChange::Remove,
            false => FileChange::Restore(text),
        })
    }

    fn with(&self, text: &str) -> Result<String> {
        let Wanted {
            format, entries, ..
        } = &self.wanted;
        format.with(entries, text).with_context(|| self.unusable())
    }

    fn without(&self, text: &str) -> Result<String> {
        let Wanted {
            format, entries, ..
        } = &self.wanted;
        format
            .without(entries, text)
            .with_context(|| self.unusable())
    }

    fn unusable(&self) -> String {
        format!("{} is left as it is", self.path().display())
    }

    /// The change as people read it.
    pub(super) fn diff(&self, change: &FileChange) -> String {
        let before = self.text.as_deref().unwrap_or_default();
        let after = match change {
            FileChange::Nothing => before,
            FileChange::Write { text, .. } | FileChange::Restore(text) => text,
            FileChange::Remove => "",
        };
        let path = self.path().display().to_string();
        let missing = "/dev/null";
        let old = if self.text.is_some() { &*path } else { missing };
        let new = match change {
            FileChange::Remove => missing,
            _ => &*path,
        };
        TextDiff::from_lines(before, after)
            .unified_diff()
            .header(old, new)
            .to_string()
    }

    /// Does it.
    pub(super) fn carry_out(&self, change: &FileChange) -> Result<()> {
        let backup = beside(&self.target);
        match change {
            FileChange::Nothing => Ok(()),
            FileChange::Write { text, keep } => {
                if *keep && let Some(now) = &self.text {
                    self.write(&backup, now)?;
                }
                self.write(&self.target, text)
            }
            FileChange::Restore(text) => {
                self.write(&self.target, text)?;
                remove(&backup)
            }
            FileChange::Remove => remove(&self.target),
        }
    }

    /// Writes beside the file and renames, with the permissions of what was there,
    /// so that an agent never reads half.
    fn write(&self, path: &Path, text: &str) -> Result<()> {
        let write = || {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut beside = tempfile::NamedTempFile::new_in(folder)?;
            beside.write_all(text.as_bytes())?;
            if let Ok(metadata) = fs::metadata(&self.target) {
                fs::set_permissions(beside.path(), metadata.permissions())?;
            }
            beside.as_file().sync_all()?;
            beside.persist(path)?;
            anyhow::Ok(())
        };
        write().with_context(|| format!("writing {}", path.display()))
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BACKUP);
    name.into()
}

fn text_of(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}
