//! Finds the commands that a command runs: `sudo`, `sh -c`, `xargs`,
//! `find -exec`, `ssh`, editors with a shell escape, programs in other
//! languages.

use super::code::Code;
use super::invoke::Invocation;
use super::output::single_quoted;
use super::redirects::Redirected;
use super::shell::Positional;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::Program;
use crate::text::{self, SOMETHING, STAR};
use crate::verdict::{Span, Tier};

/// `find` and `fd` take whole commands among their flags.
const COMMAND_FLAGS: [&str; 8] = [
    "-exec",
    "-execdir",
    "-ok",
    "-okdir",
    "-x",
    "--exec",
    "-X",
    "--exec-batch",
];

/// Flags of `find` after which it no longer finds the folder itself.
const NARROWING_FLAGS: [&str; 6] = ["-name", "-iname", "-path", "-regex", "-mindepth", "-newer"];

/// Variables whose value some program runs as a shell line.
const LINE_VARIABLES: [&str; 14] = [
    "PROMPT_COMMAND",
    "PAGER",
    "GIT_PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "GIT_EDITOR",
    "GIT_SSH_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "LESSOPEN",
    "LESSCLOSE",
    "BROWSER",
    "SUDO_ASKPASS",
];

/// What stands before the command line in the value of some flags.
const LINE_PREFIXES: [&str; 5] = [
    "exec=",
    "ProxyCommand=",
    "LocalCommand=",
    "KnownHostsCommand=",
    "!",
];

impl Walk<'_> {
    /// Judges the commands within a command. Gives the code in another
    /// language that it is to run.
    pub(super) fn inner_commands(
        &mut self,
        name: &str,
        program: &'static Program,
        arguments: &Arguments<'_>,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) -> Option<Code> {
        let span = invocation.span;
        if program.shell {
            self.shell_program(arguments, fields, span, context);
        }
        if let Some(skipped) = program.runs_after {
            self.wrapped_command(name, program, skipped, arguments, fields, span, context);
        }
        let lines: Vec<String> = arguments
            .values_of(program.line_flags)
            .map(str::to_owned)
            .collect();
        for line in lines {
            let line = LINE_PREFIXES
                .iter()
                .find_map(|prefix| line.strip_prefix(prefix))
                .unwrap_or(&line);
            self.line(line, span, context);
        }
        if !program.editor_flags.is_empty() {
            self.commands_of_an_editor(program, arguments, span, context);
        }
        match name {
            "find" | "gfind" | "fd" | "fdfind" => {
                self.commands_of_find(!name.starts_with("fd"), fields, span, context)
            }
            "eval" => {
                let line = joined(fields);
                self.line(&line, span, context);
            }
            "source" | "." => {
                let script = arguments.operands().next();
                if let Some(read) = script.and_then(|file| self.stream_of(&file.text, context)) {
                    self.script_read(read, span, context);
                }
            }
            "make" | "gmake" => {
                let shell = arguments
                    .all
                    .iter()
                    .find_map(|field| field.text.strip_prefix("SHELL="));
                if let Some(line) = shell {
                    self.line(line, span, context);
                }
            }
            "sed" | "gsed" => {
                let scripts = arguments
                    .text()
                    .map(|text| text.text.as_str())
                    .into_iter()
                    .chain(arguments.values_of(&["-e", "--expression"]));
                for line in scripts.filter_map(line_of_sed) {
                    self.line(line, span, context);
                }
            }
            "trap" => {
                if let Some(line) = arguments.operands().next().filter(|_| fields.len() > 1) {
                    self.line(&line.text.clone(), span, context);
                }
            }
            "alias" => {
                for line in fields
                    .iter()
                    .filter_map(|field| Some(field.text.split_once('=')?.1.to_owned()))
                {
                    self.line(&line, span, context);
                }
            }
            "git" => {
                self.commands_of_git(arguments, fields, span, context);
                let settings: Vec<String> =
                    arguments.values_of(&["-c"]).map(str::to_owned).collect();
                for value in settings
                    .iter()
                    .filter_map(|setting| Some(setting.split_once('=')?.1))
                {
                    self.perhaps_line(value.trim_start_matches('!'), span, context);
                }
            }
            _ => {}
        }
        self.code(program, arguments, span, context)
    }

    /// `vim -c '!cmd'`, `vim +'!cmd'`, `vim -c 'call system("cmd")'`.
    fn commands_of_an_editor(
        &mut self,
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
        for command in commands {
            let line = command
                .strip_prefix("shell ")
                .or_else(|| command.split_once('!').map(|(_, line)| line));
            if let Some(line) = line {
                self.line(line, span, context);
            }
            self.judge_code(&command, span, context);
        }
    }

    /// `sh -c LINE`, `sh FILE`, `… | sh`.
    fn shell_program(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        if arguments.has_flag("-c") {
            // Of `sh -c LINE NAME ARGUMENTS` the line is the first operand.
            let words: Vec<String> = arguments
                .operands()
                .map(|operand| operand.text.clone())
                .collect();
            if let Some((line, rest)) = words.split_first() {
                let known = Positional::Known(rest.iter().skip(1).cloned().collect());
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
    fn script_read(&mut self, read: Stream, span: Span, context: &Context) {
        let Some(text) = read.text else {
            self.note(
                "core/unknown-script",
                Tier::Review,
                "Runs text that only the machine knows when the time comes.",
                span,
            );
            return;
        };
        let context = Context {
            input: Stream::default(),
            ..context.clone()
        };
        self.line(&text, span, &context);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "they are one command in its parts"
    )]
    fn wrapped_command(
        &mut self,
        name: &str,
        program: &'static Program,
        skipped: u8,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        let mut skipped = usize::from(skipped);
        if !program.runs_in.is_empty() {
            let Some(subcommand) = program
                .runs_in
                .iter()
                .find(|words| arguments.has_subcommand(words))
            else {
                return;
            };
            skipped += subcommand.split(' ').count();
        }
        if name == "command" && arguments.has_flag("-v|-V") {
            return;
        }
        let Some(start) = arguments.operand_index(skipped) else {
            return;
        };
        let mut inner: Vec<Field> = fields[start..].to_vec();
        let mut assigns = Vec::new();
        if program.assignments {
            let count = inner
                .iter()
                .take_while(|field| is_assignment(&field.text))
                .count();
            for field in inner.drain(..count) {
                if let Some((variable, value)) = field.text.split_once('=') {
                    self.judge_assigned_line(variable, value, span, context);
                    assigns.push(variable.to_owned());
                }
            }
        }
        if inner.first().is_some_and(|first| first.text == "--") {
            inner.remove(0);
        }
        if inner.is_empty() {
            return;
        }
        if name == "xargs" {
            let input = self.input_fields(context, span);
            let replaced = arguments.values_of(&["-I", "-i", "--replace"]).next();
            match (replaced, input.as_slice()) {
                (Some(mark), [first, ..]) if !mark.is_empty() => {
                    for field in &mut inner {
                        let text = field.text.replace(mark, &first.text);
                        *field = Field::new(text, field.from.and(first.from), span);
                    }
                }
                _ => inner.extend(input),
            }
        }
        let cwd = self.shell.cwd.clone();
        if program.joined {
            self.line(&joined(&inner), span, context);
        } else {
            let redirected = Redirected::default();
            let invocation = Invocation {
                fields: &inner,
                redirected: &redirected,
                assigns: &assigns,
                span,
            };
            self.invoke(&invocation, &super::deeper(context));
        }
        self.shell.cwd = cwd;
    }

    /// The shell lines among git's operands.
    fn commands_of_git(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        let operands: Vec<&str> = arguments
            .operands()
            .map(|operand| operand.text.as_str())
            .collect();
        let line = match operands.as_slice() {
            // An alias that is a shell line.
            ["config", .., value] => value.strip_prefix('!').map(str::to_owned),
            ["submodule", "foreach", line @ ..] => Some(line.join(" ")),
            // Its flags are not git's, so the words are taken as they are.
            ["bisect", "run", ..] => {
                let words = fields
                    .iter()
                    .skip_while(|field| field.text != "run")
                    .skip(1);
                let words: Vec<String> = words.map(|word| single_quoted(&word.text)).collect();
                Some(words.join(" "))
            }
            ["rebase" | "difftool", ..] => {
                let flag = fields.iter().position(|field| field.text == "-x");
                flag.and_then(|flag| fields.get(flag + 1))
                    .map(|line| line.text.clone())
            }
            _ => None,
        };
        if let Some(line) = line {
            self.line(&line, span, context);
        }
    }

    /// `find … -exec COMMAND ;`, with what it found as arguments.
    fn commands_of_find(
        &mut self,
        fields_are_starts: bool,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        // Where it starts stands before its first test.
        let starts = fields
            .iter()
            .map(|field| field.text.as_str())
            .skip_while(|text| matches!(*text, "-L" | "-H" | "-P"))
            .take_while(|text| !text.starts_with('-') && !matches!(*text, "(" | "!"));
        let mut found: Vec<String> = if fields_are_starts {
            starts.map(str::to_owned).take(8).collect()
        } else {
            Vec::new()
        };
        if found.is_empty() {
            found.push(SOMETHING.to_string());
        }
        let mut rest = fields;
        while let Some(flag) = rest
            .iter()
            .position(|field| COMMAND_FLAGS.contains(&field.text.as_str()))
        {
            rest = &rest[flag + 1..];
            let end = rest
                .iter()
                .position(|field| matches!(field.text.as_str(), ";" | "+"))
                .unwrap_or(rest.len());
            let (command, after) = rest.split_at(end);
            rest = after;
            // What is found may be the folder itself; with a test it may not.
            let narrowed = fields.windows(2).any(|pair| {
                NARROWING_FLAGS.contains(&pair[0].text.as_str()) && pair[1].text != "*"
            });
            let named = fields
                .windows(2)
                .find(|pair| pair[0].text == "-name" && narrowed)
                .map(|pair| pair[1].text.replace('*', &STAR.to_string()));
            for start in &found {
                let path = if let Some(name) = &named {
                    format!("{start}/{name}")
                } else if narrowed {
                    format!("{start}/{SOMETHING}")
                } else {
                    start.clone()
                };
                let inner: Vec<Field> = command
                    .iter()
                    .map(|argument| {
                        Field::new(
                            argument.text.replace("{}", &path),
                            argument.from,
                            argument.span,
                        )
                    })
                    .collect();
                let redirected = Redirected::default();
                let invocation = Invocation {
                    fields: &inner,
                    redirected: &redirected,
                    assigns: &[],
                    span,
                };
                self.invoke(&invocation, &super::deeper(context));
            }
        }
    }

    /// The value of a variable that some program runs as a shell line.
    pub(super) fn judge_assigned_line(
        &mut self,
        variable: &str,
        value: &str,
        span: Span,
        context: &Context,
    ) {
        if LINE_VARIABLES.contains(&variable) && !value.is_empty() {
            self.line(value, span, context);
        }
    }
}

/// What follows sed's `e`: a command that it runs.
fn line_of_sed(script: &str) -> Option<&str> {
    let (address, line) = script.split_once('e')?;
    let addressed = address
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'$' | b',' | b' ' | b'!'));
    addressed.then_some(line.trim_start())
}

fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn joined(fields: &[Field]) -> String {
    let words: Vec<&str> = fields
        .iter()
        .map(|field| field.text.as_str())
        .skip_while(|word| word.starts_with('-') && word.len() < 3)
        .collect();
    words.join(" ")
}
