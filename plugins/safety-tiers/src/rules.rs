//! The rules and how they are matched against one command.

use crate::arguments::Arguments;
use crate::pack::{RuleEntry, TierEntry};
use crate::place::Places;
use crate::text;
use crate::verdict::Tier;
use crate::walk::Field;

/// What a piece of data may hold, as a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sources(u8);

impl Sources {
    pub(crate) const NONE: Self = Self(0);
    /// Came over the network.
    pub(crate) const NETWORK: Self = Self(1);
    /// Was encoded, so that nobody could read what it is.
    pub(crate) const DECODED: Self = Self(2);
    /// Holds keys, tokens or passwords.
    pub(crate) const SECRET: Self = Self(4);
    /// Is a file that was downloaded a moment ago.
    pub(crate) const DOWNLOADED: Self = Self(8);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn named(word: &str) -> Option<Self> {
        match word {
            "network" => Some(Self::NETWORK),
            "decoded" => Some(Self::DECODED),
            "secret" => Some(Self::SECRET),
            "downloaded" => Some(Self::DOWNLOADED),
            _ => None,
        }
    }
}

/// One alternative of a rule's condition on an argument.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    Place(Places),
    Text(&'static str),
}

/// See [`crate::pack::ProgramEntry`], of which this is the compiled form.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) value_flags: &'static [&'static str],
    pub(crate) single_dash: bool,
    pub(crate) gnu: bool,
    pub(crate) shell: bool,
    pub(crate) runs_after: Option<u8>,
    pub(crate) assignments: bool,
    pub(crate) joined: bool,
    pub(crate) runs_in: &'static [&'static str],
    pub(crate) line_flags: &'static [&'static str],
    pub(crate) code_flags: &'static [&'static str],
    pub(crate) gives: Sources,
}

/// What is known of a program that no table describes.
pub(crate) static PLAIN_PROGRAM: Program = Program {
    value_flags: &[],
    single_dash: false,
    gnu: false,
    shell: false,
    runs_after: None,
    assignments: false,
    joined: false,
    runs_in: &[],
    line_flags: &[],
    code_flags: &[],
    gives: Sources::NONE,
};

/// See [`crate::pack::RuleEntry`], of which this is the compiled form.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) except: &'static [&'static str],
    pub(crate) subcommands: &'static [&'static str],
    pub(crate) flags: &'static [&'static str],
    pub(crate) without: &'static [&'static str],
    pub(crate) operands: &'static [Pattern],
    pub(crate) all_operands: &'static [Pattern],
    pub(crate) arguments: &'static [Pattern],
    pub(crate) writes: &'static [Pattern],
    pub(crate) reads: &'static [Pattern],
    pub(crate) assigns: &'static [&'static str],
    pub(crate) defines: &'static [&'static str],
    pub(crate) from: Sources,
    pub(crate) code: &'static [&'static str],
    pub(crate) tier: Tier,
    pub(crate) reason: &'static str,
    pub(crate) suggestion: Option<&'static str>,
}

/// The bundled tables, which the build script makes of `rules/*.toml`.
mod tables {
    use super::{Pattern, Places, Program, Rule, Sources, Tier};
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

/// The bundled rules with what a sidecar's `[config]` adds to them.
#[derive(Debug)]
pub struct Rules {
    /// Asked before the bundled ones, each with the program names it is for.
    pub(crate) added: Vec<(Vec<String>, Rule)>,
    /// Other tiers for some rule ids.
    pub(crate) tiers: Vec<(String, Tier)>,
    /// For programs that no rule knows.
    pub(crate) unknown_program: Tier,
}

impl Default for Rules {
    fn default() -> Self {
        Self { added: Vec::new(), tiers: Vec::new(), unknown_program: Tier::Review }
    }
}

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

impl Rules {
    /// How to read a program's command line.
    pub(crate) fn program(&self, name: &str) -> &'static Program {
        entry(name)
            .and_then(|(_, program, _)| *program)
            .map_or(&PLAIN_PROGRAM, |index| &tables::PROGRAMS[usize::from(index)])
    }

    /// Whether some rule or table knows the program.
    pub(crate) fn knows(&self, name: &str) -> bool {
        entry(name).is_some()
    }

    /// Programs whose names a name with globs in it may stand for.
    pub(crate) fn names_covered_by(&self, glob: &str) -> impl Iterator<Item = &'static str> {
        tables::NAMES.iter().map(|(name, ..)| *name).filter(move |name| text::glob_covers(glob, name))
    }

    /// The rule for this very program that decides, if one does.
    pub(crate) fn decide(&self, subject: &Subject<'_>) -> Option<&Rule> {
        let added = self.added.iter().filter(|(names, _)| names.iter().any(|name| text::matches(name, subject.program)));
        let named = entry(subject.program).map_or(&[][..], |(_, _, rules)| rules);
        let patterned = tables::NAME_PATTERNS
            .iter()
            .filter(|(pattern, _)| text::matches(pattern, subject.program))
            .map(|(_, rule)| rule);
        added
            .map(|(_, rule)| rule)
            .chain(named.iter().chain(patterned).map(|index| &tables::RULES[usize::from(*index)]))
            .find(|rule| rule.applies(subject))
    }

    /// The strictest of the rules that are for every program.
    pub(crate) fn strictest_everywhere(&self, subject: &Subject<'_>) -> Option<&Rule> {
        let mut strictest: Option<&Rule> = None;
        for index in tables::EVERYWHERE {
            let rule = &tables::RULES[usize::from(*index)];
            if strictest.is_none_or(|found| self.tier(found) < self.tier(rule)) && rule.applies(subject) {
                strictest = Some(rule);
            }
        }
        strictest
    }

    /// The tier of a rule, as configured.
    pub(crate) fn tier(&self, rule: &Rule) -> Tier {
        self.tier_of(rule.id, rule.tier)
    }

    /// The tier configured for a rule id, else the one it comes with.
    pub(crate) fn tier_of(&self, id: &str, otherwise: Tier) -> Tier {
        self.tiers.iter().find(|(known, _)| known == id).map_or(otherwise, |(_, tier)| *tier)
    }

    /// Whether some bundled or added rule has this id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        tables::RULES.iter().chain(self.added.iter().map(|(_, rule)| rule)).any(|rule| rule.id == id)
    }
}

fn entry(name: &str) -> Option<&'static (&'static str, Option<u16>, &'static [u16])> {
    let index = tables::NAMES.binary_search_by(|(candidate, ..)| (*candidate).cmp(name)).ok()?;
    Some(&tables::NAMES[index])
}

impl Rule {
    fn applies(&self, subject: &Subject<'_>) -> bool {
        let arguments = subject.arguments;
        let any = |patterns: &[Pattern], fields: &[Field]| {
            patterns.is_empty() || fields.iter().any(|field| one_of(patterns, field, subject.cwd))
        };
        let names = |patterns: &[&str], names: &[String]| {
            patterns.is_empty()
                || names.iter().any(|name| patterns.iter().any(|pattern| text::matches(pattern, name)))
        };
        // An argument that nobody knows may be any flag; that is held against
        // a command only where a rule also names what it would do it to.
        let doubtful = self.tier == Tier::Dangerous
            && !(self.operands.is_empty() && self.all_operands.is_empty())
            && arguments.operands().any(|field| field.text.starts_with([text::UNKNOWN]));

        (self.from == Sources::NONE || self.from.meets(subject.from))
            && !self.except.iter().any(|name| text::matches(name, subject.program))
            && (self.defines.is_empty()
                || subject.defines.is_some_and(|name| self.defines.iter().any(|pattern| text::matches(pattern, name))))
            && (self.subcommands.is_empty()
                || self.subcommands.iter().any(|words| arguments.has_subcommand(words)))
            && (doubtful || self.flags.iter().all(|spellings| arguments.has_flag(spellings)))
            && !self.without.iter().any(|spellings| arguments.has_flag(spellings))
            && names(self.assigns, subject.assigns)
            && any(self.writes, subject.writes)
            && any(self.reads, subject.reads)
            && (self.operands.is_empty()
                || arguments.operands().any(|field| one_of(self.operands, field, subject.cwd)))
            && (self.all_operands.is_empty()
                || arguments.operands().next().is_some()
                    && arguments.operands().all(|field| one_of(self.all_operands, field, subject.cwd)))
            && (self.arguments.is_empty() || self.some_argument(subject))
            && (self.code.is_empty()
                || subject.code.is_some_and(|code| self.code.iter().any(|pattern| text::matches(pattern, code))))
    }

    fn some_argument(&self, subject: &Subject<'_>) -> bool {
        subject.arguments.all.iter().any(|field| {
            self.arguments.iter().any(|pattern| match pattern {
                Pattern::Text(pattern) => text::matches_any_case(pattern, &field.text),
                Pattern::Place(place) => {
                    // `--data=@file`, `-F file=@path`, `host:path`, `-Ifile`.
                    let whole = field.text.as_str();
                    let tails = whole.match_indices(['=', '@', ':']).map(|(at, _)| &whole[at + 1..]);
                    std::iter::once(whole)
                        .chain(tails.take(4))
                        .any(|path| !path.is_empty() && place.meets(Places::of(path, subject.cwd)))
                }
            })
        })
    }
}

fn one_of(patterns: &[Pattern], field: &Field, cwd: &str) -> bool {
    let mut places = None;
    patterns.iter().any(|pattern| match pattern {
        Pattern::Place(place) => place.meets(*places.get_or_insert_with(|| Places::of(&field.text, cwd))),
        Pattern::Text(pattern) => {
            if text::is_glob(&field.text) {
                text::matches(pattern, &text::shown(&field.text))
            } else {
                text::matches(pattern, &field.text)
            }
        }
    })
}

impl RuleEntry {
    /// The compiled form of a rule that a sidecar adds. Lives as long as the
    /// instance, so its text is leaked.
    pub(crate) fn compile(self) -> Result<(Vec<String>, Rule), String> {
        let name = |key: &str, word: &str| format!("rule `{}`: `{key}` knows no `{word}`", self.id);
        let patterns = |key: &str, words: &[String]| -> Result<&'static [Pattern], String> {
            words
                .iter()
                .map(|word| match word.strip_prefix('@') {
                    Some(place) => Places::named(place).map(Pattern::Place).ok_or_else(|| name(key, word)),
                    None => Ok(Pattern::Text(word.clone().leak())),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|patterns| &*patterns.leak())
        };
        let from = self.from.iter().try_fold(Sources::NONE, |all, word| {
            Sources::named(word).map(|source| all.and(source)).ok_or_else(|| name("from", word))
        })?;
        if self.id.is_empty() {
            return Err("every rule needs an `id`".to_owned());
        }
        if self.programs.is_empty() {
            return Err(format!("rule `{}` needs `programs`", self.id));
        }
        let rule = Rule {
            operands: patterns("operands", &self.operands)?,
            all_operands: patterns("all_operands", &self.all_operands)?,
            arguments: patterns("arguments", &self.arguments)?,
            writes: patterns("writes", &self.writes)?,
            reads: patterns("reads", &self.reads)?,
            except: leaked(&self.except),
            subcommands: leaked(&self.subcommands),
            flags: leaked(&self.flags),
            without: leaked(&self.without),
            assigns: leaked(&self.assigns),
            defines: leaked(&self.defines),
            code: leaked(&self.code),
            from,
            tier: self.tier.into(),
            reason: if self.reason.is_empty() { "A rule of this configuration." } else { self.reason.clone().leak() },
            suggestion: self.suggestion.clone().map(|text| &*text.leak()),
            id: self.id.clone().leak(),
        };
        Ok((self.programs, rule))
    }
}

fn leaked(words: &[String]) -> &'static [&'static str] {
    words.iter().map(|word| &*word.clone().leak()).collect::<Vec<_>>().leak()
}

impl From<TierEntry> for Tier {
    fn from(tier: TierEntry) -> Self {
        match tier {
            TierEntry::Safe => Self::Safe,
            TierEntry::Review => Self::Review,
            TierEntry::Dangerous => Self::Dangerous,
        }
    }
}
