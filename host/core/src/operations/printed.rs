//! Waiting for a pattern in what is printed, and not in the command line that asks for it.

use std::time::{Duration, Instant};

use quarterdeck_terminal::{Cursor, Until, Waited};
use regex::Regex;

use crate::session::Session;

/// A shell that does not run what was entered within this time is waited for no longer.
const SETTLING_PATIENCE: Duration = Duration::from_secs(1);

/// Waits until `pattern` is printed after `from`, or stands on the screen of a full-screen
/// program, at most `timeout`. The line that the shell's last command was entered with is
/// left out where marks tell it from its output: `make && echo DONE` would be done at once.
pub(super) async fn is_printed(
    session: &Session,
    pattern: Regex,
    from: Cursor,
    timeout: Duration,
) -> Waited {
    let terminal = &session.terminal;
    let began = Instant::now();
    let settling = timeout.min(SETTLING_PATIENCE);
    terminal.wait(Until::Settled, None, settling).await;
    let timeout = timeout.saturating_sub(began.elapsed());
    let last_input = session.door.last_input();
    let output = terminal.status().await.command_output;
    let Some(output) = output.filter(|it| it.start > last_input && it.start > from) else {
        return terminal
            .wait(Until::Pattern(pattern), Some(from), timeout)
            .await;
    };
    // With the line break that ends the line: patterns begin with it to pass its echo over.
    let behind_the_line = output.start.back(1).max(from);
    if from < last_input {
        let before = Until::Pattern(pattern.clone());
        let waited = terminal.wait(before, Some(from), Duration::ZERO).await;
        if waited.met && waited.cursor <= last_input {
            return waited;
        }
    }
    terminal
        .wait(Until::Pattern(pattern), Some(behind_the_line), timeout)
        .await
}
