//! From text to [`Script`], in one pass and without ever giving up.
//!
//! Written for a gate, which sets it apart from a shell's own parser: it
//! goes on after an error (and reports it), so that what follows a stray quote
//! is judged too; it does a bounded amount of work on any input; where a
//! construct could be read in two ways it takes the one that runs more.
//!
//! `parser/simple.rs` has the plain command, `parser/compound.rs` what holds
//! commands, `parser/fish.rs` what fish does in another way, `parser/redirect.rs` what stands beside them, `parser/word.rs` what
//! they are made of.

mod compound;
mod fish;
mod redirect;
mod simple;
mod word;

use self::redirect::PendingHereDocument;
use crate::syntax::{Command, Compound, Pipeline, Script};
use crate::verdict::Span;

/// Constructs within constructs; a person's line has fewer than ten.
const MAX_DEPTH: u32 = 32;

/// Commands, words and pieces of words in one text, so that it takes up a
/// bounded amount of memory.
const MAX_NODES: u32 = 16 * 1024;

/// Why a script cannot be trusted to have been understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    pub(crate) span: Span,
}

impl Problem {
    /// Whether only a shell would mind, not another reader of the text.
    pub(crate) fn is_of_grammar(&self) -> bool {
        !matches!(self.kind, ProblemKind::TooDeep | ProblemKind::TooLong)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// A quote, bracket or here-document that is never closed.
    Unterminated(&'static str),
    /// Something where the grammar has no place for it.
    Unexpected,
    /// More nesting than is followed.
    TooDeep,
    /// More words than are kept.
    TooLong,
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

/// Whose grammar a text follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// sh, bash, ksh, zsh.
    #[default]
    Posix,
    Fish,
}

/// Parses `text`. `depth` counts the scripts that this one is nested in.
pub(crate) fn parse(text: &str, origin: Origin, dialect: Dialect, depth: u32) -> Parsed {
    let mut parser = Parser {
        text,
        position: 0,
        origin,
        dialect,
        depth,
        lookahead: text.len() * 4 + 1024,
        nodes_left: MAX_NODES,
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
    dialect: Dialect,
    depth: u32,
    /// Bytes that may still be looked at twice.
    lookahead: usize,
    /// Nodes that may still be made.
    nodes_left: u32,
    problems: Vec<Problem>,
    /// Those whose operator was read but whose line has not ended yet.
    here_documents: Vec<PendingHereDocument>,
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

    /// Parses text that this text holds in another form, such as what stands
    /// between backquotes.
    fn apart<T>(&mut self, text: &str, span: Span, inside: impl FnOnce(&mut Parser<'_>) -> T) -> T {
        let mut inner = Parser {
            text,
            position: 0,
            origin: Origin::Within(span),
            dialect: self.dialect,
            depth: self.depth,
            lookahead: self.lookahead,
            nodes_left: self.nodes_left,
            problems: Vec::new(),
            here_documents: Vec::new(),
        };
        let result = inside(&mut inner);
        self.lookahead = inner.lookahead;
        self.nodes_left = inner.nodes_left;
        self.problems.append(&mut inner.problems);
        result
    }

    /// Counts a node, or stops parsing altogether.
    fn make_node(&mut self) {
        self.nodes_left = self.nodes_left.saturating_sub(1);
        if self.nodes_left == 0 && self.position < self.text.len() {
            let start = self.position;
            self.position = self.text.len();
            self.problem(ProblemKind::TooLong, start);
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
            if self.is_stray(word) {
                self.position += word.len();
                self.problem(ProblemKind::Unexpected, start);
                continue;
            }
            self.make_node();
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

    /// Whether a reserved word stands where nothing has been opened that it
    /// could belong to.
    fn is_stray(&self, word: &str) -> bool {
        match self.dialect {
            Dialect::Posix => RESERVED.contains(&word) && !matches!(word, "in" | "]]" | "))"),
            Dialect::Fish => matches!(word, "end" | "else" | "case"),
        }
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
        self.make_node();
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
        if self.dialect == Dialect::Fish {
            return self.fish_command();
        }
        if self.peek() == Some(b'(') {
            return Some(self.with_redirects(Self::parenthesis));
        }
        let word = self.reserved_word();
        let compound: fn(&mut Self) -> Compound = match word {
            "{" => Self::group,
            "if" => Self::condition,
            "while" | "until" => Self::while_loop,
            "for" => Self::for_loop,
            "select" => Self::select_loop,
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

    fn close(&mut self, closing: &str, opening: &'static str, start: usize) {
        if !self.take(closing) {
            self.problem(ProblemKind::Unterminated(opening), start);
        }
    }

    fn body_until(&mut self, words: &'static [&'static str]) -> Script {
        self.list(End::Words(words))
    }
}

fn is_metacharacter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')'
    )
}
