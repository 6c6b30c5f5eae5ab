//! The backend `tmux`: sessions in the panes of a tmux server.
//!
//! [`Server::connect`] speaks tmux's control mode over one client for each
//! server, however many sessions there are ([`connection`]). The bytes that a
//! pane's program writes reach the session's own emulator as they are
//! ([`protocol`]), and what is typed goes to the pane byte by byte ([`pane`]).
//! Unlike those on a device of our own, these sessions live on when the host
//! ends, and are found again ([`Server::panes`], [`Server::attach`]).
//!
//! On every server there is one tmux session of ours, with a window for each
//! session, or for several that were opened beside each other, and one, the anchor, whose program only waits. tmux reports no death
//! of a pane to its control clients, so a hook rings at the anchor, which echoes,
//! and the connection looks who has died.

mod anchor;
mod census;
mod command;
mod connection;
mod error;
mod found;
mod last_look;
mod pane;
mod place;
mod program;
mod protocol;
mod seed;
mod server;
mod socket;
mod windows;

pub use error::TmuxError;
pub use found::FoundPane;
pub(crate) use pane::Pane;
pub use protocol::PaneId;
pub use server::Server;
pub use socket::Socket;
pub use windows::PaneWindow;

/// The tmux session of ours on each server.
const SESSION: &str = "quarterdeck";

/// The name with which its window begins that only waits.
const ANCHOR: &str = "anchor";

/// The option that says that a pane is it.
const ANCHOR_OPTION: &str = "@quarterdeck-anchor";

/// The option that says which host has a pane as a session.
const HOST_OPTION: &str = "@quarterdeck-host";

/// The option of a pane that a tmux session besides ours shows, and that goes with it.
const SHOWN_OPTION: &str = "@quarterdeck-shown";
