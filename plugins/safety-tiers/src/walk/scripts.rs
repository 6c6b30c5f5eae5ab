//! Scripts and commands that shells and editors are given.

use super::programs::written_path;
use super::redirects::Redirected;
use super::shell::Positional;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::Program;
use crate::text;
use crate::verdict::{Span, Tier};

/// Commands of debuggers that write the file which follows.
const WRITING_COMMANDS: [&str; 12] = [
    "set logging file ",
    "set history filename ",
    "save breakpoints ",
    "save tracepoints ",
    "save gdb-index ",
    "generate-core-file ",
    "gcore ",
    "dump memory ",
    "dump value ",
    "dump binary memory ",
    "process save-core ",
    "breakpoint write -f ",
];

impl Walk<'_> {
    /// `sh -c LINE`, `sh FILE`, `… | sh`.
    pub(super) fn shell_program(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        // `bash -n` reads what it is given, and runs nothing.
        let interactive = arguments.has_flag("-i|-s");
        if arguments.has_flag("-n|--no-execute")
            && !interactive
            && (arguments.operands().next().is_some() || context.input.piped)
        {
            return;
        }
        if arguments.has_flag("-c") {
            // Of `sh -c LINE NAME ARGUMENTS` the line is the first operand.
            let words: Vec<String> = arguments
                .operands()
                .map(|operand| operand.text.clone())
                .collect();
            if let Some((line, rest)) = words.split_first() {
                let known = match rest {
                    // Nothing was given, but what wraps it may give something.
                    [] => Positional::Unknown,
                    _ => Positional::Known(rest.iter().skip(1).cloned().collect()),
                };
                let before = std::mem::replace(&mut self.shell.positional, known);
                let cwd = self.shell.cwd.clone();
                self.line(line, span, context);
                self.shell.cwd = cwd;
                self.shell.positional = before;
            }
            return;
        }
        for file in arguments.values_of(&["--rcfile", "--init-file"]) {
            if let Some(text) = self.stream_of(file, context).and_then(|read| read.text) {
                self.line(&text, span, context);
            }
        }
        // `sh -s ARGUMENTS` reads its commands from its input all the same.
        if arguments.has_flag("-s") && context.input.piped {
            let given = arguments.operands().map(|operand| operand.text.clone());
            let given: Vec<String> = given.collect();
            // What it is not given, what wraps it may give.
            let known = match given.as_slice() {
                [] => Positional::Unknown,
                given => Positional::Known(given.into()),
            };
            let before = std::mem::replace(&mut self.shell.positional, known);
            self.script_read(context.input.clone(), span, context);
            self.shell.positional = before;
            return;
        }
        let script = arguments.operands().next();
        if let Some(read) = script.and_then(|script| self.stream_of(&script.text, context)) {
            self.script_read(read, span, context);
        } else if let Some(script) = script {
            let place = script.places(self.shell.here());
            if !text::is_known(&script.text) || !Places::INSIDE.meets(place) {
                self.note(
                    "core/foreign-script",
                    Tier::Review,
                    "Runs a script that is not part of the project.",
                    span,
                );
            }
        } else if context.input.piped && !fields.iter().any(|field| field.text == "--version") {
            self.script_read(context.input.clone(), span, context);
        }
    }

    /// A script that a shell reads from a pipe or a file that is none.
    pub(super) fn script_read(&mut self, read: Stream, span: Span, context: &Context) {
        let text = match read.text {
            Some(text) => text,
            None => {
                self.note(
                    "core/unknown-script",
                    Tier::Review,
                    "Runs text that only the machine knows when the time comes.",
                    span,
                );
                // Unless `exec <<<TEXT` has put something else in the place of what
                // came from outside.
                match self.shell.read_from(0).and_then(|read| read.text) {
                    Some(text) => text,
                    None => return,
                }
            }
        };
        let context = Context {
            input: Stream::default(),
            ..context.clone()
        };
        self.line(&text, span, &context);
    }

    /// `vim -c '!cmd'`, `vim +'!cmd'`, `vim -c 'call system("cmd")'`.
    pub(super) fn commands_of_an_editor(
        &mut self,
        name: &str,
        program: &'static Program,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        let mut commands: Vec<String> = arguments
            .values_of(program.editor_flags)
            .map(str::to_owned)
            .collect();
        if program.editor_flags.contains(&"+") {
            commands.extend(
                arguments
                    .all
                    .iter()
                    .filter_map(|field| Some(field.text.strip_prefix('+')?.to_owned())),
            );
        }
        let vim = matches!(
            super::base_name(name),
            "vi" | "vim" | "nvim" | "ex" | "view" | "vimdiff" | "gvim"
        );
        self.scripts_of_an_editor(arguments, span);
        for command in commands {
            let line = command
                .strip_prefix("platform ")
                .unwrap_or(&command)
                .strip_prefix("shell ")
                .or_else(|| command.split_once('!').map(|(_, line)| line));
            if let Some(line) = line {
                let line = line.split("<CR>").next().unwrap_or(line);
                self.line(line, span, context);
            }
            let written = WRITING_COMMANDS
                .iter()
                .find_map(|word| command.strip_prefix(word));
            if let Some(file) = written.filter(|_| matches!(name, "gdb" | "lldb")) {
                let file = file.split(' ').next().unwrap_or(file);
                let written = vec![written_path(file, span)];
                self.judge_redirects(&Redirected::to(written), span);
            }
            self.judge_code(&command, span, context);
            if vim {
                self.command_of_vim(&command, span, context);
            }
        }
    }
}
