//! What fish does in another way than the shells before it: blocks that `end`
//! closes, `and`, `or` and `not` as words, substitutions in plain brackets.

use std::rc::Rc;

use super::Parser;
use crate::syntax::{Command, Compound, Function};

impl Parser<'_> {
    /// One command of fish, or a block.
    pub(super) fn fish_command(&mut self) -> Option<Command> {
        loop {
            self.skip_blanks();
            let word = self.reserved_word();
            match word {
                "and" | "or" | "not" => self.position += word.len(),
                _ => break,
            }
        }
        let word = self.reserved_word();
        let block: fn(&mut Self) -> Compound = match word {
            "begin" => Self::fish_block,
            "if" | "while" => Self::fish_condition,
            "for" => Self::fish_loop,
            "switch" => Self::fish_switch,
            "function" => return self.fish_function(),
            _ => return self.simple().map(Command::Simple),
        };
        self.position += word.len();
        Some(self.with_redirects(block))
    }

    fn fish_block(&mut self) -> Compound {
        let start = self.position;
        let body = self.body_until(&["end"]);
        self.close("end", "begin", start);
        Compound {
            bodies: vec![body],
            ..Compound::default()
        }
    }

    /// The condition is the first body; `else if` shares its `end`.
    fn fish_condition(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        loop {
            compound.bodies.push(self.body_until(&["else", "end"]));
            if !self.take("else") {
                break;
            }
            self.skip_blanks();
            if self.reserved_word() == "if" {
                self.position += "if".len();
            }
        }
        // What depends on a condition may run or not.
        compound.bodies.push(crate::syntax::Script::default());
        self.close("end", "if", start);
        compound
    }

    fn fish_loop(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        self.skip_blanks();
        let name = self.reserved_word();
        self.position += name.len();
        compound.variable = Some(name.to_owned());
        self.skip_blanks();
        if self.reserved_word() == "in" {
            self.position += "in".len();
            self.fish_words(&mut compound);
        }
        compound.bodies.push(self.body_until(&["end"]));
        self.close("end", "for", start);
        compound
    }

    fn fish_switch(&mut self) -> Compound {
        let start = self.position;
        let mut compound = Compound::default();
        self.fish_words(&mut compound);
        loop {
            compound.bodies.push(self.body_until(&["case", "end"]));
            if !self.take("case") {
                break;
            }
            self.fish_words(&mut compound);
        }
        self.close("end", "switch", start);
        compound
    }

    /// The words up to the end of the line or a `;`.
    fn fish_words(&mut self, compound: &mut Compound) {
        loop {
            self.skip_blanks();
            match self.word() {
                Some(word) => compound.words.push(word),
                None => break,
            }
        }
    }

    fn fish_function(&mut self) -> Option<Command> {
        let start = self.position;
        self.position += "function".len();
        self.skip_blanks();
        let name = self.reserved_word().to_owned();
        // Its name, and flags that change nothing about what it runs.
        let mut header = Compound::default();
        self.fish_words(&mut header);
        let span = self.span_from(start);
        let body = self.nested(Self::fish_block);
        Some(Command::Function(Function {
            name,
            body: Rc::new(Command::Compound(body)),
            span,
        }))
    }
}
