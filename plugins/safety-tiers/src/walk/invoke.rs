//! Judges one command: its program, arguments, redirections and what they are
//! connected to.

use super::redirects::Redirected;
use super::unknown::look_alike;
use super::{Context, Field, Stream, Walk, base_name, quoted};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::place::{Places, is_program_folder};
use crate::rules::{PLAIN_PROGRAM, Program, Sources};
use crate::text;
use crate::verdict::{Span, Tier};

/// An argument is as much work as so much text, however short it is.
pub(super) const BYTES_OF_A_FIELD: usize = 128;

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
        // zsh takes `=rm` for the path of `rm`; elsewhere it is no program at all.
        let path = program.text.as_str();
        let path = path
            .strip_prefix('=')
            .filter(|name| self.rules.knows(name))
            .unwrap_or(path);
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
            if program.from.meets(Sources::NETWORK) {
                self.note(
                    "core/command-from-network",
                    Tier::Dangerous,
                    "It would run whatever a server sends.",
                    invocation.span,
                );
            }
            self.unknown_program(path, arguments, invocation, context);
            return Stream::default();
        }
        let former = self.former_program(path);
        let path = former.as_deref().unwrap_or(path);
        let name = base_name(path);
        let called = self.call(name, arguments, context);
        if let Some(namesake) = self.namesake(path) {
            self.only_danger(|walk| {
                walk.run_program(&namesake, &namesake, arguments, invocation, context, true);
            });
        }
        let read = self.run_program(name, path, arguments, invocation, context, called);
        self.run_on_former_names(name, path, arguments, invocation, context);
        self.change_shell(name, arguments, context, invocation.span);
        let printed = self.output(name, arguments, context, read);
        self.read_by_commands(name, arguments, &printed, context);
        printed
    }

    /// Judges a command once more where it names files that had other names before.
    fn run_on_former_names(
        &mut self,
        name: &str,
        path: &str,
        arguments: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        let former = self.by_former_names(arguments);
        let redirected = self.redirected_by_former_names(invocation.redirected);
        if former.is_none() && redirected.is_none() {
            return;
        }
        let invocation = Invocation {
            fields: invocation.fields,
            redirected: redirected.as_ref().unwrap_or(invocation.redirected),
            assigns: invocation.assigns,
            span: invocation.span,
        };
        let arguments = former.as_deref().unwrap_or(arguments);
        self.run_program(name, path, arguments, &invocation, context, true);
    }

    /// Asks the rules, and looks for the commands within the command. Gives what
    /// it may pass on.
    pub(super) fn run_program(
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
        // Some file systems take `RM` for `rm`, and Windows `rm.exe`.
        let lower = (!self.rules.knows(name)).then(|| name.to_ascii_lowercase());
        let name = lower
            .iter()
            .flat_map(|lower| std::iter::once(lower.as_str()).chain(lower.strip_suffix(".exe")))
            .find(|plain| self.rules.knows(plain))
            .unwrap_or(name);

        let program = self.rules.program(name);
        let arguments = Arguments::new(fields, program);
        let step = self.trace_command(name, fields, invocation.span, context.depth);
        let mut from = self.sources(path, &arguments, context);
        let reads = &invocation.redirected.reads;
        if reads
            .iter()
            .any(|field| Places::SECRETS.meets(field.places(self.shell.here())))
            || context.input.from.meets(Sources::CREDENTIAL)
        {
            from = from.and(Sources::SECRET);
        }
        self.written_script(path, invocation.span, &super::deeper(context));
        self.run_what_was_put_in(
            name,
            path,
            &arguments,
            invocation.span,
            &super::deeper(context),
        );
        if !self.shell.unseen_files.is_empty() {
            let script = arguments.operands().next();
            let script = script.filter(|_| arguments.runs_first_operand() || is_source(name));
            let script = script.map_or(path, |script| script.text.as_str());
            self.judge_unseen_script(script, invocation.span);
        }
        let script = arguments.operands().next();
        let script = script.filter(|_| arguments.runs_first_operand() || is_source(name));
        if (!self.shell.renamed.is_empty() || self.shell.unpacked_from_elsewhere)
            && self.is_copy_from_elsewhere(script.map_or(path, |script| &script.text))
        {
            self.note(
                "core/foreign-script",
                Tier::Review,
                "Runs a script that is not part of the project.",
                invocation.span,
            );
        }
        let (code, printed) =
            self.inner_commands(name, program, &arguments, fields, invocation, context);
        let script_seen = arguments.runs_first_operand()
            && arguments
                .operands()
                .next()
                .is_some_and(|script| self.text_of_file(&script.text).is_some());
        let mut writes = invocation.redirected.writes.clone();
        writes.extend(arguments.written_by(name));
        writes.extend(code.iter().flat_map(|code| code.writes.iter().cloned()));
        let place = self.shell.place();
        let subject = Subject {
            writes: &writes,
            reads: &invocation.redirected.reads,
            assigns: invocation.assigns,
            from,
            code: code.as_ref().map(|code| code.text.as_str()),
            unresolved: code.as_ref().is_none_or(|code| code.unresolved),
            script_seen,
            to_screen: !context.hidden && writes.is_empty(),
            ..Subject::new(name, &arguments, place.here())
        };
        if let Some(rule) = self.rules.strictest_everywhere(&subject) {
            self.found_in(rule, &subject, invocation.span, step);
        }
        let decided = self.rules.decide(&subject);
        let printed = printed.and(decided.map_or(Sources::NONE, |rule| rule.gives));
        match self.listed(name, fields) {
            // A pattern allows what would be asked about; what would be refused
            // has to be named.
            Some((Tier::Safe, named))
                if named || decided.is_none_or(|rule| self.rules.tier(rule) < Tier::Dangerous) =>
            {
                return from.and(printed);
            }
            Some((Tier::Safe, _)) | None => {}
            Some((tier, _)) => self.note(
                if tier == Tier::Dangerous {
                    "config/deny"
                } else {
                    "config/review"
                },
                tier,
                "The configuration of this policy lists the command.",
                invocation.span,
            ),
        }
        match decided {
            _ if asks_for_help(name, path, fields, program) => self.note_step(
                "core/asks-for-help",
                Tier::Safe,
                format!("It shows how {} is used.", quoted(name)),
                invocation.span,
                step,
            ),
            Some(rule) => self.found_in(rule, &subject, invocation.span, step),
            None if called => {}
            None if path.contains('/')
                && Places::INSIDE.meets(Places::of(path, place.here()))
                && reaches_out(name) =>
            {
                self.note_step(
                    "core/project-deployment",
                    Tier::Review,
                    "Runs a program of the project that by its name changes more than the project."
                        .to_owned(),
                    invocation.span,
                    step,
                );
            }
            None if path.contains('/') && Places::INSIDE.meets(Places::of(path, place.here())) => {
                self.note_step(
                    "core/project-program",
                    Tier::Safe,
                    "Runs a program of the project.".to_owned(),
                    invocation.span,
                    step,
                );
            }
            None => {
                let tier = self.unknown_program;
                let reason = match look_alike(name) {
                    Some(plain) => {
                        // Somebody means it to be taken for the plain one.
                        self.only_danger(|walk| {
                            walk.run_program(&plain, &plain, fields, invocation, context, true);
                        });
                        format!("It looks like `{plain}`, but is written with other letters.")
                    }
                    None => {
                        self.rest_of_an_unknown(name, fields, invocation, context);
                        format!("No rule knows the program {}.", quoted(name))
                    }
                };
                self.note_step("core/unknown-program", tier, reason, invocation.span, step);
            }
        }
        if name.starts_with("python") || name.starts_with("pypy") {
            self.module_of_python(name, fields, invocation, context);
        }
        if self.later_input_unseen
            && !context.input.piped
            && code.is_none()
            && let Some(rule) = self.rules.left_open(&subject)
        {
            self.found_in(rule, &subject, invocation.span, step);
        }
        if path.contains('/')
            && !is_program_folder(path)
            && !Places::INSIDE.meets(Places::of(path, place.here()))
        {
            self.note_step(
                "core/foreign-program",
                self.unknown_program,
                "Runs a program that is neither the project's nor installed.".to_owned(),
                invocation.span,
                step,
            );
        }
        from.and(printed)
    }

    /// What a list of the sidecar says about the command, and whether it names
    /// it word for word.
    fn listed(&self, name: &str, fields: &[Field]) -> Option<(Tier, bool)> {
        if self.rules.listed.is_empty() {
            return None;
        }
        let mut command = name.to_owned();
        for field in fields {
            command.push(' ');
            command.push_str(&text::shown(&field.text));
        }
        let tier = self.rules.listed_tier(&command)?;
        Some((tier, self.rules.allows_by_name(&command)))
    }

    /// What a command's input, arguments and program may hold.
    fn sources(&self, path: &str, arguments: &Arguments<'_>, context: &Context) -> Sources {
        let mut from = context.input.from;
        for argument in arguments.all {
            from = from
                .and(argument.from)
                .and(self.opened_from(&argument.text));
            if !arguments.runs_first_operand() {
                from = from.and(self.file_source(&argument.text));
            }
            // `-F f=@FILE`
            if let Some((_, file)) = argument.text.rsplit_once(['@', '='])
                && self.file_source(file).meets(Sources::SECRET)
            {
                from = from.and(Sources::SECRET);
            }
        }
        let secret = |operand: &Field| Places::SECRETS.meets(operand.places(self.shell.here()));
        if arguments.operands().any(secret) {
            from = from.and(Sources::SECRET);
        }
        let script = arguments
            .operands()
            .next()
            .filter(|_| arguments.runs_first_operand());
        let program = std::iter::once(path).chain(script.map(|script| script.text.as_str()));
        if program.into_iter().any(|file| {
            let unpacked = self.shell.unpacked && file.contains('/') && !file.starts_with('/');
            unpacked || self.file_source(file).meets(Sources::NETWORK)
        }) {
            from = from.and(Sources::DOWNLOADED);
        }
        from
    }

    /// What it means that variables are set, or taken away where they have no
    /// value.
    pub(super) fn judge_assignments(&mut self, assigned: &[String], span: Span) {
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let place = self.shell.place();
        let rule = self.rules.strictest_everywhere(&Subject {
            assigns: assigned,
            ..Subject::new("", &arguments, place.here())
        });
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }
}

/// `tool --version`, `tool -h`, `tool part --help`: shows text and does nothing.
fn asks_for_help(name: &str, path: &str, fields: &[Field], program: &Program) -> bool {
    let Some((last, rest)) = fields.split_last() else {
        return false;
    };
    // `ls -h` asks for something else, and `shutdown -h` does a lot.
    let alone = rest.is_empty()
        && matches!(
            last.text.as_str(),
            "-h" | "-V" | "-version" | "help" | "version"
        );
    // As Go's own parser of flags takes it, and AWS's program.
    let in_its_way = last.text == "-help"
        && matches!(
            name,
            "terraform" | "tofu" | "packer" | "nomad" | "consul" | "vault"
        )
        || last.text == "help" && name == "aws";
    let asks = matches!(last.text.as_str(), "--help" | "--version");
    let powerful = matches!(name, "shutdown" | "halt" | "poweroff" | "reboot" | "init");
    if !(alone || asks || in_its_way)
        || path.starts_with(['/', text::HOME])
        || powerful && (!asks || !rest.is_empty() || name == "init")
    {
        return false;
    }
    if let [flag, module] = rest
        && flag.text == "-m"
        && name.starts_with("python")
        && !module.text.contains('/')
    {
        return true;
    }
    let runs_others = program.shell || program.runs_after.is_some() && program.runs_in.is_empty();
    rest.is_empty() && !name.contains("sudo")
        || !runs_others
            && !matches!(name, "rm" | "shutdown" | "reboot" | "kill" | "eval")
            && rest.iter().all(|field| {
                field.text.bytes().all(|byte| {
                    byte.is_ascii_lowercase()
                        || byte.is_ascii_digit()
                        || matches!(byte, b'-' | b':')
                }) && !field.text.starts_with('-')
            })
}

/// Whether a script by its name deploys, publishes or resets something.
fn reaches_out(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "reset",
        "drop",
        "migrate",
        "truncate",
        "deploy",
        "release",
        "publish",
        "destroy",
        "rollback",
        "teardown",
        "nuke",
        "wipe",
        "purge",
        "erase",
        "undeploy",
        "decommission",
    ];
    const IN_PRODUCTION: [&str; 3] = ["prod", "production", "live"];
    const ONLY_HERE: [&str; 8] = [
        "build", "bundle", "check", "test", "lint", "start", "compile", "config",
    ];
    let words = || name.split(|character: char| !character.is_ascii_alphanumeric());
    let has = |wanted: &[&str]| words().any(|word| wanted.contains(&word));
    has(&WORDS) || has(&IN_PRODUCTION) && !has(&ONLY_HERE)
}

fn is_source(name: &str) -> bool {
    matches!(name, "source" | ".")
}
