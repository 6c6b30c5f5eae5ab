//! Stands in for iTerm2 where there is none.
//!
//! Speaks iTerm2's API over a Unix socket below a home folder of one's choice, and over TCP.
//! Behind it are real programs on real terminals, in windows, tabs and split panes that nobody
//! sees. Its measure is the official client (PyPI `iterm2`): scripts that use it must do here
//! what they would do in iTerm2. `README.md` says what is covered.
//!
//! It also goes wrong on demand: drops connections, answers late, out of order or by halves, and
//! restarts like an application that restores its windows ([`Control`]).
//!
//! What it must never do: be kinder than iTerm2. Where iTerm2 is odd, it is odd too, and what it
//! does not know it refuses.
//!
//! Start reading at `application`: one task that owns everything, as iTerm2's main thread does.
//! `websocket` brings requests to it, `requests` answers them, one file for each subject.

mod application;
mod buffer;
mod control;
mod cookies;
mod emulator;
mod escapes;
mod faults;
mod invocation;
mod layout;
mod profiles;
mod program;
mod prompts;
mod requests;
mod server;
mod session;
mod split;
mod subscriptions;
mod telling;
mod variables;
mod websocket;

pub use control::{Control, ControlError};
pub use server::{Options, Server, StartError};
