//! Finds the commands that a command runs: `sudo`, `sh -c`, `xargs`,
//! `find -exec`, `ssh`, editors with a shell escape, programs in other
//! languages.

use std::rc::Rc;

use super::code::{Code, strings};
use super::invoke::Invocation;
use super::output::single_quoted;
use super::prompts::printing_into;
use super::redirects::Redirected;
use super::sed::{Effect, effects};
use super::{Context, Field, Stream, Walk, base_name};
use crate::arguments::Arguments;
use crate::parser::Dialect;
use crate::rules::{Program, Sources};
use crate::text::HOME;
use crate::verdict::{Span, Tier};

/// Variables whose value some program runs as a shell line.
const LINE_VARIABLES: [&str; 12] = [
    "PROMPT_COMMAND",
    "precmd_functions",
    "preexec_functions",
    "chpwd_functions",
    "periodic_functions",
    "zshexit_functions",
    "zshaddhistory_functions",
    "GIT_SSH_COMMAND",
    "LESSOPEN",
    "SVN_SSH",
    "HGMERGE",
    "LESSCLOSE",
];

/// How the names of others of these end.
const LINE_VARIABLE_ENDINGS: [&str; 11] = [
    "PAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "_ASKPASS",
    "_RSH",
    "_EXTERNAL_DIFF",
    "_WRAPPER",
    "_RUNNER",
    "_script_shell",
    "_SCRIPT_SHELL",
];

/// Variables that name a file with settings, some of which are commands.
const SETTINGS_FILES: [&str; 4] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG",
    "PSQLRC",
];

/// Variables whose value a shell shows, and substitutes in it what it holds.
const PROMPTS: [&str; 14] = [
    "PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT", "PROMPT2", "PROMPT3", "PROMPT4", "RPROMPT",
    "RPROMPT2", "RPS1", "RPS2", "SPROMPT",
];

/// What stands before the command line in the value of some flags.
const LINE_PREFIXES: [&str; 5] = [
    "exec=",
    "ProxyCommand=",
    "LocalCommand=",
    "KnownHostsCommand=",
    "!",
];

fn is_a_line(variable: &str) -> bool {
    LINE_VARIABLES.contains(&variable)
        || LINE_VARIABLE_ENDINGS
            .iter()
            .any(|ending| variable.ends_with(ending))
}

/// Whether a variable is named like those whose value some program runs, or takes its
/// options or its functions from.
fn may_be_run(variable: &str) -> bool {
    const ENDINGS: [&str; 17] = [
        "COMMAND",
        "_CMD",
        "HOOK",
        "FLAGS",
        "OPTS",
        "OPT",
        "OPTIONS",
        "PARAMETERS",
        "SHELL",
        "LAUNCHER",
        "LINKER",
        "COMPILER",
        "INIT",
        "_EXEC",
        "_PROGRAM",
        "DRIVER",
        "LESS",
    ];
    const NAMES: [&str; 11] = [
        "CC", "CXX", "LD", "AR", "AS", "FC", "CPP", "RUSTC", "RUSTDOC", "MAKE", "ENV",
    ];
    let variable = variable.trim_end_matches('%');
    may_hold_commands(variable)
        || NAMES.contains(&variable)
        || ENDINGS.iter().any(|ending| variable.ends_with(ending))
        || [
            "BASH_FUNC",
            "GIT_",
            "npm_",
            "NPM_",
            "SSH_",
            "CARGO_",
            "RUST",
        ]
        .iter()
        .any(|beginning| variable.starts_with(beginning))
        || variable.contains("CONFIG")
}

/// Whether the value of a variable is run, or read by what runs it.
pub(super) fn may_hold_commands(variable: &str) -> bool {
    is_a_line(variable) || PROMPTS.contains(&variable) || matches!(variable, "BASH_ENV" | "ENV")
}

impl Walk<'_> {
    /// Text in which a shell substitutes once more what is quoted by now: a prompt,
    /// what zsh's `print -P` shows, the words of `compgen -W`.
    fn substituted_again(&mut self, text: &str, span: Span, context: &Context) {
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
        match name {
            "find" | "gfind" | "fd" | "fdfind" => {
                self.commands_of_find(!name.starts_with("fd"), fields, span, context)
            }
            "eval" => {
                let line = joined(fields);
                self.line(&line, span, context);
            }
            "fzf" | "sk" => self.commands_of_bindings(arguments, span, context),
            "kak" => {
                let commands = arguments
                    .values_of(&["-e"])
                    .flat_map(|it| it.split("%sh{").skip(1));
                for line in commands.map(str::to_owned).collect::<Vec<_>>() {
                    self.line(line.trim_end_matches('}'), span, context);
                }
            }
            "cargo" => {
                let settings = arguments.values_of(&["--config"]).collect::<Vec<_>>();
                self.commands_of_settings(settings.into_iter(), span, context);
            }
            "gh" => {
                if let ["alias", "set", _, line, ..]
                | ["config", "set", "pager" | "editor" | "browser", line, ..] =
                    words_of(arguments).as_slice()
                {
                    self.perhaps_line(line.trim_start_matches('!'), span, context);
                }
            }
            // It starts a shell.
            "script"
                if context.input.piped
                    && arguments.values_of(&["-c", "--command"]).next().is_none() =>
            {
                self.script_read(context.input.clone(), span, context);
            }
            "source" | "." if arguments.operands().next().is_none() && context.input.piped => {
                self.script_read(context.input.clone(), span, context);
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
                let input = context.input.text.clone().filter(|_| from_input);
                for argument in fields {
                    self.substitutions_of_make(&argument.text, span, context);
                    // `CC='sh -c "…"'`
                    if let Some((_, value)) = argument.text.split_once('=') {
                        self.perhaps_line(value, span, context);
                    }
                }
                let texts = arguments.values_of(&["--eval", "-E"]).map(Rc::from);
                for text in texts.chain(input) {
                    for recipe in text.lines().flat_map(recipes) {
                        self.perhaps_line(recipe, span, context);
                    }
                }
            }
            "sed" | "gsed" => {
                let given = arguments
                    .text()
                    .map(|text| Rc::from(text.text.as_str()))
                    .into_iter()
                    .chain(arguments.values_of(&["-e", "--expression"]).map(Rc::from));
                let files = self.scripts_in_files(arguments, context);
                let scripts: Vec<Rc<str>> = given.chain(files).collect();
                self.effects_of_sed(&scripts.join("\n"), span, context);
            }
            "parallel" if arguments.operands().next().is_none() => {
                // Without a command, what it reads are commands.
                let read = (arguments.values_of(&["-a", "--arg-file"]).next()).map_or_else(
                    || context.input.text.clone(),
                    |file| self.text_of_file(file),
                );
                if let Some(text) = read {
                    self.line(&text, span, context);
                } else if !arguments.has_flag("--version|--help|-h|-V|--citation") {
                    self.note(
                        "core/unknown-script",
                        Tier::Review,
                        "It runs the lines of a file or a pipe, which nobody has read.",
                        span,
                    );
                }
            }
            "parallel" if operand_is(arguments, ":::") => {
                // Without a command of its own, what it is given are commands.
                let lines: Vec<String> = arguments
                    .operands()
                    .skip(1)
                    .map(|line| line.text.clone())
                    .collect();
                for line in lines {
                    self.line(&line, span, context);
                }
            }
            "apply_patch" | "applypatch" => {
                let given = arguments
                    .operands()
                    .next()
                    .map(|it| Rc::from(it.text.as_str()));
                match given.or_else(|| context.input.text.clone()) {
                    Some(patch) => self.files_of_a_patch(&patch, span, context),
                    None => self.note(
                        "core/unknown-script",
                        Tier::Review,
                        "It changes files as a patch says that nobody has read.",
                        span,
                    ),
                }
            }
            // Its settings and hooks hold commands of its own: `run "LINE"`
            "tmux" => {
                const KEEP: [&str; 10] = [
                    "set",
                    "set-option",
                    "setw",
                    "set-hook",
                    "command-prompt",
                    "bind",
                    "bind-key",
                    "pipe-pane",
                    "send",
                    "confirm-before",
                ];
                if words_of(arguments).iter().any(|word| KEEP.contains(word)) {
                    for text in fields.iter().map(|field| field.text.as_str()) {
                        if text.contains(' ') {
                            let run = text
                                .strip_prefix("run-shell ")
                                .or_else(|| text.strip_prefix("run "));
                            let line = run.unwrap_or(text).trim_matches(['"', '\'']);
                            self.perhaps_line(line, span, context);
                        }
                    }
                }
            }
            "cmake" => self.command_of_cmake(fields, span, context),
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
            // `aws ssm send-command --parameters 'commands=["…"]'`
            "aws" => {
                let strings = arguments.values_of(&["--parameters"]).flat_map(strings);
                for line in strings.collect::<Vec<_>>() {
                    self.perhaps_line(&line, span, context);
                }
            }
            "trap" => {
                if let Some(line) = arguments.operands().next().filter(|_| fields.len() > 1) {
                    self.trap(&line.text, span, context);
                }
            }
            "exit" => self.leave(context),
            "alias" => self.aliases(fields, span, context),
            "git" => {
                self.commands_of_git(arguments, fields, span, context);
                let settings: Vec<String> =
                    arguments.values_of(&["-c"]).map(str::to_owned).collect();
                for (key, value) in settings
                    .iter()
                    .filter_map(|setting| setting.split_once('='))
                {
                    let mut context = context.clone();
                    // git hands a password to whom it asks for one.
                    if key.to_ascii_lowercase().starts_with("credential.") {
                        context.input = Stream {
                            from: Sources::SECRET,
                            piped: true,
                            ..Stream::default()
                        };
                    }
                    self.perhaps_line(value.trim_start_matches('!'), span, &context);
                    if let Some(alias) = key.strip_prefix("alias.") {
                        self.alias_of_git(alias, value, arguments, span, &context);
                    }
                }
                if let ["config", .., key, value] = words_of(arguments).as_slice()
                    && let Some(alias) = key.strip_prefix("alias.")
                {
                    self.shell.add_alias(&format!("git {alias}"), value);
                }
                if !self.shell.aliases.is_empty()
                    && let Some(subcommand) = arguments.operands().next()
                {
                    let alias = format!("git {}", subcommand.text);
                    let mut known = self.shell.aliases.iter();
                    if let Some((_, value)) = known.find(|(known, _)| *known == alias).cloned() {
                        let name = subcommand.text.clone();
                        self.alias_of_git(&name, &value, arguments, span, context);
                    }
                }
            }
            _ => {}
        }
        (self.code(program, arguments, span, context), printed)
    }

    /// What a script for sed runs, writes and reads.
    fn effects_of_sed(&mut self, script: &str, span: Span, context: &Context) {
        let mut redirected = Redirected::default();
        for effect in effects(script) {
            match effect {
                Effect::Runs(line) => {
                    self.line(line, span, context);
                }
                Effect::Writes(file) => {
                    let file = written_path(file, span);
                    self.note_unseen(&file);
                    redirected.writes.push(file);
                }
                Effect::Reads(file) => redirected.reads.push(written_path(file, span)),
            }
        }
        self.judge_redirects(&redirected, span);
    }

    /// What git runs for a name that it was told to take for other words.
    fn alias_of_git(
        &mut self,
        alias: &str,
        stands_for: &str,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        let words = words_of(arguments);
        if stands_for.starts_with('!') || words.first() != Some(&alias) {
            return;
        }
        let rest: Vec<String> = words[1..].iter().map(|word| single_quoted(word)).collect();
        let line = format!("git {stands_for} {}", rest.join(" "));
        self.line(&line, span, &super::deeper(context));
    }

    /// A variable is set to what only the machine knows.
    pub(super) fn judge_unseen_value(&mut self, variable: &str, span: Span) {
        if may_hold_commands(variable) {
            self.note(
                "core/unknown-script",
                Tier::Review,
                "Runs text that only the machine knows when the time comes.",
                span,
            );
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
        self.judge_given_options(variable, value, span, context);
        if is_a_line(variable) && !value.is_empty() {
            self.line(value, span, context);
        }
        // `LESS='+!cmd'`
        if let Some((_, line)) = value
            .split_once("+!")
            .filter(|_| variable.ends_with("LESS"))
        {
            self.line(line, span, context);
        }
        // A prompt runs what is substituted in it, whenever it is shown.
        if PROMPTS.contains(&variable) {
            self.substituted_again(&prompt_decoded(value), span, context);
        }
        if variable == "PERL5DB" {
            self.only_danger(|walk| {
                walk.judge_code(value, span, context);
            });
        }
        // Files with settings that name programs, which this line has written.
        if SETTINGS_FILES.contains(&variable)
            && let Some(text) = self.stream_of(value, context).and_then(|read| read.text)
        {
            for line in text.lines() {
                let line = line.split_once('=').map_or(line, |(_, value)| value);
                self.perhaps_line(line.trim_matches(['\\', '!', ' ', '"']), span, context);
            }
        }
        // Every shell that is started reads this file first.
        if matches!(variable, "BASH_ENV" | "ENV")
            && let Some(read) = self.stream_of(value, context)
        {
            if read.from.meets(Sources::NETWORK) {
                self.note(
                    "core/command-from-network",
                    Tier::Dangerous,
                    "It would run whatever a server sends.",
                    span,
                );
            }
            if let Some(text) = read.text {
                self.line(&text, span, context);
            }
        }
    }

    /// What is set for one command alone is for that command to use: where it is a line
    /// that would do harm, and the command or the name of the variable is one that
    /// may run it, it is taken for one.
    pub(super) fn judge_given_value(
        &mut self,
        variable: &str,
        value: &str,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        self.judge_assigned_line(variable, value, span, context);
        self.substitutions_of_make(value, span, context);
        if !value.contains([' ', '\t'])
            || !may_be_run(variable) && !self.runs_what_is_set(variable, fields)
        {
            return;
        }
        // `GIT_CONFIG_PARAMETERS="'core.pager=cmd'"`, `BASH_FUNC_x%%='() { cmd; }'`
        let plain = value.trim_matches('\'');
        let behind = plain.split_once('=').map_or("", |(_, line)| line);
        for line in [plain, behind] {
            let function = line.starts_with("()").then(|| format!("f{line}"));
            let line = function.as_deref().unwrap_or(line);
            self.perhaps_line(line.trim_start_matches('!'), span, context);
        }
    }

    /// Whether a command may run the value of a variable, whatever that is called: it is
    /// a shell, or not known, or its code starts something and names the variable.
    fn runs_what_is_set(&self, variable: &str, fields: &[Field]) -> bool {
        const STARTERS: [&str; 7] = [
            "system",
            "exec",
            "spawn",
            "popen",
            "subprocess",
            "eval",
            "`",
        ];
        let Some(program) = fields.first() else {
            return true;
        };
        let shell = |field: &Field| {
            let name = base_name(&field.text);
            self.rules.program(name).shell || matches!(name, "eval" | "source" | "." | "ssh")
        };
        let named = |field: &Field| {
            field.text.contains(variable)
                && (STARTERS.iter().any(|starter| field.text.contains(starter))
                    || field.text.starts_with("--config-env"))
        };
        !self.rules.knows(base_name(&program.text))
            || fields.iter().any(|field| shell(field) || named(field))
    }

    /// What make runs when it reads `$(shell …)`.
    fn substitutions_of_make(&mut self, text: &str, span: Span, context: &Context) {
        for opening in ["$(shell", "${shell"] {
            for (at, _) in text.match_indices(opening).take(8) {
                let inside = &text[at + opening.len()..];
                let mut open = 1;
                let end = inside.find(|character| {
                    match character {
                        '(' | '{' => open += 1,
                        ')' | '}' => open -= 1,
                        _ => {}
                    }
                    open == 0
                });
                let line = inside[..end.unwrap_or(inside.len())].replace("\\ ", " ");
                self.line(line.trim(), span, context);
            }
        }
    }
}

/// A prompt with the characters that its escapes stand for, as far as they begin a
/// substitution.
fn prompt_decoded(value: &str) -> String {
    value
        .replace("\\044", "$")
        .replace("\\140", "`")
        .replace("\\050", "(")
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

/// What a line of a Makefile may hand to a shell.
fn recipes(line: &str) -> impl Iterator<Item = &str> {
    let below = line.strip_prefix('\t');
    let beside = line.split_once(';').map(|(_, recipe)| recipe);
    below
        .or(beside)
        .into_iter()
        .map(|recipe| recipe.trim_start_matches(['@', '-', '+', ' ', '\t']))
}

/// A file as a program names it, which knows no `~`.
fn written_path(file: &str, span: Span) -> Field {
    let home = file.strip_prefix('~');
    let file = home.map_or_else(|| file.to_owned(), |rest| format!("{HOME}{rest}"));
    super::field(file, span)
}

/// Whether that is the first operand.
fn operand_is(arguments: &Arguments<'_>, text: &str) -> bool {
    arguments
        .operands()
        .next()
        .is_some_and(|operand| operand.text == text)
}

/// The operands as text.
fn words_of<'a>(arguments: &Arguments<'a>) -> Vec<&'a str> {
    let operands = arguments.operands();
    operands.map(|operand| operand.text.as_str()).collect()
}

pub(super) fn joined(fields: &[Field]) -> String {
    let words: Vec<&str> = fields
        .iter()
        .map(|field| field.text.as_str())
        .skip_while(|word| word.starts_with('-') && word.len() < 3)
        .collect();
    words.join(" ")
}
