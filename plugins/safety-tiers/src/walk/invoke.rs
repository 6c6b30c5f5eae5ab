//! Judges one command: its program, arguments, redirections and what they are
//! connected to.

use super::{Context, Field, Positional, Redirected, Stream, Walk, base_name, field, quoted};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::place::Places;
use crate::rules::{PLAIN_PROGRAM, Rule, Sources};
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::{Finding, Span, Tier};

/// A program with its arguments, ready to run.
pub(super) struct Invocation<'a> {
    /// The program first.
    pub(super) fields: &'a [Field],
    pub(super) redirected: &'a Redirected,
    /// Names of the variables set for it alone.
    pub(super) assigns: &'a [String],
    pub(super) span: Span,
}

impl Walk<'_> {
    /// Judges a command; gives what it prints.
    pub(super) fn invoke(&mut self, invocation: &Invocation<'_>, context: &Context) -> Stream {
        let Some((program, arguments)) = invocation.fields.split_first() else {
            return Stream::default();
        };
        let path = program.text.as_str();
        if context.depth >= super::MAX_DEPTH * 3 {
            self.note(
                "core/too-deep",
                Tier::Review,
                "Commands are nested too deeply to be followed.",
                invocation.span,
            );
            return Stream::default();
        }
        if !text::is_known(path) || text::is_glob(path) {
            self.unknown_program(path, arguments, invocation, context);
            return Stream::default();
        }
        let name = base_name(path);
        let called = self.call(name, arguments, context);
        let read = self.run_program(name, path, arguments, invocation, context, called);
        self.change_shell(name, arguments, context, invocation.span);
        self.output(name, arguments, context, read)
    }

    /// A program whose name only the machine knows: rules are asked about
    /// every name that it could be.
    fn unknown_program(
        &mut self,
        path: &str,
        arguments: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        self.note(
            "core/unknown-command",
            Tier::Review,
            format!(
                "Which program {} is can only be told when it runs.",
                quoted(path)
            ),
            invocation.span,
        );
        let name = base_name(path);
        let mut candidates: Vec<String> = Vec::new();
        if text::is_glob(name) && name.contains(|c: char| c.is_ascii_alphanumeric()) {
            candidates.extend(self.rules.names_covered_by(name).map(str::to_owned));
        }
        let rest = name.replace([UNKNOWN, SOMETHING], "");
        if !rest.is_empty() && rest != name {
            candidates.push(rest);
        }
        for candidate in &candidates {
            if self.rules.knows(candidate) {
                self.run_program(candidate, candidate, arguments, invocation, context, true);
            }
        }
        // `$cmd -rf ~`: whatever it is, it is meant to remove.
        if candidates.is_empty() {
            let arguments = Arguments::new(arguments, &PLAIN_PROGRAM);
            let dire = Places::ROOT.0 | Places::HOME.0 | Places::DEVICE.0;
            if arguments.has_flag("-r|-R|--recursive|--force")
                && arguments
                    .operands()
                    .any(|operand| Places(dire).meets(Places::of(&operand.text, &self.shell.cwd)))
            {
                self.note(
                    "core/unknown-destroyer",
                    Tier::Dangerous,
                    "An unknown program is let loose, with force, on what must not be lost.",
                    invocation.span,
                );
            }
        }
    }

    /// Runs the body of a function or an alias of this name, if there is one.
    fn call(&mut self, name: &str, arguments: &[Field], context: &Context) -> bool {
        let alias = self
            .shell
            .aliases
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, line)| line.clone());
        let function = self.shell.functions.iter().find(|(known, _)| known == name);
        if context.depth >= super::MAX_DEPTH {
            return alias.is_some() || function.is_some();
        }
        if let Some((_, body)) = function {
            let body = std::rc::Rc::clone(body);
            let known = Positional::Known(
                arguments
                    .iter()
                    .map(|argument| argument.text.clone())
                    .collect(),
            );
            let before = std::mem::replace(&mut self.shell.positional, known);
            let context = super::deeper(context);
            self.command(&body, &context);
            self.shell.positional = before;
            return true;
        }
        let Some(mut line) = alias else { return false };
        let span = arguments
            .first()
            .map_or(Span::default(), |argument| argument.span);
        for argument in arguments {
            line.push(' ');
            line.push_str(&single_quoted(&argument.text));
        }
        // While it is expanded an alias does not stand for itself.
        self.shell.aliases.retain(|(known, _)| known != name);
        self.line(&line, span, &super::deeper(context));
        true
    }

    /// Asks the rules, and looks for the commands within the command.
    fn run_program(
        &mut self,
        name: &str,
        path: &str,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
        called: bool,
    ) -> Sources {
        if !self.take_step(invocation.span) {
            return Sources::NONE;
        }
        // Some file systems take `RM` for `rm`.
        let lower = name.to_ascii_lowercase();
        let name = if !self.rules.knows(name) && self.rules.knows(&lower) {
            lower.as_str()
        } else {
            name
        };

        let program = self.rules.program(name);
        let arguments = Arguments::new(fields, program);
        let from = self.sources(path, &arguments, context);
        let code = self.inner_commands(name, program, &arguments, fields, invocation, context);
        let mut writes = invocation.redirected.writes.clone();
        writes.extend(arguments.written());
        let cwd = self.shell.cwd.clone();
        let subject = Subject {
            program: name,
            arguments: &arguments,
            writes: &writes,
            reads: &invocation.redirected.reads,
            assigns: invocation.assigns,
            from,
            code: code.as_deref(),
            defines: None,
            cwd: &cwd,
        };
        if let Some(rule) = self.rules.strictest_everywhere(&subject) {
            self.found_by(rule, invocation.span);
        }
        match self.listed(name, fields) {
            Some(Tier::Safe) => return from,
            Some(tier) => self.note(
                if tier == Tier::Dangerous {
                    "config/deny"
                } else {
                    "config/review"
                },
                tier,
                "The configuration of this policy lists the command.",
                invocation.span,
            ),
            None => {}
        }
        match self.rules.decide(&subject) {
            Some(rule) => self.found_by(rule, invocation.span),
            None if called => {}
            None if path.contains('/') && Places::INSIDE.meets(Places::of(path, &cwd)) => self
                .note(
                    "core/project-program",
                    Tier::Safe,
                    "Runs a program of the project.",
                    invocation.span,
                ),
            None => {
                let tier = self.rules.unknown_program;
                self.note(
                    "core/unknown-program",
                    tier,
                    format!("No rule knows the program {}.", quoted(name)),
                    invocation.span,
                );
            }
        }
        from
    }

    /// What a list of the sidecar says about the command.
    fn listed(&self, name: &str, fields: &[Field]) -> Option<Tier> {
        if self.rules.listed.is_empty() {
            return None;
        }
        let mut command = name.to_owned();
        for field in fields {
            command.push(' ');
            command.push_str(&text::shown(&field.text));
        }
        self.rules.listed_tier(&command)
    }

    /// What a command's input, arguments and program may hold.
    fn sources(&self, path: &str, arguments: &Arguments<'_>, context: &Context) -> Sources {
        let mut from = context.input.from;
        for argument in arguments.all {
            from = from.and(argument.from);
            if !arguments.runs_first_operand() {
                from = from.and(self.file_source(&argument.text));
            }
        }
        let secret =
            |operand: &Field| Places::SECRETS.meets(Places::of(&operand.text, &self.shell.cwd));
        if arguments.operands().any(secret) {
            from = from.and(Sources::SECRET);
        }
        let script = arguments
            .operands()
            .next()
            .filter(|_| arguments.runs_first_operand());
        let program = std::iter::once(path).chain(script.map(|script| script.text.as_str()));
        if program
            .into_iter()
            .any(|file| self.file_source(file).meets(Sources::NETWORK))
        {
            from = from.and(Sources::DOWNLOADED);
        }
        from
    }

    pub(super) fn found_by(&mut self, rule: &Rule, span: Span) {
        self.found(Finding {
            tier: self.rules.tier(rule),
            rule: rule.id.to_owned(),
            reason: rule.reason.to_owned(),
            suggestion: rule.suggestion.map(str::to_owned),
            span,
        });
    }

    /// What redirections do when no program stands beside them.
    pub(super) fn judge_redirects(&mut self, redirected: &Redirected, span: Span) {
        if redirected.writes.is_empty() && redirected.reads.is_empty() {
            return;
        }
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let subject = Subject {
            writes: &redirected.writes,
            reads: &redirected.reads,
            ..self.nothing(&arguments)
        };
        let rule = self.rules.strictest_everywhere(&subject);
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }

    /// What it means that variables of these names are set.
    pub(super) fn judge_assignments(&mut self, names: &[String], span: Span) {
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let rule = self.rules.strictest_everywhere(&Subject {
            assigns: names,
            ..self.nothing(&arguments)
        });
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }

    /// What it means that a function of this name is defined.
    pub(super) fn judge_definition(&mut self, name: &str, span: Span) {
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let rule = self.rules.strictest_everywhere(&Subject {
            defines: Some(name),
            ..self.nothing(&arguments)
        });
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }

    /// A subject of which nothing is known yet.
    fn nothing<'a>(&self, arguments: &'a Arguments<'a>) -> Subject<'a> {
        Subject {
            program: "",
            arguments,
            writes: &[],
            reads: &[],
            assigns: &[],
            from: Sources::NONE,
            code: None,
            defines: None,
            cwd: "",
        }
    }

    /// Builtins that change what later commands mean.
    fn change_shell(&mut self, name: &str, arguments: &[Field], context: &Context, span: Span) {
        let mut words = arguments.iter().map(|argument| argument.text.as_str());
        match name {
            "cd" | "pushd" => {
                let target = words.find(|word| !word.starts_with('-') || *word == "-");
                self.shell.cwd = match target {
                    None => text::HOME.to_string(),
                    Some("-") => UNKNOWN.to_string(),
                    Some(path)
                        if path.starts_with(['/', text::HOME, UNKNOWN, SOMETHING])
                            || self.shell.cwd.is_empty() =>
                    {
                        path.to_owned()
                    }
                    Some(path) => format!("{}/{path}", self.shell.cwd),
                };
                if self.shell.cwd.len() > 4096 {
                    self.shell.cwd = UNKNOWN.to_string();
                }
            }
            "popd" => self.shell.cwd = UNKNOWN.to_string(),
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                let assignments: Vec<(&str, &str)> =
                    words.filter_map(|word| word.split_once('=')).collect();
                for (variable, value) in &assignments {
                    self.set(variable, (*value).to_owned(), context.conditional);
                    self.judge_assigned_line(variable, value, span, context);
                }
                let names: Vec<String> = assignments
                    .iter()
                    .map(|(variable, _)| (*variable).to_owned())
                    .collect();
                if !names.is_empty() {
                    self.judge_assignments(&names, span);
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" | "unset" | "let" => {
                let variables: Vec<String> = words
                    .filter(|word| !word.starts_with('-'))
                    .map(str::to_owned)
                    .collect();
                for variable in &variables {
                    self.set(variable, UNKNOWN.to_string(), false);
                }
                if name == "unset" {
                    self.judge_assignments(&variables, span);
                }
            }
            "printf" => {
                if words.next() == Some("-v")
                    && let Some(variable) = words.next()
                {
                    self.set(variable, UNKNOWN.to_string(), false);
                }
            }
            "set" if words.any(|word| word == "--") => {
                self.shell.positional = Positional::Known(words.map(str::to_owned).collect());
            }
            "shift" => self.shell.positional = Positional::Unknown,
            "alias" => {
                for (alias, line) in words.filter_map(|word| word.split_once('=')) {
                    if self.shell.aliases.len() < 64 {
                        self.shell.aliases.push((alias.to_owned(), line.to_owned()));
                    }
                }
            }
            "curl" | "wget" | "aria2c" => self.note_downloads(name, arguments),
            _ => {}
        }
    }

    fn note_downloads(&mut self, name: &str, fields: &[Field]) {
        let arguments = Arguments::new(fields, self.rules.program(name));
        let named: Vec<String> = arguments
            .values_of(&["-o", "--output", "-O", "--output-document", "--out"])
            .map(str::to_owned)
            .collect();
        if named.is_empty() {
            for operand in arguments.operands() {
                let file = base_name(operand.text.split(['?', '#']).next().unwrap_or_default());
                self.downloaded(file);
            }
        }
        for file in named {
            self.downloaded(&file);
        }
    }

    /// What a command prints, where that can be told.
    fn output(&self, name: &str, arguments: &[Field], context: &Context, read: Sources) -> Stream {
        let program = self.rules.program(name);
        // `env` prints the environment only where it runs nothing.
        let gives = if name == "env" && !arguments.is_empty() {
            Sources::NONE
        } else {
            program.gives
        };
        let from = read.and(gives);
        let words = || arguments.iter().map(|argument| argument.text.as_str());
        let text = match name {
            "echo" => {
                let escapes = words()
                    .take_while(|word| is_echo_flag(word))
                    .any(|word| word.contains('e'));
                let text = words()
                    .skip_while(|word| is_echo_flag(word))
                    .collect::<Vec<_>>()
                    .join(" ");
                Some(if escapes { text::unescape(&text) } else { text } + "\n")
            }
            "printf" => printf(&words().collect::<Vec<_>>()),
            "cat" | "tee" if words().all(|word| word == "-") || name == "tee" => {
                context.input.text.clone()
            }
            "base64" if words().any(|word| matches!(word, "-d" | "-D" | "--decode" | "-di")) => {
                context.input.text.as_deref().and_then(text::decode_base64)
            }
            "pwd" => Some(self.working_directory()),
            "which" | "type" => words().next_back().map(str::to_owned),
            "command" if words().next().is_some_and(|word| word == "-v") => {
                words().next_back().map(str::to_owned)
            }
            "mktemp" => Some(format!("/tmp/{SOMETHING}")),
            ":" | "true" | "false" | "cd" | "export" | "set" => Some(String::new()),
            _ => None,
        };
        Stream {
            from,
            text,
            piped: true,
        }
    }

    /// The input of a command as fields, as `xargs` would pass them on.
    pub(super) fn input_fields(&self, context: &Context, span: Span) -> Vec<Field> {
        let field = |text: &str| Field {
            from: context.input.from,
            ..field(text, span)
        };
        match &context.input.text {
            Some(text) => text.split_whitespace().take(64).map(field).collect(),
            None => vec![field(&UNKNOWN.to_string())],
        }
    }
}

fn is_echo_flag(word: &str) -> bool {
    word.len() > 1
        && word.starts_with('-')
        && word[1..]
            .bytes()
            .all(|byte| matches!(byte, b'e' | b'n' | b'E'))
}

/// `printf` with formats that only put words together.
fn printf(words: &[&str]) -> Option<String> {
    let (format, arguments) = words.split_first()?;
    let format = text::unescape(format);
    if !format.contains('%') {
        return Some(format);
    }
    let plain = format.replace("%s", "\u{5}").replace("%b", "\u{5}");
    if plain.contains('%') || format.len() > 256 {
        return None;
    }
    let mut printed = String::new();
    let mut arguments = arguments.iter();
    loop {
        for (index, literal) in plain.split('\u{5}').enumerate() {
            if index > 0 {
                printed.push_str(arguments.next().copied().unwrap_or_default());
            }
            printed.push_str(literal);
        }
        if arguments.len() == 0 || printed.len() > super::MAX_VALUE_BYTES {
            return Some(printed);
        }
    }
}

/// Quotes text for a shell line.
pub(super) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
