//! Holds one rule against one command.

use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::{Pattern, Rule, Sources};
use crate::text;
use crate::verdict::Tier;
use crate::walk::Field;

/// One command as rules see it.
pub(crate) struct Subject<'a> {
    /// Name without its folder.
    pub(crate) program: &'a str,
    pub(crate) arguments: &'a Arguments<'a>,
    pub(crate) writes: &'a [Field],
    pub(crate) reads: &'a [Field],
    /// Names of the variables set for it.
    pub(crate) assigns: &'a [String],
    /// What its input and arguments may hold.
    pub(crate) from: Sources,
    /// Code in another language that it is to run.
    pub(crate) code: Option<&'a str>,
    /// Name of the function defined, when that is what the command does.
    pub(crate) defines: Option<&'a str>,
    /// The working directory, as far as it is known.
    pub(crate) cwd: &'a str,
}

impl Rule {
    /// Whether every condition of the rule holds.
    pub(crate) fn applies(&self, subject: &Subject<'_>) -> bool {
        let arguments = subject.arguments;
        let any = |patterns: &[Pattern], fields: &[Field]| {
            patterns.is_empty()
                || fields
                    .iter()
                    .any(|field| one_of(patterns, field, subject.cwd))
        };
        let names = |patterns: &[&str], names: &[String]| {
            patterns.is_empty()
                || names
                    .iter()
                    .any(|name| patterns.iter().any(|pattern| text::matches(pattern, name)))
        };
        // An argument that nobody knows may be any flag; that is held against
        // a command only where a rule also names what it would do it to.
        let doubtful = self.tier == Tier::Dangerous
            && !(self.operands.is_empty() && self.all_operands.is_empty())
            && arguments
                .operands()
                .any(|field| field.text.starts_with([text::UNKNOWN]));

        (self.from == Sources::NONE || self.from.meets(subject.from))
            && !self
                .except
                .iter()
                .any(|name| text::matches(name, subject.program))
            && (self.defines.is_empty()
                || subject.defines.is_some_and(|name| {
                    self.defines
                        .iter()
                        .any(|pattern| text::matches(pattern, name))
                }))
            && (self.subcommands.is_empty()
                || self
                    .subcommands
                    .iter()
                    .any(|words| arguments.has_subcommand(words)))
            && (doubtful
                || self
                    .flags
                    .iter()
                    .all(|spellings| arguments.has_flag(spellings)))
            && !self
                .without
                .iter()
                .any(|spellings| arguments.has_flag(spellings))
            && names(self.assigns, subject.assigns)
            && any(self.writes, subject.writes)
            && any(self.reads, subject.reads)
            && (self.operands.is_empty()
                || arguments
                    .operands()
                    .any(|field| one_of(self.operands, field, subject.cwd)))
            && (self.all_operands.is_empty()
                || arguments.operands().next().is_some()
                    && arguments
                        .operands()
                        .all(|field| one_of(self.all_operands, field, subject.cwd)))
            && (!self.bare || arguments.operands().next().is_none())
            && (self.leading.is_empty()
                || arguments
                    .leading()
                    .any(|field| one_of(self.leading, field, subject.cwd)))
            && (self.arguments.is_empty() || self.some_argument(subject))
            && (self.code.is_empty()
                || subject.code.is_some_and(|code| {
                    self.code
                        .iter()
                        .any(|pattern| text::matches_any_case(pattern, code))
                }))
    }

    fn some_argument(&self, subject: &Subject<'_>) -> bool {
        subject.arguments.all.iter().any(|field| {
            self.arguments.iter().any(|pattern| match pattern {
                Pattern::Text(pattern) => text::matches_any_case(pattern, &field.text),
                Pattern::Place(place) => {
                    // `--data=@file`, `-F file=@path`, `host:path`, `-Ifile`.
                    let whole = field.text.as_str();
                    let tails = whole
                        .match_indices(['=', '@', ':'])
                        .map(|(at, _)| &whole[at + 1..]);
                    std::iter::once(whole)
                        .chain(tails.take(4))
                        .any(|path| !path.is_empty() && place.meets(Places::of(path, subject.cwd)))
                }
            })
        })
    }
}

fn one_of(patterns: &[Pattern], field: &Field, cwd: &str) -> bool {
    patterns.iter().any(|pattern| match pattern {
        Pattern::Place(place) => place.meets(field.places(cwd)),
        Pattern::Text(pattern) => {
            if text::is_glob(&field.text) {
                text::matches(pattern, &text::shown(&field.text))
            } else {
                text::matches(pattern, &field.text)
            }
        }
    })
}
