//! Whole commands in a shell on another machine, which writes no marks.
//!
//! The shell is asked to say where the command's output begins and ends, by
//! lines around it with a word that no output can know. They are seen in the
//! session; what `session_run` returns is free of them.

use std::time::Duration;

use quarterdeck_terminal::quoting::any_shells_word;
use quarterdeck_terminal::{Cursor, ShellState, Until};
use regex::Regex;

use super::running::CommandEnd;
use crate::error::HostError;
use crate::session::Session;

/// The lines around one command.
pub(super) struct Bounds {
    word: String,
}

impl Bounds {
    /// Around one command, and never again.
    pub(super) fn new() -> Self {
        Self {
            word: format!("{:016x}", rand::random::<u64>()),
        }
    }

    /// What is typed to run `command`, in words that fish reads as others do; only in what
    /// tells the exit status they differ, so each is given a function of its own. The bounds
    /// stand in two halves, so that the echo of this line is neither; `eval` of one quoted
    /// word keeps comments, here-documents and several lines as they are.
    /// Pasted where the shell can tell a paste, so that tabs complete nothing. A shell that
    /// is only starting shows its prompt behind the echo, so the first bound begins a line.
    pub(super) fn around(&self, command: &str, as_paste: bool) -> String {
        let (first, second) = self.word.split_at(self.word.len() / 2);
        let command = match as_paste || !command.contains('\t') {
            true => any_shells_word(command),
            // A line editor would put something else in a tab's place.
            false => format!(
                "\"$(printf '%b' {})\"",
                any_shells_word(&command.replace('\\', r"\\").replace('\t', r"\t"))
            ),
        };
        // Only fish has the builtin `set_color`; a variable might be unset, which some forbid.
        let told = |status| format!(r#"printf "\n%s%s:%s\n" {first} {second} "{status}""#);
        let line = format!(
            " printf '\\n%s%s\\n' {first} {second}; type set_color >/dev/null 2>&1 && \
             eval 'function quarterdeck_told; {}; end' || eval 'quarterdeck_told() {{ {}; }}'; \
             eval {command}; quarterdeck_told",
            told("$status"),
            told("$?"),
        );
        match as_paste {
            true => format!("\x1b[200~{line}\x1b[201~\r"),
            false => line.replace('\n', "\r") + "\r",
        }
    }

    fn begin(&self) -> Option<Regex> {
        Regex::new(&format!("(?m)^{}\n", self.word)).ok()
    }

    fn end(&self) -> Option<Regex> {
        Regex::new(&format!("(?m)^{}:[0-9]+$", self.word)).ok()
    }

    /// Waits for the end of the command, at most `timeout`.
    pub(super) async fn follow(
        &self,
        session: &Session,
        typed_at: Cursor,
        started: std::time::Instant,
        timeout: Duration,
    ) -> Result<CommandEnd, HostError> {
        let (Some(begin), Some(end)) = (self.begin(), self.end()) else {
            return Err(HostError::Internal("a bound is no pattern".to_owned()));
        };
        let terminal = &session.terminal;
        let deadline = std::time::Instant::now() + timeout;
        let begun = terminal
            .wait(Until::Pattern(begin), Some(typed_at), timeout)
            .await;
        let output_from = if begun.met { begun.cursor } else { typed_at };
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let ended = terminal
            .wait(Until::Pattern(end), Some(output_from), left)
            .await;
        if let Some(line) = ended.matched {
            let status = line.rsplit(':').next().and_then(|code| code.parse().ok());
            // Before the bound and the line break that it begins with.
            let output_to = ended.cursor.back(line.len() as u64 + 1);
            return Ok(CommandEnd::Finished {
                exit_status: status,
                output_from,
                output_to: Some(output_to.max(output_from)),
                duration: started.elapsed(),
            });
        }
        Ok(match terminal.status().await.shell {
            ShellState::Exited(exit) => CommandEnd::SessionEnded {
                output_from,
                exit_status: exit.and_then(|exit| exit.code()),
            },
            _ => CommandEnd::StillRunning {
                output_from,
                begun: begun.met,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cannot_leave_its_quotes() {
        let typed = Bounds::new().around("echo 'a'; b", true);
        assert!(typed.contains(r"eval 'echo '\''a'\''; b';"), "{typed}");
        // fish would make one backslash of two within quotes.
        let typed = Bounds::new().around(r"a\b", true);
        assert!(typed.contains(r"eval 'a'\\'b';"), "{typed}");
    }

    #[test]
    fn what_is_typed_holds_no_bound() {
        let bounds = Bounds::new();
        let typed = bounds.around("echo hi # comment", true);
        assert!(!typed.contains(&bounds.word));
        assert!(
            bounds
                .end()
                .expect("a pattern")
                .is_match(&format!("{}:0", bounds.word))
        );
    }
}
