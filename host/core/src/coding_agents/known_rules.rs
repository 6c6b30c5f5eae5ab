//! The rules of a host: read when an agent first comes to the front, and again when the
//! user's folder has changed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::rules::{AgentRules, AllRules, programs_named};

/// The rules, as they were read last.
#[derive(Debug)]
pub(super) struct KnownRules {
    folder: Option<PathBuf>,
    /// The programs that there are rules for; those of a file that was added since are
    /// known once any agent has come to the front.
    programs: Mutex<BTreeSet<String>>,
    read: Mutex<Option<Read>>,
}

#[derive(Clone, Debug)]
struct Read {
    rules: AllRules,
    /// The newest change of the folder or a file in it, then.
    changed: Option<SystemTime>,
}

impl KnownRules {
    /// Rules that may be changed in this folder.
    pub(super) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self {
            programs: Mutex::new(programs_named(folder.as_deref())),
            folder,
            read: Mutex::default(),
        }
    }

    /// Whether there are rules for this program.
    pub(super) fn know(&self, program: &str) -> bool {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.contains(program)
    }

    /// The rules for a program. Reading them takes a while: never on a task's thread.
    pub(super) async fn of(&self, program: &str) -> Option<Arc<AgentRules>> {
        let folder = self.folder.clone();
        let known = {
            let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.clone()
        };
        let read = tokio::task::spawn_blocking(move || {
            let changed = folder.as_deref().and_then(newest_change);
            match known {
                Some(known) if known.changed == changed => known,
                _ => {
                    let (rules, errors) = AllRules::load(folder.as_deref());
                    for error in errors {
                        tracing::warn!("{error}");
                    }
                    Read { rules, changed }
                }
            }
        });
        let read = read.await.ok()?;
        let rules = read.rules.of(program).cloned();
        *self.programs.lock().unwrap_or_else(PoisonError::into_inner) =
            read.rules.programs().map(str::to_owned).collect();
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        rules
    }
}

fn newest_change(folder: &std::path::Path) -> Option<SystemTime> {
    let of = |path: &std::path::Path| path.metadata().and_then(|it| it.modified()).ok();
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files
        .map(|file| of(&file.path()))
        .chain([of(folder)])
        .flatten()
        .max()
}
