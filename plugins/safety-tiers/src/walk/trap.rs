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
        if matches!(line, "" | "-") {
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
        let kept = Rc::clone(&self.shell.trapped);
        // What was kept may keep more.
        let mut done = 0;
        while let Some((line, span)) = self.shell.trapped.get(done).cloned() {
            done += 1;
            self.line(&line, span, context);
        }
        self.shell.trapped = kept;
    }
}
