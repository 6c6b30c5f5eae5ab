//! Whether what is typed while a shell runs a command is an answer to that
//! command (`read -p "continue? "`), and not the next command line.
//!
//! The host tells the command, and that the shell itself waits for a line on the
//! terminal. What is left to find out is that the line ends there: that `read`
//! takes all of it, at any time, and that nothing runs it afterwards. Functions are
//! followed whose definition the host has seen.

use std::rc::Rc;

use crate::parser::{self, Dialect, Origin, Parsed};
use crate::syntax::{Command, Compound, Piece, Script, Simple, Word};
use crate::verdict::Span;

/// Commands that make commands of what they are given.
const RUNS_TEXT: [&str; 17] = [
    "eval", "source", ".", "sh", "bash", "zsh", "dash", "ksh", "fish", "exec", "xargs", "trap",
    "alias", "bind", "ssh", "fc", "coproc",
];

/// Flags of `read` that make it leave a part of the line, or give up waiting.
const LEAVES_A_REST: [char; 8] = ['t', 'n', 'N', 'd', 'u', 'k', 'q', 'e'];

/// Commands after which a name may stand for another function.
const REDEFINES: [&str; 7] = [
    "eval",
    "source",
    ".",
    "unset",
    "alias",
    "autoload",
    "unfunction",
];

/// Functions that call functions are followed so far.
const MAX_CALLS: u32 = 4;

/// Earlier lines longer than this are not looked into.
const MAX_EARLIER_BYTES: usize = 8 * 1024;

/// Whether a line that is typed while this command runs, and its shell waits for
/// one, is taken as data. `recent` are the lines that the shell ran before, oldest
/// first.
pub(crate) fn takes_a_line(running: &str, recent: &[String]) -> bool {
    let mut look = Look {
        functions: defined_in(recent),
        ..Look::default()
    };
    let parsed = parse(running);
    look.script(&parsed.script);
    parsed.problems.is_empty() && look.reads && !look.doubtful
}

fn parse(line: &str) -> Parsed {
    parser::parse(line, Origin::Within(Span::default()), Dialect::Posix, 0)
}

/// The functions that these lines leave behind, as far as that is certain.
fn defined_in(lines: &[String]) -> Vec<(String, Rc<Command>)> {
    let mut functions: Vec<(String, Rc<Command>)> = Vec::new();
    for line in lines {
        if line.len() > MAX_EARLIER_BYTES {
            functions.clear();
            continue;
        }
        let redefines = line
            .split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | '{'))
            .any(|word| REDEFINES.contains(&word));
        if redefines {
            functions.clear();
        } else if line.contains("()") || line.contains("function ") {
            let parsed = parse(line);
            for pipeline in &parsed.script.pipelines {
                if let [Command::Function(function)] = pipeline.commands.as_slice() {
                    functions.retain(|(name, _)| *name != function.name);
                    if !pipeline.conditional && parsed.problems.is_empty() {
                        functions.push((function.name.clone(), Rc::clone(&function.body)));
                    }
                }
            }
        }
    }
    functions
}

#[derive(Default)]
struct Look {
    functions: Vec<(String, Rc<Command>)>,
    /// Functions that are being followed.
    calls: u32,
    reads: bool,
    /// Something in it may run what was read, or nobody can tell.
    doubtful: bool,
}

impl Look {
    fn script(&mut self, script: &Script) {
        for pipeline in &script.pipelines {
            // In a pipe or in the background it is not the terminal that is read.
            self.doubtful |= pipeline.background || pipeline.commands.len() > 1;
            for command in &pipeline.commands {
                self.command(command);
            }
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound) => self.compound(compound),
            Command::Function(function) => {
                let body = Rc::clone(&function.body);
                self.functions.retain(|(name, _)| *name != function.name);
                self.functions.push((function.name.clone(), body));
            }
        }
    }

    fn compound(&mut self, compound: &Compound) {
        self.doubtful |= !compound.redirects.is_empty() || compound.perhaps.is_some();
        for body in &compound.bodies {
            self.script(body);
        }
        self.words(&compound.words);
    }

    fn simple(&mut self, simple: &Simple) {
        self.words(&simple.words);
        let Some((first, rest)) = simple.words.split_first() else {
            return;
        };
        // A function that was defined elsewhere may do anything with it, but the
        // shell that waits is then not known to wait in this `read`.
        let Some(name) = first.bare() else {
            self.doubtful = true;
            return;
        };
        self.doubtful |= RUNS_TEXT.contains(&name);
        let function = self.functions.iter().find(|(known, _)| known == name);
        if let Some((_, body)) = function {
            let body = Rc::clone(body);
            self.doubtful |= self.calls >= MAX_CALLS || !simple.redirects.is_empty();
            if !self.doubtful {
                self.calls += 1;
                self.command(&body);
                self.calls -= 1;
            }
            return;
        }
        if name != "read" {
            return;
        }
        let partial = rest.iter().any(|word| {
            word.bare()
                .is_some_and(|flag| flag.starts_with('-') && flag.contains(LEAVES_A_REST))
        });
        self.doubtful |= partial || !simple.redirects.is_empty();
        self.reads = true;
    }

    /// Substitutions read from somewhere else, and may run what they are given.
    fn words(&mut self, words: &[Word]) {
        self.doubtful |= words.iter().flat_map(|word| &word.pieces).any(|piece| {
            matches!(
                piece,
                Piece::Substitution { .. } | Piece::Process(_) | Piece::Arithmetic(_)
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_where_all_of_it_is_taken_and_nothing_runs_it() {
        for (running, expected) in [
            ("read -p 'continue? ' answer", true),
            ("read -r -p \"name: \" name && echo \"hello $name\"", true),
            ("while read -r line; do echo \"$line\"; done", true),
            ("if read -s key; then echo thanks; fi", true),
            ("read x; eval \"$x\"", false),
            ("read x; $x", false),
            ("read x; bash -c \"$x\"", false),
            ("read -t 1 x", false),
            ("read -n1 -p 'sure? ' x", false),
            ("read x < file", false),
            ("while read x; do echo; done < file", false),
            ("read x &", false),
            ("read x; echo $(( x ))", false),
            ("sleep 5", false),
            ("confirm", false),
            ("read 'x", false),
        ] {
            assert_eq!(takes_a_line(running, &[]), expected, "{running}");
        }
    }

    #[test]
    fn functions_are_followed_whose_definition_is_known() {
        let ask = "ask() { local x; read -rp \"$1 \" x; [[ $x == y ]]; }";
        for (recent, running, expected) in [
            (&[ask][..], "ask 'deploy?'", true),
            (&[ask, "ls"], "ask 'deploy?' && make deploy", true),
            (&[], "ask() { read x; }; ask", true),
            (&[ask, "twice() { ask a; ask b; }"], "twice", true),
            (&[], "ask 'deploy?'", false),
            (&[ask, "source other.sh"], "ask 'deploy?'", false),
            (&[ask, "ask() { read x; eval \"$x\"; }"], "ask", false),
            (&[ask, "true && ask() { read x; $x; }"], "ask", false),
            (&[ask], "ask < file", false),
            (&["ask() { read -r x; \"$@\"; }"], "ask ls", false),
            (&["again() { read x; again; }"], "again", false),
            (&[ask, "unset -f ask"], "ask", false),
        ] {
            let recent: Vec<String> = recent.iter().map(|&line| line.to_owned()).collect();
            assert_eq!(
                takes_a_line(running, &recent),
                expected,
                "{recent:?} {running}"
            );
        }
    }
}
