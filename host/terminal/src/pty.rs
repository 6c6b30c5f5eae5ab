//! The backend `pty`: a session on a terminal device of our own.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::ancestry::Leaders;
use crate::backend::{Backend, Event, Wanted};
use crate::device::{self, Device, Master};
use crate::open_files;
use crate::opening::Launch;
pub use crate::opening::{OpenError, Opened};
use crate::process;
use crate::request::{OpenRequest, Size};

/// Opens a session and returns as soon as its program is started; its first
/// prompt may still be to come. Must be called within a Tokio runtime, which
/// then carries the session's task.
pub async fn open(request: OpenRequest) -> Result<Opened, OpenError> {
    if request.beside.is_some() {
        return Err(OpenError::NoPlaces { backend: "pty" });
    }
    let launch = Launch::prepare(request).await?;
    let Device { master, slave } = Device::open(launch.size()).map_err(OpenError::Device)?;
    let mut command = Command::new(&launch.program);
    command.args(&launch.args).env_clear().envs(&launch.env);
    if let Some(folder) = &launch.cwd {
        command.current_dir(folder);
    }
    let (child, pid) = start(command, slave).map_err(|source| OpenError::Program {
        program: launch.program.clone(),
        source,
    })?;
    let master = Some(master);
    Ok(launch.begin(Backend::Pty(Pty { master, child }), pid))
}

/// Whether the system still gives terminal devices: opens one and lets it go.
pub fn probe() -> io::Result<()> {
    Device::open(Size::default()).map(drop)
}

/// Our side of the device, and the program on the other side.
pub(crate) struct Pty {
    /// None once the device is closed.
    master: Option<Master>,
    child: Child,
}

impl Pty {
    /// See [`Backend::next`].
    pub(crate) async fn next(&mut self, wanted: Wanted<'_>, buffer: &mut [u8]) -> Event {
        let master = self.master.as_ref();
        tokio::select! {
            read = device::read(master, buffer), if wanted.output => match read {
                Ok(count) if count > 0 => Event::Output(count),
                _ => Event::Drained,
            },
            written = device::write(master, wanted.typed), if !wanted.typed.is_empty() => match written {
                Ok(count) => Event::Typed(count),
                Err(_) => Event::CannotType,
            },
            status = self.child.wait(), if wanted.end => Event::Ended(status),
            else => std::future::pending().await,
        }
    }

    /// Ends with the device; the program should have ended before.
    pub(crate) fn release(&mut self) {
        self.master = None;
    }

    /// Tells the kernel, which tells the program.
    pub(crate) fn set_size(&self, size: Size) -> io::Result<()> {
        match &self.master {
            Some(master) => master.set_size(size),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The leader of the process group that has the terminal.
    pub(crate) fn foreground_group(&self) -> Option<u32> {
        let group = self.master.as_ref()?.foreground_group()?;
        Some(process::as_number(group))
    }

    /// Whether what is typed may be shown; it counts as shown where the device
    /// is gone.
    pub(crate) fn may_echo(&self) -> bool {
        self.master.as_ref().is_none_or(Master::echoes)
    }

    /// Whether a program reads whole lines, which the kernel lets people edit.
    pub(crate) fn reads_lines(&self) -> bool {
        self.master.as_ref().is_some_and(Master::reads_lines)
    }

    /// Whether a program reads a line that is not shown.
    pub(crate) fn reads_hidden_line(&self) -> bool {
        self.master.as_ref().is_some_and(Master::reads_hidden_line)
    }
}

/// Starts the program as the leader of its own process session, with the
/// device as its terminal.
pub(crate) fn start(mut command: Command, slave: OwnedFd) -> io::Result<(Child, u32)> {
    command
        .stdin(Stdio::from(slave.try_clone()?))
        .stdout(Stdio::from(slave.try_clone()?))
        .stderr(Stdio::from(slave));
    #[allow(
        unsafe_code,
        reason = "there is no other way to run code between fork and exec"
    )]
    // SAFETY: between fork and exec only system calls are made, no memory is
    // allocated and no lock is taken.
    unsafe {
        command.pre_exec(become_session_leader);
    }
    // Locked, so that nobody takes the child for an orphan before it is known.
    let mut leaders = Leaders::lock();
    let child = command.spawn()?;
    let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
    leaders.add(pid);
    Ok((child, pid))
}

/// Runs in the child, where standard input is the device already. Only system
/// calls that are allowed between fork and exec.
fn become_session_leader() -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    reset_signals();
    open_files::restore_limit();
    close_inherited_on_exec();
    Ok(())
}

/// A host that was started by `nohup` ignores SIGHUP; its sessions must not, or
/// they could not be closed.
fn reset_signals() {
    for signal in 1..32 {
        // SAFETY: setting the default action runs no code of ours; SIGKILL and
        // SIGSTOP are refused, which does not matter.
        #[allow(unsafe_code, reason = "signal actions are set through libc only")]
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// What the host itself inherited without the flag would leak into sessions.
#[cfg(target_os = "linux")]
fn close_inherited_on_exec() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: the call reads and writes no memory. Systems that lack it (before
    // Linux 5.11) refuse it, and then only what the host inherited leaks.
    #[allow(unsafe_code, reason = "no safe wrapper exists")]
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            FIRST,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
    }
}

/// What the host itself inherited without the flag would leak into sessions.
#[cfg(not(target_os = "linux"))]
fn close_inherited_on_exec() {
    for descriptor in 3..1024 {
        // SAFETY: sets a flag of a descriptor, or fails where there is none.
        #[allow(unsafe_code, reason = "the descriptors are not ours to borrow")]
        unsafe {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}
