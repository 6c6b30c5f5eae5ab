//! Commands within the commands of single programs, each of which has a way of its own.

use std::rc::Rc;

use super::code::strings;
use super::invoke::Invocation;
use super::look_through::joined;
use super::output::single_quoted;
use super::redirects::Redirected;
use super::sed::{Effect, effects};
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::rules::Sources;
use crate::text::HOME;
use crate::verdict::{Span, Tier};

impl Walk<'_> {
    /// Judges what a program runs that is known by its name.
    pub(super) fn commands_of_single_programs(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        match name {
            "find" | "gfind" | "fd" | "fdfind" => {
                self.commands_of_find(!name.starts_with("fd"), fields, span, context)
            }
            "eval" => {
                let line = joined(fields);
                self.line(&line, span, context);
            }
            "fzf" | "sk" => self.commands_of_bindings(arguments, span, context),
            "kak" => self.commands_of_kakoune(arguments, span, context),
            "cargo" => {
                let settings = arguments.values_of(&["--config"]).collect::<Vec<_>>();
                self.commands_of_settings(settings.into_iter(), span, context);
            }
            "gh" => self.commands_of_gh(arguments, span, context),
            // It starts a shell.
            "script"
                if context.input.piped
                    && arguments.values_of(&["-c", "--command"]).next().is_none() =>
            {
                self.script_read(context.input.clone(), span, context);
            }
            "source" | "." => self.script_sourced(arguments, span, context),
            "make" | "gmake" => self.commands_of_make(arguments, fields, span, context),
            "sed" | "gsed" => self.commands_of_sed(arguments, span, context),
            "parallel" => self.commands_of_parallel(arguments, span, context),
            "apply_patch" | "applypatch" => self.patch(arguments, span, context),
            "tmux" => self.commands_of_tmux(arguments, fields, span, context),
            "cmake" => self.command_of_cmake(fields, span, context),
            "bind" | "bindkey" => self.commands_of_keys(arguments, span, context),
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
            "remove-item" | "ri" => self.names_removed(arguments, span, context),
            "exit" => self.leave(context),
            "alias" => self.aliases(fields, span, context),
            "git" => {
                self.commands_of_git(arguments, fields, span, context);
                self.commands_of_gits_settings(arguments, span, context);
            }
            _ => {}
        }
    }

    /// `Get-ChildItem FOLDER -Recurse | Remove-Item`
    fn names_removed(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        let Some(names) = context.input.names.clone() else {
            return;
        };
        if arguments.operands().next().is_some() || arguments.has_flag("-WhatIf") {
            return;
        }
        let fields = ["rm", "-r", &*names].map(|text| super::field(text, span));
        let redirected = Redirected::default();
        let invocation = Invocation {
            fields: &fields,
            redirected: &redirected,
            assigns: &[],
            span,
        };
        self.invoke(&invocation, &super::deeper(context));
    }

    /// `kak -e 'evaluate %sh{cmd}'`
    fn commands_of_kakoune(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        let commands = arguments
            .values_of(&["-e"])
            .flat_map(|it| it.split("%sh{").skip(1));
        for line in commands.map(str::to_owned).collect::<Vec<_>>() {
            self.line(line.trim_end_matches('}'), span, context);
        }
    }

    /// An alias of gh, and the programs that it is told to use.
    fn commands_of_gh(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        if let ["alias", "set", _, line, ..]
        | ["config", "set", "pager" | "editor" | "browser", line, ..] =
            words_of(arguments).as_slice()
        {
            self.perhaps_line(line.trim_start_matches('!'), span, context);
        }
    }

    /// A script that the shell itself is to read.
    fn script_sourced(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        match arguments.operands().next() {
            None if context.input.piped => self.script_read(context.input.clone(), span, context),
            None => {}
            Some(file) => {
                if let Some(read) = self.stream_of(&file.text, context) {
                    self.script_read(read, span, context);
                }
            }
        }
    }

    /// What make runs by its variables, and by rules that stand on its line or come in.
    fn commands_of_make(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        let mut all = arguments.all.iter();
        let shell = all.find_map(|field| field.text.strip_prefix("SHELL="));
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

    /// What make runs when it reads `$(shell …)`.
    pub(super) fn substitutions_of_make(&mut self, text: &str, span: Span, context: &Context) {
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

    /// What the scripts of sed run, write and read, wherever they stand.
    fn commands_of_sed(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        let given = arguments
            .text()
            .map(|text| Rc::from(text.text.as_str()))
            .into_iter()
            .chain(arguments.values_of(&["-e", "--expression"]).map(Rc::from));
        let files = self.scripts_in_files(arguments, context);
        let scripts: Vec<Rc<str>> = given.chain(files).collect();
        self.effects_of_sed(&scripts.join("\n"), span, context);
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

    /// Without a command of its own, what parallel reads or is given are commands.
    fn commands_of_parallel(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        if arguments.operands().next().is_none() {
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
        } else if operand_is(arguments, ":::") {
            let lines: Vec<String> = arguments
                .operands()
                .skip(1)
                .map(|line| line.text.clone())
                .collect();
            for line in lines {
                self.line(&line, span, context);
            }
        }
    }

    /// The files that a patch changes.
    fn patch(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
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

    /// tmux' settings and hooks hold commands of its own: `run "LINE"`.
    fn commands_of_tmux(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
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
        if !words_of(arguments).iter().any(|word| KEEP.contains(word)) {
            return;
        }
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

    /// What a line editor runs by a key: `bind -x '"\C-l": cmd'`.
    fn commands_of_keys(&mut self, arguments: &Arguments<'_>, span: Span, context: &Context) {
        for operand in arguments.operands() {
            let (_, line) = operand
                .text
                .split_once("\":")
                .unwrap_or(("", &operand.text));
            let line = crate::text::unescape(line.trim().trim_matches('"'));
            self.perhaps_line(&line, span, context);
        }
    }

    /// What git runs by settings and aliases, of this command and of those before it.
    fn commands_of_gits_settings(
        &mut self,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        let settings: Vec<String> = arguments.values_of(&["-c"]).map(str::to_owned).collect();
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
pub(super) fn written_path(file: &str, span: Span) -> Field {
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
