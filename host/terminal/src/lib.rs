//! Sessions as bytes and screens.
//!
//! A session is a program on a terminal, nearly always a shell. This crate
//! opens it ([`pty::open`], [`tmux::Server::open`],
//! [`iterm2::Application::open`]), emulates its screen, keeps
//! what it wrote as text ([`Terminal::read`]), and knows, where the shell is bash, zsh or fish, when
//! it prompts, what it runs and how that ended ([`Keyboard::run`]).
//!
//! Two handles lead to a session. [`Terminal`] is for everybody and can do
//! everything but type. [`Keyboard`] can type, exists once and cannot be
//! cloned: whoever holds it decides what is typed. Behind both is one task that
//! owns all of the session's state (`session`).
//!
//! What it must never do: judge what is typed (that is the gate's), know a
//! policy, a protocol or a store, believe what output says about the session
//! (marks need a key), or write text that output chose back to the program.
//!
//! Start reading at [`pty`], then `session` with its parts; `backend` is what
//! differs between a device of our own and a pane of tmux; `stream` is how bytes become text
//! and marks, `transcript` how text is kept, `prompt` what marks mean, and
//! `integration` how shells come to write them.

pub mod ancestry;
pub mod awaiting;
mod backend;
pub mod deadline;
mod device;
mod emulator;
mod environment;
mod following;
mod integration;
pub mod iterm2;
mod keyboard;
pub mod keys;
mod marks;
pub mod mouse;
pub mod open_files;
mod opening;
mod outbox;
mod process;
#[cfg(target_os = "linux")]
mod process_stat;
mod prompt;
pub mod pty;
pub mod quoting;
mod raw;
pub mod reader;
mod request;
mod screen;
pub mod screenshot;
mod session;
mod stream;
mod tally;
mod terminal;
pub mod tmux;
mod transcript;
mod waits;

pub use following::{Follower, OutputPiece};
pub use keyboard::{
    ClearLineError, CommandState, FinishedCommand, Keyboard, RunError, RunningCommand, ShellLine,
    ShellLineError,
};
pub use opening::{KeptMarks, OpenError, Opened};
pub use outbox::WriteError;
pub use process::{Foreground, ForegroundSignal, SignalError};
#[cfg(target_os = "linux")]
pub use process_stat::ProcessStat;
pub use prompt::CommandOutput;

pub use raw::{RawOutput, RawPiece};
pub use request::{Beside, OpenRequest, Side, Size, SizeError};
pub use screen::{Color, Position, Row, Screen, Scrollback, Style, StyledRun};
pub use stream::{Progress, ProgressState};
pub use tally::CommandTally;
pub use terminal::{Output, Place, ResizeError, ShellState, Status, Terminal};
pub use transcript::Cursor;
pub use waits::{Until, WaitEnd, Waited};
