//! Judges one command: its program, arguments, redirections and what they are
//! connected to.

use super::redirects::Redirected;
use super::{Context, Field, Stream, Walk, base_name, quoted};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::place::Places;
use crate::rules::{PLAIN_PROGRAM, Sources};
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::{Span, Tier};

/// An argument is as much work as so much text, however short it is.
const BYTES_OF_A_FIELD: usize = 128;

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
                    .any(|operand| Places(dire).meets(operand.places(&self.shell.cwd)))
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
        let written = invocation.redirected.writes.len();
        let bytes: usize = fields
            .iter()
            .map(|field| field.text.len() + BYTES_OF_A_FIELD)
            .sum();
        if !self.take_steps(bytes + written * BYTES_OF_A_FIELD, invocation.span) {
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
        let secret = |operand: &Field| Places::SECRETS.meets(operand.places(&self.shell.cwd));
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

    /// A subject of which nothing is known yet.
    pub(super) fn nothing<'a>(&self, arguments: &'a Arguments<'a>) -> Subject<'a> {
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
}
