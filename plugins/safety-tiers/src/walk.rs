//! Goes through a script as a shell would, without running anything, and keeps
//! the strictest thing that any rule says about what it meets.
//!
//! Where a shell would take one of several branches the walk takes all of
//! them; where a value depends on what only the machine knows it is
//! [unknown](crate::text), and rules are asked about what it could be.
//!
//! `walk/expand.rs` turns words into fields, `walk/invoke.rs` judges one
//! command, `walk/look_through.rs` and `walk/programs.rs` find the commands that commands
//! run, `walk/assigned.rs` those in values of variables.

mod aliases;
mod assigned;
mod builtins;
mod carried;
mod code;
mod copies;
mod edited;
mod expand;
mod findings;
mod functions;
mod handed;
mod invoke;
mod lines;
mod listing;
mod look_through;
mod modules;
mod output;
mod programs;
mod prompts;
mod put_in;
mod queries;
mod readers;
mod redirects;
mod removals;
mod renamed;
mod scripts;
mod searches;
mod sed;
mod shell;
mod starters;
mod statements;
mod trace;
mod trap;
mod unknown;
mod wrapped;
mod written;

pub(crate) use self::statements::statements;
pub use self::trace::Step;

use std::cell::OnceCell;
use std::rc::Rc;

use self::assigned::may_hold_commands;
use self::carried::gives_options;
use self::readers::Reader;
use self::shell::Shell;
use crate::parser::{self, Dialect, Origin};
use crate::place::{Here, Places};
use crate::rules::{Rules, Sources};
use crate::syntax::{Command, Compound, Pipeline, Script, Simple};
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::{Finding, Span, Tier};

/// Commands within commands within commands that are followed: functions,
/// `sh -c`, `eval`, wrappers.
const MAX_DEPTH: u32 = 12;

/// Commands that are judged for one request, however they repeat.
const MAX_STEPS: u32 = 6_000;

/// Text that is as much work as a command.
const BYTES_OF_A_STEP: usize = 256;

/// Of those, the ones spent on each earlier line of the session.
const MAX_STEPS_OF_EARLIER: u32 = 200;

/// Bytes that are parsed for one request beyond its own text, as `eval` and
/// `sh -c` hand over more.
const MAX_NESTED_BYTES: usize = 128 * 1024;

/// Values longer than this are not followed.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// One argument after expansion; see [`crate::text`] for what may stand in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    pub(crate) text: String,
    pub(crate) from: Sources,
    pub(crate) span: Span,
    /// What it points at, once somebody has asked.
    places: OnceCell<Places>,
}

impl Field {
    pub(crate) fn new(text: String, from: Sources, span: Span) -> Self {
        Self {
            text,
            from,
            span,
            places: OnceCell::new(),
        }
    }

    /// What it points at from where its command runs.
    pub(crate) fn places(&self, here: Here<'_>) -> Places {
        *self.places.get_or_init(|| Places::of(&self.text, here))
    }
}

/// What arrives on a command's standard input, or leaves it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub(crate) from: Sources,
    /// The very text, where it can be told.
    pub(crate) text: Option<Rc<str>>,
    /// Where it is a list of names of files: what such a name looks like.
    pub(crate) names: Option<Rc<str>>,
    /// Whether another command or a file is at the other end, not a terminal.
    pub(crate) piped: bool,
}

/// What surrounds a command.
#[derive(Debug, Clone, Default)]
struct Context {
    input: Stream,
    /// May run or not, so that what it sets may hold or not.
    conditional: bool,
    /// What it prints goes elsewhere than to the screen.
    hidden: bool,
    depth: u32,
}

/// Walks scripts and remembers the strictest finding.
pub(crate) struct Walk<'r> {
    rules: &'r Rules,
    shell: Shell,
    /// Whose grammar the text follows.
    dialect: Dialect,
    /// For programs that no rule knows.
    unknown_program: Tier,
    /// Whether the whole session is in what looks like production.
    in_production: bool,
    /// What was met on the way, where somebody wants to know.
    trace: Option<Vec<Step>>,
    worst: Option<Finding>,
    /// Whether a program that is left open reads what nobody judges.
    later_input_unseen: bool,
    /// Whether the walk ends with the first danger that it finds.
    stops_at_danger: bool,
    /// What `<(…)` stands for, in the order in which they were met.
    substituted: Vec<Stream>,
    /// What reads from `>(…)`.
    readers: Vec<Reader>,
    steps_left: u32,
    bytes_left: usize,
}

impl<'r> Walk<'r> {
    pub(crate) fn new(rules: &'r Rules, here: Here<'_>, in_production: bool) -> Self {
        Self {
            rules,
            shell: Shell::at(here),
            dialect: Dialect::Posix,
            unknown_program: rules.unknown_program,
            in_production,
            trace: None,
            worst: None,
            later_input_unseen: false,
            stops_at_danger: true,
            substituted: Vec::new(),
            readers: Vec::new(),
            steps_left: MAX_STEPS,
            bytes_left: MAX_NESTED_BYTES,
        }
    }

    /// What is typed later into a program that is left open comes past every gate.
    pub(crate) fn later_input_is_unseen(&mut self) {
        self.later_input_unseen = true;
    }

    /// Parses and judges text that some command hands to a shell.
    fn line(&mut self, line: &str, span: Span, context: &Context) -> Stream {
        if context.depth >= MAX_DEPTH || line.len() > self.bytes_left {
            self.note(
                "core/too-deep",
                Tier::Review,
                "Commands are nested too deeply to be followed.",
                span,
            );
            return Stream::default();
        }
        self.bytes_left -= line.len();
        if line
            .trim_matches([UNKNOWN, SOMETHING, ' ', '\n', '\t'])
            .is_empty()
            && !line.trim().is_empty()
        {
            self.note(
                "core/unknown-script",
                Tier::Review,
                "Runs text that only the machine knows when the time comes.",
                span,
            );
            return Stream::default();
        }
        let parsed = parser::parse(line, Origin::Within(span), self.dialect, context.depth);
        self.problems(&parsed);
        if !parsed.problems.is_empty() && self.tier() < Tier::Dangerous && context.depth < 2 {
            self.scan(line, span, context.depth + 1);
        }
        self.script(&parsed.script, &deeper(context))
    }

    /// Judges a script; gives what it prints.
    fn script(&mut self, script: &Script, context: &Context) -> Stream {
        let mut from = Sources::NONE;
        let mut text: Option<Rc<str>> = Some("".into());
        let mut names = None;
        for pipeline in &script.pipelines {
            let printed = self.pipeline(pipeline, context);
            from = from.and(printed.from);
            text = match (text, printed.text) {
                (Some(before), Some(after)) if before.is_empty() => Some(after),
                (Some(before), Some(after)) if after.is_empty() => Some(before),
                (Some(before), Some(after)) if before.len() + after.len() <= MAX_VALUE_BYTES => {
                    Some(format!("{before}{after}").into())
                }
                _ => None,
            };
            names = printed.names;
        }
        Stream {
            from,
            text,
            // What several print are not only the names of one.
            names: names.filter(|_| script.pipelines.len() == 1),
            piped: false,
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, context: &Context) -> Stream {
        let apart = pipeline.commands.len() > 1 || pipeline.background;
        let before = apart.then(|| self.shell.clone());
        let mut stream = context.input.clone();
        for (position, command) in pipeline.commands.iter().enumerate() {
            let context = Context {
                input: Stream {
                    piped: position > 0 || stream.piped,
                    ..stream
                },
                conditional: context.conditional || pipeline.conditional,
                hidden: context.hidden || position + 1 < pipeline.commands.len(),
                depth: context.depth,
            };
            stream = self.command(command, &context);
        }
        if let Some(before) = before {
            self.leave_subshell(before);
        }
        stream
    }

    /// Counts a step, a long text as several; false when there have been too
    /// many.
    fn take_steps(&mut self, bytes: usize, span: Span) -> bool {
        // Nothing that follows could change the answer.
        let decided = self.worst.as_ref().is_some_and(|worst| {
            // Where a secret is read, what becomes of it tells more.
            worst.tier == Tier::Dangerous && worst.rule != "secrets/read"
        });
        if self.stops_at_danger && decided {
            return false;
        }
        let steps = 1 + u32::try_from(bytes / BYTES_OF_A_STEP).unwrap_or(u32::MAX - 1);
        if let Some(left) = self.steps_left.checked_sub(steps) {
            self.steps_left = left;
            return true;
        }
        self.steps_left = 0;
        self.note(
            "core/too-long",
            Tier::Review,
            "There is more here than can be judged.",
            span,
        );
        false
    }

    fn command(&mut self, command: &Command, context: &Context) -> Stream {
        if !self.take_steps(0, Span::default()) {
            return Stream::default();
        }
        match command {
            Command::Simple(simple) => self.simple(simple, context),
            Command::Compound(compound) => self.compound(compound, context),
            Command::Function(function) => {
                self.define(&function.name, &function.body, function.span, context);
                Stream::default()
            }
        }
    }

    fn compound(&mut self, compound: &Compound, context: &Context) -> Stream {
        if context.depth >= MAX_DEPTH * 3 {
            self.note(
                "core/too-deep",
                Tier::Review,
                "Commands are nested too deeply to be followed.",
                Span::default(),
            );
            return Stream::default();
        }
        if starts_more_and_more(compound) {
            self.note(
                "process/fork-bomb",
                Tier::Dangerous,
                "A loop that starts one process after the other, and waits for none, brings the machine to a halt.",
                Span::default(),
            );
        }
        let before = compound.subshell.then(|| self.shell.clone());
        let mut context = context.clone();
        context.depth += 1;
        let redirects = self.redirects(&compound.redirects, &context);
        if let Some(input) = redirects.input.clone() {
            context.input = input;
        }
        let mut values = Vec::new();
        for word in &compound.words {
            self.expand(word, &context, &mut values);
        }
        for value in values.iter().filter(|value| value.text.contains('[')) {
            let (text, span) = (value.text.clone(), value.span);
            self.expanded_once_more(&text, span, &context);
        }
        self.judge_redirects(
            &redirects,
            compound
                .redirects
                .first()
                .map_or(Span::default(), |r| r.target.span),
        );
        context.conditional |= compound.bodies.len() > 1 || compound.variable.is_some();

        if let Some(script) = &compound.perhaps {
            self.only_danger(|walk| {
                walk.script(script, &context);
            });
        }
        let mut output = Stream {
            text: None,
            ..Stream::default()
        };
        let rounds: Vec<Option<String>> = match &compound.variable {
            None => vec![None],
            // Each value in turn, if they are few; else all of them at once.
            Some(_) if (1..=8).contains(&values.len()) => {
                values.into_iter().map(|field| Some(field.text)).collect()
            }
            Some(_) => vec![Some(SOMETHING.to_string())],
        };
        for value in rounds {
            if let (Some(name), Some(value)) = (&compound.variable, value) {
                self.set(name, value, false);
            }
            for body in &compound.bodies {
                let printed = self.script(body, &context);
                output.from = output.from.and(printed.from);
                if compound.bodies.len() == 1 && compound.variable.is_none() {
                    output.text = printed.text;
                }
            }
        }
        if let Some(before) = before {
            self.leave_subshell(before);
        }
        self.written(&redirects, output.from);
        self.text_written(&redirects, &output, Span::default(), &context);
        output
    }

    fn simple(&mut self, simple: &Simple, context: &Context) -> Stream {
        let mut fields = Vec::with_capacity(simple.words.len());
        for word in &simple.words {
            self.expand(word, context, &mut fields);
        }
        let redirected = self.redirects(&simple.redirects, context);
        let mut assigned: Vec<String> = Vec::new();
        if fields.is_empty() {
            let meant = self.meant_by(&simple.assignments);
            for assignment in meant.as_deref().unwrap_or(&simple.assignments) {
                self.assign(assignment, context);
                for word in &assignment.values {
                    self.judge_kept_substitution(word, context);
                }
                if may_hold_commands(&assignment.name) || gives_options(&assignment.name) {
                    // Each word of an array is a line of its own.
                    for word in &assignment.values {
                        let value = self.value(&word.pieces, context);
                        let name = &assignment.name;
                        self.judge_assigned_line(name, &value, assignment.span, context);
                    }
                }
                if let Some(value) = self.variable(&assignment.name) {
                    assigned.push(format!("{}={value}", assignment.name));
                }
            }
            if !assigned.is_empty() {
                self.judge_assignments(&assigned, simple.span);
            }
            self.judge_redirects(&redirected, simple.span);
            self.judge_emptied(&redirected, simple.span);
            // `$(< file)` gives what is in the file.
            let read = redirected.input.clone().unwrap_or(Stream {
                text: Some("".into()),
                ..Stream::default()
            });
            return Stream {
                piped: false,
                ..read
            };
        }
        for assignment in &simple.assignments {
            // Only for this command, but a substitution in it runs all the same.
            for word in &assignment.values {
                let value = self.value(&word.pieces, context);
                let name = &assignment.name;
                self.judge_given_value(name, &value, &fields, assignment.span, context);
                assigned.push(format!("{}={value}", assignment.name));
            }
        }
        let mut context = context.clone();
        if let Some(input) = redirected.input.clone() {
            // `exec < FILE`: what comes after reads from there as well.
            if matches!(fields.as_slice(), [only] if only.text == "exec") {
                self.shell.opened(0, &input);
            }
            context.input = input;
        } else if !context.input.piped
            && let Some(input) = self.shell.read_from(0)
        {
            context.input = input;
        }
        let output = self.invoke(
            &invoke::Invocation {
                fields: &fields,
                redirected: &redirected,
                assigns: &assigned,
                span: simple.span,
            },
            &context,
        );
        self.written(&redirected, output.from);
        self.text_written(&redirected, &output, simple.span, &context);
        if !redirected.emptied.is_empty() && prints_nothing(&fields, &output) {
            self.judge_emptied(&redirected, simple.span);
        }
        if redirected.writes.is_empty() {
            self.printed_into_reader(&output, &context);
            output
        } else {
            if matches!(fields.as_slice(), [only] if only.text == "exec") {
                self.opened_for_printing(&redirected);
            }
            Stream::default()
        }
    }
}

/// Whether a command is there to print nothing at all.
fn prints_nothing(fields: &[Field], output: &Stream) -> bool {
    let words: Vec<&str> = fields.iter().map(|field| field.text.as_str()).collect();
    matches!(words.as_slice(), [":" | "true", ..] | ["cat", "/dev/null"])
        || matches!(words.as_slice(), ["echo" | "printf", ..])
            && output
                .text
                .as_deref()
                .is_some_and(|text| text.trim().is_empty())
}

/// `while :; do cmd & done`
fn starts_more_and_more(compound: &Compound) -> bool {
    let [condition, body] = compound.bodies.as_slice() else {
        return false;
    };
    let holds = |script: &Script| match script.pipelines.as_slice() {
        [one] => matches!(one.commands.as_slice(), [Command::Simple(simple)] if matches!(
            simple.words.as_slice(),
            [word] if matches!(word.bare(), Some(":" | "true" | "false"))
        )),
        _ => false,
    };
    compound.repeats
        && holds(condition)
        && !body.pipelines.is_empty()
        && body.pipelines.iter().all(|pipeline| pipeline.background)
}

fn deeper(context: &Context) -> Context {
    Context {
        depth: context.depth + 1,
        ..context.clone()
    }
}

/// A field for text that is known from the outset.
fn field(text: impl Into<String>, span: Span) -> Field {
    Field::new(text.into(), Sources::NONE, span)
}

/// The name of a program without its folder.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// For a reason: a command as a person would write it, cut where it is long.
fn quoted(text: &str) -> String {
    let shown = text::shown(text);
    match shown.char_indices().nth(60) {
        Some((cut, _)) => format!("`{}…`", &shown[..cut]),
        None => format!("`{shown}`"),
    }
}
