//! The backend `pty`: a session on a terminal device of our own.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use rustix::pty::OpenptFlags;
use thiserror::Error;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::ancestry::Leaders;
use crate::environment;
use crate::integration::Integration;
use crate::keyboard::Keyboard;
use crate::request::OpenRequest;
use crate::session::{Beginning, Session, set_size};
use crate::stream::Stream;
use crate::terminal::Terminal;

/// A session that has begun.
#[derive(Debug)]
pub struct Opened {
    /// For everybody.
    pub terminal: Terminal,
    /// For the gate.
    pub keyboard: Keyboard,
}

/// Why a session could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The system gave no terminal device.
    #[error("cannot get a terminal device from the system; close sessions that are not needed")]
    Device(#[source] io::Error),
    /// The folder to start in is none.
    #[error("cannot start in {}: not a folder that can be entered", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot start {}; name a program that is installed, for example bash", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The files of the shell integration could not be written.
    #[error(
        "cannot write the files of the shell integration; make room in the temporary folder, or open without"
    )]
    Integration(#[source] io::Error),
}

/// Requests that wait for a session's task.
const WAITING_REQUESTS: usize = 64;

/// Opens a session and returns as soon as its program is started; its first
/// prompt may still be to come. Must be called within a Tokio runtime, which
/// then carries the session's task.
pub async fn open(request: OpenRequest) -> Result<Opened, OpenError> {
    let program = program(&request);
    if let Some(folder) = &request.cwd {
        let failed = |source| OpenError::Folder {
            path: folder.clone(),
            source,
        };
        let metadata = tokio::fs::metadata(folder).await.map_err(failed)?;
        if !metadata.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
    }
    let mut env = environment::of_session(&request, std::env::vars_os());
    let integration = if request.shell_integration {
        let zdotdir = env.get(OsStr::new("ZDOTDIR")).map(OsString::as_os_str);
        Integration::prepare(&program, &request.args, zdotdir).map_err(OpenError::Integration)?
    } else {
        None
    };
    if let Some(integration) = &integration {
        env.extend(integration.env.iter().cloned());
    }
    let args = integration
        .as_ref()
        .map_or(&request.args, |integration| &integration.args);

    let device = Device::open().map_err(OpenError::Device)?;
    set_size(&device.master, request.size).map_err(OpenError::Device)?;
    let mut command = Command::new(&program);
    command.args(args).env_clear().envs(&env);
    if let Some(folder) = &request.cwd {
        command.current_dir(folder);
    }
    let Device { master, slave } = device;
    // SAFETY: an OwnedFd is open and stays the same one for as long as it lives,
    // and it is moved into the AsyncFd.
    #[allow(unsafe_code, reason = "tokio has no safe way to register a descriptor")]
    let master =
        unsafe { AsyncFd::register(master) }.map_err(|error| OpenError::Device(error.into()))?;
    let (child, pid) = start(command, slave).map_err(|source| OpenError::Program {
        program: program.clone(),
        source,
    })?;

    let created_at = SystemTime::now();
    let (sender, requests) = mpsc::channel(WAITING_REQUESTS);
    let stream = Stream::new(
        integration
            .as_ref()
            .map(|integration| integration.key.clone()),
    );
    let session = Session::new(Beginning {
        master,
        child,
        pid,
        integration: integration.map(|integration| (integration.kind, integration.scripts)),
        stream,
        size: request.size,
        scrollback_lines: request.scrollback_lines,
        transcript_bytes: request.transcript_bytes,
        created_at,
    });
    tokio::spawn(session.live(requests));
    Ok(Opened {
        terminal: Terminal::new(pid, request.size, created_at, sender.clone()),
        keyboard: Keyboard::new(sender),
    })
}

/// The program of a session: the one asked for, or the user's shell.
fn program(request: &OpenRequest) -> PathBuf {
    let of_user = || {
        let shell = PathBuf::from(std::env::var_os("SHELL")?);
        shell.is_file().then_some(shell)
    };
    let installed = |name: &str| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    };
    request
        .shell
        .clone()
        .or_else(of_user)
        .or_else(|| installed("bash"))
        .unwrap_or_else(|| Path::new("/bin/sh").to_owned())
}

/// Both ends of a pseudo-terminal, closed in programs that are started.
struct Device {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Device {
    fn open() -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(
            name,
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        // Erasing takes back a character, not a byte.
        #[cfg(target_os = "linux")]
        if let Ok(mut termios) = rustix::termios::tcgetattr(&slave) {
            termios.input_modes |= rustix::termios::InputModes::IUTF8;
            rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &termios)?;
        }
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | rustix::fs::OFlags::NONBLOCK)?;
        Ok(Self { master, slave })
    }
}

/// Starts the program as the leader of its own process session, with the
/// device as its terminal.
fn start(mut command: Command, slave: OwnedFd) -> io::Result<(Child, u32)> {
    command
        .stdin(Stdio::from(slave.try_clone()?))
        .stdout(Stdio::from(slave.try_clone()?))
        .stderr(Stdio::from(slave));
    // SAFETY: between fork and exec only system calls are made, no memory is
    // allocated and no lock is taken.
    #[allow(
        unsafe_code,
        reason = "there is no other way to run code between fork and exec"
    )]
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
