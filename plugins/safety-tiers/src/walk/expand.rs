//! Words to fields: what an argument will be, as far as can be told.

use super::{Context, Field, MAX_VALUE_BYTES, Walk};
use crate::place::Places;
use crate::rules::Sources;
use crate::syntax::{Command, Operation, Parameter, Piece, Script, Word};
use crate::text::{self, ANY_ONE, EMPTY, HOME, SOMETHING, STAR, UNKNOWN};
use crate::verdict::{Span, Tier};

/// Alternatives that one word with braces may become.
const MAX_ALTERNATIVES: usize = 64;

/// A piece of a word whose value has been found.
struct Part {
    text: String,
    kind: PartKind,
    from: Sources,
}

impl Part {
    fn has_braces(&self) -> bool {
        self.kind == PartKind::Bare && self.text.contains('{')
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// Typed without quotes: braces and globs count.
    Bare,
    /// Taken as it is.
    Quoted,
    /// The value of something without quotes: split into words.
    Split,
}

impl Walk<'_> {
    /// The arguments that a word becomes.
    pub(super) fn fields(&mut self, word: &Word, context: &Context) -> Vec<Field> {
        let mut fields = Vec::new();
        self.expand(word, context, &mut fields);
        fields
    }

    /// Adds the arguments that a word becomes; judges the substitutions in it.
    pub(super) fn expand(&mut self, word: &Word, context: &Context, fields: &mut Vec<Field>) {
        // By far the most words are plain text.
        if let Some(text) = word.bare()
            && !text.contains(['{', '*', '?', '['])
        {
            fields.push(super::field(text, word.span));
            return;
        }
        let parts = self.parts(&word.pieces, context);
        let from = parts
            .iter()
            .fold(Sources::NONE, |from, part| from.and(part.from));
        let length: usize = parts.iter().map(|part| part.text.len()).sum();
        if length > MAX_VALUE_BYTES && parts.iter().any(Part::has_braces) {
            fields.push(Field::new(UNKNOWN.to_string(), from, word.span));
            return;
        }
        let separators = self.variable("IFS").filter(|ifs| !ifs.contains(UNKNOWN));
        let separators = separators.as_deref().unwrap_or(" \t\n");

        for alternative in alternatives(&parts) {
            for text in assemble(&alternative, separators) {
                fields.push(Field::new(text, from, word.span));
            }
        }
    }

    /// The value that an assignment gives: nothing is split or matched.
    pub(super) fn value(&mut self, pieces: &[Piece], context: &Context) -> String {
        self.sourced_value(pieces, context).0
    }

    /// The value that an assignment gives, and what it may hold.
    pub(super) fn sourced_value(
        &mut self,
        pieces: &[Piece],
        context: &Context,
    ) -> (String, Sources) {
        let parts = self.parts(pieces, context);
        let from = parts
            .iter()
            .fold(Sources::NONE, |from, part| from.and(part.from));
        let length: usize = parts.iter().map(|part| part.text.len()).sum();
        if length > MAX_VALUE_BYTES && parts.len() > 1 {
            return (UNKNOWN.to_string(), from);
        }
        (parts.into_iter().map(|part| part.text).collect(), from)
    }

    fn parts(&mut self, pieces: &[Piece], context: &Context) -> Vec<Part> {
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let (text, kind, from) = match piece {
                Piece::Text(text) => (text.clone(), PartKind::Bare, Sources::NONE),
                Piece::Quoted(text) => (text.clone(), PartKind::Quoted, Sources::NONE),
                Piece::Tilde(user) => (self.tilde(user), PartKind::Quoted, Sources::NONE),
                Piece::Parameter(parameter) => {
                    self.parameter(parameter, context, &mut parts);
                    continue;
                }
                Piece::Substitution { script, quoted } => {
                    let (text, from) = self.substitution(script, context);
                    (
                        text,
                        if *quoted {
                            PartKind::Quoted
                        } else {
                            PartKind::Split
                        },
                        from,
                    )
                }
                Piece::Process { script, reads } => {
                    let (text, from) = self.substitution(script, context);
                    let path = match self.file_shown_by(script) {
                        Some(file) if !*reads => file,
                        _ => self.substituted_as(text, from),
                    };
                    if *reads {
                        self.reads_what_is_written(&path, script);
                    }
                    (path, PartKind::Quoted, from)
                }
                Piece::Arithmetic(pieces) => {
                    self.parts(pieces, context);
                    (SOMETHING.to_string(), PartKind::Quoted, Sources::NONE)
                }
            };
            parts.push(Part { text, kind, from });
        }
        parts
    }

    /// The file of the project that a script shows and nothing else: `<(cat FILE)`
    /// holds what the file does.
    fn file_shown_by(&self, script: &Script) -> Option<String> {
        let [pipeline] = script.pipelines.as_slice() else {
            return None;
        };
        let [Command::Simple(simple)] = pipeline.commands.as_slice() else {
            return None;
        };
        let words: Option<Vec<&str>> = simple.words.iter().map(Word::bare).collect();
        let words = words?;
        let (program, files) = words.split_first()?;
        let here = self.shell.here();
        let plain = *program == "cat"
            && simple.redirects.is_empty()
            && files.iter().all(|file| {
                !file.starts_with('-')
                    && !file.contains(['*', '?', '[', '{'])
                    && Places::INSIDE.meets(Places::of(file, here))
                    && self.text_of_file(file).is_none()
            });
        let first = files.first().filter(|_| plain)?;
        Some((*first).to_owned())
    }

    fn tilde(&self, user: &str) -> String {
        match user {
            "" => HOME.to_string(),
            "+" => self.working_directory(),
            "root" => "/root".to_owned(),
            user if user.starts_with(['-', '+']) => SOMETHING.to_string(),
            user => format!("/home/{user}"),
        }
    }

    fn substitution(&mut self, script: &Script, context: &Context) -> (String, Sources) {
        let before = self.shell.clone();
        let inner = Context {
            depth: context.depth + 1,
            hidden: true,
            ..Context::default()
        };
        let output = self.script(script, &inner);
        self.leave_subshell(before);
        // Names of files are known by what finds them: `sed -i … $(git ls-files)`.
        let text = output
            .text
            .or(output.names)
            .map_or_else(|| UNKNOWN.to_string(), |text| text.to_string());
        (text.trim_end_matches('\n').to_owned(), output.from)
    }

    fn parameter(&mut self, parameter: &Parameter, context: &Context, parts: &mut Vec<Part>) {
        // `"$@"` is as many arguments as there are.
        let kind = if parameter.quoted && parameter.name != "@" {
            PartKind::Quoted
        } else {
            PartKind::Split
        };
        let from = self.held_by(&parameter.name);
        let mut push = |text: String| parts.push(Part { text, kind, from });
        let value = self.variable(&parameter.name);
        match &parameter.operation {
            Operation::Plain => push(value.unwrap_or_else(|| UNKNOWN.to_string())),
            Operation::Required => {
                push(
                    value
                        .filter(|value| !value.is_empty())
                        .unwrap_or_else(|| SOMETHING.to_string()),
                );
            }
            Operation::Default(pieces) => match value.filter(|value| !value.is_empty()) {
                Some(value) => push(value),
                // Most likely it is not set: why else is there a default?
                None => parts.extend(self.parts(pieces, context)),
            },
            Operation::Alternative(pieces) => match value {
                Some(value) if value.is_empty() => {}
                _ => parts.extend(self.parts(pieces, context)),
            },
            Operation::Other(pieces) if is_whole_array(pieces) => {
                let text = value.unwrap_or_else(|| UNKNOWN.to_string());
                parts.push(Part {
                    text,
                    kind: PartKind::Split,
                    from,
                });
            }
            Operation::Other(pieces)
                if let Some(text) = substring(&parameter.name, value.as_deref(), pieces) =>
            {
                push(text);
            }
            Operation::Other(pieces) if parameter.name.is_empty() && begins_with_flags(pieces) => {
                let written = self.value(pieces, context);
                let (text, held) = self.by_flags(&written, context);
                let from = from.and(held);
                parts.push(Part { text, kind, from });
            }
            Operation::Other(pieces) if is_prompt_of(pieces) => {
                // `${NAME@P}` is shown as a prompt is: what is substituted in it runs.
                match value.filter(|value| text::is_known(value)) {
                    Some(value) => {
                        self.expanded_once_more(&value, Span::default(), context);
                        push(UNKNOWN.to_string());
                    }
                    None => {
                        self.note(
                            "core/unknown-script",
                            Tier::Review,
                            "Runs text that only the machine knows when the time comes.",
                            Span::default(),
                        );
                        parts.push(Part {
                            text: UNKNOWN.to_string(),
                            kind,
                            from,
                        });
                    }
                }
            }
            Operation::Other(pieces) => {
                self.parts(pieces, context);
                // A part of a relative path is one too.
                let relative = value.is_some_and(|value| {
                    !value.is_empty() && text::is_known(&value) && !value.contains(['/', HOME, '.'])
                        || value.starts_with(STAR)
                });
                push(if relative { STAR } else { UNKNOWN }.to_string());
            }
        }
    }
}

impl Walk<'_> {
    /// `${!NAME}`, `${(P)NAME}`: the variable that another one names; `${(e)NAME:-TEXT}`:
    /// what is substituted in the text once more.
    fn by_flags(&mut self, written: &str, context: &Context) -> (String, Sources) {
        let unknown = UNKNOWN.to_string();
        let (flags, rest) = match written.strip_prefix('(') {
            Some(rest) => rest.split_once(')').unwrap_or((rest, "")),
            None => ("P", written.trim_start_matches('!')),
        };
        let end = rest
            .bytes()
            .position(|it| !(it.is_ascii_alphanumeric() || it == b'_'));
        let (name, operation) = rest.split_at(end.unwrap_or(rest.len()));
        let value = self.variable(name).filter(|value| !value.is_empty());
        if flags.contains('e') {
            let default = operation.trim_start_matches(':').strip_prefix(['-', '=']);
            let text = value.or_else(|| default.map(str::to_owned));
            if let Some(text) = text.filter(|text| text::is_known(text)) {
                self.expanded_once_more(&text, Span::default(), context);
            }
            return (unknown, Sources::NONE);
        }
        match value.filter(|value| text::is_known(value) && operation.is_empty()) {
            Some(meant) if flags.contains('P') => {
                let from = self.held_by(&meant);
                (self.variable(&meant).unwrap_or(unknown), from)
            }
            _ => (unknown, Sources::NONE),
        }
    }

    /// What a variable holds, as far as this line or its name tells.
    fn held_by(&self, variable: &str) -> Sources {
        let mut from = self.shell.source_of(variable);
        if names_a_credential(variable) && self.variable(variable).is_none() {
            from = from.and(Sources::CREDENTIAL);
            if !variable.to_ascii_uppercase().contains("API") {
                from = from.and(Sources::PASSWORD);
            }
        }
        from
    }
}

/// `(flags)` and `!`, before the name of a variable.
fn begins_with_flags(pieces: &[Piece]) -> bool {
    matches!(pieces.first(), Some(Piece::Text(text) | Piece::Quoted(text)) if text.starts_with(['(', '!']))
        && !matches!(pieces.first(), Some(Piece::Text(text) | Piece::Quoted(text)) if text.ends_with(['*', '@', ']']))
}

/// `${NAME:offset:length}` of a value that is known; of a path that only the
/// machine knows the first character is.
fn substring(name: &str, value: Option<&str>, pieces: &[Piece]) -> Option<String> {
    let [Piece::Text(text) | Piece::Quoted(text)] = pieces else {
        return None;
    };
    let known = || value.filter(|value| text::is_known(value) && !value.contains(HOME));
    // `${NAME%??}`
    for mark in ['%', '#'] {
        let taken = text.trim_start_matches(mark);
        if taken.len() < text.len() && !taken.is_empty() && taken.bytes().all(|byte| byte == b'?') {
            let value = known()?;
            let left = value.chars().count().checked_sub(taken.len())?;
            let skipped = if mark == '#' { taken.len() } else { 0 };
            return Some(value.chars().skip(skipped).take(left).collect());
        }
    }
    let mut numbers = text.strip_prefix(':')?.splitn(2, ':').map(str::trim);
    let offset: usize = numbers.next()?.parse().ok()?;
    let length: usize = numbers
        .next()
        .map_or(Some(usize::MAX), |n| n.parse().ok())?;
    if matches!(name, "PATH" | "HOME" | "PWD" | "SHELL") && offset == 0 && length == 1 {
        return Some("/".to_owned());
    }
    let value = known()?;
    Some(value.chars().skip(offset).take(length).collect())
}

/// `@P`, perhaps after others.
fn is_prompt_of(pieces: &[Piece]) -> bool {
    matches!(pieces, [Piece::Text(text) | Piece::Quoted(text)] if text.ends_with("@P"))
}

/// `[@]` and `[*]`.
fn is_whole_array(pieces: &[Piece]) -> bool {
    matches!(pieces, [Piece::Text(text) | Piece::Quoted(text)] if text == "[@]" || text == "[*]")
}

/// Whether a variable by its name holds a token or a password.
fn names_a_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
    ]
    .iter()
    .any(|word| upper.contains(word))
        && !upper.ends_with("_FILE")
        && !upper.ends_with("_PATH")
        && !upper.ends_with("_ID")
}

/// Expands the braces of a word: `a{b,c}d` is `abd` and `acd`.
fn alternatives(parts: &[Part]) -> Vec<Vec<(char, PartKind)>> {
    let mut characters: Vec<(char, PartKind)> = Vec::new();
    for part in parts {
        if part.text.is_empty() && part.kind == PartKind::Quoted {
            // Keeps `""` an argument of its own.
            characters.push((EMPTY, PartKind::Quoted));
        }
        characters.extend(part.text.chars().map(|character| (character, part.kind)));
    }
    if !parts.iter().any(Part::has_braces) {
        return vec![characters];
    }
    let mut done = Vec::new();
    let mut open = vec![characters];
    while let Some(word) = open.pop() {
        match first_braces(&word) {
            Some((start, commas, end))
                if done.len() + open.len() + commas.len() < MAX_ALTERNATIVES =>
            {
                let mut from = start + 1;
                let mut made = Vec::new();
                for to in commas.into_iter().chain([end]) {
                    let middle = &word[from..to];
                    made.push([&word[..start], middle, &word[end + 1..]].concat());
                    from = to + 1;
                }
                // The last in is taken out first: keep the order of the words.
                open.extend(made.into_iter().rev());
            }
            _ => done.push(word),
        }
    }
    done
}

/// The first pair of unquoted braces with a comma in it: where it opens, its
/// commas, where it closes.
fn first_braces(word: &[(char, PartKind)]) -> Option<(usize, Vec<usize>, usize)> {
    let mut levels: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut first: Option<(usize, Vec<usize>, usize)> = None;
    for (index, character) in word.iter().enumerate() {
        match character {
            ('{', PartKind::Bare) if levels.len() < 32 => levels.push((index, Vec::new())),
            (',', PartKind::Bare) => {
                if let Some((_, commas)) = levels.last_mut() {
                    commas.push(index);
                }
            }
            ('}', PartKind::Bare) => {
                if let Some((start, commas)) = levels.pop()
                    && !commas.is_empty()
                    && first.as_ref().is_none_or(|(earlier, ..)| start < *earlier)
                {
                    first = Some((start, commas, index));
                    if levels.is_empty() {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    first
}

/// Splits what is to be split and marks the globs.
fn assemble(characters: &[(char, PartKind)], separators: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut current: Option<String> = None;
    let mut index = 0;
    while let Some(&(character, kind)) = characters.get(index) {
        let here = index;
        index += 1;
        if kind == PartKind::Split && separators.contains(character) {
            fields.extend(current.take());
            continue;
        }
        let field = current.get_or_insert_default();
        if character == EMPTY {
            continue;
        }
        let next = characters.get(index).map(|(next, _)| *next);
        field.push(match character {
            _ if kind == PartKind::Quoted => character,
            '*' => STAR,
            '?' => ANY_ONE,
            '[' if let Some(length) = set_length(&characters[here..]) => {
                index = here + length;
                ANY_ONE
            }
            '~' if field.is_empty()
                && kind == PartKind::Bare
                && matches!(next, None | Some('/')) =>
            {
                HOME
            }
            character => character,
        });
    }
    fields.extend(current);
    fields
}

/// The length of the set of characters (`[…]`) that starts here, if one does.
fn set_length(characters: &[(char, PartKind)]) -> Option<usize> {
    let close = characters
        .iter()
        .take(64)
        .skip(2)
        .position(|(character, _)| *character == ']')?;
    Some(close + 3)
}
