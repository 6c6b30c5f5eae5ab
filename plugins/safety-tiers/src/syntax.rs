//! The shape of a shell script, as far as judging needs it.
//!
//! Conditions, loops and lists are kept only as "these scripts may run": a
//! verdict covers everything that a line could do, whichever branch it takes.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::verdict::Span;

/// Commands, one pipeline after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) pipelines: Vec<Pipeline>,
}

/// Commands of which each reads what the one before it prints.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipeline {
    pub(crate) commands: Vec<Command>,
    /// Ended by `&`.
    pub(crate) background: bool,
    /// Stands after `&&` or `||`: it may run or not.
    pub(crate) conditional: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Command {
    Simple(Simple),
    Compound(Compound),
    Function(Function),
}

/// A program with its arguments, or assignments alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Simple {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
    pub(crate) span: Span,
}

/// Anything that holds scripts: groups, subshells, conditions, loops, tests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compound {
    /// Whether it runs in a process of its own: what it does to variables and
    /// the working directory ends with it.
    pub(crate) subshell: bool,
    /// The variable of a `for`, with `words` as its values.
    pub(crate) variable: Option<String>,
    /// Whether it is a `while` or an `until`: a condition, and what is done again and again.
    pub(crate) repeats: bool,
    /// Whether it is a `select`, which reads what is chosen.
    pub(crate) chooses: bool,
    /// Values of a `for`, subject of a `case`, operands of `[[ ]]`.
    pub(crate) words: Vec<Word>,
    pub(crate) bodies: Vec<Script>,
    /// What `((…))` runs in a shell that has no arithmetic.
    pub(crate) perhaps: Option<Script>,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) body: Rc<Command>,
    pub(crate) span: Span,
}

/// `NAME=value`, `NAME+=value`, `NAME[index]=value`, `NAME=(values)`.
#[derive(Debug, Clone)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// One for a scalar, any number for an array.
    pub(crate) values: Vec<Word>,
    pub(crate) sets: Sets,
    pub(crate) span: Span,
}

/// How much of a variable an assignment sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sets {
    All,
    /// `+=`: text is put behind what is there.
    End,
    /// One value of an array, or further ones: what it holds afterwards is not known.
    Part,
}

#[derive(Debug, Clone)]
pub(crate) struct Redirect {
    pub(crate) kind: RedirectKind,
    /// The number before the operator, where one stands there.
    pub(crate) descriptor: Option<u32>,
    pub(crate) target: Word,
    /// The text of a here-document, filled in when its line ends.
    pub(crate) body: Rc<OnceCell<Word>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectKind {
    Read,
    Write,
    Append,
    ReadWrite,
    /// `>&` with a file descriptor.
    Duplicate,
    /// `<&` with one.
    DuplicateInput,
    HereDocument,
    HereString,
}

/// What becomes one argument, or several after expansion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Word {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Unquoted text: globs and braces in it count.
    Text(String),
    /// Quoted or escaped text.
    Quoted(String),
    /// `~` or `~user` at the start of a word.
    Tilde(String),
    Parameter(Parameter),
    /// `$(…)` or backquotes.
    Substitution {
        script: Script,
        quoted: bool,
    },
    /// `<(…)`, or `>(…)`, which reads what is written.
    Process {
        script: Rc<Script>,
        reads: bool,
    },
    /// `$((…))`, whose value is a number.
    Arithmetic(Vec<Piece>),
}

/// `$NAME` or `${NAME…}`.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) quoted: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Plain,
    /// `${NAME:-word}` and `${NAME:=word}`.
    Default(Vec<Piece>),
    /// `${NAME:+word}`.
    Alternative(Vec<Piece>),
    /// `${NAME:?word}`: never empty.
    Required,
    /// Anything else, with the pieces found in it.
    Other(Vec<Piece>),
}

impl Word {
    /// The text of a word that needs no expansion and holds no quotes.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}
