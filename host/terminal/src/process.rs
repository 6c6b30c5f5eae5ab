//! The processes of a session, as the system tells about them.

use std::path::PathBuf;

use rustix::process::{Pid, Signal};

#[cfg(target_os = "linux")]
use crate::process_stat::ProcessStat;

/// The program that has the terminal now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreground {
    /// The leader of the foreground process group.
    pub pid: u32,
    /// Its name, without its folder.
    pub name: String,
}

/// A signal that the program in front can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForegroundSignal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hangup,
    /// SIGTSTP.
    Suspend,
    /// SIGCONT.
    Continue,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

/// Why no signal was sent.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// The session's own program is in front.
    #[error("no program runs in the session")]
    NothingRuns,
    /// The system refused.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Sends a signal to every process of a group.
pub(crate) fn signal_group(leader: u32, signal: ForegroundSignal) -> Result<(), SignalError> {
    let group = as_pid(leader).ok_or(SignalError::NothingRuns)?;
    let signal = match signal {
        ForegroundSignal::Interrupt => Signal::INT,
        ForegroundSignal::Terminate => Signal::TERM,
        ForegroundSignal::Kill => Signal::KILL,
        ForegroundSignal::Quit => Signal::QUIT,
        ForegroundSignal::Hangup => Signal::HUP,
        ForegroundSignal::Suspend => Signal::TSTP,
        ForegroundSignal::Continue => Signal::CONT,
        ForegroundSignal::User1 => Signal::USR1,
        ForegroundSignal::User2 => Signal::USR2,
    };
    rustix::process::kill_process_group(group, signal)
        .map_err(|error| SignalError::System(error.into()))
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// A process id as a plain number.
pub(crate) fn as_number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Sends a signal to every process of the session that `leader` leads, stopped
/// ones included. Says how many there were.
pub(crate) fn signal_session(leader: u32, signal: Signal) -> usize {
    let members = session_members(leader);
    for &member in &members {
        if let Some(pid) = as_pid(member) {
            // It may have ended in between, which is what is wanted.
            signal_member(pid, leader, signal);
        }
    }
    members.len()
}

/// Sends a signal to a process of the session that `leader` leads, and has it go on should
/// it be stopped. Whoever has got its number since, and belongs elsewhere, is spared.
#[cfg(target_os = "linux")]
fn signal_member(pid: Pid, leader: u32, signal: Signal) {
    use rustix::io::Errno;
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    match pidfd_open(pid, PidfdFlags::empty()) {
        // Looked at once it is held: what is signalled is what was looked at, or nobody.
        Ok(process) if is_member(as_number(pid), leader) => {
            let _ = pidfd_send_signal(&process, signal);
            let _ = pidfd_send_signal(&process, Signal::CONT);
        }
        Ok(_) | Err(Errno::SRCH) => {}
        // Before Linux 5.3, and where a container forbids it.
        Err(_) => signal_by_number(pid, signal),
    }
}

/// By its number, which is all that there is.
#[cfg(not(target_os = "linux"))]
fn signal_member(pid: Pid, _leader: u32, signal: Signal) {
    signal_by_number(pid, signal);
}

fn signal_by_number(pid: Pid, signal: Signal) {
    let _ = rustix::process::kill_process(pid, signal);
    let _ = rustix::process::kill_process(pid, Signal::CONT);
}

/// Whether a process belongs to the session that `leader` leads, and lives.
#[cfg(target_os = "linux")]
fn is_member(pid: u32, leader: u32) -> bool {
    ProcessStat::read(pid).is_ok_and(|stat| stat.session == leader && !stat.is_dead())
}

/// Processes of a session that still run; not the dead that nobody reaped yet.
#[cfg(target_os = "linux")]
pub(crate) fn session_members(leader: u32) -> Vec<u32> {
    // Nobody's: what the kernel does itself, and what is outside of a container.
    if leader == 0 {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid| is_member(pid, leader))
        .collect()
}

/// Without /proc the leader's own group is all that is known.
#[cfg(not(target_os = "linux"))]
pub(crate) fn session_members(leader: u32) -> Vec<u32> {
    match as_pid(leader).map(rustix::process::test_kill_process_group) {
        Some(Ok(())) => vec![leader],
        _ => Vec::new(),
    }
}

/// The name of a process, without its folder.
#[cfg(target_os = "linux")]
pub(crate) fn name(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let name = name.trim_end();
    let called = || called(&std::fs::read(format!("/proc/{pid}/cmdline")).ok()?);
    Some(match NAMES_OF_A_THREAD.contains(&name) {
        true => called().unwrap_or_else(|| name.to_owned()),
        false => name.to_owned(),
    })
}

/// What Node calls its main thread, and so the process, whatever the program is.
#[cfg(target_os = "linux")]
const NAMES_OF_A_THREAD: [&str; 2] = ["MainThread", "node-MainThread"];

/// The program that a command line calls, without its folder.
#[cfg(target_os = "linux")]
fn called(command_line: &[u8]) -> Option<String> {
    let program = command_line.split(|byte| *byte == 0).next()?;
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    let name = String::from_utf8_lossy(name);
    let name = name.split_whitespace().next()?;
    Some(name.to_owned())
}

/// The name of the youngest process of a group, of those that descend from `shell`:
/// in a pipeline the one that reads the others' output, and mostly the keys.
#[cfg(target_os = "linux")]
pub(crate) fn name_in_group(group: u32, shell: u32) -> Option<String> {
    crate::awaiting::descendants(shell)?
        .into_iter()
        .filter(|&pid| ProcessStat::read(pid).is_ok_and(|stat| stat.group == group))
        .max()
        .and_then(name)
}

/// Not known without /proc.
#[cfg(not(target_os = "linux"))]
pub(crate) fn name_in_group(_group: u32, _shell: u32) -> Option<String> {
    None
}

/// Not known without /proc.
#[cfg(not(target_os = "linux"))]
pub(crate) fn name(_pid: u32) -> Option<String> {
    None
}

/// Whether there is such a process.
pub(crate) fn is_running(pid: u32) -> bool {
    match as_pid(pid).map(rustix::process::test_kill_process) {
        Some(Ok(())) => true,
        // It is somebody else's.
        Some(Err(error)) => error == rustix::io::Errno::PERM,
        None => false,
    }
}

/// The leader of the process group that has the terminal of a process.
#[cfg(target_os = "linux")]
pub(crate) fn terminal_group(pid: u32) -> Option<u32> {
    ProcessStat::read(pid).ok()?.terminal_group
}

/// Not known without /proc.
#[cfg(not(target_os = "linux"))]
pub(crate) fn terminal_group(_pid: u32) -> Option<u32> {
    None
}

/// A process that is no child of ours, until it ends.
pub(crate) struct Process(
    #[cfg(target_os = "linux")] tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
);

#[cfg(target_os = "linux")]
impl Process {
    /// `None` where the system has no such thing (before Linux 5.3), or no such
    /// process. Must be called within a Tokio runtime.
    pub(crate) fn watch(pid: u32) -> Option<Self> {
        use rustix::process::{PidfdFlags, pidfd_open};

        let process = pidfd_open(as_pid(pid)?, PidfdFlags::NONBLOCK).ok()?;
        // SAFETY: an OwnedFd is open and stays the same one for as long as it
        // lives, and it is moved into the AsyncFd.
        #[allow(unsafe_code, reason = "tokio has no safe way to register a descriptor")]
        let process = unsafe {
            tokio::io::unix::AsyncFd::register_with_interest(process, tokio::io::Interest::READABLE)
        };
        process.ok().map(Self)
    }

    /// Waits until it has ended, whether anybody has buried it or not.
    pub(crate) async fn ended(&self) {
        // An error means that nothing can be learnt: as good as ended.
        let _ = self.0.readable().await;
    }
}

/// Not known on other systems.
#[cfg(not(target_os = "linux"))]
impl Process {
    pub(crate) fn watch(_pid: u32) -> Option<Self> {
        None
    }

    pub(crate) async fn ended(&self) {}
}

/// What a process executes: other bytes after each `exec`, whatever it is that
/// was executed, because they hold addresses chosen at random.
#[cfg(target_os = "linux")]
pub(crate) fn image(pid: u32) -> Option<Vec<u8>> {
    let auxiliary = std::fs::read(format!("/proc/{pid}/auxv")).ok()?;
    // The dead have none.
    (!auxiliary.is_empty()).then_some(auxiliary)
}

/// Not known without /proc.
#[cfg(not(target_os = "linux"))]
pub(crate) fn image(_pid: u32) -> Option<Vec<u8>> {
    None
}

/// The working directory of a process.
#[cfg(target_os = "linux")]
pub(crate) fn cwd(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Not known without /proc.
#[cfg(not(target_os = "linux"))]
pub(crate) fn cwd(_pid: u32) -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_what_its_command_line_calls_it() {
        let called = |line: &str| called(line.as_bytes());
        assert_eq!(
            called("/opt/bin/copilot\0--resume\0").as_deref(),
            Some("copilot")
        );
        assert_eq!(called("node\0/opt/x.js\0").as_deref(), Some("node"));
        assert_eq!(called("gemini chat\0").as_deref(), Some("gemini"));
        assert_eq!(called(""), None);
    }
}
