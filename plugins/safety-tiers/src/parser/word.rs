//! Words: quoting, parameters, substitutions.

use std::rc::Rc;

use super::{Dialect, Origin, Parser, ProblemKind, is_metacharacter};
use crate::syntax::{Operation, Parameter, Piece, Word};
use crate::text;
use crate::verdict::Span;

/// Where pieces are being read, which decides what ends them and what is
/// special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An ordinary word.
    Bare,
    /// Between double quotes.
    DoubleQuotes,
    /// After the operator of `${NAME…}`.
    Braces { quoted: bool },
    /// A here-document or an arithmetic expression: up to this offset.
    Until(usize),
}

impl Place {
    fn quoted(self) -> bool {
        match self {
            Self::Bare => false,
            Self::DoubleQuotes | Self::Until(_) => true,
            Self::Braces { quoted } => quoted,
        }
    }
}

/// Whether a bracket that follows this unquoted text belongs to a pattern:
/// `@(`, and in zsh what comes after a pattern as well.
fn opens_a_pattern(run: &str) -> bool {
    run.ends_with(['?', '*', '+', '@', '!', '^', ']']) || run.contains('*')
}

/// What zsh runs for each name that matches: `*(e:'test -s $REPLY':)`.
fn code_of_a_qualifier(inside: &str) -> Option<&str> {
    let (before, rest) = inside.split_once('e')?;
    let plain = before
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'@' | b'^'));
    let delimiter = rest
        .chars()
        .next()
        .filter(|next| plain && next.is_ascii_punctuation())?;
    let code = &rest[1..];
    let closing = match delimiter {
        '{' => '}',
        '[' => ']',
        '<' => '>',
        '(' => ')',
        same => same,
    };
    code.rfind(closing).map(|end| &code[..end])
}

/// The text of a word with its quotes removed and nothing expanded, as for the
/// delimiter of a here-document.
pub(super) fn unquoted(word: &Word) -> String {
    word.pieces.iter().map(piece_text).collect()
}

fn piece_text(piece: &Piece) -> &str {
    match piece {
        Piece::Text(text) | Piece::Quoted(text) => text.as_str(),
        Piece::Tilde(_) => "~",
        _ => "",
    }
}

impl Parser<'_> {
    /// The word that starts here, if one does.
    pub(super) fn word(&mut self) -> Option<Word> {
        let start = self.position;
        self.make_node();
        let mut pieces = Vec::new();
        self.tilde(&mut pieces);
        self.pieces(Place::Bare, &mut pieces);
        if self.position == start {
            return None;
        }
        Some(Word {
            pieces,
            span: self.span_from(start),
        })
    }

    /// The value of an assignment, which may be empty.
    pub(super) fn word_after_assignment(&mut self) -> Word {
        let start = self.position;
        self.word().unwrap_or_else(|| Word {
            pieces: Vec::new(),
            span: self.span_from(start),
        })
    }

    /// The pieces of a here-document whose delimiter was not quoted.
    pub(super) fn here_document_pieces(&mut self, body: &str, span: Span) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.apart(body, span, |inner| {
            inner.nested(|parser| parser.pieces(Place::Until(body.len()), &mut pieces));
        });
        pieces
    }

    /// The inside of an arithmetic expression that ends with `))` at `close`.
    pub(super) fn arithmetic(&mut self, close: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.nested(|parser| parser.pieces(Place::Until(close), &mut pieces));
        // A substitution may have swallowed the brackets.
        self.position = self.position.max((close + 2).min(self.text.len()));
        while !self.text.is_char_boundary(self.position) {
            self.position += 1;
        }
        pieces
    }

    /// Finds the `))` that closes an arithmetic expression, if it is one.
    pub(super) fn arithmetic_end(&mut self, from: usize) -> Option<usize> {
        let mut open = 0_u32;
        for (offset, byte) in self.text.bytes().enumerate().skip(from) {
            self.lookahead = self.lookahead.checked_sub(1)?;
            match byte {
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => {
                    return self.text[offset..].starts_with("))").then_some(offset);
                }
                _ => {}
            }
        }
        None
    }

    fn tilde(&mut self, pieces: &mut Vec<Piece>) {
        if self.peek() != Some(b'~') {
            return;
        }
        let rest = &self.rest()[1..];
        let end = rest
            .bytes()
            .position(|byte| {
                !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.'))
            })
            .unwrap_or(rest.len());
        let ends_here = rest[end..].chars().next().is_none_or(|next| {
            matches!(next, '/' | ':' | '}' | ',') || u8::try_from(next).is_ok_and(is_metacharacter)
        });
        if ends_here {
            self.position += 1 + end;
            pieces.push(Piece::Tilde(rest[..end].to_owned()));
        }
    }

    fn pieces(&mut self, place: Place, pieces: &mut Vec<Piece>) {
        let mut run = String::new();
        while let Some(byte) = self.peek() {
            if run.is_empty() {
                self.make_node();
                if self.nodes_left == 0 {
                    break;
                }
            }
            match place {
                Place::Bare if is_metacharacter(byte) => {
                    if matches!(byte, b'<' | b'>') && self.peek_at(1) == Some(b'(') {
                        flush(&mut run, false, pieces);
                        self.position += 2;
                        let script = Rc::new(self.parenthesised("<("));
                        let reads = byte == b'>';
                        pieces.push(Piece::Process { script, reads });
                        continue;
                    }
                    if byte == b'(' && self.dialect == Dialect::Fish {
                        flush(&mut run, false, pieces);
                        self.position += 1;
                        let script = self.parenthesised("(");
                        pieces.push(Piece::Substitution {
                            script,
                            quoted: false,
                        });
                        continue;
                    }
                    let after_pattern = run.is_empty() && self.follows_pattern(pieces);
                    if byte == b'(' && (after_pattern || opens_a_pattern(&run)) {
                        self.extended_glob(&mut run, pieces);
                        continue;
                    }
                    break;
                }
                Place::DoubleQuotes if byte == b'"' => break,
                Place::Braces { .. } if byte == b'}' => break,
                Place::Until(end) if self.position >= end => break,
                _ => {}
            }
            match byte {
                b'\\' => self.backslash(place, &mut run, pieces),
                b'\'' if matches!(place, Place::Bare | Place::Braces { quoted: false }) => {
                    flush(&mut run, false, pieces);
                    self.single_quotes(pieces);
                }
                b'"' if !matches!(place, Place::DoubleQuotes | Place::Until(_)) => {
                    flush(&mut run, place.quoted(), pieces);
                    self.double_quotes(pieces);
                }
                b'`' => {
                    flush(&mut run, place.quoted(), pieces);
                    self.backquotes(place, pieces);
                }
                b'$' => self.dollar(place, &mut run, pieces),
                b'!' => {
                    self.history(place);
                    run.push('!');
                    self.position += 1;
                }
                _ => {
                    let character = self.rest().chars().next().unwrap_or_default();
                    run.push(text::unmarked(character, self.origin));
                    self.position += character.len_utf8();
                    // `PATH=a:~/b` and `--file=~/b` (the latter in some shells).
                    if place == Place::Bare
                        && matches!(character, '=' | ':')
                        && self.peek() == Some(b'~')
                    {
                        flush(&mut run, false, pieces);
                        self.tilde(pieces);
                    }
                }
            }
        }
        flush(&mut run, place.quoted(), pieces);
    }

    /// Whether the bracket of a pattern was closed just here: `^(a|b)(/)`.
    fn follows_pattern(&self, pieces: &[Piece]) -> bool {
        self.text[..self.position].ends_with(')')
            && pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Text(text) if text.ends_with('*')))
    }

    fn backslash(&mut self, place: Place, run: &mut String, pieces: &mut Vec<Piece>) {
        let start = self.position;
        self.position += 1;
        let Some(next) = self.rest().chars().next() else {
            run.push('\\');
            return;
        };
        self.position += next.len_utf8();
        let escapes = match place {
            Place::Bare | Place::Braces { quoted: false } => true,
            Place::DoubleQuotes | Place::Braces { quoted: true } => {
                matches!(next, '$' | '`' | '"' | '\\' | '\n' | '}')
            }
            Place::Until(_) => matches!(next, '$' | '`' | '\\' | '\n'),
        };
        if !escapes {
            // The backslash is a character like any other.
            self.position = start + 1;
            run.push('\\');
        } else if next != '\n' {
            flush(run, place.quoted(), pieces);
            pieces.push(Piece::Quoted(text::unmarked(next, self.origin).to_string()));
        }
    }

    fn single_quotes(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.position;
        self.position += 1;
        let rest = self.rest();
        let length = match self.dialect {
            Dialect::Posix => rest.find('\'').unwrap_or(rest.len()),
            // fish lets `\'` and `\\` stand between them.
            Dialect::Fish => text::end_of_quote(rest),
        };
        let mut inner: String = rest[..length]
            .chars()
            .map(|c| text::unmarked(c, self.origin))
            .collect();
        if self.dialect == Dialect::Fish {
            inner = inner.replace("\\'", "'").replace("\\\\", "\\");
        }
        self.position += length;
        self.close("'", "'", start);
        pieces.push(Piece::Quoted(inner));
    }

    fn double_quotes(&mut self, pieces: &mut Vec<Piece>) {
        let start = self.position;
        self.position += 1;
        let before = pieces.len();
        self.nested(|parser| parser.pieces(Place::DoubleQuotes, pieces));
        if pieces.len() == before {
            // `""` is an argument, if an empty one.
            pieces.push(Piece::Quoted(String::new()));
        }
        self.close("\"", "\"", start);
    }

    fn backquotes(&mut self, place: Place, pieces: &mut Vec<Piece>) {
        let start = self.position;
        self.position += 1;
        let mut inner = String::new();
        while let Some(character) = self.rest().chars().next() {
            if character == '`' {
                break;
            }
            self.position += character.len_utf8();
            if character == '\\'
                && let Some(escaped @ ('`' | '\\' | '$')) = self.rest().chars().next()
            {
                inner.push(escaped);
                self.position += 1;
            } else {
                inner.push(character);
            }
        }
        self.close("`", "`", start);
        let span = self.span_from(start);
        let script = self.nested(|parser| {
            parser.apart(&inner, span, |inner| {
                let script = inner.list(super::End::Text);
                inner.here_document_bodies();
                script
            })
        });
        pieces.push(Piece::Substitution {
            script,
            quoted: place.quoted(),
        });
    }

    /// A substitution as fish writes it.
    pub(super) fn bracketed(&mut self) -> Word {
        let start = self.position;
        self.position += 1;
        let script = self.parenthesised("(");
        let quoted = false;
        Word {
            pieces: vec![Piece::Substitution { script, quoted }],
            span: self.span_from(start),
        }
    }

    fn parenthesised(&mut self, opening: &'static str) -> crate::syntax::Script {
        let start = self.position;
        let script = self.nested(|parser| parser.list(super::End::Parenthesis));
        self.close(")", opening, start);
        script
    }

    /// `@(a|b)`, zsh's `^(a|b)` and `*.c(.N)`, and the like: matches names that
    /// only the file system knows.
    fn extended_glob(&mut self, run: &mut String, pieces: &mut Vec<Piece>) {
        self.position += 1;
        run.push('*');
        flush(run, false, pieces);
        let start = self.position;
        let first = pieces.len();
        loop {
            let before = self.position;
            self.nested(|parser| parser.pieces(Place::Bare, pieces));
            match self.peek() {
                None | Some(b')') => break,
                Some(_) if self.position == before => {
                    // In a pattern there are no blanks: fish would run it.
                    if self.peek() == Some(b' ') {
                        self.problem(ProblemKind::Unexpected, before);
                    }
                    self.skip_character();
                }
                Some(_) => {}
            }
        }
        self.close(")", "(", start);
        let inside: String = pieces[first..].iter().map(piece_text).collect();
        if let Some(code) = code_of_a_qualifier(&inside) {
            let span = self.span_from(start);
            let script = self
                .nested(|parser| parser.apart(code, span, |inner| inner.list(super::End::Text)));
            pieces.push(Piece::Substitution {
                script,
                quoted: true,
            });
        }
    }

    fn dollar(&mut self, place: Place, run: &mut String, pieces: &mut Vec<Piece>) {
        let quoted = place.quoted();
        let start = self.position;
        let Some(next) = self.peek_at(1) else {
            self.position += 1;
            run.push('$');
            return;
        };
        match next {
            b'(' => {
                flush(run, quoted, pieces);
                self.position += 2;
                if self.peek() == Some(b'(')
                    && let Some(close) = self.arithmetic_end(self.position + 1)
                {
                    self.position += 1;
                    let inner = self.arithmetic(close);
                    pieces.push(Piece::Arithmetic(inner));
                    return;
                }
                let script = self.parenthesised("$(");
                pieces.push(Piece::Substitution { script, quoted });
            }
            b'{' => {
                flush(run, quoted, pieces);
                self.position += 2;
                let parameter = self.braces(quoted, start);
                pieces.push(Piece::Parameter(parameter));
            }
            b'\'' if !quoted => {
                flush(run, quoted, pieces);
                self.position += 2;
                let rest = self.rest();
                let (text, length) = text::ansi_c(rest);
                self.position += length;
                self.close("'", "$'", start);
                pieces.push(Piece::Quoted(text));
            }
            b'"' if !quoted => {
                flush(run, quoted, pieces);
                self.position += 1;
                self.double_quotes(pieces);
            }
            _ => {
                let rest = &self.rest()[1..];
                let length = name_length(rest);
                if length == 0 {
                    self.position += 1;
                    run.push('$');
                    return;
                }
                flush(run, quoted, pieces);
                self.position += 1 + length;
                let name = rest[..length].to_owned();
                pieces.push(Piece::Parameter(Parameter {
                    name,
                    operation: Operation::Plain,
                    quoted,
                }));
            }
        }
    }

    /// After `${`.
    fn braces(&mut self, quoted: bool, start: usize) -> Parameter {
        // `${#name}`, `${!name}` and zsh's flags give something else than the
        // variable's own text.
        let length = name_length(self.rest());
        let prefixed = matches!(self.peek(), Some(b'#' | b'!' | b'('))
            && !matches!(self.peek_at(1), Some(b'}' | b':' | b'-' | b'+' | b'?'));
        let length = if prefixed { 0 } else { length };
        let name = self.rest()[..length].to_owned();
        self.position += length;
        let operator = self.rest().trim_start_matches(':').chars().next();
        let colon = usize::from(self.peek() == Some(b':'));
        let operation: fn(Vec<Piece>) -> Operation = match operator {
            Some('}') if colon == 0 => |_| Operation::Plain,
            Some('-' | '=') => Operation::Default,
            Some('+') => Operation::Alternative,
            Some('?') => |_| Operation::Required,
            _ => Operation::Other,
        };
        if matches!(operator, Some('-' | '=' | '+' | '?')) {
            self.position += colon + 1;
        }
        let mut pieces = Vec::new();
        self.nested(|parser| {
            if !quoted {
                parser.tilde(&mut pieces);
            }
            parser.pieces(Place::Braces { quoted }, &mut pieces);
        });
        self.close("}", "${", start);
        Parameter {
            name,
            operation: operation(pieces),
            quoted,
        }
    }

    /// Notes what an interactive shell would replace from its history.
    fn history(&mut self, place: Place) {
        if matches!(self.origin, Origin::Within(_)) || matches!(place, Place::Until(_)) {
            return;
        }
        let expands = self.peek_at(1).is_some_and(|next| {
            next.is_ascii_alphanumeric()
                || matches!(next, b'!' | b'$' | b'*' | b'^' | b'-' | b'?' | b'#')
        });
        let brackets = self.text.as_bytes()[..self.position].ends_with(b"[");
        let parameter = self.text.as_bytes()[..self.position].ends_with(b"{");
        if expands && !brackets && !parameter {
            self.problem(ProblemKind::History, self.position);
        }
    }
}

/// How much of `text` names a parameter: `name`, one digit, or a special one.
fn name_length(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0'..=b'9') => 1,
        Some(_) => text
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or(text.len()),
        None => 0,
    }
}

fn flush(run: &mut String, quoted: bool, pieces: &mut Vec<Piece>) {
    if !run.is_empty() {
        let text = std::mem::take(run);
        pieces.push(if quoted {
            Piece::Quoted(text)
        } else {
            Piece::Text(text)
        });
    }
}
