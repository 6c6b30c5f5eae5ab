//! The terminal device of a session: a pseudo-terminal, and our side of it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;
use rustix::pty::OpenptFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::request::Size;

/// Both sides of a pseudo-terminal, closed in programs that are started.
pub(crate) struct Device {
    pub(crate) master: Master,
    /// The program's side.
    pub(crate) slave: OwnedFd,
}

impl Device {
    /// Must be called within a Tokio runtime.
    pub(crate) fn open(size: Size) -> io::Result<Self> {
        let master = open_master()?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name, flags, Mode::empty())?;
        // Erasing takes back a character, not a byte.
        #[cfg(target_os = "linux")]
        if let Ok(mut termios) = rustix::termios::tcgetattr(&slave) {
            termios.input_modes |= rustix::termios::InputModes::IUTF8;
            rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &termios)?;
        }
        let master = Master::of(master)?;
        master.set_size(size)?;
        Ok(Self { master, slave })
    }
}

#[cfg(target_os = "linux")]
fn open_master() -> io::Result<OwnedFd> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    Ok(rustix::pty::openpt(flags)?)
}

/// Elsewhere the flag cannot be given on opening.
#[cfg(not(target_os = "linux"))]
fn open_master() -> io::Result<OwnedFd> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    Ok(master)
}

/// Our side of the device. Owned by the session's task.
///
/// It is watched for what can be read alone: a line editor takes one byte at a time,
/// and each would be told as room to write, at the cost of two processes.
pub(crate) struct Master(AsyncFd<OwnedFd>);

impl Master {
    /// A device that is open already. Must be called within a Tokio runtime.
    pub(crate) fn of(device: OwnedFd) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&device)?;
        rustix::fs::fcntl_setfl(&device, flags | OFlags::NONBLOCK)?;
        // SAFETY: an OwnedFd is open and stays the same one for as long as it
        // lives, and it is moved into the AsyncFd.
        #[allow(unsafe_code, reason = "tokio has no safe way to register a descriptor")]
        let device = unsafe { AsyncFd::register_with_interest(device, Interest::READABLE) }?;
        Ok(Self(device))
    }

    /// Waits until there is room to write. Returns at once where that is so already.
    async fn has_room(&self) -> io::Result<()> {
        // One descriptor can be watched once.
        let again = rustix::io::fcntl_dupfd_cloexec(self.0.get_ref(), 0)?;
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "tokio has no safe way to register a descriptor")]
        let again = unsafe { AsyncFd::register_with_interest(again, Interest::WRITABLE) }?;
        let _ready = again.writable().await?;
        Ok(())
    }

    /// The size that the device has, where it is one that a session can have.
    pub(crate) fn size(&self) -> Option<Size> {
        let size = rustix::termios::tcgetwinsize(self.0.get_ref()).ok()?;
        Size::new(size.ws_col, size.ws_row).ok()
    }

    /// Tells the kernel, which tells the program.
    pub(crate) fn set_size(&self, size: Size) -> io::Result<()> {
        rustix::termios::tcsetwinsize(
            self.0.get_ref(),
            rustix::termios::Winsize {
                ws_row: size.rows(),
                ws_col: size.columns(),
                ws_xpixel: 0,
                ws_ypixel: 0,
            },
        )?;
        Ok(())
    }

    /// Whether the kernel shows what is typed. A device that cannot be asked
    /// counts as one that does.
    pub(crate) fn echoes(&self) -> bool {
        echoes(self.0.get_ref())
    }

    /// Whether a program reads whole lines, which the kernel lets people edit.
    pub(crate) fn reads_lines(&self) -> bool {
        rustix::termios::tcgetattr(self.0.get_ref()).is_ok_and(|termios| {
            (termios.local_modes).contains(rustix::termios::LocalModes::ICANON)
        })
    }

    /// Whether a program reads a line that is not shown, as one that asks for a
    /// password does. Line editors switch the showing off as well, but read keys.
    pub(crate) fn reads_hidden_line(&self) -> bool {
        use rustix::termios::LocalModes;

        rustix::termios::tcgetattr(self.0.get_ref()).is_ok_and(|termios| {
            termios.local_modes.contains(LocalModes::ICANON)
                && !termios.local_modes.contains(LocalModes::ECHO)
        })
    }

    /// The process group that has the terminal.
    pub(crate) fn foreground_group(&self) -> Option<Pid> {
        rustix::termios::tcgetpgrp(self.0.get_ref()).ok()
    }
}

/// Whether the device of this path shows what is typed; one that cannot be asked counts as
/// one that does.
pub(crate) fn echoes_at(path: &std::path::Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_or(true, |device| echoes(&device))
}

fn echoes(device: &OwnedFd) -> bool {
    rustix::termios::tcgetattr(device).map_or(true, |termios| {
        termios
            .local_modes
            .contains(rustix::termios::LocalModes::ECHO)
    })
}

/// Reads what there is, as much as fits; 0 at the end, or without a device.
pub(crate) async fn read(master: Option<&Master>, buffer: &mut [u8]) -> io::Result<usize> {
    let Some(Master(master)) = master else {
        return Ok(0);
    };
    let read = |master: &OwnedFd| {
        let mut filled = 0;
        while filled < buffer.len() {
            match rustix::io::read(master, &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => (),
                // What was read comes first; the error will be there again.
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    };
    master.async_io(Interest::READABLE, read).await
}

/// Writes as much of `bytes` as the terminal takes now, at least something.
pub(crate) async fn write(master: Option<&Master>, bytes: &[u8]) -> io::Result<usize> {
    let Some(master) = master else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    loop {
        match rustix::io::write(master.0.get_ref(), bytes) {
            Ok(count) => return Ok(count),
            Err(rustix::io::Errno::INTR) => (),
            Err(rustix::io::Errno::AGAIN) => master.has_room().await?,
            Err(error) => return Err(error.into()),
        }
    }
}
