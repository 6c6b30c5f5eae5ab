//! The rules: the bundled tables, and what a sidecar's `[config]` adds.
//! How one is held against a command is in [`crate::matching`].

use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::names;
use crate::pack::Writes;
use crate::place::Places;
use crate::text;
use crate::verdict::Tier;

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
    /// Is the value of a variable that is named like a token or a password.
    pub(crate) const CREDENTIAL: Self = Self(16);
    /// Is the value of a variable that by its name is no key for a service that
    /// is asked, but one that nobody else should see.
    pub(crate) const PASSWORD: Self = Self(64);
    /// Is what a shell prints that somebody else types into.
    pub(crate) const SHELL: Self = Self(32);
    /// Shows how something is set up, and a password may be among that.
    pub(crate) const SETTINGS: Self = Self(128);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The source that a rule calls by this word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "network" => Some(Self::NETWORK),
            "decoded" => Some(Self::DECODED),
            "secret" => Some(Self::SECRET),
            "downloaded" => Some(Self::DOWNLOADED),
            "shell" => Some(Self::SHELL),
            "settings" => Some(Self::SETTINGS),
            "credential" => Some(Self::CREDENTIAL),
            "password" => Some(Self::PASSWORD),
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

/// One of the spellings of a flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling {
    /// With its dashes.
    pub(crate) name: &'static str,
    /// A pattern for its value, where that counts.
    pub(crate) value: Option<&'static str>,
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
    pub(crate) lines: bool,
    pub(crate) runs_in: &'static [&'static str],
    pub(crate) runs_project: bool,
    pub(crate) line_flags: &'static [&'static str],
    pub(crate) code_flags: &'static [&'static str],
    pub(crate) code_operand: Option<u8>,
    pub(crate) code_in: &'static [&'static str],
    pub(crate) code_files_in: &'static [&'static str],
    pub(crate) editor_flags: &'static [&'static str],
    pub(crate) text_first: &'static [&'static str],
    pub(crate) reads_code: bool,
    pub(crate) writes: Writes,
    pub(crate) writes_with: Option<&'static str>,
    pub(crate) write_flags: &'static [&'static str],
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
    lines: false,
    runs_in: &[],
    runs_project: false,
    line_flags: &[],
    code_flags: &[],
    code_operand: None,
    code_in: &[],
    code_files_in: &[],
    editor_flags: &[],
    text_first: &[],
    reads_code: false,
    writes: Writes::None,
    writes_with: None,
    write_flags: &[],
    gives: Sources::NONE,
};

impl Program {
    /// Whether operands after the first are files with code that it runs.
    pub(crate) fn runs_code_of(&self, arguments: &Arguments<'_>) -> bool {
        let mut subcommands = self.code_files_in.iter();
        subcommands.any(|words| arguments.has_subcommand(words))
    }
}

/// Whether a program finds files of the project by itself, and runs what is in them.
pub(crate) fn finds_files(name: &str) -> bool {
    tables::FINDS_FILES.binary_search(&name).is_ok()
}

/// Whether a word is a long flag that some rule or program names in full.
pub(crate) fn is_long_flag(flag: &str) -> bool {
    tables::LONG_FLAGS.binary_search(&flag).is_ok()
}

/// Whether a program takes commands, or code that may start some, among its options.
pub(crate) fn takes_commands(name: &str) -> bool {
    tables::TAKES_COMMANDS.binary_search(&name).is_ok()
}

/// See [`crate::pack::RuleEntry`], of which this is the compiled form.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) except: &'static [&'static str],
    pub(crate) subcommands: &'static [&'static str],
    pub(crate) asks_to_look: bool,
    pub(crate) flags: &'static [&'static [Spelling]],
    pub(crate) without: &'static [&'static [Spelling]],
    pub(crate) operands: &'static [Pattern],
    pub(crate) all_operands: &'static [Pattern],
    pub(crate) leading: &'static [Pattern],
    pub(crate) leading_operand: &'static [Pattern],
    pub(crate) script_unseen: bool,
    pub(crate) operands_from: Sources,
    pub(crate) bare: bool,
    pub(crate) left_open: bool,
    pub(crate) arguments: &'static [Pattern],
    pub(crate) arguments_with: &'static [Pattern],
    pub(crate) to_screen: bool,
    pub(crate) writes: &'static [Pattern],
    pub(crate) folder: &'static [Pattern],
    pub(crate) reads: &'static [Pattern],
    pub(crate) assigns: &'static [&'static str],
    pub(crate) defines: &'static [&'static str],
    pub(crate) from: Sources,
    pub(crate) code: &'static [&'static str],
    pub(crate) code_with: &'static [&'static str],
    pub(crate) code_without: &'static [&'static str],
    pub(crate) code_unresolved: bool,
    pub(crate) statement: &'static [&'static str],
    pub(crate) statement_without: &'static [&'static str],
    pub(crate) tier: Tier,
    pub(crate) in_production: Option<Tier>,
    pub(crate) reason: &'static str,
    pub(crate) suggestion: Option<&'static str>,
    pub(crate) gives: Sources,
}

/// The bundled tables, which the build script makes of `rules/*.toml`.
mod tables {
    #[allow(unused_imports, reason = "which of them are used is up to the rules")]
    use super::{Pattern, Places, Program, Rule, Sources, Spelling, Tier, Writes};
    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

/// The bundled rules with what a sidecar's `[config]` adds to them.
#[derive(Debug)]
pub struct Rules {
    /// Asked before the bundled ones, each with the program names it is for.
    pub(crate) added: Vec<(Vec<String>, Rule)>,
    /// How to read programs that no bundled table describes, by name.
    pub(crate) programs: Vec<(String, &'static Program)>,
    /// Patterns for whole commands, each with the tier it gives.
    pub(crate) listed: Vec<(String, Tier)>,
    /// Other tiers for some rule ids.
    pub(crate) tiers: Vec<(String, Tier)>,
    /// For programs that no rule knows.
    pub(crate) unknown_program: Tier,
    /// For what is typed into a program, by its name.
    pub(crate) typed: Vec<(String, Tier)>,
    /// Roles that may look and do no more.
    pub(crate) observers: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            added: Vec::new(),
            programs: Vec::new(),
            listed: Vec::new(),
            tiers: Vec::new(),
            unknown_program: Tier::Review,
            typed: Vec::new(),
            observers: ["observer", "reader", "read-only", "auditor"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

impl Rules {
    /// How to read a program's command line.
    pub(crate) fn program(&self, name: &str) -> &'static Program {
        if let Some((_, program)) = self.programs.iter().find(|(known, _)| known == name) {
            return program;
        }
        entry(name)
            .and_then(|(_, program, _)| *program)
            .map_or(&PLAIN_PROGRAM, |index| {
                &tables::PROGRAMS[usize::from(index)]
            })
    }

    /// Whether some rule or table knows the program.
    pub(crate) fn knows(&self, name: &str) -> bool {
        entry(name).is_some()
    }

    /// Programs whose names a name with globs in it may stand for.
    pub(crate) fn names_covered_by(&self, glob: &str) -> impl Iterator<Item = &'static str> {
        tables::NAMES
            .iter()
            .map(|(name, ..)| *name)
            .filter(move |name| text::glob_covers(glob, name))
    }

    /// The rule for this very program that decides, if one does.
    pub(crate) fn decide(&self, subject: &Subject<'_>) -> Option<&Rule> {
        self.first(subject, |rule| !rule.left_open)
    }

    /// The rule about what this very program reads later, past every gate, if one
    /// applies.
    pub(crate) fn left_open(&self, subject: &Subject<'_>) -> Option<&Rule> {
        self.first(subject, |rule| rule.left_open)
    }

    fn first(&self, subject: &Subject<'_>, asked: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        let added = self.added.iter().filter(|(names, _)| {
            names
                .iter()
                .any(|name| text::matches(name, subject.program))
        });
        let named = entry(subject.program).map_or(&[][..], |(_, _, rules)| rules);
        let patterned = tables::NAME_PATTERNS
            .iter()
            .filter(|(pattern, _)| text::matches(pattern, subject.program))
            .map(|(_, rule)| rule);
        added
            .map(|(_, rule)| rule)
            .chain(
                named
                    .iter()
                    .chain(patterned)
                    .map(|index| &tables::RULES[usize::from(*index)]),
            )
            .find(|rule| asked(rule) && rule.applies(subject))
    }

    /// Whether a list of the sidecar allows this very command, word for word.
    pub(crate) fn allows_by_name(&self, command: &str) -> bool {
        self.listed
            .iter()
            .any(|(pattern, tier)| *tier == Tier::Safe && pattern == command)
    }

    /// The strictest tier that a list of the sidecar gives to a command,
    /// written as one line.
    pub(crate) fn listed_tier(&self, command: &str) -> Option<Tier> {
        let matching = self
            .listed
            .iter()
            .filter(|(pattern, _)| text::matches(pattern, command));
        matching.map(|(_, tier)| *tier).max()
    }

    /// Rules about code in a program's own language, for what is typed into
    /// it.
    pub(crate) fn about_code(&self, program: &str) -> impl Iterator<Item = &Rule> {
        let named = entry(program).map_or(&[][..], |(_, _, rules)| rules);
        named
            .iter()
            .map(|index| &tables::RULES[usize::from(*index)])
            .filter(|rule| !(rule.code.is_empty() && rule.statement.is_empty()))
    }

    /// The strictest of the rules that are for every program.
    pub(crate) fn strictest_everywhere(&self, subject: &Subject<'_>) -> Option<&Rule> {
        let mut strictest: Option<&Rule> = None;
        for index in tables::EVERYWHERE {
            let rule = &tables::RULES[usize::from(*index)];
            if !rule.left_open
                && strictest.is_none_or(|found| self.tier(found) < self.tier(rule))
                && rule.applies(subject)
            {
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
        self.tiers
            .iter()
            .find(|(known, _)| known == id)
            .map_or(otherwise, |(_, tier)| *tier)
    }

    /// Whether some bundled or added rule has this id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        tables::RULES
            .iter()
            .chain(self.added.iter().map(|(_, rule)| rule))
            .any(|rule| rule.id == id)
    }
}

fn entry(name: &str) -> Option<&'static (&'static str, Option<u16>, &'static [u16])> {
    let mut slot = names::slot(name);
    loop {
        let number = tables::NAME_SLOTS[slot];
        if number == names::EMPTY_SLOT {
            return None;
        }
        let entry = &tables::NAMES[usize::from(number)];
        if entry.0 == name {
            return Some(entry);
        }
        slot = (slot + 1) % names::SLOTS;
    }
}
