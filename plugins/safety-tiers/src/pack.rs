//! Rules and programs as people write them: in `rules/*.toml`, and in a
//! sidecar's `[config]`. The build script reads the former with these types,
//! [`crate::config`] the latter.

use serde::Deserialize;

/// What must be known to tell a program's flags from its operands, and to see
/// through it to what it runs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct ProgramEntry {
    /// Names, without their folder.
    pub(crate) names: Vec<String>,
    /// Flags that take the next argument as their value; with a colon at the
    /// end, what follows the colon (`--eval:CODE`).
    pub(crate) value_flags: Vec<String>,
    /// Takes long flags with one dash (`find -delete`), never clusters.
    pub(crate) single_dash: bool,
    /// Takes shortened long flags, as everything built on GNU getopt does.
    pub(crate) gnu: bool,
    /// A shell: its operands are scripts, its input is commands.
    pub(crate) shell: bool,
    /// Its operands, after this many others, are a command that it runs.
    pub(crate) runs_after: Option<u8>,
    /// `NAME=value` may stand before that command.
    pub(crate) assignments: bool,
    /// That command is joined with spaces and given to a shell.
    pub(crate) joined: bool,
    /// Each of its operands by itself is a shell command line.
    pub(crate) lines: bool,
    /// It runs a command only under these subcommands, which are not counted.
    pub(crate) runs_in: Vec<String>,
    /// A program that it runs (by `run` or `exec`) and no rule knows is the
    /// project's own.
    pub(crate) runs_project: bool,
    /// Flags whose value is a shell command line.
    pub(crate) line_flags: Vec<String>,
    /// Flags whose value is a program in another language; `-` alone stands
    /// for the first operand.
    pub(crate) code_flags: Vec<String>,
    /// The operand with this number, counted from none, is code in its
    /// language.
    pub(crate) code_operand: Option<u8>,
    /// The operand after one of these subcommands is code in its language.
    pub(crate) code_in: Vec<String>,
    /// The operands after one of these subcommands are files with code in its language,
    /// `-` what it reads.
    pub(crate) code_files_in: Vec<String>,
    /// Flags whose value is a command of an editor, which `!` leads out of;
    /// `+` stands for arguments that begin so.
    pub(crate) editor_flags: Vec<String>,
    /// Its first operand is text, no file, unless one of these flags is given.
    pub(crate) text_first: Vec<String>,
    /// What it reads from its input is code in its language, even when it has
    /// operands.
    pub(crate) reads_code: bool,
    /// Which operands it writes to: `all`, `last`, or none.
    pub(crate) writes: Writes,
    /// It writes to them only with one of these flags, separated by `|`.
    pub(crate) writes_with: Option<String>,
    /// Flags whose value is a file that it writes; `of=` stands for operands
    /// that begin so.
    pub(crate) write_flags: Vec<String>,
    /// What its output may hold: `network`, `decoded`, `secret`.
    pub(crate) gives: Vec<String>,
}

/// Which of a program's operands it writes to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Writes {
    #[default]
    None,
    All,
    /// The last one, if there are several.
    Last,
}

/// A rule: every condition that it states must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct RuleEntry {
    /// `area/what`, unique and stable.
    pub(crate) id: String,
    /// Names of programs; `*` within them stands for any text, `@name` for a
    /// group that a pack defines.
    pub(crate) programs: Vec<String>,
    /// Programs that it leaves alone.
    pub(crate) except: Vec<String>,
    /// First operands, one of these; several words for several operands.
    pub(crate) subcommands: Vec<String>,
    /// It is asked to look, in the words that most programs share; see
    /// `src/asking.rs`.
    pub(crate) asks_to_look: bool,
    /// Flags that must all be there; `|` between spellings, `=` before a
    /// pattern for the value.
    pub(crate) flags: Vec<String>,
    /// Flags none of which may be there.
    pub(crate) without: Vec<String>,
    /// Some operand is one of these: a place (`@home`) or a pattern.
    pub(crate) operands: Vec<String>,
    /// There are operands, and each is one of these.
    pub(crate) all_operands: Vec<String>,
    /// Some operand other than the last is one of these: what is moved, not
    /// where to.
    pub(crate) leading: Vec<String>,
    /// The first operand is one of these: the script, not what it is given.
    pub(crate) leading_operand: Vec<String>,
    /// And it is no file that the line itself has written, which has been judged.
    pub(crate) script_unseen: bool,
    /// Some operand holds what comes from these, as in `from`.
    pub(crate) operands_from: Vec<String>,
    /// It has no operands.
    pub(crate) bare: bool,
    /// Asked only for a hook, of a program that has neither code nor a pipe to read:
    /// what is typed into it later, nobody judges. Asked besides all others.
    pub(crate) left_open: bool,
    /// Some argument, flags and their values included, is one of these;
    /// patterns regardless of case, `@@` for one that begins with `@`.
    pub(crate) arguments: Vec<String>,
    /// Some argument is one of these besides.
    pub(crate) arguments_with: Vec<String>,
    /// What it prints is shown, and goes into no pipe, file or variable.
    pub(crate) to_screen: bool,
    /// It runs in one of these places.
    pub(crate) folder: Vec<String>,
    /// A redirection writes to one of these.
    pub(crate) writes: Vec<String>,
    /// A redirection reads from one of these.
    pub(crate) reads: Vec<String>,
    /// A variable of such a name is set, or taken away; after `=` to such a
    /// value, or one that points at such a place.
    pub(crate) assigns: Vec<String>,
    /// A function of such a name is defined.
    pub(crate) defines: Vec<String>,
    /// Its input, arguments or program come from `network`, `decoded`,
    /// `secret`, what shows the `settings` of something, a variable named like
    /// a `credential` or, more surely, a `password`, or the program itself was
    /// `downloaded`.
    pub(crate) from: Vec<String>,
    /// Code in another language holds one of these.
    pub(crate) code: Vec<String>,
    /// And one of these besides.
    pub(crate) code_with: Vec<String>,
    /// And none of these.
    pub(crate) code_without: Vec<String>,
    /// What processes the code starts could not be told.
    pub(crate) code_unresolved: bool,
    /// Some statement of a database's language is one of these.
    pub(crate) statement: Vec<String>,
    /// And that statement is none of these.
    pub(crate) statement_without: Vec<String>,
    /// `safe`, `review` or `dangerous`.
    pub(crate) tier: TierEntry,
    /// The tier where a host, context or account is named that looks like
    /// production.
    pub(crate) in_production: Option<TierEntry>,
    /// One sentence: what the command does.
    pub(crate) reason: String,
    /// What to do instead.
    pub(crate) suggestion: Option<String>,
    /// What a command that it decides prints may hold; as in `from`.
    pub(crate) gives: Vec<String>,
    /// Command lines that this rule decides, which the tests hold it to.
    #[allow(dead_code, reason = "only tests read it, from the files themselves")]
    pub(crate) matches: Vec<String>,
    /// Command lines that it must leave alone.
    #[allow(dead_code, reason = "only tests read it, from the files themselves")]
    pub(crate) does_not_match: Vec<String>,
}

impl RuleEntry {
    /// Whether it has no condition, and so says what holds for its programs
    /// when no other rule does.
    #[allow(dead_code, reason = "only the build script asks")]
    pub(crate) fn is_default(&self) -> bool {
        !self.bare
            && !self.left_open
            && !self.to_screen
            && !self.asks_to_look
            && self.patterns().iter().all(|list| list.is_empty())
            && [&self.statement, &self.from, &self.operands_from]
                .iter()
                .all(|list| list.is_empty())
    }
}

/// The part of a pattern that is written as a set of characters, as a shell takes it.
/// Patterns know `*` and `?` alone, so that it would match nothing that is meant.
pub(crate) fn set_in(pattern: &str) -> Option<&str> {
    pattern.match_indices('[').find_map(|(at, _)| {
        let inside = pattern[at + 1..].split_once(']')?.0;
        let mut characters = inside.chars();
        let first = characters.next()?;
        let one = characters.next().is_none();
        let range = inside.chars().count() == 3 && inside.chars().nth(1) == Some('-');
        let others = !one && matches!(first, '!' | '^');
        (one || range || others).then(|| &pattern[at..at + inside.len() + 2])
    })
}

impl RuleEntry {
    /// The conditions of the rule that are patterns of words.
    fn patterns(&self) -> [&Vec<String>; 15] {
        [
            &self.subcommands,
            &self.flags,
            &self.without,
            &self.operands,
            &self.all_operands,
            &self.leading,
            &self.leading_operand,
            &self.arguments,
            &self.arguments_with,
            &self.writes,
            &self.folder,
            &self.reads,
            &self.assigns,
            &self.defines,
            &self.code,
        ]
    }

    /// A pattern of the rule that can never match what it seems to mean.
    pub(crate) fn pattern_with_set(&self) -> Option<&str> {
        [
            &self.programs,
            &self.except,
            &self.code_with,
            &self.code_without,
            &self.statement,
            &self.statement_without,
        ]
        .into_iter()
        .chain(self.patterns())
        .flatten()
        .map(String::as_str)
        .find(|pattern| set_in(pattern).is_some())
    }
}

/// The spellings of a flag, each with a pattern for its value, if it has one.
pub(crate) fn spellings(flag: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    flag.split('|').map(|spelling| {
        spelling
            .split_once('=')
            .map_or((spelling, None), |(name, value)| (name, Some(value)))
    })
}

/// A tier by its name.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TierEntry {
    Safe,
    #[default]
    Review,
    Dangerous,
}
