//! The lines that a walk is given from outside: the one that is judged, those
//! before it, and what may be a line.

use std::rc::Rc;

use super::{Context, MAX_NESTED_BYTES, MAX_STEPS, MAX_STEPS_OF_EARLIER, MAX_VALUE_BYTES, Walk};
use crate::parser::{self, Dialect, Origin, Parsed, Problem, ProblemKind};
use crate::verdict::{Span, Tier};

impl Walk<'_> {
    /// Takes over what an earlier line of the session left behind, without
    /// judging it again.
    pub(crate) fn remember(&mut self, earlier: &str) {
        const TELLING: [&str; 18] = [
            "=",
            "()",
            "function ",
            "alias ",
            "curl ",
            "wget ",
            "unset ",
            ">",
            "tee ",
            "mv ",
            "ln ",
            "cp ",
            "install ",
            "set ",
            "sed -i",
            "patch",
            "git apply",
            "ed ",
        ];
        if earlier.len() > MAX_VALUE_BYTES || !TELLING.iter().any(|word| earlier.contains(word)) {
            return;
        }
        let cwd = self.shell.cwd.clone();
        self.steps_left = MAX_STEPS_OF_EARLIER;
        let stops = std::mem::replace(&mut self.stops_at_danger, false);
        let parsed = parser::parse(earlier, Origin::Within(Span::default()), self.dialect, 0);
        self.script(&parsed.script, &Context::default());
        self.worst = None;
        self.shell.trapped = Rc::default();
        self.stops_at_danger = stops;
        self.shell.cwd = cwd;
        self.steps_left = MAX_STEPS;
        self.bytes_left = MAX_NESTED_BYTES;
    }

    /// Judges a whole command line. Only an interactive shell replaces
    /// `!word` from its history. What is wrong with the line counts, unless it
    /// `goes_on`.
    pub(crate) fn command_line(
        &mut self,
        line: &str,
        interactive: bool,
        goes_on: impl Fn(&[Problem]) -> bool,
    ) -> Parsed {
        let mut parsed = parser::parse(line, Origin::CommandLine, self.dialect, 0);
        if !interactive {
            parsed
                .problems
                .retain(|problem| problem.kind != ProblemKind::History);
        }
        self.script(&parsed.script, &Context::default());
        if let Some(put_in) = self.with_global_aliases(line) {
            let whole = Span {
                start: 0,
                end: line.len(),
            };
            self.line(&put_in, whole, &Context::default());
        }
        self.leave(&Context::default());
        if !goes_on(&parsed.problems) {
            self.problems(&parsed);
        }
        parsed
    }

    /// From now on texts follow this grammar.
    pub(crate) fn follow(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Judges a line once more that is no proper one for sh and its like: where
    /// it is one for fish, and nobody knows which shell there is, it means what
    /// it means there.
    pub(crate) fn read_as_fish(&mut self, line: &str, interactive: bool) {
        let parsed = parser::parse(line, Origin::CommandLine, Dialect::Fish, 0);
        if !parsed.problems.is_empty() {
            return;
        }
        self.worst.take_if(|worst| worst.rule == "core/syntax");
        let before = std::mem::replace(&mut self.dialect, Dialect::Fish);
        self.command_line(line, interactive, |_| false);
        self.dialect = before;
    }

    /// Judges every command that could be meant by text that is not a proper
    /// command line, as if its quotes and brackets were not there.
    pub(crate) fn scan(&mut self, line: &str, span: Span, depth: u32) {
        self.only_danger(|walk| walk.loosely(line, ' ', span, depth));
    }

    /// Judges what quoted text would run without its quotes. What a person would be asked
    /// about counts too; words that no rule knows are text.
    pub(crate) fn scan_for_commands(&mut self, line: &str, span: Span) {
        let before = std::mem::replace(&mut self.unknown_program, Tier::Safe);
        self.loosely(line, ';', span, 0);
        self.unknown_program = before;
    }

    fn loosely(&mut self, line: &str, quote: char, span: Span, depth: u32) {
        let loose: String = line
            .chars()
            .map(|character| match character {
                '\'' | '"' | '`' => quote,
                '(' | ')' => ';',
                character => character,
            })
            .collect();
        let parsed = parser::parse(&loose, Origin::Within(span), Dialect::Posix, depth);
        let context = Context {
            depth,
            ..Context::default()
        };
        self.script(&parsed.script, &context);
    }

    /// Judges a shell line that leads out of some other program.
    pub(crate) fn escaped_line(&mut self, line: &str, span: Span) {
        self.line(line, span, &Context::default());
    }
}
