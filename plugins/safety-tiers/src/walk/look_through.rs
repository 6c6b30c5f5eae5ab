//! Finds the commands that a command runs: `sudo`, `sh -c`, `xargs`,
//! `find -exec`, `ssh`, editors with a shell escape, programs in other
//! languages.

use super::code::Code;
use super::invoke::Invocation;
use super::prompts::printing_into;
use super::{Context, Field, Walk};
use crate::arguments::Arguments;
use crate::parser::Dialect;
use crate::rules::{Program, Sources};
use crate::verdict::Span;

/// What stands before the command line in the value of some flags.
const LINE_PREFIXES: [&str; 5] = [
    "exec=",
    "ProxyCommand=",
    "LocalCommand=",
    "KnownHostsCommand=",
    "!",
];

impl Walk<'_> {
    /// Text in which a shell substitutes once more what is quoted by now: a prompt,
    /// what zsh's `print -P` shows, the words of `compgen -W`.
    pub(super) fn substituted_again(&mut self, text: &str, span: Span, context: &Context) {
        if text.contains(['$', '`']) {
            // Of all places where text is substituted, one where quotes are text.
            let end = "END-OF-PROMPT";
            self.line(&format!("true <<{end}\n{text}\n{end}\n"), span, context);
        }
    }

    /// Judges the commands within a command. Gives the code in another
    /// language that it is to run, and what the command prints that it wraps.
    pub(super) fn inner_commands(
        &mut self,
        name: &str,
        program: &'static Program,
        arguments: &Arguments<'_>,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) -> (Option<Code>, Sources) {
        let span = invocation.span;
        let mut printed = Sources::NONE;
        if program.shell {
            let its_own = if name == "fish" {
                Dialect::Fish
            } else {
                Dialect::Posix
            };
            let before = std::mem::replace(&mut self.dialect, its_own);
            self.shell_program(arguments, fields, span, context);
            self.dialect = before;
        }
        let substitutes = match name {
            "print" => arguments.has_flag("-P"),
            "compgen" | "complete" => arguments.has_flag("-W|-F|-C"),
            _ => false,
        };
        if substitutes {
            for field in fields {
                self.substituted_again(&field.text, span, context);
            }
        }
        if let Some(skipped) = program.runs_after {
            printed =
                self.wrapped_command(name, program, skipped, arguments, fields, span, context);
        }
        let mut lines: Vec<String> = arguments
            .values_of(program.line_flags)
            .map(str::to_owned)
            .collect();
        if program.lines {
            lines.extend(arguments.operands().map(|line| script_or_line(&line.text)));
        }
        // `psql -o '| cmd'`, `strace -o '!cmd'`
        let piped = arguments.values_of(program.write_flags);
        lines.extend(piped.filter_map(|file| file.strip_prefix(['|', '!']).map(str::to_owned)));
        for line in lines {
            let line = LINE_PREFIXES
                .iter()
                .find_map(|prefix| line.strip_prefix(prefix))
                .unwrap_or(&line);
            match name {
                // A blank, as `env -S` writes it.
                "env" => self.line(&line.replace("\\_", " "), span, context),
                _ => self.line(line, span, context),
            };
        }
        // `psql -o '|less'`: its output goes into a program.
        for line in arguments
            .values_of(program.write_flags)
            .filter_map(|file| file.strip_prefix('|'))
        {
            self.line(line, span, &printing_into(context));
        }
        if !program.editor_flags.is_empty() {
            self.commands_of_an_editor(name, program, arguments, span, context);
        }
        self.commands_in_input(name, arguments, span, context);
        self.indices(name, fields, span, context);
        self.command_behind_a_word(name, program, fields, invocation, context);
        self.commands_in_options(name, program, fields, invocation, context);
        self.commands_of_single_programs(name, arguments, fields, span, context);
        (self.code(program, arguments, span, context), printed)
    }
}

/// `npm:dev`, as those write it who run several at once, and any other line as
/// it is.
fn script_or_line(line: &str) -> String {
    match line.split_once(':') {
        Some((manager @ ("npm" | "pnpm" | "yarn" | "bun"), script)) => {
            format!("{manager} run {script}")
        }
        _ => line.to_owned(),
    }
}

pub(super) fn joined(fields: &[Field]) -> String {
    let words: Vec<&str> = fields
        .iter()
        .map(|field| field.text.as_str())
        .skip_while(|word| word.starts_with('-') && word.len() < 3)
        .collect();
    words.join(" ")
}
