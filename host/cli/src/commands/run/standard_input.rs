//! What `quarterdeck run` hands on of its own standard input.
//!
//! The command has a terminal of its own. A file or a pipe reaches it through a named
//! pipe, which the command line reads from in place of that terminal. A terminal is not
//! handed on: a person sits there, who is asked about the command and can end it with
//! Ctrl-C; and what runs in the background must not read from it.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use quarterdeck_core::operations::StandardInput;
use tempfile::TempDir;

/// What the command's programs read, for as long as this lives.
pub(super) struct HandedOn {
    input: StandardInput,
    /// Where the named pipe is.
    _folder: Option<TempDir>,
}

impl HandedOn {
    /// Hands on the standard input of this process.
    pub(super) fn begin() -> Result<Self> {
        let own = io::stdin();
        if own.is_terminal() {
            return Ok(Self::nowhere(StandardInput::Terminal));
        }
        let own = File::from(own.as_fd().try_clone_to_owned()?);
        if is_empty_device(&own)? {
            return Ok(Self::nowhere(StandardInput::Nothing));
        }
        let folder = tempfile::Builder::new()
            .prefix("quarterdeck-run-")
            .tempdir()
            .context("making a folder for the standard input")?;
        let pipe = folder.path().join("standard-input");
        make_pipe(&pipe)?;
        let to = pipe.clone();
        // Left behind when the command is over: it may wait for input for ever.
        thread::spawn(move || hand_on(own, &to));
        Ok(Self {
            input: StandardInput::File(pipe),
            _folder: Some(folder),
        })
    }

    /// What the command is to read.
    pub(super) fn input(&self) -> &StandardInput {
        &self.input
    }

    fn nowhere(input: StandardInput) -> Self {
        Self {
            input,
            _folder: None,
        }
    }
}

/// Whether it is /dev/null.
fn is_empty_device(own: &File) -> Result<bool> {
    let own = own.metadata().context("looking at the standard input")?;
    let null = std::fs::metadata("/dev/null").context("looking at /dev/null")?;
    Ok(own.file_type().is_char_device() && own.rdev() == null.rdev())
}

/// By POSIX's program, which every system has; not every one has a call that needs no
/// unsafe code.
fn make_pipe(path: &Path) -> Result<()> {
    let made = Command::new("mkfifo")
        .args(["-m", "600"])
        .arg(path)
        .status()
        .context("making a pipe for the standard input with mkfifo(1)")?;
    ensure!(made.success(), "mkfifo {} failed: {made}", path.display());
    Ok(())
}

/// Copies until the input ends or nobody reads any more. Opening waits until the shell
/// opens the other end.
fn hand_on(mut from: File, to: &Path) {
    let copied = OpenOptions::new()
        .write(true)
        .open(to)
        .and_then(|mut to| io::copy(&mut from, &mut to));
    match copied {
        // The command has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => anstream::eprintln!(
            "quarterdeck: the standard input could not be passed on to its end: {error}"
        ),
        Ok(_) => {}
    }
}
