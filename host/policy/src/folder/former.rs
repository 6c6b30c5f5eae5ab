//! Copies of components in a folder inside the plugins folder: of what is in charge under
//! each name, and of what was before it. However a file was swapped, so can it be swapped
//! back, also when the host that ran then is gone.
//!
//! ```text
//! .previous/NAME.wasm                     what was replaced or removed last
//! .previous/in-charge/NAME/DIGEST.wasm    what a host has put in charge last
//! ```

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::loading::digest::sha256;

/// A host looks at no folder in its folder.
const PREVIOUS: &str = ".previous";
const IN_CHARGE: &str = "in-charge";

/// The copies that belong to one plugins folder.
#[derive(Debug)]
pub struct FormerVersions {
    plugins_dir: PathBuf,
    /// Two swaps of one name are taken note of one after the other.
    writing: Mutex<()>,
}

impl FormerVersions {
    /// Those of the plugins folder `plugins_dir`.
    pub fn of(plugins_dir: &Path) -> Self {
        FormerVersions {
            plugins_dir: plugins_dir.to_owned(),
            writing: Mutex::new(()),
        }
    }

    /// The folder that they lie in.
    pub fn folder(&self) -> PathBuf {
        self.plugins_dir.join(PREVIOUS)
    }

    /// Whether the plugins folder is there.
    pub(crate) fn has_folder(&self) -> bool {
        self.plugins_dir.is_dir()
    }

    /// Where the component lies that was replaced or removed last, if one was.
    pub fn replaced_last(&self, name: &str) -> PathBuf {
        self.folder().join(format!("{name}.wasm"))
    }

    /// What `plugin rollback` puts back where `present` lies now: what is in charge if
    /// that is something else, because nobody has taken `present` over, and what was
    /// replaced last otherwise.
    ///
    /// # Errors
    ///
    /// If there is something that cannot be read; nothing at all is `None`.
    pub fn to_put_back(&self, name: &str, present: Option<&[u8]>) -> io::Result<Option<Vec<u8>>> {
        let present = present.map(sha256);
        if let Some((path, digest)) = self.in_charge(name)
            && present.as_deref() != Some(&digest)
        {
            return fs::read(path).map(Some);
        }
        match fs::read(self.replaced_last(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Keeps `component` as what was replaced last under `name`.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn keep(&self, name: &str, component: &[u8]) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        make(&self.folder())?;
        match self.in_charge(name) {
            // The copy that there is already.
            Some((copy, digest)) if digest == sha256(component) => {
                fs::rename(copy, self.replaced_last(name))?;
            }
            _ => write(&self.replaced_last(name), component)?,
        }
        // It speaks of the time before, and the next one in charge is written down anew.
        self.forget_in_charge(name);
        Ok(())
    }

    /// The component in the file `component`, of this digest, is in charge under `name`.
    pub(crate) fn took_charge(&self, name: &str, component: &Path, digest: &str) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.in_charge_folder(name);
        let copy = folder.join(format!("{digest}.wasm"));
        if copy.exists() {
            return Ok(());
        }
        make(&folder)?;
        let aside = aside(&copy);
        let _ = fs::remove_file(&aside);
        // Copied by the system, which shares the blocks where the file system can.
        let kept = fs::copy(component, &aside)
            .and_then(|_| fs::read(&aside))
            .and_then(|content| {
                if sha256(&content) != digest {
                    // It has been replaced since; the next one tells of itself.
                    return fs::remove_file(&aside);
                }
                fs::set_permissions(&aside, fs::Permissions::from_mode(0o600))?;
                self.retire(name)?;
                fs::rename(&aside, &copy)
            });
        if kept.is_err() {
            let _ = fs::remove_file(&aside);
        }
        kept
    }

    /// Nothing from the plugins folder is in charge under `name` any more.
    pub(crate) fn has_gone(&self, name: &str) -> io::Result<()> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.retire(name)?;
        self.forget_in_charge(name);
        Ok(())
    }

    /// Makes what was in charge what was replaced last.
    fn retire(&self, name: &str) -> io::Result<()> {
        match self.in_charge(name) {
            Some((path, _)) => fs::rename(path, self.replaced_last(name)),
            None => Ok(()),
        }
    }

    fn forget_in_charge(&self, name: &str) {
        // A folder that stays costs its place only: what counts is looked for by its name.
        let _ = fs::remove_dir_all(self.in_charge_folder(name));
    }

    fn in_charge_folder(&self, name: &str) -> PathBuf {
        self.folder().join(IN_CHARGE).join(name)
    }

    /// What was put in charge last, with its digest.
    fn in_charge(&self, name: &str) -> Option<(PathBuf, String)> {
        let entries = fs::read_dir(self.in_charge_folder(name)).ok()?;
        entries.flatten().find_map(|entry| {
            let path = entry.path();
            let digest = path.file_stem()?.to_str()?.to_owned();
            (digest.len() == 64 && path.extension()? == "wasm").then_some((path, digest))
        })
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Where a file is written that is then renamed to `path`.
fn aside(path: &Path) -> PathBuf {
    path.with_extension(format!("{}.new", std::process::id()))
}

/// Writes aside and renames, so that nobody reads half of it.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let aside = aside(path);
    let _ = fs::remove_file(&aside);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plugins folder with a file `rule.wasm`, and what is kept of it.
    struct World {
        folder: tempfile::TempDir,
        kept: FormerVersions,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let kept = FormerVersions::of(folder.path());
            World { folder, kept }
        }

        fn file(&self) -> PathBuf {
            self.folder.path().join("rule.wasm")
        }

        fn swap_in(&self, content: &[u8]) {
            fs::write(self.file(), content).unwrap();
        }

        fn host_takes_it(&self) {
            let digest = sha256(&fs::read(self.file()).unwrap());
            let kept = self.kept.took_charge("rule", &self.file(), &digest);
            kept.unwrap();
        }

        fn back(&self) -> Option<Vec<u8>> {
            let present = fs::read(self.file()).ok();
            self.kept.to_put_back("rule", present.as_deref()).unwrap()
        }
    }

    #[test]
    fn what_was_in_charge_before_a_swap_by_file_comes_back() {
        let world = World::new();
        assert_eq!(world.back(), None);
        for (version, before) in [("one", None), ("two", Some("one")), ("three", Some("two"))] {
            world.swap_in(version.as_bytes());
            world.host_takes_it();
            world.host_takes_it();
            let before = before.map(|it| it.as_bytes().to_vec());
            assert_eq!(world.back(), before, "{version}");
        }
        fs::remove_file(world.file()).unwrap();
        assert_eq!(world.back().as_deref(), Some(b"three".as_slice()));
        world.kept.has_gone("rule").unwrap();
        assert_eq!(world.back().as_deref(), Some(b"three".as_slice()));
    }

    #[test]
    fn one_former_version_is_kept_and_no_more() {
        fn files(folder: &Path) -> Vec<PathBuf> {
            let entries = fs::read_dir(folder).unwrap();
            let paths = entries.map(|entry| entry.unwrap().path());
            paths
                .flat_map(|path| match path.is_dir() {
                    true => files(&path),
                    false => vec![path],
                })
                .collect()
        }
        let world = World::new();
        for version in ["one", "two", "three", "four"] {
            world.swap_in(version.as_bytes());
            world.host_takes_it();
        }
        world.kept.keep("rule", b"four").unwrap();
        assert_eq!(files(&world.kept.folder()).len(), 1);
        world.swap_in(b"five");
        world.host_takes_it();
        assert_eq!(world.back().as_deref(), Some(b"four".as_slice()));
        // What is in charge, and what was before it.
        assert_eq!(files(&world.kept.folder()).len(), 2);
    }

    #[test]
    fn what_no_host_has_taken_is_exchanged_for_what_is_in_charge() {
        let world = World::new();
        for version in ["one", "two"] {
            world.swap_in(version.as_bytes());
            world.host_takes_it();
        }
        world.swap_in(b"broken");
        assert_eq!(world.back().as_deref(), Some(b"two".as_slice()));
    }

    #[test]
    fn what_a_person_has_replaced_by_command_comes_first() {
        let world = World::new();
        world.swap_in(b"one");
        world.host_takes_it();
        // No host runs any more.
        world.swap_in(b"two");
        world.kept.keep("rule", b"two").unwrap();
        world.swap_in(b"three");
        assert_eq!(world.back().as_deref(), Some(b"two".as_slice()));
        world.host_takes_it();
        assert_eq!(world.back().as_deref(), Some(b"two".as_slice()));
    }

    #[test]
    fn a_file_that_was_replaced_meanwhile_is_not_taken_for_what_is_in_charge() {
        let world = World::new();
        world.swap_in(b"two");
        let kept = world
            .kept
            .took_charge("rule", &world.file(), &sha256(b"one"));
        kept.unwrap();
        assert_eq!(world.back(), None);
    }
}
