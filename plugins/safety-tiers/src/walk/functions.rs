//! Functions and aliases: what defining and calling them does.

use std::rc::Rc;

use super::output::single_quoted;
use super::shell::Positional;
use super::{Context, Field, Walk};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::place::Here;
use crate::rules::PLAIN_PROGRAM;
use crate::syntax::Command;
use crate::verdict::{Span, Tier};

impl Walk<'_> {
    /// Judges the body of a function for any arguments, and keeps it for when
    /// it is called.
    pub(super) fn define(&mut self, name: &str, body: &Rc<Command>, span: Span, context: &Context) {
        if calls_itself_twice(body, name) {
            self.note(
                "process/fork-bomb",
                Tier::Dangerous,
                "A function that starts itself again and again brings the machine to a halt.",
                span,
            );
        }
        self.judge_definition(name, span);
        if context.depth >= super::MAX_DEPTH {
            return;
        }
        let before = self.shell.clone();
        self.shell.positional = Positional::Unknown;
        let context = Context {
            depth: context.depth + 1,
            ..Context::default()
        };
        self.command(body, &context);
        self.leave_subshell(before);
        self.add_function(name, body);
    }

    /// Runs the body of a function or an alias of this name, if there is one.
    pub(super) fn call(&mut self, name: &str, arguments: &[Field], context: &Context) -> bool {
        let alias = self
            .shell
            .aliases
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, line)| line.clone());
        let function = self.shell.functions.iter().find(|(known, _)| known == name);
        if context.depth >= super::MAX_DEPTH {
            return alias.is_some() || function.is_some();
        }
        if let Some((_, body)) = function {
            let body = Rc::clone(body);
            let known = Positional::Known(
                arguments
                    .iter()
                    .map(|argument| argument.text.clone())
                    .collect(),
            );
            let before = std::mem::replace(&mut self.shell.positional, known);
            let context = super::deeper(context);
            self.command(&body, &context);
            self.shell.positional = before;
            return true;
        }
        let Some(mut line) = alias else { return false };
        let span = arguments
            .first()
            .map_or(Span::default(), |argument| argument.span);
        for argument in arguments {
            line.push(' ');
            line.push_str(&single_quoted(&argument.text));
        }
        // While it is expanded an alias does not stand for itself.
        Rc::make_mut(&mut self.shell.aliases).retain(|(known, _)| known != name);
        self.line(&line, span, &super::deeper(context));
        true
    }

    /// What it means that a function of this name is defined.
    pub(super) fn judge_definition(&mut self, name: &str, span: Span) {
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let rule = self.rules.strictest_everywhere(&Subject {
            defines: Some(name),
            ..Subject::new("", &arguments, Here::UNKNOWN)
        });
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }
}

/// `f() { f | f & }`: each call starts two more, or one that nobody waits for.
fn calls_itself_twice(body: &Command, name: &str) -> bool {
    fn count(command: &Command, name: &str, multiplied: &mut bool, depth: u32) -> usize {
        if depth > 8 {
            return 0;
        }
        match command {
            Command::Simple(simple) => {
                usize::from(simple.words.first().and_then(|word| word.bare()) == Some(name))
            }
            Command::Compound(compound) => compound
                .bodies
                .iter()
                .flat_map(|body| &body.pipelines)
                .map(|pipeline| {
                    let calls: usize = pipeline
                        .commands
                        .iter()
                        .map(|command| count(command, name, multiplied, depth + 1))
                        .sum();
                    *multiplied |= calls > 1 || calls > 0 && pipeline.background;
                    calls
                })
                .sum(),
            Command::Function(_) => 0,
        }
    }
    let mut multiplied = false;
    count(body, name, &mut multiplied, 0) > 0 && multiplied
}
