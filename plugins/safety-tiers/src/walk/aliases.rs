//! Names that stand for other text: what `alias` defines.

use std::rc::Rc;

use super::{Context, Field, MAX_VALUE_BYTES, Walk};
use crate::text::UNKNOWN;
use crate::verdict::Span;

/// Global aliases within global aliases that are followed.
const MAX_ROUNDS: usize = 4;

/// Where the text of an alias is put in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// For a command.
    ForCommand,
    /// Wherever its name is a word: zsh's `alias -g`.
    Anywhere,
    /// Before a file whose name ends so: zsh's `alias -s`.
    BeforeFile,
}

impl Stands {
    fn told_by(fields: &[Field]) -> Self {
        let has = |flag: char| {
            let flags = fields.iter().map(|field| field.text.as_str());
            flags
                .filter(|text| text.starts_with(['-', '+']) && !text.contains('='))
                .any(|flags| flags.contains(flag))
        };
        match (has('g'), has('s')) {
            (true, _) => Self::Anywhere,
            (_, true) => Self::BeforeFile,
            _ => Self::ForCommand,
        }
    }
}

impl Walk<'_> {
    /// Judges what aliases stand for, when they are defined.
    pub(super) fn aliases(&mut self, fields: &[Field], span: Span, context: &Context) {
        let stands = Stands::told_by(fields);
        for (_, text) in defined(fields) {
            let line = match stands {
                Stands::ForCommand => text.to_owned(),
                Stands::Anywhere => format!("true {text}"),
                Stands::BeforeFile => format!("{text} {UNKNOWN}"),
            };
            self.line(&line, span, context);
        }
    }

    /// Remembers aliases.
    pub(super) fn note_aliases(&mut self, fields: &[Field]) {
        let stands = Stands::told_by(fields);
        for (alias, text) in defined(fields) {
            if stands == Stands::BeforeFile {
                continue;
            }
            self.shell.add_alias(alias, text);
            let global = Rc::make_mut(&mut self.shell.global_aliases);
            global.retain(|known| known != alias);
            if stands == Stands::Anywhere && global.len() < self.shell.aliases.len() {
                global.push(alias.to_owned());
            }
        }
    }

    /// A line with the text of the global aliases that stand in it, if any do.
    pub(super) fn with_global_aliases(&self, line: &str) -> Option<String> {
        let mut text = self.one_round_of_global_aliases(line)?;
        for _ in 1..MAX_ROUNDS {
            match self.one_round_of_global_aliases(&text) {
                Some(next) if next.len() <= MAX_VALUE_BYTES => text = next,
                _ => break,
            }
        }
        Some(text)
    }

    fn one_round_of_global_aliases(&self, line: &str) -> Option<String> {
        if self.shell.global_aliases.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(line.len());
        let mut found = false;
        for word in words(line) {
            let alias = (self.shell.global_aliases.iter())
                .find(|alias| *alias == word)
                .and_then(|alias| self.shell.aliases.iter().find(|(known, _)| known == alias));
            found |= alias.is_some();
            text.push_str(alias.map_or(word, |(_, stands_for)| stands_for));
        }
        found.then_some(text)
    }
}

/// The aliases that a command line defines, each with what it stands for.
fn defined(fields: &[Field]) -> impl Iterator<Item = (&str, &str)> {
    fields.iter().filter_map(|field| field.text.split_once('='))
}

/// A line cut into words, with their quotes, and what stands between them.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut begin = 0;
    let mut quote = None;
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('\''), _) => {}
            (_, '\\') => _ = characters.next(),
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, ';' | '&' | '|' | '(' | ')' | '<' | '>' | ' ' | '\t' | '\n') => {
                words.push(&line[begin..at]);
                begin = at + 1;
                words.push(&line[at..begin]);
            }
            _ => {}
        }
    }
    words.push(&line[begin..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_words_end_and_nothing_is_lost() {
        let line = "a 'b c'|d\\ e;\"f 'g\"\nh";
        assert_eq!(words(line).concat(), line);
        let told: Vec<&str> = words(line).into_iter().filter(|it| it.len() > 1).collect();
        assert_eq!(told, ["'b c'", "d\\ e", "\"f 'g\""]);
    }
}
