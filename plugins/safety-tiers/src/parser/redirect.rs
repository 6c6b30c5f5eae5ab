//! Redirections and here-documents.

use std::cell::OnceCell;
use std::rc::Rc;

use super::{Parser, Problem, ProblemKind, word};
use crate::syntax::{Piece, Redirect, RedirectKind, Word};
use crate::verdict::Span;

/// A here-document whose text has not been reached yet.
pub(super) struct PendingHereDocument {
    delimiter: String,
    literal: bool,
    strip_tabs: bool,
    span: Span,
    body: Rc<OnceCell<Word>>,
}

impl Parser<'_> {
    pub(super) fn redirect(&mut self) -> Option<Redirect> {
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
        let number = rest[..descriptor].parse().ok();
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
        Some(Redirect {
            kind,
            descriptor: number,
            target,
            body,
        })
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
            RedirectKind::DuplicateInput
        } else {
            RedirectKind::Read
        }
    }

    /// Reads the here-documents whose operators stood on the line before.
    pub(super) fn here_document_bodies(&mut self) {
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
                vec![Piece::Quoted(body)]
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
