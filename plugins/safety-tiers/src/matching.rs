//! Holds one rule against one command.

use std::cell::OnceCell;

use crate::arguments::Arguments;
use crate::asking::{asks_to_change, asks_to_look};
use crate::place::{Here, Places};
use crate::rules::{Pattern, Rule, Sources};
use crate::text;
use crate::verdict::{Span, Tier};
use crate::walk::{Field, statements};

/// One command as rules see it.
pub(crate) struct Subject<'a> {
    /// Name without its folder.
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a Arguments<'a>,
    pub(crate) writes: &'a [Field],
    pub(crate) reads: &'a [Field],
    /// The variables set for it, as `NAME=value`; without a value where they are
    /// taken away.
    pub(crate) assigns: &'a [String],
    /// What its input and arguments may hold.
    pub(crate) from: Sources,
    /// Code in another language that it is to run.
    pub(crate) code: Option<&'a str>,
    /// Name of the function defined, when that is what the command does.
    pub(crate) defines: Option<&'a str>,
    /// Whether what it prints is shown.
    pub(crate) to_screen: bool,
    /// Whether the line itself has written the script that it is to run.
    pub(crate) script_seen: bool,
    /// Whether the code starts processes that could not be told.
    pub(crate) unresolved: bool,
    /// Where it runs, as far as it is known.
    pub(crate) here: Here<'a>,
    /// The statements in the code, once somebody has asked.
    pub(crate) statements: OnceCell<Vec<String>>,
}

impl<'a> Subject<'a> {
    /// A command of which nothing is known but its arguments.
    pub(crate) fn new(program: &'a str, arguments: &'a Arguments<'a>, here: Here<'a>) -> Self {
        Self {
            program,
            arguments,
            writes: &[],
            reads: &[],
            assigns: &[],
            from: Sources::NONE,
            code: None,
            defines: None,
            to_screen: false,
            script_seen: false,
            unresolved: true,
            here,
            statements: OnceCell::new(),
        }
    }

    fn statements(&self) -> &[String] {
        self.statements
            .get_or_init(|| self.code.map(statements).unwrap_or_default())
    }
}

impl Rule {
    /// Whether every condition of the rule holds.
    pub(crate) fn applies(&self, subject: &Subject<'_>) -> bool {
        let arguments = subject.arguments;
        let any = |patterns: &[Pattern], fields: &[Field]| {
            patterns.is_empty()
                || fields
                    .iter()
                    .any(|field| one_of(patterns, field, subject.here))
        };
        // An argument that nobody knows may be any flag; that is held against
        // a command only where a rule also names what it would do it to.
        let doubtful = || {
            self.tier == Tier::Dangerous
                && !(self.operands.is_empty() && self.all_operands.is_empty())
                && arguments
                    .operands()
                    .any(|field| field.text.starts_with(text::UNKNOWN))
        };

        // What most commands lack is asked for first, what takes long last.
        (self.from == Sources::NONE || self.from.meets(subject.from))
            && (self.writes.is_empty() || !subject.writes.is_empty())
            && (self.reads.is_empty() || !subject.reads.is_empty())
            && (self.assigns.is_empty() || !subject.assigns.is_empty())
            && (self.defines.is_empty()
                || subject.defines.is_some_and(|name| {
                    self.defines
                        .iter()
                        .any(|pattern| text::matches(pattern, name))
                }))
            && (self.subcommands.is_empty()
                || arguments
                    .subcommand_of(self.subcommands)
                    .is_some_and(|words| {
                        self.tier > Tier::Safe || !asks_to_change(arguments, words)
                    }))
            && (!self.asks_to_look || asks_to_look(arguments))
            && (self
                .flags
                .iter()
                .all(|spellings| arguments.has_one_of(spellings))
                || doubtful())
            && !self
                .without
                .iter()
                .any(|spellings| arguments.has_one_of(spellings))
            && (self.assigns.is_empty() || assigned(self.assigns, subject))
            && (self.folder.is_empty()
                || any(
                    self.folder,
                    // What lies in it.
                    &[Field::new(
                        "file".to_owned(),
                        Sources::NONE,
                        Span::default(),
                    )],
                ))
            && any(self.writes, subject.writes)
            && any(self.reads, subject.reads)
            && (self.operands.is_empty()
                || arguments
                    .operands()
                    .any(|field| one_of(self.operands, field, subject.here)))
            && (self.all_operands.is_empty()
                || arguments.operands().next().is_some()
                    && arguments
                        .operands()
                        .all(|field| one_of(self.all_operands, field, subject.here)))
            && (self.operands_from == Sources::NONE
                || arguments
                    .operands()
                    .any(|field| self.operands_from.meets(field.from)))
            && (!self.bare || arguments.operands().next().is_none())
            && (self.leading.is_empty()
                || arguments
                    .leading()
                    .any(|field| one_of(self.leading, field, subject.here)))
            && (self.leading_operand.is_empty()
                || arguments
                    .operands()
                    .next()
                    .is_some_and(|field| one_of(self.leading_operand, field, subject.here)))
            && (!self.script_unseen || !subject.script_seen)
            && (!self.to_screen || subject.to_screen)
            && some_argument(self.arguments, subject)
            && some_argument(self.arguments_with, subject)
            && (!self.code_unresolved || subject.unresolved)
            && (self.code.is_empty()
                || subject.code.is_some_and(|code| {
                    let holds = |patterns: &[&str]| {
                        patterns
                            .iter()
                            .any(|pattern| text::matches_any_case(pattern, code))
                    };
                    holds(self.code)
                        && (self.code_with.is_empty() || holds(self.code_with))
                        && !holds(self.code_without)
                }))
            && (self.statement.is_empty()
                || subject.statements().iter().any(|statement| {
                    let is = |patterns: &[&str]| {
                        patterns
                            .iter()
                            .any(|pattern| text::matches(pattern, statement))
                    };
                    is(self.statement) && !is(self.statement_without)
                }))
            && !self
                .except
                .iter()
                .any(|name| text::matches(name, subject.program))
    }

    /// Whether the command names something that looks like production.
    pub(crate) fn names_production(subject: &Subject<'_>) -> bool {
        subject
            .arguments
            .all
            .iter()
            .filter(|field| !field.text.starts_with('-') || field.text.contains('='))
            .any(|field| is_production(&field.text))
    }
}

/// Whether packages come from there anyway.
fn is_usual_source(address: &str) -> bool {
    const USUAL: [&str; 6] = [
        "https://proxy.golang.org",
        "https://pypi.org/simple",
        "https://registry.npmjs.org",
        "https://registry.yarnpkg.com",
        "direct",
        "off",
    ];
    USUAL.contains(&address.trim_end_matches('/'))
}

/// Whether a variable is set that one of the patterns names, to a value that it
/// names.
fn assigned(patterns: &[&str], subject: &Subject<'_>) -> bool {
    let value_is = |pattern: &str, value: &str| match pattern.strip_prefix('@') {
        Some(word) => Places::named(word).is_some_and(|place| {
            // A path of folders, or a list of libraries.
            value
                .split([':', ' '])
                .any(|part| place.meets(Places::of(part, subject.here)))
        }),
        None => text::matches(pattern, &text::shown(value)),
    };
    subject.assigns.iter().any(|assigned| {
        let (name, value) = assigned.split_once('=').unwrap_or((assigned, ""));
        if value.starts_with("https://") && value.split([',', '|']).all(is_usual_source) {
            return false;
        }
        patterns
            .iter()
            .any(|pattern| match pattern.split_once('=') {
                Some((pattern, wanted)) => text::matches(pattern, name) && value_is(wanted, value),
                None => text::matches(pattern, name),
            })
    })
}

fn some_argument(patterns: &[Pattern], subject: &Subject<'_>) -> bool {
    patterns.is_empty()
        || subject.arguments.all.iter().any(|field| {
            patterns.iter().any(|pattern| match pattern {
                Pattern::Text(pattern) => {
                    text::matches_any_case(pattern, &field.text)
                        || subject.arguments.is_short_for(&field.text, pattern)
                }
                Pattern::Place(place) => {
                    // `--data=@file`, `-F file=@path`, `host:path`, `-Ifile`.
                    let whole = field.text.as_str();
                    let tails = whole
                        .match_indices(['=', '@', ':'])
                        // `-F name=<file`
                        .map(|(at, _)| whole[at + 1..].trim_start_matches('<'))
                        // An address, not a file.
                        .filter(|tail| !tail.starts_with("//"));
                    std::iter::once(whole)
                        .chain(tails.take(4))
                        .any(|path| !path.is_empty() && place.meets(Places::of(path, subject.here)))
                }
            })
        })
}

/// Whether a name looks like that of what others rely on.
pub(crate) fn is_production(name: &str) -> bool {
    name.split(|character: char| !character.is_ascii_alphanumeric())
        .any(|word| {
            ["prod", "production", "prd", "live"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
                || word
                    .strip_prefix("prod")
                    .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        })
}

fn one_of(patterns: &[Pattern], field: &Field, here: Here<'_>) -> bool {
    // As somebody would write it, once a pattern has to be held against it.
    let shown: OnceCell<Option<String>> = OnceCell::new();
    patterns.iter().any(|pattern| match pattern {
        Pattern::Place(place) => place.meets(field.places(here)),
        Pattern::Text(pattern) => {
            let shown =
                shown.get_or_init(|| text::is_glob(&field.text).then(|| text::shown(&field.text)));
            text::matches(pattern, shown.as_deref().unwrap_or(&field.text))
        }
    })
}
