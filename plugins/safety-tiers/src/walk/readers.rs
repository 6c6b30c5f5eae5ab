//! Commands that read what others write, by a name of a file: `>(…)`.

use std::rc::Rc;

use super::redirects::Redirected;
use super::{Context, Field, Stream, Walk};
use crate::parser::Dialect;
use crate::syntax::Script;
use crate::verdict::Span;

/// What reads from a process substitution.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// The name of the file that is written.
    path: String,
    script: Rc<Script>,
}

/// A number under which a shell has opened such a file for what it prints.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    number: u32,
    path: String,
}

/// What a command prints goes there.
const PRINTED: u32 = 1;

impl Walk<'_> {
    /// Remembers what reads what is written to a file.
    pub(super) fn reads_what_is_written(&mut self, path: &str, script: &Rc<Script>) {
        self.readers.push(Reader {
            path: path.to_owned(),
            script: Rc::clone(script),
        });
    }

    /// Judges what reads a file, where that is a command, with what is written to it.
    pub(super) fn read_by_command(&mut self, path: &str, written: &Stream, context: &Context) {
        let reader = self.readers.iter().find(|reader| reader.path == path);
        let Some(script) = reader.map(|reader| Rc::clone(&reader.script)) else {
            return;
        };
        let within = Context {
            input: Stream {
                piped: true,
                ..written.clone()
            },
            hidden: true,
            ..super::deeper(context)
        };
        let shell = self.shell.clone();
        let dialect = std::mem::replace(&mut self.dialect, Dialect::Posix);
        self.script(&script, &within);
        self.dialect = dialect;
        self.leave_subshell(shell);
    }

    /// What a command writes to the files that it is given, where commands read them.
    pub(super) fn read_by_commands(
        &mut self,
        name: &str,
        fields: &[Field],
        printed: &Stream,
        context: &Context,
    ) {
        if self.readers.is_empty() {
            return;
        }
        for field in fields {
            let path = field.text.strip_prefix("of=").unwrap_or(&field.text);
            let path = path.split_once('=').map_or(path, |(_, path)| path);
            if !self.readers.iter().any(|reader| reader.path == path) {
                continue;
            }
            let copied = || {
                let from = fields.iter().map(|field| field.text.as_str());
                let mut from = from.filter(|file| !file.starts_with('-') && *file != path);
                let file = from.next()?;
                self.text_of_file(file.strip_prefix("if=").unwrap_or(file))
            };
            let text = match name {
                "tee" | "sponge" => context.input.text.clone(),
                _ => copied(),
            };
            let written = Stream {
                text,
                from: printed.from,
                ..Stream::default()
            };
            self.read_by_command(path, &written, context);
        }
    }

    /// `exec > >(…)`, `exec 3> >(…)`: what is printed from now on is read there.
    pub(super) fn opened_for_printing(&mut self, redirected: &Redirected) {
        for (number, path) in &redirected.numbered {
            if self.readers.iter().any(|reader| reader.path == *path) {
                let opened = Rc::make_mut(&mut self.shell.opened_for_printing);
                opened.retain(|known| known.number != *number);
                opened.push(Opened {
                    number: *number,
                    path: path.clone(),
                });
            }
        }
    }

    /// The file that a number stands for, where a command reads it.
    pub(super) fn printed_under(&self, number: u32) -> Option<String> {
        let mut opened = self.shell.opened_for_printing.iter();
        opened
            .find(|known| known.number == number)
            .map(|known| known.path.clone())
    }

    /// What a command prints, where the shell has a command read it.
    pub(super) fn printed_into_reader(&mut self, printed: &Stream, context: &Context) {
        if context.hidden || self.shell.opened_for_printing.is_empty() {
            return;
        }
        // Most print nothing that counts.
        let nothing = printed.text.as_deref().is_some_and(|text| text.is_empty());
        if let Some(path) = self.printed_under(PRINTED).filter(|_| !nothing) {
            self.read_by_command(&path, printed, context);
        }
    }

    /// What a redirection by number writes to, where a command reads it.
    pub(super) fn duplicated(&self, target: &[Field], span: Span, redirected: &mut Redirected) {
        for field in target {
            let number = field.text.parse().ok();
            let opened = number.and_then(|number| self.printed_under(number));
            // `>& >(…)`
            let path = opened.or_else(|| {
                let named = self.readers.iter().any(|it| it.path == field.text);
                named.then(|| field.text.clone())
            });
            redirected
                .writes
                .extend(path.map(|path| super::field(path, span)));
        }
    }
}
