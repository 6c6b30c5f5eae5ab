//! Groups, conditions, loops, tests and functions.

use std::rc::Rc;

use super::{End, Parser, ProblemKind};
use crate::syntax::{Command, Compound, Function, Script, Word};

impl<'a> Parser<'a> {
    /// `( … )`, or `(( … ))` where the brackets pair up that way.
    pub(super) fn parenthesis(&mut self) -> Compound {
        if self.at("((")
            && let Some(close) = self.arithmetic_end(self.position + 2)
        {
            let start = self.position;
            self.position += 2;
            let text = &self.text[self.position..close];
            let pieces = self.arithmetic(close);
            let span = self.span_from(start);
            let problems = std::mem::take(&mut self.problems);
            let perhaps =
                self.nested(|parser| parser.apart(text, span, |inner| inner.list(End::Text)));
            // What is wrong with it as commands is no fault of the line, save
            // that it was not read to its end.
            self.problems.retain(|problem| {
                matches!(problem.kind, ProblemKind::TooDeep | ProblemKind::TooLong)
            });
            self.problems.extend(problems);
            return Compound {
                words: vec![Word { pieces, span }],
                perhaps: Some(perhaps),
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

    pub(super) fn group(&mut self) -> Compound {
        let start = self.position;
        let body = self.body_until(&["}"]);
        self.close("}", "{", start);
        Compound {
            bodies: vec![body],
            ..Compound::default()
        }
    }

    pub(super) fn condition(&mut self) -> Compound {
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

    pub(super) fn while_loop(&mut self) -> Compound {
        let start = self.position;
        let condition = self.body_until(&["do", "done"]);
        self.take("do");
        let body = self.body_until(&["done"]);
        self.close("done", "while", start);
        Compound {
            repeats: true,
            bodies: vec![condition, body],
            ..Compound::default()
        }
    }

    pub(super) fn for_loop(&mut self) -> Compound {
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
                self.values(&mut compound);
            } else if self.take("(") {
                // zsh: `for f (a b) { … }`, or one command instead of the group.
                self.values(&mut compound);
                self.close(")", "(", start);
                self.skip_blanks();
                if !matches!(self.peek(), Some(b'{' | b';' | b'\n' | b'\r') | None) {
                    let pipeline = self.nested(Self::pipeline);
                    compound.bodies.push(Script {
                        pipelines: vec![pipeline],
                    });
                    return compound;
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
        let mut body = self.body_until(words);
        // zsh needs no `;` before the `}`.
        let closed = closing == "}" && self.peek().is_none() && ends_with_brace(&mut body);
        compound.bodies.push(body);
        if closed {
            return compound;
        }
        self.close(closing, "for", start);
        compound
    }

    pub(super) fn select_loop(&mut self) -> Compound {
        Compound {
            chooses: true,
            ..self.for_loop()
        }
    }

    /// The values of a `for`.
    fn values(&mut self, compound: &mut Compound) {
        loop {
            self.skip_blanks();
            match self.word() {
                Some(word) => compound.words.push(word),
                None => return,
            }
        }
    }

    pub(super) fn case(&mut self) -> Compound {
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
    pub(super) fn test(&mut self) -> Compound {
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
    pub(super) fn function_header(&self) -> Option<usize> {
        let name = self.reserved_word();
        if name.is_empty() || name.contains(['=', '$', '"', '\'', '`', '\\']) {
            return None;
        }
        let skip = |text: &'a str| text.trim_start_matches([' ', '\t']);
        let after = skip(&self.rest()[name.len()..]).strip_prefix('(')?;
        let after = skip(after).strip_prefix(')')?;
        Some(self.text.len() - after.len())
    }

    pub(super) fn function(&mut self, name: &str, after_name: usize) -> Option<Command> {
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

    pub(super) fn function_keyword(&mut self) -> Option<Command> {
        self.position += "function".len();
        self.skip_blanks();
        let name = self.reserved_word();
        let after = self.function_header().unwrap_or(self.position + name.len());
        self.function(name, after)
    }
}

/// Takes a `}` that stands as the last argument of a script away from it.
fn ends_with_brace(script: &mut Script) -> bool {
    let last = script.pipelines.last_mut();
    let Some(Command::Simple(simple)) = last.and_then(|last| last.commands.last_mut()) else {
        return false;
    };
    let closes = simple.words.len() > 1 && simple.words.last().and_then(Word::bare) == Some("}");
    if closes {
        simple.words.pop();
    }
    closes
}
