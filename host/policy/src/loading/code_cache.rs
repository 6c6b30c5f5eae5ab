//! Compiled code kept between runs, so that a restart does not compile.
//!
//! Loading compiled code means running it without further checks, so the
//! folder has to belong to this user alone, every entry ends with the digest of
//! what is before it, and whatever does not fit in any way is compiled anew.
//! Nothing here ever comes from the plugins folder.
//!
//! An entry is mapped instead of read: of two megabytes, a start touches a part.

use std::cmp::Reverse;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::calling::engine::PolicyEngine;
use crate::folder::ownership::distrust;

const MAGIC: &[u8; 8] = b"qdcode02";
/// Behind the code, so that the code is aligned when the file is mapped.
const TRAILER: usize = MAGIC.len() + 32;
/// How much is read at a time to find an entry's digest.
const CHUNK: usize = 64 << 10;
const SUFFIX: &str = ".cwasm";
/// The least recently used entries beyond these bounds are removed.
const MAX_ENTRIES: usize = 64;
const MAX_BYTES: u64 = 512 << 20;

/// A folder of compiled code.
pub(crate) struct CodeCache {
    folder: PathBuf,
    format: String,
}

/// The folder cannot be used; every component is compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("compiled code cannot be kept in {}: {error}", folder.display())]
    Io { folder: PathBuf, error: io::Error },
    #[error("compiled code is not kept in {}: {reason}", folder.display())]
    Distrusted { folder: PathBuf, reason: String },
}

impl CodeCache {
    /// Opens `folder`, making it if need be.
    pub(crate) fn open(folder: &Path, engine: &PolicyEngine) -> Result<Self, CacheError> {
        let io = |error| CacheError::Io {
            folder: folder.to_owned(),
            error,
        };
        let distrusted = |reason| CacheError::Distrusted {
            folder: folder.to_owned(),
            reason,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(io)?;
        let metadata = fs::symlink_metadata(folder).map_err(io)?;
        if !metadata.is_dir() {
            return Err(distrusted(String::from("it is not a folder")));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(distrusted(format!(
                "it belongs to another user (id {})",
                metadata.uid()
            )));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(distrusted(format!(
                "it is open to others (mode {:03o}); run `chmod 700 {}`",
                metadata.mode() & 0o777,
                folder.display()
            )));
        }
        Ok(CodeCache {
            folder: folder.to_owned(),
            format: engine.code_format(),
        })
    }

    /// Whether anything is kept under `key`.
    pub(crate) fn has(&self, key: &CodeKey) -> bool {
        self.path(key).exists()
    }

    /// The code kept under `key`, if there is any that can be run here.
    pub(crate) fn load(&self, engine: &PolicyEngine, key: &CodeKey) -> Option<Component> {
        let path = self.path(key);
        let unusable = |reason: String| {
            tracing::info!("compiled code at {} is not used: {reason}", path.display());
            // It will be written anew; what cannot be removed is replaced.
            let _ = fs::remove_file(&path);
            None
        };
        match check_entry(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return unusable(error.to_string()),
        }
        // Some file systems hold nothing that may be run (mounted `noexec`).
        map(engine, &path)
            .or_else(|_| read(engine, &path))
            .map_or_else(|error| unusable(format!("{error:#}")), Some)
    }

    /// Keeps the code of `component` under `key`. A failure costs time at the
    /// next start and nothing else.
    pub(crate) fn store(&self, key: &CodeKey, component: &Component) {
        let path = self.path(key);
        let kept = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")))
            .and_then(|code| write_entry(&path, &code));
        if let Err(error) = kept {
            tracing::warn!(
                "compiled code cannot be kept at {}: {error}",
                path.display()
            );
        }
        self.prune();
    }

    fn path(&self, key: &CodeKey) -> PathBuf {
        self.folder
            .join(format!("{}-{}{SUFFIX}", key.0, self.format))
    }

    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut kept: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(SUFFIX))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        kept.sort_unstable_by_key(|(modified, ..)| Reverse(*modified));
        let mut bytes = 0;
        for (at, (_, size, path)) in kept.iter().enumerate() {
            bytes += size;
            if at >= MAX_ENTRIES || bytes > MAX_BYTES {
                // Another host of this user may have removed it already.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Names a piece of compiled code: the component, and what was done to it
/// before it was compiled.
pub(crate) struct CodeKey(String);

impl CodeKey {
    /// A component as it is.
    pub(crate) fn plain(component_sha256: &str) -> Self {
        CodeKey(component_sha256.to_owned())
    }

    /// A component that was configured with `config`.
    pub(crate) fn configured(component_sha256: &str, config: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"configured\0");
        hasher.update(component_sha256);
        hasher.update(b"\0");
        hasher.update(config);
        CodeKey(crate::loading::digest::hexadecimal(&hasher.finalize()))
    }
}

#[allow(
    unsafe_code,
    reason = "there is no other way to load compiled code; see the SAFETY comment"
)]
fn map(engine: &PolicyEngine, entry: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is a serialised component that this user's host wrote: the
    // folder is closed to everybody else, the entry belongs to this user, and its
    // digest proved that it is whole. Hosts replace and remove entries and never
    // change one, so that what is mapped stays as it is. The engine checks version
    // and settings by itself.
    unsafe { Component::deserialize_file(engine.engine(), entry) }
}

#[allow(
    unsafe_code,
    reason = "there is no other way to load compiled code; see the SAFETY comment"
)]
fn read(engine: &PolicyEngine, entry: &Path) -> wasmtime::Result<Component> {
    let code = fs::read(entry)?;
    // SAFETY: as for `map`, which has been tried with the same entry.
    unsafe { Component::deserialize(engine.engine(), code) }
}

/// Whether there is a whole entry at `path` that this user's host wrote.
fn check_entry(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(path)?;
    let metadata = file.metadata()?;
    let bad = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(bad("it is no entry of this cache"));
    }
    if let Some(reason) = distrust(path, &metadata) {
        return Err(bad(&reason));
    }
    let Some(length) = metadata.len().checked_sub(TRAILER as u64) else {
        return Err(bad("it is no entry of this cache"));
    };
    let digest = digest(&mut (&mut file).take(length))?;
    let mut trailer = [0; TRAILER];
    file.read_exact(&mut trailer)?;
    let (magic, written) = trailer.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(bad("it is no entry of this cache"));
    }
    if written != digest {
        return Err(bad("it is damaged"));
    }
    // What was used last is kept longest.
    let _ = file.set_modified(SystemTime::now());
    Ok(())
}

fn digest(from: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&chunk[..count]),
        }
    }
}

fn write_entry(path: &Path, code: &[u8]) -> io::Result<()> {
    // Written aside and renamed, so that another host never reads half of it.
    let aside = path.with_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let _ = fs::remove_file(&aside);
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)?;
        file.write_all(code)?;
        file.write_all(MAGIC)?;
        file.write_all(&Sha256::digest(code))?;
        fs::rename(&aside, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}
