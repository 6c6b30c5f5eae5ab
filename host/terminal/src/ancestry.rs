//! Who descends from whom: how the host tells that a request comes from inside
//! one of its own sessions.
//!
//! A process that detaches itself is adopted by the nearest ancestor that asked
//! for it. [`become_subreaper`] makes the host that ancestor, so that nothing
//! started in a session can leave the host's family; [`reap_orphans`] buries
//! those whom it adopted.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(target_os = "linux")]
use crate::process_stat::ProcessStat;

/// Shells that the host started and waits for itself. Held locked while one is
/// started, so that it cannot be taken for an orphan in between.
static LEADERS: Mutex<Option<HashSet<u32>>> = Mutex::new(None);

/// Registers the leaders of sessions; see [`LEADERS`].
pub(crate) struct Leaders(MutexGuard<'static, Option<HashSet<u32>>>);

impl Leaders {
    pub(crate) fn lock() -> Self {
        // The set is whole between any two of its operations.
        Self(LEADERS.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add(&mut self, pid: u32) {
        self.0.get_or_insert_default().insert(pid);
    }

    pub(crate) fn remove(&mut self, pid: u32) {
        self.0.get_or_insert_default().remove(&pid);
    }

    #[cfg(target_os = "linux")]
    fn contains(&self, pid: u32) -> bool {
        self.0
            .as_ref()
            .is_some_and(|leaders| leaders.contains(&pid))
    }
}

/// Whether `pid` is `ancestor` or descends from it.
///
/// Answers for this moment: a process that has lost its parents belongs to
/// whoever adopted it.
#[cfg(target_os = "linux")]
pub fn is_descendant_of(pid: u32, ancestor: u32) -> io::Result<bool> {
    let mut at = pid;
    // Deeper than any family: a bound against a chain that changes underway.
    for _ in 0..4096 {
        if at == ancestor {
            return Ok(true);
        }
        if at <= 1 {
            return Ok(false);
        }
        at = ProcessStat::read(at)?.parent;
    }
    Ok(false)
}

/// Needs `/proc`; on other systems the error is `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn is_descendant_of(_pid: u32, _ancestor: u32) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The nearest process above `pid` that runs a program of this file name, wherever
/// it lies and whether it was replaced meanwhile.
#[cfg(target_os = "linux")]
pub fn ancestor_running(pid: u32, program: &OsStr) -> io::Result<Option<u32>> {
    let mut at = ProcessStat::read(pid)?.parent;
    for _ in 0..4096 {
        if at <= 1 {
            return Ok(None);
        }
        // Somebody else's process cannot be looked at, and is no host of ours.
        if let Ok(exe) = std::fs::read_link(format!("/proc/{at}/exe")) {
            let name = exe.file_name().unwrap_or_default().as_encoded_bytes();
            let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
            if name == program.as_encoded_bytes() {
                return Ok(Some(at));
            }
        }
        at = ProcessStat::read(at)?.parent;
    }
    Ok(None)
}

/// Needs `/proc`; on other systems the error is `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn ancestor_running(_pid: u32, _program: &OsStr) -> io::Result<Option<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// From now on, what is orphaned below this process becomes its child. Call it
/// once, before the first session, together with [`reap_orphans`].
#[cfg(target_os = "linux")]
pub fn become_subreaper() -> io::Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Needs Linux; on other systems the error is `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn become_subreaper() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Buries the adopted orphans, for as long as it is polled.
///
/// Touches nobody whom somebody else waits for: not the shells of sessions,
/// and no child of the host in the host's own session.
#[cfg(target_os = "linux")]
pub async fn reap_orphans() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut child_ended = signal(SignalKind::child())?;
    let own_session = ProcessStat::read(std::process::id())?.session;
    while child_ended.recv().await.is_some() {
        reap_dead_orphans(own_session);
    }
    Ok(())
}

/// Needs Linux; on other systems the error is `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub async fn reap_orphans() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn reap_dead_orphans(own_session: u32) {
    use rustix::process::{Pid, WaitOptions, waitpid};

    let leaders = Leaders::lock();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return;
    };
    for thread in threads.flatten() {
        let Ok(children) = std::fs::read_to_string(thread.path().join("children")) else {
            continue;
        };
        for child in children
            .split_ascii_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            let orphan = !leaders.contains(child)
                && ProcessStat::read(child)
                    .is_ok_and(|stat| stat.is_dead() && stat.session != own_session);
            if orphan && let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
                let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn everybody_descends_from_their_parents() {
        let own = std::process::id();
        let parent = ProcessStat::read(own).expect("own stat").parent;
        assert!(is_descendant_of(own, own).expect("known"));
        assert!(is_descendant_of(own, parent).expect("known"));
        assert!(is_descendant_of(own, 1).is_ok());
        assert!(!is_descendant_of(parent, own).expect("known"));
        assert!(is_descendant_of(u32::MAX - 1, own).is_err());
    }

    #[test]
    fn the_program_above_is_found_by_its_name() {
        let own = std::process::id();
        let exe = std::env::current_exe().expect("own program");
        let program = exe.file_name().expect("a name");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep");
        let above = ancestor_running(child.id(), program);
        let stranger = ancestor_running(child.id(), OsStr::new("no-such-program"));
        child.kill().expect("ended");
        child.wait().expect("buried");
        assert_eq!(above.expect("known"), Some(own));
        assert_eq!(stranger.expect("known"), None);
    }
}
