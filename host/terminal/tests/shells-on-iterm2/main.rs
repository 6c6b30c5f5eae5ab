//! The stories of `shells`, with sessions in panes that were opened for them on the stand-in
//! for iTerm2, and those that only iTerm2 can tell.

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
mod panes;
#[path = "../shells/plain.rs"]
mod plain;
#[path = "../shells/prompts.rs"]
mod prompts;
mod relays;
#[path = "../shells/replies.rs"]
mod replies;
#[path = "../shells/screens.rs"]
mod screens;
#[path = "../shells/support.rs"]
mod support;

/// What carries the sessions of these stories.
const ON: support::Carrier = support::Carrier::Iterm2;
