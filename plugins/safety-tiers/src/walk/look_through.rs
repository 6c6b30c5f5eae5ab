//! Finds the commands that a command runs: `sudo`, `sh -c`, `xargs`,
//! `find -exec`, `ssh`, editors with a shell escape, programs in other
//! languages.

use super::code::Code;
use super::invoke::Invocation;
use super::redirects::Redirected;
use super::{Context, Field, Walk};
use crate::arguments::Arguments;
use crate::parser::Dialect;
use crate::rules::Program;
use crate::verdict::Span;

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
            let its_own = if name == "fish" {
                Dialect::Fish
            } else {
                Dialect::Posix
            };
            let before = std::mem::replace(&mut self.dialect, its_own);
            self.shell_program(arguments, fields, span, context);
            self.dialect = before;
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
        self.commands_in_input(name, arguments, span, context);
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
                let from_input = arguments.has_flag("-f=-|--file=-|--makefile=-|-f=/dev/*");
                if let Some(text) = context.input.text.clone().filter(|_| from_input) {
                    for recipe in text.lines().flat_map(recipes) {
                        self.perhaps_line(recipe, span, context);
                    }
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
            "bind" | "bindkey" => {
                for operand in arguments.operands() {
                    let (_, line) = operand
                        .text
                        .split_once("\":")
                        .unwrap_or(("", &operand.text));
                    let line = crate::text::unescape(line.trim().trim_matches('"'));
                    self.perhaps_line(&line, span, context);
                }
            }
            "trap" => {
                if let Some(line) = arguments.operands().next().filter(|_| fields.len() > 1) {
                    self.trap(&line.text, span, context);
                }
            }
            "exit" => self.leave(context),
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
        let mut runs_project = false;
        if !program.runs_in.is_empty() {
            let Some(subcommand) = program
                .runs_in
                .iter()
                .find(|words| arguments.has_subcommand(words))
            else {
                return;
            };
            skipped += subcommand.split(' ').count();
            runs_project = program.runs_project && matches!(*subcommand, "run" | "exec");
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
                    assigns.push(format!("{variable}={value}"));
                }
            }
        }
        if inner.first().is_some_and(|first| first.text == "--") {
            inner.remove(0);
        }
        if name == "hatch" {
            // `hatch run ENVIRONMENT:COMMAND`, where the command may be a
            // script that the project names.
            let command = inner.first().and_then(|first| first.text.split_once(':'));
            if let Some((_, command)) = command {
                if !self.rules.knows(command) {
                    self.perhaps_line(command, span, context);
                    return;
                }
                inner[0] = Field::new(command.to_owned(), inner[0].from, span);
            }
        }
        if inner.is_empty() || runs_project && self.is_name_of_the_project(&inner[0].text) {
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

    /// Whether nothing but the project can know a program of this name.
    fn is_name_of_the_project(&self, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !name.is_empty()
            && name.bytes().all(plain)
            && !self.rules.knows(name)
            && !self.rules.knows(&name.to_ascii_lowercase())
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
        // A prompt runs what is substituted in it, whenever it is shown.
        if matches!(
            variable,
            "PS0" | "PS1" | "PS2" | "PS4" | "PROMPT" | "RPROMPT"
        ) && value.contains(['$', '`'])
        {
            self.perhaps_line(&format!("echo \"{value}\""), span, context);
        }
        // Every shell that is started reads this file first.
        if matches!(variable, "BASH_ENV" | "ENV")
            && let Some(text) = self.stream_of(value, context).and_then(|read| read.text)
        {
            self.line(&text, span, context);
        }
    }
}

/// What a line of a Makefile may hand to a shell.
fn recipes(line: &str) -> impl Iterator<Item = &str> {
    let below = line.strip_prefix('\t');
    let beside = line.split_once(';').map(|(_, recipe)| recipe);
    below
        .or(beside)
        .into_iter()
        .map(|recipe| recipe.trim_start_matches(['@', '-', '+', ' ', '\t']))
}

/// What follows sed's `e`, and what `s/…/…/e` puts in: a command that it runs.
fn line_of_sed(script: &str) -> Option<&str> {
    let addressed = script.find('s').filter(|at| {
        script[..*at]
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'$' | b',' | b' ' | b'!'))
    });
    if let Some(at) = addressed
        && let Some(delimiter) = script[at + 1..].chars().next()
    {
        let mut ends = unescaped(&script[at + 1..], delimiter).skip(1);
        if let (Some(from), Some(to)) = (ends.next(), ends.next()) {
            let script = &script[at + 1..];
            let runs = script[to + delimiter.len_utf8()..]
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .any(|byte| byte == b'e');
            if runs {
                return Some(&script[from + delimiter.len_utf8()..to]);
            }
        }
    }
    let (address, line) = script.split_once('e')?;
    let addressed = address
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'$' | b',' | b' ' | b'!'));
    addressed.then_some(line.trim_start())
}

/// Where a character stands in a text with no backslash before it.
fn unescaped(text: &str, wanted: char) -> impl Iterator<Item = usize> + '_ {
    let mut escaped = false;
    text.char_indices().filter_map(move |(at, character)| {
        let found = character == wanted && !escaped;
        escaped = character == '\\' && !escaped;
        found.then_some(at)
    })
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
