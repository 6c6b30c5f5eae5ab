//! What both measurements need: a plain terminal device to compare with, and a
//! table of medians.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use quarterdeck_terminal::{OpenRequest, Opened, Until, pty};
use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use tempfile::TempDir;

/// Opens a session with nothing of the user's in it, and waits for its prompt.
pub(crate) async fn prompted(shell: &str, home: &TempDir) -> Opened {
    let folder = home.path().to_string_lossy().into_owned();
    let opened = pty::open(OpenRequest {
        shell: Some(shell.into()),
        cwd: Some(home.path().to_owned()),
        env: vec![("HOME".into(), folder.clone()), ("ZDOTDIR".into(), folder)],
        ..OpenRequest::default()
    })
    .await
    .unwrap_or_else(|error| panic!("{shell}: {error}"));
    let patience = Duration::from_secs(20);
    let waited = opened.terminal.wait(Until::Prompt, None, patience).await;
    assert!(waited.met, "{shell} shows no prompt: {waited:?}");
    opened
}

/// A home folder in which zsh asks its first user nothing.
pub(crate) fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(home.path().join(".zshrc"), "").expect("written");
    home
}

/// A program on a terminal device with nothing of Quarterdeck in between.
pub(crate) struct Plain {
    /// Our side of the device.
    pub(crate) master: OwnedFd,
    /// The program.
    pub(crate) child: Child,
}

impl Plain {
    /// Starts a line of `sh`, on a device that passes bytes as they are.
    pub(crate) fn start(script: &str) -> io::Result<Self> {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let name = rustix::pty::ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        let mut termios = rustix::termios::tcgetattr(&slave)?;
        termios.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &termios)?;
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave))
            .spawn()?;
        Ok(Self { master, child })
    }

    /// Reads what there is; 0 at the end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> usize {
        // At the program's end Linux says EIO.
        rustix::io::read(self.master.as_fd(), buffer).unwrap_or(0)
    }
}

/// Durations of one thing, measured again and again.
pub(crate) struct Measured {
    sorted: Vec<Duration>,
}

impl Measured {
    /// In any order; at least one.
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self { sorted: durations }
    }

    /// Half took less.
    pub(crate) fn median(&self) -> Duration {
        self.sorted[self.sorted.len() / 2]
    }

    /// One in twenty took longer.
    pub(crate) fn p95(&self) -> Duration {
        self.sorted[self.sorted.len() * 95 / 100]
    }

    /// Prints a line of the table: how it compares with `unit`.
    pub(crate) fn print(&self, what: &str, unit: &Measured) {
        println!(
            "{what:<48} {:>9.1} {:>9.1} {:>8.1}",
            micros(self.median()),
            micros(self.p95()),
            self.median().as_secs_f64() / unit.median().as_secs_f64(),
        );
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
