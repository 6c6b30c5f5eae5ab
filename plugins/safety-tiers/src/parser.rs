//! From text to [`Script`], in one pass and without ever giving up.
//!
//! Written for a gate, which sets it apart from a shell's own parser: it
//! goes on after an error (and reports it), so that what follows a stray quote
//! is judged too; it does a bounded amount of work on any input; where a
//! construct could be read in two ways it takes the one that runs more. The
//! tests hold it against `brush-parser`, which is too large, too slow on
//! hostile input and too dependent on JavaScript to live in the component.
//!
//! Words are in `parser/word.rs`.

mod word;

use std::cell::OnceCell;
use std::rc::Rc;

use crate::syntax::{
    Assignment, Command, Compound, Function, Pipeline, Redirect, RedirectKind, Script, Simple, Word,
};
use crate::verdict::Span;

/// Constructs within constructs; a person's line has fewer than ten.
const MAX_DEPTH: u32 = 32;

/// Why a script cannot be trusted to have been understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A quote, bracket or here-document that is never closed.
    Unterminated(&'static str),
    /// Something where the grammar has no place for it.
    Unexpected,
    /// More nesting than is followed.
    TooDeep,
    /// `!word`, which an interactive shell replaces from its history.
    History,
}

/// A script and what was wrong with it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) script: Script,
    pub(crate) problems: Vec<Problem>,
}

/// Where the text comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// The command line itself: spans are offsets into it.
    CommandLine,
    /// Text that a piece of the command line holds or makes, such as the
    /// argument of `sh -c`: everything in it has the span of that piece.
    Within(Span),
}

/// Parses `text`. `depth` counts the scripts that this one is nested in.
pub(crate) fn parse(text: &str, origin: Origin, depth: u32) -> Parsed {
    let mut parser = Parser {
        text,
        position: 0,
        origin,
        depth,
        lookahead: text.len() * 4 + 1024,
        problems: Vec::new(),
        here_documents: Vec::new(),
    };
    let script = parser.list(End::Text);
    parser.here_document_bodies();
    Parsed {
        script,
        problems: parser.problems,
    }
}

/// What ends a list of commands.
#[derive(Debug, Clone, Copy)]
enum End {
    Text,
    Parenthesis,
    /// One of these reserved words.
    Words(&'static [&'static str]),
    /// `;;` and its kin, or `esac`.
    CaseItem,
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    origin: Origin,
    depth: u32,
    /// Bytes that may still be looked at twice.
    lookahead: usize,
    problems: Vec<Problem>,
    /// Those whose operator was read but whose line has not ended yet.
    here_documents: Vec<PendingHereDocument>,
}

struct PendingHereDocument {
    delimiter: String,
    literal: bool,
    strip_tabs: bool,
    span: Span,
    body: Rc<OnceCell<Word>>,
}

const RESERVED: [&str; 11] = [
    "then", "else", "elif", "fi", "do", "done", "esac", "in", "}", "]]", "))",
];

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn at(&self, prefix: &str) -> bool {
        self.text.as_bytes()[self.position..].starts_with(prefix.as_bytes())
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.at(prefix);
        if found {
            self.position += prefix.len();
        }
        found
    }

    fn span_from(&self, start: usize) -> Span {
        match self.origin {
            Origin::CommandLine => Span {
                start,
                end: self.position,
            },
            Origin::Within(span) => span,
        }
    }

    fn problem(&mut self, kind: ProblemKind, start: usize) {
        let span = self.span_from(start);
        // A thousand stray brackets say no more than the first few.
        if self.problems.len() < 16 {
            self.problems.push(Problem { kind, span });
        }
    }

    /// Goes one level deeper, or stops parsing altogether.
    fn nested<T: Default>(&mut self, inside: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= MAX_DEPTH {
            let start = self.position;
            self.position = self.text.len();
            self.problem(ProblemKind::TooDeep, start);
            return T::default();
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    /// Spaces, tabs, line continuations and comments.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.position += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.position += 2,
                Some(b'#') => {
                    let line = self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
                    self.position += line;
                }
                _ => return,
            }
        }
    }

    /// Blanks and the ends of lines, where here-documents begin.
    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n' | b'\r') => {
                    self.position += 1;
                    self.here_document_bodies();
                }
                _ => return,
            }
        }
    }

    /// The unquoted word here, if it could be a reserved one.
    fn reserved_word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(is_metacharacter)
            .unwrap_or(rest.len());
        &rest[..end]
    }

    fn list(&mut self, end: End) -> Script {
        let mut script = Script::default();
        let mut connected = false;
        loop {
            self.skip_lines();
            let start = self.position;
            let Some(next) = self.peek() else { break };
            match next {
                b')' => {
                    if matches!(end, End::Parenthesis) {
                        break;
                    }
                    self.position += 1;
                    self.problem(ProblemKind::Unexpected, start);
                    continue;
                }
                b';' => {
                    if matches!(end, End::CaseItem) && matches!(self.peek_at(1), Some(b';' | b'&'))
                    {
                        break;
                    }
                    self.position += 1;
                    continue;
                }
                b'&' | b'|' if !self.at("&>") => {
                    self.position += 1;
                    continue;
                }
                _ => {}
            }
            let word = self.reserved_word();
            let ends = match end {
                End::Words(words) => words.contains(&word),
                End::CaseItem => word == "esac",
                End::Text | End::Parenthesis => false,
            };
            if ends {
                break;
            }
            if RESERVED.contains(&word) && !matches!(word, "in" | "]]" | "))") {
                self.position += word.len();
                self.problem(ProblemKind::Unexpected, start);
                continue;
            }
            let mut pipeline = self.pipeline();
            pipeline.conditional = connected;
            connected = self.text.as_bytes()[..self.position].ends_with(b"&&")
                || self.text.as_bytes()[..self.position].ends_with(b"||");
            if !pipeline.commands.is_empty() {
                script.pipelines.push(pipeline);
            }
            if self.position == start {
                self.skip_character();
                self.problem(ProblemKind::Unexpected, start);
            }
        }
        script
    }

    fn skip_character(&mut self) {
        self.position += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn pipeline(&mut self) -> Pipeline {
        let mut pipeline = Pipeline::default();
        loop {
            self.skip_lines();
            if let Some(command) = self.command() {
                pipeline.commands.push(command);
            }
            self.skip_blanks();
            if self.at("||") || !(self.take("|&") || self.take("|")) {
                break;
            }
        }
        if self.take("&&") || self.take("||") {
            return pipeline;
        }
        pipeline.background = self.at("&") && !self.at("&>") && self.take("&");
        pipeline
    }

    fn command(&mut self) -> Option<Command> {
        loop {
            self.skip_blanks();
            match self.reserved_word() {
                "!" => self.position += 1,
                "time" if !matches!(self.peek_at(4), None | Some(b';' | b'\n')) => {
                    self.position += 4;
                    self.skip_blanks();
                    if self.reserved_word() == "-p" {
                        self.position += 2;
                    }
                }
                _ => break,
            }
        }
        if self.peek() == Some(b'!') && self.peek_at(1) == Some(b'(') {
            self.position += 1;
        }
        if self.peek() == Some(b'(') {
            return Some(self.with_redirects(Self::parenthesis));
        }
        let word = self.reserved_word();
        let compound: fn(&mut Self) -> Compound = match word {
            "{" => Self::group,
            "if" => Self::condition,
            "while" | "until" => Self::while_loop,
            "for" | "select" => Self::for_loop,
            "case" => Self::case,
            "[[" => Self::test,
            "function" => return self.function_keyword(),
            "coproc" => {
                self.position += word.len();
                return self.nested(Self::command);
            }
            _ => {
                if let Some(after_name) = self.function_header() {
                    return self.function(word, after_name);
                }
                return self.simple().map(Command::Simple);
            }
        };
        self.position += word.len();
        Some(self.with_redirects(compound))
    }

    fn with_redirects(&mut self, inside: fn(&mut Self) -> Compound) -> Command {
        let mut compound = self.nested(inside);
        loop {
            self.skip_blanks();
            match self.redirect() {
                Some(redirect) => compound.redirects.push(redirect),
                None => return Command::Compound(compound),
            }
        }
    }

    /// `( … )`, or `(( … ))` where the brackets pair up that way.
    fn parenthesis(&mut self) -> Compound {
        if self.at("((")
            && let Some(close) = self.arithmetic_end(self.position + 2)
        {
            let start = self.position;
            self.position += 2;
            let pieces = self.arithmetic(close);
            let word = Word {
                pieces,
                span: self.span_from(start),
            };
            return Compound {
                words: vec![word],
                ..Compound::default()
            };
        }
        let start = self.position;
        self.position += 1;
        let body = self.list(End::Parenthesis);
        self.close(")", "(", start);
        Compound {
            subshell: true,
            bodies: vec![body],
            ..Compound::default()
        }
    }

    fn close(&mut self, closing: &str, opening: &'static str, start: usize) {
        if !self.take(closing) {
            self.problem(ProblemKind::Unterminated(opening), start);
        }
    }

    fn body_until(&mut self, words: &'static [&'static str]) -> Script {
        self.list(End::Words(words))
    }

    fn group(&mut self) -> Compound {
        let start = self.position;
        let body = self.body_until(&["}"]);
        self.close("}", "{", start);
        Compound {
            bodies: vec![body],
            ..Compound::default()
        }
    }

    fn condition(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        loop {
            compound
                .bodies
                .push(self.body_until(&["then", "elif", "else", "fi"]));
            if !(self.take("then") || self.take("elif") || self.take("else")) {
                break;
            }
        }
        self.close("fi", "if", start);
        compound
    }

    fn while_loop(&mut self) -> Compound {
        let start = self.position;
        let condition = self.body_until(&["do", "done"]);
        self.take("do");
        let body = self.body_until(&["done"]);
        self.close("done", "while", start);
        Compound {
            bodies: vec![condition, body],
            ..Compound::default()
        }
    }

    fn for_loop(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        self.skip_blanks();
        if self.at("((") {
            compound = self.parenthesis();
        } else {
            let name = self.reserved_word();
            self.position += name.len();
            compound.variable = Some(name.to_owned());
            self.skip_lines();
            if self.reserved_word() == "in" {
                self.position += 2;
                loop {
                    self.skip_blanks();
                    match self.word() {
                        Some(word) => compound.words.push(word),
                        None => break,
                    }
                }
            }
        }
        let before = self.body_until(&["do", "done", "{"]);
        compound.bodies.push(before);
        let (closing, words): (&str, &'static [&'static str]) = if self.take("{") {
            ("}", &["}"])
        } else {
            ("done", &["done"])
        };
        self.take("do");
        let body = self.body_until(words);
        compound.bodies.push(body);
        self.close(closing, "for", start);
        compound
    }

    fn case(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        self.skip_lines();
        compound.words.extend(self.word());
        self.skip_lines();
        if self.reserved_word() == "in" {
            self.position += 2;
        }
        loop {
            self.skip_lines();
            if self.peek().is_none() || self.reserved_word() == "esac" {
                break;
            }
            self.take("(");
            // The patterns.
            loop {
                self.skip_lines();
                match self.word() {
                    Some(word) => compound.words.push(word),
                    None if self.take("|") => {}
                    None => break,
                }
            }
            if !self.take(")") {
                let here = self.position;
                self.skip_character();
                self.problem(ProblemKind::Unexpected, here);
            }
            compound.bodies.push(self.list(End::CaseItem));
            let _ends_item = self.take(";;&") || self.take(";;") || self.take(";&");
        }
        self.close("esac", "case", start);
        compound
    }

    /// `[[ … ]]`, whose operators are of no interest.
    fn test(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        loop {
            self.skip_lines();
            if self.reserved_word() == "]]" {
                break;
            }
            if let Some(word) = self.word() {
                compound.words.push(word);
                continue;
            }
            match self.peek() {
                // A `;` cannot stand in a test: the `]]` was forgotten.
                None | Some(b';') => break,
                Some(_) => self.skip_character(),
            }
        }
        self.close("]]", "[[", start);
        compound
    }

    /// Whether `name ( )` stands here; gives the offset of what follows.
    fn function_header(&self) -> Option<usize> {
        let name = self.reserved_word();
        if name.is_empty() || name.contains(['=', '$', '"', '\'', '`', '\\']) {
            return None;
        }
        let skip = |text: &'a str| text.trim_start_matches([' ', '\t']);
        let after = skip(&self.rest()[name.len()..]).strip_prefix('(')?;
        let after = skip(after).strip_prefix(')')?;
        Some(self.text.len() - after.len())
    }

    fn function(&mut self, name: &str, after_name: usize) -> Option<Command> {
        let start = self.position;
        self.position = after_name;
        let span = self.span_from(start);
        self.skip_lines();
        let body = self.nested(Self::command);
        let body = Rc::new(body?);
        Some(Command::Function(Function {
            name: name.to_owned(),
            body,
            span,
        }))
    }

    fn function_keyword(&mut self) -> Option<Command> {
        self.position += "function".len();
        self.skip_blanks();
        let name = self.reserved_word();
        let after = self.function_header().unwrap_or(self.position + name.len());
        self.function(name, after)
    }

    fn simple(&mut self) -> Option<Simple> {
        let start = self.position;
        let mut simple = Simple::default();
        let mut end = start;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect() {
                simple.redirects.push(redirect);
            } else if let Some(assignment) = self.assignment(simple.words.is_empty()) {
                if simple.words.is_empty() {
                    simple.assignments.push(assignment);
                } else {
                    // `declare names=(…)`: an argument that holds an array.
                    simple.words.extend(assignment.values);
                }
            } else if let Some(word) = self.word() {
                simple.words.push(word);
            } else {
                break;
            }
            end = self.position;
        }
        if end == start {
            return None;
        }
        let after = std::mem::replace(&mut self.position, end);
        simple.span = self.span_from(start);
        self.position = after;
        Some(simple)
    }

    /// An assignment before the command's name, or an array after it.
    fn assignment(&mut self, leading: bool) -> Option<Assignment> {
        let rest = self.rest();
        let name_length = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .filter(|length| *length > 0 && !rest.as_bytes()[0].is_ascii_digit())?;
        let mut after_name = &rest[name_length..];
        let mut partial = false;
        if after_name.starts_with('[') {
            let line = after_name.find(['\n', ' ']).unwrap_or(after_name.len());
            let close = after_name[..line]
                .find("]=")
                .or_else(|| after_name[..line].find("]+="))?;
            after_name = &after_name[close + 1..];
            partial = true;
        }
        if let Some(after) = after_name.strip_prefix('+') {
            after_name = after;
            partial = true;
        }
        let value = after_name.strip_prefix('=')?;
        let array = value.starts_with('(');
        if !leading && !array {
            return None;
        }
        let start = self.position;
        let name = rest[..name_length].to_owned();
        self.position += rest.len() - value.len();
        let values = if array {
            self.position += 1;
            self.array(start)
        } else {
            vec![self.word_after_assignment()]
        };
        let span = self.span_from(start);
        Some(Assignment {
            name,
            values,
            partial: partial || array,
            span,
        })
    }

    fn array(&mut self, start: usize) -> Vec<Word> {
        let mut values = Vec::new();
        loop {
            self.skip_lines();
            match self.word() {
                Some(word) => values.push(word),
                None => break,
            }
        }
        self.close(")", "(", start);
        values
    }

    fn redirect(&mut self) -> Option<Redirect> {
        let start = self.position;
        let rest = self.rest();
        let descriptor = if let Some(named) = rest.strip_prefix('{') {
            // `{name}>file`
            let name = named
                .bytes()
                .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))?;
            named[name..].starts_with('}').then_some(name + 2)?
        } else {
            rest.bytes().position(|byte| !byte.is_ascii_digit())?
        };
        self.position += descriptor;
        let process = |parser: &Self| descriptor == 0 && parser.peek_at(1) == Some(b'(');
        let kind = match self.peek() {
            Some(b'<' | b'>') if process(self) => None,
            Some(b'&') if descriptor == 0 && self.at("&>") => {
                self.position += 2;
                Some(if self.take(">") {
                    RedirectKind::Append
                } else {
                    RedirectKind::Write
                })
            }
            Some(b'<') => Some(self.input_redirect()),
            Some(b'>') => {
                self.position += 1;
                Some(if self.take(">") {
                    RedirectKind::Append
                } else if self.take("&") {
                    RedirectKind::Duplicate
                } else {
                    let _clobbers = self.take("|");
                    RedirectKind::Write
                })
            }
            _ => None,
        };
        let Some(mut kind) = kind else {
            self.position = start;
            return None;
        };
        let strip_tabs = kind == RedirectKind::HereDocument && self.take("-");
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.position += 1;
        }
        let target = self.word().unwrap_or_default();
        if target.pieces.is_empty() {
            self.problem(ProblemKind::Unexpected, start);
        }
        // `>&name` writes both outputs to a file.
        if kind == RedirectKind::Duplicate
            && !target
                .bare()
                .is_some_and(|fd| fd.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
        {
            kind = RedirectKind::Write;
        }
        let body = Rc::new(OnceCell::new());
        if kind == RedirectKind::HereDocument {
            self.here_documents.push(PendingHereDocument {
                literal: target.bare().is_none(),
                delimiter: word::unquoted(&target),
                strip_tabs,
                span: self.span_from(start),
                body: Rc::clone(&body),
            });
        }
        Some(Redirect { kind, target, body })
    }

    fn input_redirect(&mut self) -> RedirectKind {
        self.position += 1;
        if self.take("<<") {
            RedirectKind::HereString
        } else if self.take("<") {
            RedirectKind::HereDocument
        } else if self.take(">") {
            RedirectKind::ReadWrite
        } else if self.take("&") {
            RedirectKind::Duplicate
        } else {
            RedirectKind::Read
        }
    }

    /// Reads the here-documents whose operators stood on the line before.
    fn here_document_bodies(&mut self) {
        for pending in std::mem::take(&mut self.here_documents) {
            let mut body = String::new();
            let mut ended = false;
            while !self.rest().is_empty() && !ended {
                let rest = self.rest();
                let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
                self.position += length;
                let mut line = &rest[..length];
                if pending.strip_tabs {
                    line = line.trim_start_matches('\t');
                }
                ended = line.trim_end_matches(['\n', '\r']) == pending.delimiter;
                if !ended {
                    body.push_str(line);
                }
            }
            if !ended && self.problems.len() < 16 {
                let kind = ProblemKind::Unterminated("<<");
                self.problems.push(Problem {
                    kind,
                    span: pending.span,
                });
            }
            let pieces = if pending.literal {
                vec![crate::syntax::Piece::Quoted(body)]
            } else {
                self.here_document_pieces(&body, pending.span)
            };
            // Only this parser ever sets it, once.
            let _ = pending.body.set(Word {
                pieces,
                span: pending.span,
            });
        }
    }
}

fn is_metacharacter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
    )
}
