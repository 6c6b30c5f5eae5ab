//! The file that holds the allow rules.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::AllowRule;

/// A longer file is nobody's list of rules.
const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// The rules of one file, read again when the file has changed. Whoever asks
/// looks at the file's metadata first, so there is nothing to be told of a
/// change and no change is seen late.
pub struct AllowRulesFile {
    path: PathBuf,
    /// What was read last; held for one look at the file.
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    /// Of the file that these rules come from; `None` where there are none to keep.
    stamp: Option<Stamp>,
    rules: Arc<[AllowRule]>,
    /// What was last said to be wrong, so that it is said once.
    failure: Option<String>,
}

/// What changes when a file's content does, or who may write it: the inode's own
/// time of change moves with either.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    mode: u32,
    owner: u32,
}

/// The file as TOML.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "allow")]
    rules: Vec<AllowRule>,
}

/// The file cannot be used. No rule of it holds then.
#[derive(Debug, thiserror::Error)]
pub enum AllowRulesError {
    /// Reading or writing it failed.
    #[error("cannot {doing} the allow rules {}: {source}", .path.display())]
    Unusable {
        /// `read` or `write`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could have written it.
    #[error(
        "the allow rules {} can be written by others than you, so none of them holds; `chmod go-w` it, and see that it is yours", .0.display()
    )]
    NotPrivate(PathBuf),
    /// It is not what it should be.
    #[error("the allow rules {} cannot be understood, so none of them holds: {reason}", .path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl AllowRulesFile {
    /// The rules at `path`, which need not exist.
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            read: Mutex::default(),
        }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rules that hold now: none while the file is missing or cannot be
    /// used. Only what could be read is kept; a failure is logged when it is new, and
    /// the file looked at again the next time.
    pub(crate) fn current(&self) -> Arc<[AllowRule]> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = fs::metadata(&self.path).ok().map(|it| Stamp::of(&it));
        if stamp.is_some() && stamp == read.stamp {
            return Arc::clone(&read.rules);
        }
        *read = match self.load() {
            Ok(rules) => Read {
                stamp,
                rules: rules.into(),
                failure: None,
            },
            Err(error) => {
                let failure = error.to_string();
                if read.failure.as_ref() != Some(&failure) {
                    tracing::warn!("{failure}");
                }
                Read {
                    failure: Some(failure),
                    ..Read::default()
                }
            }
        };
        Arc::clone(&read.rules)
    }

    /// Reads the rules; none where there is no file.
    pub fn load(&self) -> Result<Vec<AllowRule>, AllowRulesError> {
        Ok(self.parse(&self.text()?)?.rules)
    }

    /// Adds a rule at the end; everything that is there stays as it is.
    pub fn add(&self, rule: AllowRule) -> Result<(), AllowRulesError> {
        let _turn = self.turn()?;
        let text = self.text()?;
        let mut wanted = self.parse(&text)?.rules;
        wanted.push(rule.clone());
        let entry = self.written(&Document { rules: vec![rule] })?;
        let gap = match text.as_str() {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        let appended = format!("{text}{gap}{entry}");
        // A file that keeps its rules in one inline list is written anew.
        let appended = match self.parse(&appended) {
            Ok(document) if document.rules == wanted => appended,
            _ => self.written(&Document { rules: wanted })?,
        };
        self.replace(&appended)
    }

    /// Takes out the rule of this [id](AllowRule::id), one of them if several say the
    /// same; `None` if there is none. Comments within the file are lost.
    pub fn remove(&self, id: &str) -> Result<Option<AllowRule>, AllowRulesError> {
        let _turn = self.turn()?;
        let mut rules = self.load()?;
        let Some(place) = rules.iter().position(|rule| rule.id() == id) else {
            return Ok(None);
        };
        let removed = rules.remove(place);
        self.replace(&self.written(&Document { rules })?)?;
        Ok(Some(removed))
    }

    /// Waits until no other process changes the rules, and keeps others waiting as long
    /// as it is held. What is locked lies beside the rules, which are replaced.
    fn turn(&self) -> Result<File, AllowRulesError> {
        let lock = || {
            fs::create_dir_all(self.folder())?;
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(self.path.with_extension("lock"))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| self.unusable("write", source))
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn text(&self) -> Result<String, AllowRulesError> {
        let failed = |source| self.unusable("read", source);
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(failed(error)),
        };
        let owned = metadata.uid() == rustix::process::geteuid().as_raw() || metadata.uid() == 0;
        if !owned || metadata.mode() & 0o022 != 0 {
            return Err(AllowRulesError::NotPrivate(self.path.clone()));
        }
        if metadata.len() > LONGEST_FILE {
            return Err(self.garbled(format!("it is longer than {LONGEST_FILE} bytes")));
        }
        fs::read_to_string(&self.path).map_err(failed)
    }

    fn parse(&self, text: &str) -> Result<Document, AllowRulesError> {
        toml::from_str(text).map_err(|error| self.garbled(error.to_string()))
    }

    fn written(&self, document: &Document) -> Result<String, AllowRulesError> {
        toml::to_string(document).map_err(|error| self.garbled(error.to_string()))
    }

    /// Writes beside the file and renames, so that nobody reads half.
    fn replace(&self, text: &str) -> Result<(), AllowRulesError> {
        let write = || {
            let folder = self.folder();
            fs::create_dir_all(folder)?;
            let mut beside = tempfile::NamedTempFile::new_in(folder)?;
            beside.write_all(text.as_bytes())?;
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(beside.path(), private)?;
            beside.as_file().sync_all()?;
            beside.persist(&self.path)?;
            Ok(())
        };
        write().map_err(|source| self.unusable("write", source))
    }

    fn unusable(&self, doing: &'static str, source: io::Error) -> AllowRulesError {
        AllowRulesError::Unusable {
            doing,
            path: self.path.clone(),
            source,
        }
    }

    fn garbled(&self, reason: String) -> AllowRulesError {
        AllowRulesError::Garbled {
            path: self.path.clone(),
            reason,
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode(),
            owner: metadata.uid(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, AllowRulesFile) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = AllowRulesFile::at(folder.path().join("quarterdeck/rules.toml"));
        (folder, file)
    }

    fn write(file: &AllowRulesFile, text: &str) {
        fs::create_dir_all(file.path().parent().expect("a folder")).expect("made");
        fs::write(file.path(), text).expect("written");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).expect("private");
    }

    fn commands(file: &AllowRulesFile) -> Vec<String> {
        let rules = file.current();
        rules.iter().map(|rule| rule.command.clone()).collect()
    }

    #[test]
    fn what_is_added_is_there_and_the_rest_stays() {
        let (_folder, file) = file();
        assert!(file.current().is_empty());
        write(&file, "# mine\n[[allow]]\ncommand = \"make\" # all of it");
        file.add(AllowRule::of("make 'x'\n\"y\"")).expect("added");
        assert_eq!(commands(&file), ["make", "make 'x'\n\"y\""]);
        let text = fs::read_to_string(file.path()).expect("text");
        assert!(text.starts_with("# mine\n[[allow]]\ncommand = \"make\" # all of it\n\n"));
        let make = AllowRule::of("make").id();
        assert_eq!(
            file.remove(&make).expect("usable").expect("there").command,
            "make"
        );
        assert_eq!(
            file.remove(&make).expect("usable"),
            None,
            "the next one has an id of its own"
        );
        assert_eq!(commands(&file), ["make 'x'\n\"y\""]);
    }

    #[test]
    fn an_inline_list_takes_a_rule_too() {
        let (_folder, file) = file();
        write(&file, "allow = [{ command = \"make\" }]\n");
        file.add(AllowRule::of("ls")).expect("added");
        assert_eq!(commands(&file), ["make", "ls"]);
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_allows_nothing() {
        let (_folder, file) = file();
        write(&file, "[[allow]]\ncommand = \"make\"\n");
        assert_eq!(commands(&file), ["make"]);
        write(&file, "[[allow]]\ncommand = \"make install\"\n");
        assert_eq!(commands(&file), ["make install"]);
        write(&file, "[[allow]]\ncomand = \"make\"\n");
        assert!(commands(&file).is_empty());
        assert!(
            file.load()
                .expect_err("a slip")
                .to_string()
                .contains("comand")
        );
        assert!(file.add(AllowRule::of("ls")).is_err(), "nothing is lost");
        fs::remove_file(file.path()).expect("removed");
        assert!(commands(&file).is_empty());
    }

    #[test]
    fn a_file_that_others_can_write_allows_nothing() {
        let (_folder, file) = file();
        write(&file, "[[allow]]\ncommand = \"make\"\n");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).expect("opened");
        assert!(commands(&file).is_empty());
        assert!(matches!(file.load(), Err(AllowRulesError::NotPrivate(_))));
    }

    #[test]
    fn who_may_write_the_file_is_seen_at_once() {
        let (_folder, file) = file();
        let allow = |mode| fs::set_permissions(file.path(), fs::Permissions::from_mode(mode));
        write(&file, "[[allow]]\ncommand = \"make\"\n");
        allow(0o666).expect("opened");
        assert!(commands(&file).is_empty());
        allow(0o600).expect("mended as the error advises");
        assert_eq!(commands(&file), ["make"]);
        allow(0o620).expect("opened");
        assert!(commands(&file).is_empty());
    }

    #[test]
    fn rules_that_are_added_at_the_same_time_are_all_there() {
        let (_folder, file) = file();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let another = AllowRulesFile::at(file.path().to_owned());
                scope.spawn(move || {
                    for number in 0..10 {
                        let rule = AllowRule::of(format!("make {writer}-{number}"));
                        another.add(rule).expect("added");
                    }
                });
            }
        });
        assert_eq!(commands(&file).len(), 40);
    }
}
