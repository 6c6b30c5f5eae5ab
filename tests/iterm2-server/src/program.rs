//! A program on a terminal device: what it writes comes as events, what is typed goes in.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use pty_process::{Command, OwnedReadPty, OwnedWritePty};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use crate::layout::Cells;

/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_millis(500);

/// What may still come from the device of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Pieces of input that wait for a program that does not read.
const WAITING_INPUT: usize = 1024;

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) command: Vec<String>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) size: Cells,
}

/// What became of a program. `run` tells the programs of a restarted session apart.
#[derive(Debug)]
pub(crate) enum Output {
    Bytes { run: u64, bytes: Vec<u8> },
    Ended { run: u64 },
}

#[derive(Debug)]
enum Input {
    Bytes(Vec<u8>),
    Resize(Cells),
}

/// A program that was started. Ends with its last handle.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) run: u64,
    pub(crate) pid: u32,
    pub(crate) tty: String,
    input: mpsc::Sender<Input>,
    /// Dropped to end the program.
    _alive: watch::Sender<()>,
}

impl Program {
    pub(crate) fn start(
        start: &Start,
        run: u64,
        outputs: mpsc::Sender<Output>,
    ) -> io::Result<Self> {
        let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
        pty.resize(pty_process::Size::new(start.size.rows, start.size.columns))
            .map_err(io::Error::other)?;
        let tty = rustix::termios::ttyname(&pts, Vec::new())?;
        let [program, args @ ..] = start.command.as_slice() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut command = Command::new(program).args(args).envs(&start.env);
        if let Some(folder) = &start.folder {
            command = command.current_dir(folder);
        }
        let child = command.spawn(pts).map_err(io::Error::other)?;
        let pid = child.id().ok_or(io::ErrorKind::NotFound)?;
        let (reader, writer) = pty.into_split();
        let (input, inputs) = mpsc::channel(WAITING_INPUT);
        let (alive, end) = watch::channel(());
        tokio::spawn(write(writer, inputs));
        tokio::spawn(read(reader, child, pid, end, run, outputs));
        Ok(Self {
            run,
            pid,
            tty: tty.to_string_lossy().into_owned(),
            input,
            _alive: alive,
        })
    }

    /// Types bytes. What a program does not read is lost beyond a bound.
    pub(crate) fn write(&self, bytes: Vec<u8>) {
        let _ = self.input.try_send(Input::Bytes(bytes));
    }

    pub(crate) fn resize(&self, size: Cells) {
        let _ = self.input.try_send(Input::Resize(size));
    }
}

async fn write(mut device: OwnedWritePty, mut inputs: mpsc::Receiver<Input>) {
    while let Some(input) = inputs.recv().await {
        let done = match input {
            Input::Bytes(bytes) => device.write_all(&bytes).await,
            Input::Resize(size) => device
                .resize(pty_process::Size::new(size.rows, size.columns))
                .map_err(io::Error::other),
        };
        if done.is_err() {
            return;
        }
    }
}

/// Follows a program to its end; ends it when nobody wants it any more.
async fn read(
    mut device: OwnedReadPty,
    mut child: Child,
    pid: u32,
    mut wanted: watch::Receiver<()>,
    run: u64,
    outputs: mpsc::Sender<Output>,
) {
    let mut buffer = vec![0; 16 * 1024];
    let told = |bytes: &[u8]| Output::Bytes {
        run,
        bytes: bytes.to_vec(),
    };
    loop {
        tokio::select! {
            read = device.read(&mut buffer) => match read {
                Ok(count) if count > 0 => {
                    if outputs.send(told(&buffer[..count])).await.is_err() {
                        return;
                    }
                }
                _ => break,
            },
            _ = child.wait() => break,
            _ = wanted.changed() => {
                end(&mut child, pid).await;
                return;
            }
        }
    }
    while let Ok(Ok(count)) = tokio::time::timeout(LAST_WORDS, device.read(&mut buffer)).await {
        if count == 0 || outputs.send(told(&buffer[..count])).await.is_err() {
            break;
        }
    }
    // The device can close before the program ends.
    tokio::select! {
        _ = child.wait() => (),
        _ = wanted.changed() => end(&mut child, pid).await,
    }
    let _ = outputs.send(Output::Ended { run }).await;
}

/// Asks the program's processes to end, then insists. The child has not been waited for yet, so
/// its id is still its own.
async fn end(child: &mut Child, pid: u32) {
    let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let signal = |signal| {
        if let Some(group) = group {
            let _ = kill_process_group(group, signal);
        }
    };
    signal(Signal::HUP);
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        signal(Signal::KILL);
        let _ = child.wait().await;
    }
}
