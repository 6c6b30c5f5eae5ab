//! Where a command's input comes from and which files it writes.

use super::invoke::BYTES_OF_A_FIELD;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::rules::{PLAIN_PROGRAM, Sources};
use crate::syntax::{Redirect, RedirectKind};
use crate::text::{self, SOMETHING};
use crate::verdict::Span;

/// Numbers that no other file of a process has.
const FIRST_SUBSTITUTED: usize = 1000;

/// What the redirections of a command come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Redirected {
    pub(super) input: Option<Stream>,
    pub(super) writes: Vec<Field>,
    pub(super) reads: Vec<Field>,
}

impl Redirected {
    /// Files that are written, however they are named.
    pub(super) fn to(writes: Vec<Field>) -> Self {
        Self {
            writes,
            ..Self::default()
        }
    }
}

impl Walk<'_> {
    pub(super) fn redirects(&mut self, redirects: &[Redirect], context: &Context) -> Redirected {
        let mut redirected = Redirected::default();
        for redirect in redirects {
            let span = redirect.target.span;
            match redirect.kind {
                RedirectKind::HereDocument => {
                    let text = redirect
                        .body
                        .get()
                        .map(|body| self.value(&body.pieces, context).into());
                    redirected.input = Some(Stream {
                        text,
                        piped: true,
                        names: None,
                        from: Sources::NONE,
                    });
                }
                RedirectKind::HereString => {
                    let fields = self.fields(&redirect.target, context);
                    let from = fields
                        .iter()
                        .fold(Sources::NONE, |from, field| from.and(field.from));
                    let text = fields
                        .into_iter()
                        .map(|field| field.text)
                        .collect::<Vec<_>>()
                        .join(" ");
                    redirected.input = Some(Stream {
                        text: Some(text.into()),
                        piped: true,
                        names: None,
                        from,
                    });
                }
                RedirectKind::Duplicate => {
                    self.fields(&redirect.target, context);
                }
                kind => {
                    for mut field in self.fields(&redirect.target, context) {
                        field.span = span;
                        if kind != RedirectKind::Read {
                            redirected.writes.push(field.clone());
                        }
                        if matches!(kind, RedirectKind::Read | RedirectKind::ReadWrite) {
                            let substituted = self.stream_of(&field.text, context);
                            redirected.input = Some(Stream {
                                text: substituted.and_then(|stream| stream.text),
                                piped: true,
                                names: None,
                                from: field.from.and(self.file_source(&field.text)),
                            });
                            redirected.reads.push(field);
                        }
                    }
                }
            }
        }
        redirected
    }

    /// Keeps what a process substitution gives, under the name of a file.
    pub(super) fn substituted_as(&mut self, text: String, from: Sources) -> String {
        const MOST: usize = 64;
        if self.substituted.len() >= MOST {
            return format!("/dev/fd/{SOMETHING}");
        }
        self.substituted.push(Stream {
            from,
            text: text::is_known(&text).then(|| text.into()),
            piped: true,
            names: None,
        });
        format!("/dev/fd/{}", FIRST_SUBSTITUTED + self.substituted.len() - 1)
    }

    /// What a file holds, if it is a process substitution or the input itself.
    pub(super) fn stream_of(&self, path: &str, context: &Context) -> Option<Stream> {
        if matches!(path, "/dev/stdin" | "/dev/fd/0" | "-") {
            return Some(context.input.clone());
        }
        let Some(number) = path.strip_prefix("/dev/fd/") else {
            return Some(Stream {
                text: Some(self.text_of_file(path)?),
                ..Stream::default()
            });
        };
        let number: usize = number.parse().ok()?;
        self.substituted
            .get(number.checked_sub(FIRST_SUBSTITUTED)?)
            .cloned()
    }

    /// Remembers the files that now hold what came over the network.
    pub(super) fn written(&mut self, redirected: &Redirected, from: Sources) {
        if from.meets(Sources::NETWORK) {
            for field in &redirected.writes {
                self.downloaded(&field.text);
            }
        }
    }

    /// What redirections do when no program stands beside them.
    pub(super) fn judge_redirects(&mut self, redirected: &Redirected, span: Span) {
        if redirected.writes.is_empty() && redirected.reads.is_empty() {
            return;
        }
        let fields = redirected.writes.len() + redirected.reads.len();
        if !self.take_steps(fields * BYTES_OF_A_FIELD, span) {
            return;
        }
        let arguments = Arguments::new(&[], &PLAIN_PROGRAM);
        let shell = self.shell.clone();
        let subject = Subject {
            writes: &redirected.writes,
            reads: &redirected.reads,
            ..Subject::new("", &arguments, shell.here())
        };
        let rule = self.rules.strictest_everywhere(&subject);
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }
}
