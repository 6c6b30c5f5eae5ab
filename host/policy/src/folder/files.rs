//! The plugins folder: which names it holds, and their files, read with
//! suspicion.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, DirEntry, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::folder::ownership::distrust;
use crate::folder::seen_files::{Sighting, Stamp};
use crate::folder::sidecar::{MAX_SIDECAR_BYTES, SidecarError};
use crate::loading::rejection::Rejection;

/// How many names are looked at; more than that is a mistake, not a set of
/// policies.
pub(crate) const MAX_NAMES: usize = 1024;
/// The longest name, in bytes.
const MAX_NAME: usize = 100;

/// How many files that are not loaded are told of.
const MAX_OVERLOOKED: usize = 16;
/// How many entries of a folder in the folder are looked at.
const MAX_BELOW: usize = 64;

const COMPONENT: &str = "wasm";
const SIDECAR: &str = "toml";

/// The folder that the user puts policies into.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// The folder as a whole cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FolderError {
    #[error(
        "the plugins folder {} cannot be read: {reason}; the policies stay as they are", path.display()
    )]
    Unreadable { path: PathBuf, reason: String },
    #[error("no policy is read from {}: {reason}; the policies stay as they are", path.display())]
    Distrusted { path: PathBuf, reason: String },
    #[error(
        "{} holds more than {MAX_NAMES} policies; the rest is not looked at", path.display()
    )]
    Crowded { path: PathBuf },
}

/// Tells one folder from another that took its place.
pub(crate) type FolderId = (u64, u64);

/// What the whole folder holds.
pub(crate) struct List {
    pub(crate) names: BTreeSet<String>,
    pub(crate) crowded: Option<FolderError>,
    /// What looks as if it were meant to be loaded, and is not.
    pub(crate) overlooked: BTreeSet<Overlooked>,
}

/// A component that lies where no policy is loaded from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(crate) enum Overlooked {
    #[error(
        "it is not loaded, because components are called NAME.{COMPONENT} and sidecars NAME.{SIDECAR}, in small letters; rename it"
    )]
    Case(PathBuf),
    #[error(
        "it is not loaded, because its name has more than {MAX_NAME} bytes or characters that cannot be shown; rename it"
    )]
    Name(PathBuf),
    #[error(
        "it is not loaded, because components have to lie in the plugins folder itself; move it one folder up"
    )]
    Below(PathBuf),
}

impl Overlooked {
    /// The file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Overlooked::Case(path) | Overlooked::Name(path) | Overlooked::Below(path) => path,
        }
    }
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Folder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder if it is missing, closed to others.
    pub(crate) fn make(&self) -> Result<(), FolderError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|error| self.unreadable(&error))
    }

    pub(crate) fn component(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{COMPONENT}"))
    }

    pub(crate) fn sidecar(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{SIDECAR}"))
    }

    /// The policy that a file in this folder belongs to, if any.
    pub(crate) fn name_of(path: &Path) -> Option<&str> {
        let extension = path.extension()?.to_str()?;
        if extension != COMPONENT && extension != SIDECAR {
            return None;
        }
        let name = path.file_stem()?.to_str()?;
        // Files that begin with a dot are what copying programs write to
        // before they rename.
        let fit =
            !name.starts_with('.') && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
        fit.then_some(name)
    }

    /// Every name that the folder holds something for.
    pub(crate) fn list(&self) -> Result<List, FolderError> {
        self.id()?;
        let mut list = List {
            names: BTreeSet::new(),
            crowded: None,
            overlooked: BTreeSet::new(),
        };
        let entries = fs::read_dir(&self.path).map_err(|error| self.unreadable(&error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.unreadable(&error))?;
            let Some(name) = Folder::name_of(Path::new(&entry.file_name())).map(str::to_owned)
            else {
                if list.overlooked.len() < MAX_OVERLOOKED {
                    list.overlooked.extend(overlooked(&entry));
                }
                continue;
            };
            if list.names.len() == MAX_NAMES && !list.names.contains(&name) {
                list.crowded = Some(FolderError::Crowded {
                    path: self.path.clone(),
                });
                break;
            }
            list.names.insert(name);
        }
        Ok(list)
    }

    /// What the folder holds for `name`.
    pub(crate) fn sight(&self, name: &str) -> Result<Sighting, FolderError> {
        let sighting = Sighting {
            component: stamp(&self.component(name)),
            sidecar: stamp(&self.sidecar(name)),
        };
        // A missing file says something only while the folder is there.
        self.id()?;
        Ok(sighting)
    }

    /// Which folder it is; an error if it is none that can be believed.
    pub(crate) fn id(&self) -> Result<FolderId, FolderError> {
        let metadata = fs::metadata(&self.path).map_err(|error| self.unreadable(&error))?;
        match distrust(&self.path, &metadata) {
            Some(reason) => Err(FolderError::Distrusted {
                path: self.path.clone(),
                reason,
            }),
            None => Ok((metadata.dev(), metadata.ino())),
        }
    }

    fn unreadable(&self, error: &io::Error) -> FolderError {
        FolderError::Unreadable {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }

    /// The component of that name; `None` when there is no such file.
    pub(crate) fn read_component(
        &self,
        name: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Rejection> {
        read(&self.component(name), limit, |size| Rejection::TooLarge {
            size,
            limit,
        })
    }

    /// The sidecar of that name; `None` when there is no such file.
    pub(crate) fn read_sidecar(&self, name: &str) -> Result<Option<Vec<u8>>, Rejection> {
        let too_large = |size| {
            Rejection::Sidecar(SidecarError::TooLarge {
                size,
                limit: MAX_SIDECAR_BYTES,
            })
        };
        // What it says is not known, so it changes nothing: not even that the policy is
        // switched off.
        read(&self.sidecar(name), MAX_SIDECAR_BYTES, too_large).map_err(|rejection| match rejection
        {
            Rejection::File(reason) => Rejection::Sidecar(SidecarError::File(reason)),
            rejection => rejection,
        })
    }
}

/// Why an entry without a policy's name is not loaded, if it looks as if it were meant to
/// be.
fn overlooked(entry: &DirEntry) -> Option<Overlooked> {
    let path = entry.path();
    if is_hidden(&path) {
        return None;
    }
    if entry.file_type().is_ok_and(|it| it.is_dir()) {
        let below = fs::read_dir(&path).ok()?.take(MAX_BELOW).flatten();
        let mut below = below.map(|it| it.path());
        return below
            .find(|it| has_extension(it, COMPONENT) && !is_hidden(it))
            .map(Overlooked::Below);
    }
    let is_small = path
        .extension()
        .is_some_and(|it| it == COMPONENT || it == SIDECAR);
    match (has_extension(&path, COMPONENT), is_small) {
        (true, true) => Some(Overlooked::Name(path)),
        (true, false) => Some(Overlooked::Case(path)),
        (false, false) if has_extension(&path, SIDECAR) => Some(Overlooked::Case(path)),
        (false, _) => None,
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().first() == Some(&b'.')
}

/// In whatever case.
fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|it| it.eq_ignore_ascii_case(extension))
}

/// The stamp of what `path` leads to, symlinks followed. A dangling symlink
/// counts as a file: it was put there on purpose.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path)
        .or_else(|_| fs::symlink_metadata(path))
        .ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

/// Reads a file that only this user and root can have written, once and
/// bounded: everything afterwards works on these bytes.
fn read(
    path: &Path,
    limit: u64,
    too_large: impl Fn(u64) -> Rejection,
) -> Result<Option<Vec<u8>>, Rejection> {
    let unreadable = |error: io::Error| Rejection::File(format!("it cannot be read: {error}"));
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::symlink_metadata(path) {
                Ok(_) => Err(Rejection::File(String::from(
                    "it is a symlink that leads nowhere",
                ))),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if let Some(reason) = irregular(&metadata).or_else(|| distrust(path, &metadata)) {
        return Err(Rejection::File(reason));
    }
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(Some(bytes))
}

/// Opens for reading without waiting for the other end of a FIFO.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
}

fn irregular(metadata: &Metadata) -> Option<String> {
    let file_type = metadata.file_type();
    let sort = if file_type.is_file() {
        return None;
    } else if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Some(format!("it is {sort}, not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_components_and_sidecars_with_a_name_count() {
        for (path, expected) in [
            ("/p/git-rules.wasm", Some("git-rules")),
            ("/p/git-rules.toml", Some("git-rules")),
            ("/p/a.b.wasm", Some("a.b")),
            ("/p/.git-rules.wasm", None),
            ("/p/.wasm", None),
            ("/p/notes.txt", None),
            ("/p/git-rules.wasm.swp", None),
            ("/p/wasm", None),
            ("/p/a\u{7}.wasm", None),
        ] {
            assert_eq!(Folder::name_of(Path::new(path)), expected, "{path}");
        }
    }
}
