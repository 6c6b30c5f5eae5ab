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

/// Flags of `read` that make it give up waiting, or read up to something else.
const MAY_LEAVE_A_REST: [char; 4] = ['t', 'd', 'u', 'e'];

/// Flags of `read` with a number of characters that it takes; in zsh one is meant.
const TAKES_CHARACTERS: [char; 4] = ['n', 'N', 'k', 'q'];

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

/// Whether the line `typed` is taken as data while this command runs and its shell waits
/// for one. `recent` are the lines that the shell ran before, oldest first.
pub(crate) fn takes_the_line(typed: &str, running: &str, recent: &[String]) -> bool {
    let mut look = Look {
        functions: defined_in(recent),
        ..Look::default()
    };
    let parsed = parse(running);
    look.script(&parsed.script);
    let all_of_it = look
        .characters
        .is_none_or(|most| typed.trim_end().chars().count() <= most);
    parsed.problems.is_empty() && look.reads && !look.doubtful && all_of_it
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
    /// The characters that it takes at least, if it does not take a whole line.
    characters: Option<usize>,
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
        self.reads |= compound.chooses;
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
        for (position, word) in rest.iter().enumerate() {
            let Some(flag) = word.bare().and_then(|word| word.strip_prefix('-')) else {
                continue;
            };
            self.doubtful |= flag.contains(MAY_LEAVE_A_REST);
            if let Some(letter) = flag.find(TAKES_CHARACTERS) {
                let number = match &flag[letter + 1..] {
                    "" => rest.get(position + 1).and_then(Word::bare).unwrap_or(""),
                    number => number,
                };
                let most = number.parse().unwrap_or(1);
                self.characters = Some(self.characters.map_or(most, |known| known.min(most)));
            }
        }
        self.doubtful |= !simple.redirects.is_empty();
        self.reads = true;
    }

    /// Substitutions read from somewhere else, and may run what they are given.
    fn words(&mut self, words: &[Word]) {
        self.doubtful |= words.iter().flat_map(|word| &word.pieces).any(|piece| {
            matches!(
                piece,
                Piece::Substitution { .. } | Piece::Process { .. } | Piece::Arithmetic(_)
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
            ("read -n 5 x", true),
            ("read -rn8 x && read y", true),
            ("read -k x", false),
            ("select x in a b; do echo $x; done", true),
            ("select x in a b; do $x; done", false),
            ("read -n1 -p 'sure? ' x", false),
            ("read x < file", false),
            ("while read x; do echo; done < file", false),
            ("read x &", false),
            ("read x; echo $(( x ))", false),
            ("sleep 5", false),
            ("confirm", false),
            ("read 'x", false),
        ] {
            assert_eq!(takes_the_line("Alice", running, &[]), expected, "{running}");
        }
    }

    #[test]
    fn one_key_is_enough_for_a_command_that_takes_one() {
        for command in ["read -n1 x", "read -srN 1 x", "read -q", "read -k1 x"] {
            assert!(takes_the_line("y\n", command, &[]), "{command}");
            assert!(!takes_the_line("yes", command, &[]), "{command}");
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
                takes_the_line("Alice", running, &recent),
                expected,
                "{recent:?} {running}"
            );
        }
    }
}
