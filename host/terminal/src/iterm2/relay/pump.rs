//! The relay's one task. It owns both devices, the program and the connection to the host, and
//! moves bytes between them. It reads nothing that it has no room for: where the pane or the host does not
//! keep up, the program waits.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::frames::{FromRelay, Hello, Running, Start, ToRelay};
use super::link::{Link, PIECE_BYTES};
use super::{PANE_VARIABLE, RelayError, START_PATIENCE};
use crate::deadline::sleep_until;
use crate::device::{self, Device, Master};
use crate::process;
use crate::pty;
use crate::request::Size;

/// Kept of what the program wrote, for a host to come.
const RECENT_BYTES: usize = 256 * 1024;

/// Waits for the pane, or for the program, at most.
const MOST_WAITING: usize = 64 * 1024;

/// Frames that are kept free for small news, so that only output waits for the host.
const SPARE_FRAMES: usize = 8;

/// After the program's end, what it wrote may still be on its way.
const DRAIN_PATIENCE: Duration = Duration::from_millis(200);

/// How long a host may take to hear of the end, and the pane to show the last words.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);

/// How long programs may take to end once their pane is gone.
const HANGUP_PATIENCE: Duration = Duration::from_secs(2);

type HostLink = Link<ToRelay, FromRelay>;

/// The program and what belongs to it.
struct Program {
    child: Child,
    running: Running,
    /// None once nothing more comes from it.
    device: Option<Master>,
    /// How it ended, and until when its last words are waited for.
    ended: Option<(ExitStatus, Instant)>,
}

struct Pump {
    /// None once the pane is gone.
    pane: Option<Master>,
    host: Option<HostLink>,
    program: Option<Program>,
    recent: VecDeque<u8>,
    to_pane: Vec<u8>,
    to_program: VecDeque<Typing>,
    /// The pane is gone; then the program's processes are killed.
    kill_at: Option<Instant>,
}

/// Something for the program to read.
struct Typing {
    bytes: Vec<u8>,
    written: usize,
    by_host: bool,
}

/// Something that has happened.
enum Event {
    Accepted(UnixStream),
    Said(Option<ToRelay>),
    FromProgram(io::Result<usize>),
    ToPane(io::Result<usize>),
    FromPane(io::Result<usize>),
    ToProgram(io::Result<usize>),
    Ended(io::Result<ExitStatus>),
    Resized,
    HungUp,
    OnTime,
}

pub(super) async fn pump(
    pane: Master,
    listener: UnixListener,
    host: Option<UnixStream>,
) -> Result<ExitStatus, RelayError> {
    let mut resized = signal(SignalKind::window_change()).map_err(RelayError::Device)?;
    let mut hung_up = HangUps::watch().map_err(RelayError::Device)?;
    let mut pump = Pump {
        pane: Some(pane),
        host: None,
        program: None,
        recent: VecDeque::new(),
        to_pane: Vec::new(),
        to_program: VecDeque::new(),
        kill_at: None,
    };
    if let Some(stream) = host {
        pump.take_in(stream);
    }
    let start_until = Instant::now() + START_PATIENCE;
    let mut from_program = vec![0; PIECE_BYTES];
    let mut from_pane = vec![0; PIECE_BYTES];
    loop {
        if let Some(status) = pump.end() {
            pump.say_farewell(FromRelay::Ended(status.into_raw())).await;
            return Ok(status);
        }
        let Pump {
            pane,
            host,
            program,
            to_pane,
            to_program,
            kill_at,
            ..
        } = &mut pump;
        let room = host
            .as_ref()
            .is_none_or(|host| host.said.capacity() > SPARE_FRAMES);
        let full = host.as_ref().filter(|_| !room);
        let full = full.map(|host| host.said.clone());
        let (device, child, ended) = match program {
            Some(program) => (
                program.device.as_ref(),
                Some(&mut program.child),
                program.ended,
            ),
            None => (None, None, None),
        };
        let typing = to_program.front();
        let waiting: usize = to_program.iter().map(|typing| typing.bytes.len()).sum();
        let deadline = [
            child.is_none().then_some(start_until),
            ended.map(|(_, until)| until),
            kill_at.filter(|_| ended.is_none()),
        ]
        .into_iter()
        .flatten()
        .min();
        let event = tokio::select! {
            Ok((stream, _)) = listener.accept() => Event::Accepted(stream),
            said = said(host) => Event::Said(said),
            read = device::read(device, &mut from_program),
                if device.is_some() && room && to_pane.len() < MOST_WAITING => Event::FromProgram(read),
            () = has_room(full), if !room => continue,
            written = device::write(pane.as_ref(), to_pane),
                if pane.is_some() && !to_pane.is_empty() => Event::ToPane(written),
            read = device::read(pane.as_ref(), &mut from_pane),
                if pane.is_some() && room && waiting < MOST_WAITING => Event::FromPane(read),
            written = device::write(device, typing.map_or(&[], Typing::rest)),
                if device.is_some() && typing.is_some() => Event::ToProgram(written),
            status = wait(child), if ended.is_none() => Event::Ended(status),
            _ = resized.recv() => Event::Resized,
            () = hung_up.received() => Event::HungUp,
            () = sleep_until(deadline), if deadline.is_some() => Event::OnTime,
        };
        match event {
            Event::Accepted(stream) => pump.take_in(stream),
            Event::Said(Some(said)) => {
                if let Err(error) = pump.on_said(said) {
                    pump.say_farewell(FromRelay::NotStarted(error.number()))
                        .await;
                    return Err(error);
                }
            }
            Event::Said(None) => pump.host = None,
            Event::FromProgram(Ok(count)) if count > 0 => {
                pump.on_output(from_program[..count].to_vec());
            }
            Event::FromProgram(_) => pump.close_device(),
            Event::ToPane(Ok(count)) => drop(pump.to_pane.drain(..count)),
            Event::FromPane(Ok(count)) if count > 0 => {
                let bytes = from_pane[..count].to_vec();
                pump.type_in(bytes.clone(), false);
                pump.tell(FromRelay::TypedThere(bytes));
            }
            Event::ToProgram(Ok(count)) => pump.on_typed(count),
            Event::ToProgram(Err(_)) => pump.to_program.clear(),
            Event::Ended(status) => pump.on_ended(status),
            Event::Resized => pump.on_resized(),
            Event::HungUp | Event::FromPane(_) | Event::ToPane(Err(_)) => pump.on_hung_up(),
            Event::OnTime => pump.on_time()?,
        }
    }
}

impl Typing {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }
}

impl Pump {
    /// A host comes. While another one is there, it is sent away.
    fn take_in(&mut self, stream: UnixStream) {
        if self.host.is_some() {
            return;
        }
        self.host = Some(Link::over(stream));
        // What the pane is called when it is restored is what it was called at first.
        let pane = std::env::var(PANE_VARIABLE).unwrap_or_default();
        let running = self.program.as_ref().map(|program| program.running.clone());
        let recent_follows = !self.recent.is_empty();
        self.tell(FromRelay::Hello(Box::new(Hello {
            pane,
            running,
            recent_follows,
        })));
        if recent_follows {
            let recent = self.recent.iter().copied().collect();
            self.tell(FromRelay::Output(recent));
        }
    }

    /// A host that does not listen has gone, or will be told so by the end of the connection.
    fn tell(&mut self, frame: FromRelay) {
        if let Some(host) = &self.host
            && host.said.try_send(frame).is_err()
        {
            self.host = None;
        }
    }

    fn on_said(&mut self, said: ToRelay) -> Result<(), RelayError> {
        match said {
            ToRelay::Start(start) if self.program.is_none() => self.start(*start)?,
            ToRelay::Start(_) => (),
            ToRelay::Type(bytes) => self.type_in(bytes, true),
            ToRelay::Forget => {
                // The first may be half written: an ending for it is as good as none.
                self.to_program.retain(|typing| !typing.by_host);
                self.tell(FromRelay::Typed(0));
            }
        }
        Ok(())
    }

    fn start(&mut self, start: Start) -> Result<(), RelayError> {
        let size = Size::new(start.columns, start.rows).unwrap_or_default();
        let Device { master, slave } = Device::open(size).map_err(RelayError::Device)?;
        let tty = rustix::termios::ttyname(slave.as_fd(), Vec::new())
            .map_err(|error| RelayError::Device(error.into()))?;
        let mut command = Command::new(&start.program);
        command.args(&start.args).env_clear().envs(&start.env);
        // iTerm2's own variables are about this very pane, so they are right here.
        command.envs(std::env::vars_os().filter(|(name, _)| tells_of_the_pane(name)));
        if let Some(folder) = &start.cwd {
            command.current_dir(folder);
        }
        let (child, pid) = match pty::start(command, slave) {
            Ok(started) => started,
            Err(source) => {
                return Err(RelayError::Program {
                    program: start.program,
                    source,
                });
            }
        };
        let running = Running {
            pid,
            relay: std::process::id(),
            tty: PathBuf::from(tty.to_string_lossy().into_owned()),
            columns: size.columns(),
            rows: size.rows(),
            marks: start.marks,
        };
        self.program = Some(Program {
            child,
            running: running.clone(),
            device: Some(master),
            ended: None,
        });
        let pane = std::env::var(PANE_VARIABLE).unwrap_or_default();
        self.tell(FromRelay::Hello(Box::new(Hello {
            pane,
            running: Some(running),
            recent_follows: false,
        })));
        Ok(())
    }

    fn on_output(&mut self, bytes: Vec<u8>) {
        if self.pane.is_some() {
            self.to_pane.extend_from_slice(&bytes);
        }
        self.recent.extend(&bytes);
        let over = self.recent.len().saturating_sub(RECENT_BYTES);
        self.recent.drain(..over);
        self.tell(FromRelay::Output(bytes));
    }

    fn type_in(&mut self, bytes: Vec<u8>, by_host: bool) {
        let has_reader = self.program.as_ref().is_some_and(|it| it.device.is_some());
        if has_reader && !bytes.is_empty() {
            self.to_program.push_back(Typing {
                bytes,
                written: 0,
                by_host,
            });
        }
    }

    fn on_typed(&mut self, count: usize) {
        let Some(typing) = self.to_program.front_mut() else {
            return;
        };
        typing.written += count;
        if typing.written >= typing.bytes.len()
            && let Some(typing) = self.to_program.pop_front()
            && typing.by_host
        {
            let count = u32::try_from(typing.bytes.len()).unwrap_or(u32::MAX);
            self.tell(FromRelay::Typed(count));
        }
    }

    fn on_resized(&mut self) {
        let size = (self.pane.as_ref()).and_then(Master::size);
        let (Some(size), Some(program)) = (size, &mut self.program) else {
            return;
        };
        program.running.columns = size.columns();
        program.running.rows = size.rows();
        if let Some(device) = &program.device {
            // A device that has gone has no reader that would miss it.
            let _ = device.set_size(size);
        }
        self.tell(FromRelay::Resized(size.columns(), size.rows()));
    }

    /// iTerm2 has closed the pane, or has gone.
    fn on_hung_up(&mut self) {
        if self.kill_at.is_some() {
            return;
        }
        self.pane = None;
        self.to_pane.clear();
        self.kill_at = Some(Instant::now() + HANGUP_PATIENCE);
        if let Some(program) = &self.program {
            process::signal_session(program.running.pid, rustix::process::Signal::HUP);
        }
    }

    fn on_ended(&mut self, status: io::Result<ExitStatus>) {
        if let Some(program) = &mut self.program {
            let status = status.unwrap_or_else(|_| ExitStatus::from_raw(255 << 8));
            program.ended = Some((status, Instant::now() + DRAIN_PATIENCE));
        }
    }

    /// Nothing more comes from the program.
    fn close_device(&mut self) {
        if let Some(program) = &mut self.program {
            program.device = None;
        }
        self.to_program.clear();
    }

    fn on_time(&mut self) -> Result<(), RelayError> {
        let now = Instant::now();
        let Some(program) = &self.program else {
            return Err(RelayError::NoHost);
        };
        if program.ended.is_some_and(|(_, until)| now >= until) {
            self.close_device();
        } else if self.kill_at.is_some_and(|at| now >= at) {
            process::signal_session(program.running.pid, rustix::process::Signal::KILL);
            self.kill_at = Some(now + HANGUP_PATIENCE);
        }
        Ok(())
    }

    /// How the program ended, once all that it wrote is here.
    fn end(&self) -> Option<ExitStatus> {
        let program = self.program.as_ref()?;
        let (status, _) = program.ended?;
        program.device.is_none().then_some(status)
    }

    /// The host and the pane get what is still on its way to them.
    async fn say_farewell(mut self, last: FromRelay) {
        self.tell(last);
        let pane = self.pane.take();
        let mut last_words = std::mem::take(&mut self.to_pane);
        let farewell = async {
            while !last_words.is_empty() {
                match device::write(pane.as_ref(), &last_words).await {
                    Ok(count) => drop(last_words.drain(..count)),
                    Err(_) => break,
                }
            }
            // The host ends the connection when it has heard.
            if let Some(host) = &mut self.host {
                while host.heard.recv().await.is_some() {}
            }
        };
        let _ = tokio::time::timeout(FAREWELL_PATIENCE, farewell).await;
    }
}

/// What ends a pane: iTerm2's own hang-up, and a request to end.
struct HangUps([Signal; 2]);

impl HangUps {
    fn watch() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::hangup())?,
            signal(SignalKind::terminate())?,
        ]))
    }

    async fn received(&mut self) {
        let [hang_up, terminate] = &mut self.0;
        tokio::select! {
            _ = hang_up.recv() => (),
            _ = terminate.recv() => (),
        }
    }
}

/// Variables by which programs learn that they are in a pane of iTerm2, and which.
fn tells_of_the_pane(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("ITERM_") || name == "TERM_SESSION_ID"
}

async fn said(host: &mut Option<HostLink>) -> Option<ToRelay> {
    match host {
        Some(host) => host.heard.recv().await,
        None => std::future::pending().await,
    }
}

/// Waits until the host has taken something.
async fn has_room(full: Option<mpsc::Sender<FromRelay>>) {
    match full {
        // Of no use to anybody, but it waits; given back at once.
        Some(said) => drop(said.reserve_many(SPARE_FRAMES + 1).await),
        None => std::future::pending().await,
    }
}

async fn wait(child: Option<&mut Child>) -> io::Result<ExitStatus> {
    match child {
        Some(child) => child.wait().await,
        None => std::future::pending().await,
    }
}
