//! Sessions with real shells: bash, zsh, fish, dash and Python's prompt.
//!
//! On terminal devices of our own here; `shells-on-tmux` tells the same stories on
//! tmux.
//!
//! A shell that is not installed makes its tests fail, because a session that
//! nobody tried is not known to work.

mod closing;
mod commands;
mod editors;
mod lines;
mod output;
mod plain;
mod prompts;
mod replies;
mod screens;
mod support;

/// What carries the sessions of these stories.
const ON: support::Carrier = support::Carrier::Pty;
