//! Whether a shell that writes no marks shows that it waits for the rest of a
//! command.
//!
//! All that it says is the prompt that it shows: `>`, or in zsh `quote>` and its like,
//! other than the one that the command began at. It is what a person goes by. Where
//! that is not seen, policies are told that the line may be a command of its own.

use std::time::Duration;

use quarterdeck_terminal::{Screen, Terminal};
use tokio::time::{Instant, timeout};

use super::surroundings::is_busy;

/// A shell that waits for a line, perhaps on another machine, is looked at so often, and
/// that far apart, until it counts as one that shows no prompt. Looks at one that works
/// do not count: on a machine with much to do it comes to its prompt late.
const LOOKS: u32 = 25;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What works for longer is no shell on its way to a prompt.
const LONGEST: Duration = Duration::from_secs(5);

/// What a shell showed before the lines that are typed.
#[derive(Debug, Default)]
pub(super) struct PromptsShown {
    /// Where the command began.
    first: Option<String>,
    /// Ctrl-C was typed since.
    interrupted: bool,
    /// Whether the line that is typed now began at another one, which asks for more.
    asks_for_more: bool,
}

impl PromptsShown {
    /// Takes note of the prompt at which a command begins.
    pub(super) async fn command_begins(&mut self, terminal: &Terminal) {
        *self = Self {
            first: before_cursor(&terminal.screen().await),
            ..Self::default()
        };
    }

    /// Takes note of the prompt at which a further line of a command begins, once it
    /// is shown. Returns whether the command is over: after a Ctrl-C the shell is
    /// back where it began.
    pub(super) async fn command_goes_on(&mut self, terminal: &Terminal) -> bool {
        let deadline = Instant::now() + LONGEST;
        let mut looks = 0;
        let mut changes = terminal.changes();
        loop {
            let shown = before_cursor(&terminal.screen().await);
            let is_first = shown == self.first;
            let asks = !is_first && shown.as_deref().is_some_and(is_second_prompt);
            // What is shown may be older than the Ctrl-C.
            self.asks_for_more = asks && !self.interrupted;
            let seen = self.asks_for_more || self.interrupted && is_first && !asks;
            if seen {
                return self.interrupted;
            }
            match timeout(BETWEEN_LOOKS, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_ended)) => return false,
                Err(_quiet) if is_busy(terminal).await => {}
                Err(_quiet) => looks += 1,
            }
            if looks == LOOKS || Instant::now() > deadline {
                return false;
            }
        }
    }

    /// Whether the line that is typed now began where a shell asks for more.
    pub(super) fn ask_for_more(&self) -> bool {
        self.asks_for_more
    }

    /// Ctrl-C is typed.
    pub(super) fn interrupted(&mut self) {
        self.interrupted = true;
        self.asks_for_more = false;
    }

    /// The line was handed over.
    pub(super) fn line_ends(&mut self) {
        self.asks_for_more = false;
    }
}

/// What stands before the cursor on its row.
fn before_cursor(screen: &Screen) -> Option<String> {
    let row = screen.rows.get(usize::from(screen.cursor.row))?;
    let column = usize::from(screen.cursor.column);
    Some(row.text.chars().take(column).collect())
}

/// bash, dash and ksh show `>`, zsh says what is open, csh asks (`for?`).
fn is_second_prompt(shown: &str) -> bool {
    let shown = shown.trim_end();
    let opens = shown.strip_suffix('>').or_else(|| {
        let word = shown.strip_suffix('?')?;
        (!word.is_empty()).then_some(word)
    });
    opens.is_some_and(|opens| opens.chars().all(|c| c.is_ascii_lowercase() || c == ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_that_ask_for_more_are_told_from_others() {
        for shown in [
            "> ",
            ">",
            "quote> ",
            "for then> ",
            "cmdsubst heredoc> ",
            "while? ",
        ] {
            assert!(is_second_prompt(shown), "{shown:?}");
        }
        for shown in [
            "",
            "$ ",
            "# ",
            "~> ",
            "me@box> ",
            "> echo a",
            "? ",
            "Name: ",
            "PS C:\\> ",
        ] {
            assert!(!is_second_prompt(shown), "{shown:?}");
        }
    }
}
