//! Tabs in commands: text to whoever gave them, and to a line editor the key that completes
//! words, unless they are pasted.

use std::time::{Duration, Instant};

use quarterdeck_terminal::{Status, Until};

use super::shell_line::plain_name;
use crate::error::HostError;
use crate::session::Session;

/// Shells with line editors.
const EDITORS: &[&str] = &["bash", "fish", "ksh", "mksh", "yash", "zsh"];

/// How long a shell may take from its start to its first prompt. What reads whole lines
/// for longer is taken to have no editor, whatever its name.
const STARTING_PATIENCE: Duration = Duration::from_secs(2);

/// How long a shell is quiet that takes keys already and will not ask for pastes any more.
const SAYS_NO_MORE: Duration = Duration::from_millis(150);

/// How often a program is looked at: its terminal tells of nothing.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// How things stand once a shell that was executed a moment ago edits its lines. Until then
/// the terminal takes a tab for text, and the editor reads it as a key later.
pub(super) async fn once_lines_are_edited(session: &Session, mut status: Status) -> Status {
    let until = Instant::now() + STARTING_PATIENCE;
    while is_another_editor(session, &status) && !takes_pastes(&status) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        if status.reads_lines {
            tokio::time::sleep(BETWEEN_LOOKS.min(left)).await;
        } else {
            let quiet = Until::Quiet(SAYS_NO_MORE);
            if session.terminal.wait(quiet, None, left).await.met {
                return session.terminal.status().await;
            }
        }
        status = session.terminal.status().await;
    }
    status
}

/// Whether a shell is in front that writes no marks and has an editor.
fn is_another_editor(session: &Session, status: &Status) -> bool {
    let Some(front) = &status.foreground else {
        return false;
    };
    let writes_marks = status.integrated && front.pid == session.terminal.pid();
    let is_editor = EDITORS.contains(&plain_name(&front.name));
    session.remote_host.is_none() && is_editor && !writes_marks
}

/// Whoever has no editor did not ask for pastes: a text that was shown did.
fn takes_pastes(status: &Status) -> bool {
    status.bracketed_paste && !status.reads_lines
}

/// A line editor that takes no pastes would put something else in a tab's place.
pub(super) fn refuse_what_would_complete(
    session: &Session,
    command: &str,
    status: &Status,
) -> Result<(), HostError> {
    let completes = !status.bracketed_paste && !status.reads_lines;
    if completes && session.remote_host.is_none() && command.contains('\t') {
        return Err(HostError::TabWouldComplete(session.id.clone()));
    }
    Ok(())
}

/// Makes sure that a tab which is typed into a session as part of a line stays one, as far
/// as a shell without marks is in front.
pub(crate) async fn are_text(session: &Session) -> Result<(), HostError> {
    let status = session.terminal.status().await;
    if !is_another_editor(session, &status) {
        return Ok(());
    }
    let status = once_lines_are_edited(session, status).await;
    match is_another_editor(session, &status) {
        true => refuse_what_would_complete(session, "\t", &status),
        false => Ok(()),
    }
}
