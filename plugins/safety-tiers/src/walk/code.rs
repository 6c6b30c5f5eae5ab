//! Code in other languages: what is given to an interpreter on its command
//! line, or typed into one.

use super::output::single_quoted;
use super::{Context, Walk};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::rules::{PLAIN_PROGRAM, Program, Sources};
use crate::text;
use crate::verdict::{Span, Tier};

impl Walk<'_> {
    /// Code in another language: shell lines in its strings are judged too.
    pub(super) fn code(
        &mut self,
        program: &'static Program,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) -> Option<String> {
        let mut code: Vec<String> = arguments
            .values_of(program.code_flags)
            .map(str::to_owned)
            .collect();
        if program.code_flags.contains(&"-") {
            if code.is_empty() {
                code.extend(
                    arguments
                        .operands()
                        .next()
                        .map(|operand| operand.text.clone()),
                );
            }
        } else if program.reads_code
            || !program.code_flags.is_empty()
                && arguments.operands().all(|operand| operand.text == "-")
        {
            // `python <<EOF`
            code.extend(context.input.text.as_deref().map(str::to_owned));
        }
        if code.is_empty() {
            return None;
        }
        let code = code.join("\n");
        self.judge_code(&code, span, context);
        Some(code)
    }

    /// Judges the strings in a program's text as shell lines, each alone and
    /// all of them in a row (`run(["rm", "-rf", "/"])`).
    pub(super) fn judge_code(&mut self, code: &str, span: Span, context: &Context) {
        let starts_processes = PROCESS_STARTERS.iter().any(|name| code.contains(name));
        if !starts_processes || code.len() > super::MAX_VALUE_BYTES {
            return;
        }
        let strings = strings(code);
        for string in &strings {
            self.perhaps_line(string, span, context);
        }
        if strings.len() > 1 {
            let row: Vec<String> = strings.iter().map(|string| home_aware(string)).collect();
            self.perhaps_line(&row.join(" "), span, context);
        }
        if text::matches("*expanduser*", code) || text::matches("*homedir*", code) {
            let mut row = strings.join(" ");
            row.push_str(" ~");
            self.perhaps_line(&row, span, context);
        }
    }

    /// Text that may be a shell line or not: only danger counts.
    pub(super) fn perhaps_line(&mut self, line: &str, span: Span, context: &Context) {
        self.only_danger(|walk| {
            walk.line(line, span, context);
        });
    }

    /// Judges what may run or not, by a guess: a guess may warn of danger, for
    /// anything less it is no ground.
    pub(super) fn only_danger(&mut self, judge: impl FnOnce(&mut Self)) {
        let before = self.worst.take();
        let shell = self.shell.clone();
        judge(self);
        self.leave_subshell(shell);
        let found = self
            .worst
            .take()
            .filter(|finding| finding.tier == Tier::Dangerous);
        self.worst = before;
        if let Some(found) = found {
            self.found(found);
        }
    }

    /// Judges a line of another language that is typed into its interpreter.
    pub(crate) fn typed_code(&mut self, program: &str, code: &str, span: Span) {
        self.judge_code(code, span, &Context::default());
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let cwd = self.shell.cwd.clone();
        let subject = Subject {
            program,
            arguments: &arguments,
            writes: &[],
            reads: &[],
            assigns: &[],
            from: Sources::NONE,
            code: Some(code),
            defines: None,
            cwd: &cwd,
        };
        let rule = self
            .rules
            .about_code(program)
            .find(|rule| rule.applies(&subject));
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }
}

/// What starts a process in the languages that have one-line programs.
const PROCESS_STARTERS: [&str; 12] = [
    "system",
    "popen",
    "Popen",
    "subprocess",
    "exec",
    "spawn",
    "child_process",
    "`",
    "qx",
    "%x",
    "shell",
    "sh(",
];

/// The string literals in a program, whatever its language.
fn strings(code: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let quote = rest.as_bytes()[start];
        rest = &rest[start + 1..];
        let mut end = None;
        let mut escaped = false;
        for (offset, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                byte if byte == quote => {
                    end = Some(offset);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else { break };
        if end > 0 && strings.len() < 32 {
            strings.push(text::unescape(&rest[..end]));
        }
        rest = &rest[end + 1..];
    }
    // Perl and Ruby: `system(q(rm -rf ~))`, `exec rm`; what stands between
    // brackets is looked at as well.
    if let Some(open) = code.find('(')
        && let Some(close) = code.rfind(')')
        && open < close
        && strings.is_empty()
    {
        strings.push(code[open + 1..close].to_owned());
    }
    strings
}

/// A string of a program as one word of a line, or as it is where it has
/// several words or stands for the home folder.
fn home_aware(string: &str) -> String {
    if string.contains(['\'', '\n']) {
        single_quoted(string)
    } else {
        string.to_owned()
    }
}
