//! The plugins folder as a person keeps it: components, sidecars, and for each
//! component the one that it replaced.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use quarterdeck_core::policy::FormerVersions;

use crate::bundled;

/// The folder that hosts load policies from.
pub(crate) struct PluginsFolder {
    path: PathBuf,
    former: FormerVersions,
}

impl PluginsFolder {
    /// Opens the folder, making it (mode 0700) where it is missing.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("making the plugins folder {}", path.display()))?;
        let former = FormerVersions::of(&path);
        Ok(Self { path, former })
    }

    /// Waits until no other command changes the folder, and keeps others waiting as long
    /// as it is held: from before a file is read until what became of it is written.
    /// What is locked lies beside the sidecars, which are replaced.
    pub(crate) fn turn(&self) -> Result<Turn> {
        let path = self.path.join(".lock");
        let lock = || -> std::io::Result<File> {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock()
            .map(|file| Turn { _locked: file })
            .with_context(|| format!("locking {}", path.display()))
    }

    /// Where the component of this name lies, whether it exists or not.
    pub(crate) fn component(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.wasm"))
    }

    /// Where the sidecar of this name lies, whether it exists or not.
    pub(crate) fn sidecar(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.toml"))
    }

    fn previous_sidecar(&self, name: &str) -> PathBuf {
        self.former.folder().join(format!("{name}.toml"))
    }

    /// Puts a component in place, all of it at once, and keeps the one that was
    /// there for [`PluginsFolder::to_put_back`].
    pub(crate) fn put(&self, name: &str, component: &[u8]) -> Result<PathBuf> {
        let path = self.component(name);
        self.keep(name)?;
        self.write(&path, component)?;
        Ok(path)
    }

    /// Writes beside the file and renames, so that a host never reads half.
    pub(crate) fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        let mut beside = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.path)
            .with_context(|| format!("writing into {}", self.path.display()))?;
        beside
            .write_all(content)
            .and_then(|()| beside.as_file().sync_all())
            .with_context(|| format!("writing {}", path.display()))?;
        beside
            .persist(path)
            .with_context(|| format!("putting {} in place", path.display()))?;
        Ok(())
    }

    /// Takes a component out of the folder, and its sidecar unless that is `shared` with
    /// another component of this name; what they were is kept.
    pub(crate) fn remove(&self, name: &str, shared: bool) -> Result<()> {
        ensure!(
            self.component(name).exists(),
            "there is no component {}; `quarterdeck plugin list` names those that there are",
            self.component(name).display()
        );
        self.keep(name)?;
        // First, so that no host ever sees the sidecar of nothing.
        if !shared {
            self.move_sidecar(&self.sidecar(name), &self.previous_sidecar(name))?;
        }
        fs::remove_file(self.component(name))
            .with_context(|| format!("removing {}", self.component(name).display()))
    }

    /// Where there is one.
    fn move_sidecar(&self, from: &Path, to: &Path) -> Result<()> {
        match fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("moving {} to {}", from.display(), to.display()))
            }
            _ => Ok(()),
        }
    }

    /// The component of this name, if there is one.
    pub(crate) fn read_component(&self, name: &str) -> Result<Option<Vec<u8>>> {
        read_if_there(&self.component(name))
    }

    /// The component that a host would put in charge under this name: the file, or what
    /// is bundled where there is none.
    pub(crate) fn component_in_charge(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let file = self.read_component(name)?;
        let bundled = || {
            let policies = bundled::policies();
            let policy = policies.iter().find(|policy| policy.name == name)?;
            Some(policy.wasm.to_vec())
        };
        Ok(file.or_else(bundled))
    }

    /// The sidecar of this name, if there is one.
    pub(crate) fn read_sidecar(&self, name: &str) -> Result<Option<Vec<u8>>> {
        read_if_there(&self.sidecar(name))
    }

    /// The component that was replaced or removed last, by command or by file.
    pub(crate) fn to_put_back(&self, name: &str) -> Result<Vec<u8>> {
        let present = self.read_component(name)?;
        let former = self
            .former
            .to_put_back(name, present.as_deref())
            .with_context(|| {
                format!("reading what is kept in {}", self.former.folder().display())
            })?;
        former.with_context(|| {
            format!(
                "no former version of {name} is kept; `plugin add`, `plugin remove` and a host that takes a new file over keep one"
            )
        })
    }

    /// The sidecar that a component of this name would have if it were put back: the one
    /// that is there, or the one that was removed with it.
    pub(crate) fn sidecar_to_put_back(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match self.read_sidecar(name)? {
            None => read_if_there(&self.previous_sidecar(name)),
            present => Ok(present),
        }
    }

    /// Puts `former` back. What it takes the place of is kept, so that doing it twice
    /// leads back.
    pub(crate) fn roll_back(&self, name: &str, former: &[u8]) -> Result<()> {
        if !self.sidecar(name).exists() {
            self.move_sidecar(&self.previous_sidecar(name), &self.sidecar(name))?;
        }
        self.put(name, former).map(|_| ())
    }

    /// Keeps the component of this name, if there is one, as the former version.
    fn keep(&self, name: &str) -> Result<()> {
        let Some(content) = self.read_component(name)? else {
            return Ok(());
        };
        self.former
            .keep(name, &content)
            .with_context(|| format!("keeping {name} in {}", self.former.folder().display()))
    }
}

/// Nobody else changes the plugins folder while this is held.
#[must_use = "others change the folder as soon as it is dropped"]
pub(crate) struct Turn {
    _locked: File,
}

/// What a file holds, `None` only if there is none: what is there and cannot be read is
/// not to be taken for missing. Nor is a pipe waited for.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(found) if !found.is_file() => bail!("{} is no file", path.display()),
        _ => {}
    }
    fs::read(path)
        .map(Some)
        .with_context(|| format!("reading {}", path.display()))
}

/// The name of a policy that there may be: whatever a file in the folder can be called.
pub(crate) fn present_name(name: &str) -> Result<&str> {
    let usable = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    ensure!(usable, "{name:?} cannot be a policy's name");
    Ok(name)
}

/// A new policy's name, if it can be a file's and is typed easily: letters, digits, `-`, `_` and `.`,
/// not beginning with a point.
pub(crate) fn checked_name(name: &str) -> Result<&str> {
    let usable = !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    ensure!(
        usable,
        "{name:?} cannot be a policy's name: use letters, digits, `-`, `_` and `.`"
    );
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PluginsFolder) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = PluginsFolder::open(place.path().join("plugins")).expect("opened");
        (place, folder)
    }

    fn content(folder: &PluginsFolder) -> Option<Vec<u8>> {
        fs::read(folder.component("rule")).ok()
    }

    fn back(folder: &PluginsFolder) {
        let former = folder.to_put_back("rule").expect("something is kept");
        folder.roll_back("rule", &former).expect("rolled back");
    }

    #[test]
    fn what_was_replaced_or_removed_comes_back() {
        let (_place, folder) = folder();
        folder.put("rule", b"one").expect("put");
        folder.put("rule", b"two").expect("put");
        back(&folder);
        assert_eq!(content(&folder).as_deref(), Some(b"one".as_slice()));
        back(&folder);
        assert_eq!(content(&folder).as_deref(), Some(b"two".as_slice()));
        fs::write(folder.sidecar("rule"), "order = 3").expect("written");
        folder.remove("rule", false).expect("removed");
        assert!(!folder.sidecar("rule").exists());
        assert_eq!(content(&folder), None);
        back(&folder);
        assert_eq!(content(&folder).as_deref(), Some(b"two".as_slice()));
        let sidecar = fs::read_to_string(folder.sidecar("rule"));
        assert_eq!(sidecar.expect("it is back"), "order = 3");
    }

    #[test]
    fn a_sidecar_that_another_component_needs_stays() {
        let (_place, folder) = folder();
        folder.put("rule", b"one").expect("put");
        fs::write(folder.sidecar("rule"), "order = 3").expect("written");
        folder.remove("rule", true).expect("removed");
        assert!(folder.sidecar("rule").exists());
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_missing() {
        let (_place, folder) = folder();
        let bundled = bundled::policies()[0].name;
        assert_eq!(folder.read_component("rule").expect("none"), None);
        assert_eq!(folder.sidecar_to_put_back("rule").expect("none"), None);
        assert!(folder.component_in_charge(bundled).expect("it").is_some());
        // Unreadable for everybody, also for the superuser whom no mode keeps out.
        for name in ["rule", bundled] {
            fs::create_dir(folder.component(name)).expect("made");
            fs::create_dir(folder.sidecar(name)).expect("made");
            assert!(folder.read_component(name).is_err());
            assert!(folder.component_in_charge(name).is_err());
            assert!(folder.read_sidecar(name).is_err());
            assert!(folder.sidecar_to_put_back(name).is_err());
        }
    }

    #[test]
    fn one_changes_the_folder_after_the_other() {
        let (place, folder) = folder();
        let path = place.path().join("plugins");
        fs::write(folder.sidecar("rule"), "0").expect("written");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let folder = PluginsFolder::open(path.clone()).expect("opened");
                    for _ in 0..25 {
                        let _turn = folder.turn().expect("its turn");
                        let content = folder.read_sidecar("rule").expect("read").expect("there");
                        let count: u32 = String::from_utf8_lossy(&content).parse().expect("count");
                        let content = (count + 1).to_string();
                        let sidecar = folder.sidecar("rule");
                        folder.write(&sidecar, content.as_bytes()).expect("written");
                    }
                });
            }
        });
        let content = fs::read_to_string(folder.sidecar("rule")).expect("read");
        assert_eq!(content, "100", "no change was lost");
    }

    #[test]
    fn nothing_to_go_back_to_is_said() {
        let (_place, folder) = folder();
        let error = folder.to_put_back("rule").expect_err("nothing is kept");
        assert!(error.to_string().contains("no former version of rule"));
        assert!(folder.remove("rule", false).is_err());
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in ["", "..", "../up", "a/b", ".hidden", "sp ace"] {
            assert!(checked_name(name).is_err(), "{name:?}");
        }
        assert_eq!(checked_name("my-rule_2.0").expect("usable"), "my-rule_2.0");
        for name in ["", "..", "../up", "a/b", ".hidden"] {
            assert!(present_name(name).is_err(), "{name:?}");
        }
        assert_eq!(present_name("sp ace").expect("usable"), "sp ace");
    }
}
