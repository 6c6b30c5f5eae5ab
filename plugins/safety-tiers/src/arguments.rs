//! Tells a program's flags from its operands.

use crate::outputs::{archive, names_an_output, outputs_elsewhere};
use crate::pack::{Writes, spellings};
use crate::rules::{Program, Sources, Spelling};
use crate::text::HOME;
use crate::walk::Field;

/// The arguments of one command, sorted.
pub(crate) struct Arguments<'a> {
    /// As given, the program's name left out.
    pub(crate) all: &'a [Field],
    flags: Vec<Flag<'a>>,
    operands: Vec<usize>,
    /// The operand that is text, no file.
    text: Option<usize>,
    program: &'static Program,
}

struct Flag<'a> {
    /// With its dashes, without its value.
    name: Name<'a>,
    value: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq)]
enum Name<'a> {
    Word(&'a str),
    /// A letter of a cluster such as `-rf`.
    Letter(char),
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(all: &'a [Field], program: &'static Program) -> Self {
        let mut arguments = Self {
            all,
            flags: Vec::new(),
            operands: Vec::new(),
            text: None,
            program,
        };
        let mut index = 0;
        while let Some(field) = all.get(index) {
            let text = field.text.as_str();
            // A value that looks like a long flag is taken for one.
            let next = all
                .get(index + 1)
                .map(|field| field.text.as_str())
                .filter(|next| next.len() < 3 || !next.starts_with("--"));
            if text == "--" {
                arguments.operands.extend(index + 1..all.len());
                break;
            }
            if arguments.flag(text, next) {
                index += 1;
            }
            if is_operand(text) {
                arguments.operands.push(index);
                if arguments.stops_at_operand() {
                    arguments.operands.extend(index + 1..all.len());
                    break;
                }
            }
            index += 1;
        }
        if !program.text_first.is_empty()
            && !program
                .text_first
                .iter()
                .any(|flag| arguments.has_flag(flag))
            && !arguments.operands.is_empty()
        {
            arguments.text = Some(arguments.operands.remove(0));
        }
        arguments
    }

    /// The operand that is a pattern or a script, no file.
    pub(crate) fn text(&self) -> Option<&'a Field> {
        self.text.map(|index| &self.all[index])
    }

    /// What follows the first operands is the command line of another program.
    fn stops_at_operand(&self) -> bool {
        self.program.runs_in.is_empty()
            && self
                .program
                .runs_after
                .is_some_and(|skipped| self.operands.len() > usize::from(skipped))
    }

    /// Notes a flag; gives whether it takes the next argument as its value.
    fn flag(&mut self, text: &'a str, next: Option<&'a str>) -> bool {
        let program = self.program;
        let takes_value = |name: &str| {
            program.value_flags.contains(&name)
                || program.gnu && program.value_flags.iter().any(|flag| shortens(name, flag))
        };
        // `nim --eval:CODE`
        let colon = text.find(':').filter(|_| text.starts_with('-'));
        if let Some(value) = colon.map(|colon| colon + 1)
            && takes_value(&text[..value])
        {
            self.flags.push(Flag {
                name: Name::Word(&text[..value]),
                value: Some(&text[value..]),
            });
            return false;
        }
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) = match long.find('=') {
                Some(equals) => (&text[..equals + 2], Some(&long[equals + 1..])),
                None => (text, None),
            };
            let names_output = self.program.runs_after.is_none() && names_an_output(name);
            let takes_next =
                value.is_none() && (takes_value(name) || names_output) && next.is_some();
            self.flags.push(Flag {
                name: Name::Word(name),
                value: if takes_next { next } else { value },
            });
            return takes_next;
        }
        if is_operand(text) {
            return false;
        }
        if self.program.single_dash || takes_value(text) {
            let (name, value) = text
                .split_once('=')
                .map_or((text, None), |(name, value)| (name, Some(value)));
            let takes_next = value.is_none() && takes_value(name) && next.is_some();
            self.flags.push(Flag {
                name: Name::Word(name),
                value: if takes_next { next } else { value },
            });
            return takes_next;
        }
        self.flags.push(Flag {
            name: Name::Word(text),
            value: None,
        });
        let mut rest = text[1..].char_indices().peekable();
        while let Some((_, letter)) = rest.next() {
            let mut name = [0; 8];
            let length = 1 + letter.len_utf8();
            name[0] = b'-';
            letter.encode_utf8(&mut name[1..]);
            let name = std::str::from_utf8(&name[..length]).unwrap_or_default();
            if takes_value(name) {
                // What is left of the cluster is the value, else the next argument.
                let value = rest.peek().map(|(offset, _)| &text[1 + offset..]);
                self.flags.push(Flag {
                    name: Name::Letter(letter),
                    value: value.or(next),
                });
                return value.is_none() && next.is_some();
            }
            self.flags.push(Flag {
                name: Name::Letter(letter),
                value: None,
            });
        }
        false
    }

    /// Whether that text is a program: sed's, rather than grep's.
    pub(crate) fn text_is_code(&self) -> bool {
        self.program.writes_with.is_some() || self.program.code_flags.contains(&"-")
    }

    /// Arguments that are no flags and not their values.
    pub(crate) fn operands(&self) -> impl Iterator<Item = &'a Field> + Clone + '_ {
        self.operands.iter().map(|index| &self.all[*index])
    }

    /// Whether the first operand is a file with code that the program runs.
    pub(crate) fn runs_first_operand(&self) -> bool {
        let program = self.program;
        let given = program.code_flags.iter().any(|flag| self.has_flag(flag));
        program.shell
            || !given && !program.code_flags.is_empty() && !program.code_flags.contains(&"-")
    }

    /// The operands without the last one, if there are several.
    pub(crate) fn leading(&self) -> impl Iterator<Item = &'a Field> + '_ {
        let count = self.operands.len().saturating_sub(1);
        self.operands().take(count)
    }

    /// Offset in `all` of the operand with this number.
    pub(crate) fn operand_index(&self, number: usize) -> Option<usize> {
        self.operands.get(number).copied()
    }

    /// The files that the program writes, as far as its flags and operands
    /// name them.
    pub(crate) fn written_by(&self, name: &str) -> Vec<Field> {
        let program = self.program;
        let mut written = Vec::new();
        if name == "rsync" && self.has_flag("-n|--dry-run") {
            return written;
        }
        if program.writes_with.is_none_or(|flags| self.has_flag(flags)) {
            match program.writes {
                Writes::None => {}
                Writes::All => written.extend(self.operands().cloned()),
                Writes::Last if self.operands.len() > 1 => {
                    written.extend(self.operands().last().cloned());
                }
                Writes::Last => {}
            }
        }
        let span = self.all.first().map(|field| field.span).unwrap_or_default();
        let file = |text: &str| Field::new(text.to_owned(), Sources::NONE, span);
        // As nearly every program calls it. Else `--output json` would be one.
        let outputs = self.flags.iter().filter_map(|flag| match flag.name {
            Name::Word(name) if names_an_output(name) => flag.value,
            _ => None,
        });
        written.extend(
            outputs
                .filter(|value| value.contains(['/', HOME]))
                .map(file),
        );
        // What follows is the command line of another program.
        let own = match self.operands.first() {
            Some(first) if program.runs_after.is_some() && program.runs_in.is_empty() => {
                &self.all[..=*first]
            }
            _ => self.all,
        };
        written.extend(outputs_elsewhere(name, own));
        written.extend(archive(name, self));
        if program.write_flags.is_empty() {
            return written;
        }
        let files = self
            .values_of(program.write_flags)
            .filter(|file| !file.starts_with(['|', '!']));
        written.extend(files.map(file));
        for prefix in program
            .write_flags
            .iter()
            .filter(|flag| flag.ends_with('='))
        {
            let operands = self.operands();
            written.extend(
                operands
                    .filter_map(|operand| operand.text.strip_prefix(prefix))
                    .map(file),
            );
        }
        written
    }

    /// Whether the first operands are these words, in which `*` stands for
    /// any text.
    pub(crate) fn has_subcommand(&self, words: &str) -> bool {
        self.has_subcommand_of(&[words])
    }

    /// Whether the first operands are one of these rows of words.
    pub(crate) fn has_subcommand_of(&self, rows: &[&str]) -> bool {
        self.subcommand_of(rows).is_some()
    }

    /// The one of these rows of words that the first operands are.
    pub(crate) fn subcommand_of<'r>(&self, rows: &[&'r str]) -> Option<&'r str> {
        let mut operands = self.operands().map(|operand| operand.text.as_str());
        let first = operands.next()?;
        let begin = first.as_bytes().first();
        rows.iter().copied().find(|words| {
            // Rules list dozens; nearly all begin otherwise.
            if !words.starts_with('*') && words.as_bytes().first() != begin {
                return false;
            }
            let mut operands = operands.clone();
            let mut words = words.split(' ');
            words
                .next()
                .is_some_and(|word| crate::text::matches(word, first))
                && words.all(|word| {
                    operands
                        .next()
                        .is_some_and(|operand| crate::text::matches(word, operand))
                })
        })
    }

    /// Whether one of the spellings of a flag, separated by `|`, is there.
    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        !self.flags.is_empty()
            && spellings(flag).any(|(name, value)| self.has_spelling(name, value))
    }

    /// Whether an argument is a shortened form of a long flag, with its value if that
    /// has one: `--prun=now` of `--prune=now`.
    pub(crate) fn is_short_for(&self, argument: &str, flag: &str) -> bool {
        if !self.program.gnu || !argument.starts_with("--") {
            return false;
        }
        let whole = |text: &'_ str| -> (usize, bool) {
            (text.find('=').unwrap_or(text.len()), text.contains('='))
        };
        let ((name, given), (full, wanted)) = (whole(argument), whole(flag));
        given == wanted
            && shortens(&argument[..name], &flag[..full])
            && crate::text::matches_any_case(&flag[full..], &argument[name..])
    }

    /// As [`Self::has_flag`], for spellings that are taken apart already.
    pub(crate) fn has_one_of(&self, spellings: &[Spelling]) -> bool {
        !self.flags.is_empty()
            && spellings
                .iter()
                .any(|spelling| self.has_spelling(spelling.name, spelling.value))
    }

    fn has_spelling(&self, name: &str, value: Option<&str>) -> bool {
        self.flags.iter().any(|flag| {
            self.is_flag(flag, name)
                && match value {
                    None => !self.is_switched_off(flag),
                    Some(pattern) => flag
                        .value
                        .is_some_and(|value| crate::text::matches(pattern, value)),
                }
        })
    }

    /// `--dry-run=false`: the flag is there to say that it does not hold.
    fn is_switched_off(&self, flag: &Flag<'_>) -> bool {
        let Name::Word(name) = flag.name else {
            return false;
        };
        match flag.value {
            Some("false" | "no" | "off" | "0") => !self.program.value_flags.contains(&name),
            // As kubectl writes it.
            Some("none") => name == "--dry-run",
            _ => false,
        }
    }

    /// The values given to any of these flags.
    pub(crate) fn values_of<'b>(&'b self, names: &'b [&str]) -> impl Iterator<Item = &'a str> + 'b {
        self.flags
            .iter()
            .filter(move |flag| names.iter().any(|name| self.is_flag(flag, name)))
            .filter_map(|flag| flag.value)
    }

    fn is_flag(&self, flag: &Flag<'_>, name: &str) -> bool {
        match flag.name {
            Name::Letter(letter) => {
                name.len() == 1 + letter.len_utf8()
                    && name.starts_with('-')
                    && name.ends_with(letter)
            }
            Name::Word(word) => {
                word == name
                    // GNU getopt takes `--rec` for `--recursive`.
                    || self.program.gnu && shortens(word, name)
            }
        }
    }
}

/// Whether a word is no flag: `-` alone is a file, `- CMD` a line for zsh.
fn is_operand(text: &str) -> bool {
    text.len() < 2 || !text.starts_with('-') || text.starts_with("- ")
}

/// Whether GNU getopt, or git, takes a word for that longer flag. A word that is a flag
/// itself, as `--force` beside `--force-with-lease`, stands for nothing else.
fn shortens(word: &str, flag: &str) -> bool {
    word.len() >= 4
        && word.len() < flag.len()
        && word.starts_with("--")
        && flag.starts_with(word)
        && !(flag.as_bytes()[word.len()] == b'-' && crate::rules::is_long_flag(word))
}
