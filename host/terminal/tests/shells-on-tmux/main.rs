//! The stories of `shells`, with sessions on tmux, and those that only tmux can
//! tell.

#[path = "../shells/closing.rs"]
mod closing;
#[path = "../shells/commands.rs"]
mod commands;
#[path = "../shells/editors.rs"]
mod editors;
#[path = "../shells/lines.rs"]
mod lines;
#[path = "../shells/output.rs"]
mod output;
#[path = "../shells/plain.rs"]
mod plain;
#[path = "../shells/prompts.rs"]
mod prompts;
#[path = "../shells/replies.rs"]
mod replies;
#[path = "../shells/screens.rs"]
mod screens;
mod servers;
#[path = "../shells/support.rs"]
mod support;

/// What carries the sessions of these stories.
const ON: support::Carrier = support::Carrier::Tmux;
