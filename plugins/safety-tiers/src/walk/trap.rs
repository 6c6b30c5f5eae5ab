//! Lines that `trap` keeps until the shell ends or a signal arrives.

use std::rc::Rc;

use super::{Context, Walk};
use crate::verdict::Span;

/// Lines that are kept.
const MAX_TRAPPED: usize = 16;

impl Walk<'_> {
    /// Keeps a line for when the shell ends: variables that it names are often
    /// set only after the `trap`. It may run at once as well, and so what is
    /// dangerous already is said now.
    pub(super) fn trap(&mut self, line: &str, span: Span, context: &Context) {
        if matches!(line, "" | "-") || ends_own_jobs(line) {
            return;
        }
        if self.shell.trapped.len() >= MAX_TRAPPED {
            self.line(line, span, context);
            return;
        }
        self.perhaps_line(line, span, context);
        Rc::make_mut(&mut self.shell.trapped).push((line.into(), span));
    }

    /// The shell ends here, and runs what was kept.
    pub(super) fn leave(&mut self, context: &Context) {
        let kept = std::mem::take(&mut self.shell.trapped);
        // What leaves the shell once more, as `trap 'exit 1' INT` does, finds nothing
        // kept; what was kept may keep more.
        let mut due = Rc::clone(&kept);
        while !due.is_empty() {
            for (line, span) in due.iter() {
                self.line(line, *span, context);
            }
            due = std::mem::take(&mut self.shell.trapped);
        }
        self.shell.trapped = kept;
    }
}

/// `kill 0` and `kill $(jobs -p)`: a shell that ends takes with it what it has started.
fn ends_own_jobs(line: &str) -> bool {
    const JOBS: [&str; 8] = ["0", "$(jobs", "-p)", "-$$", "--", "-TERM", "-INT", "-s"];
    let mut words = line.split([' ', '"']).filter(|word| !word.is_empty());
    words.next() == Some("kill")
        && words.next().is_some_and(|word| JOBS.contains(&word))
        && words.all(|word| JOBS.contains(&word) || word == "2>/dev/null")
}
