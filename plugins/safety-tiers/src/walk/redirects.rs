//! Where a command's input comes from and which files it writes.

use super::invoke::BYTES_OF_A_FIELD;
use super::{Context, Field, Stream, Walk, base_name};
use crate::arguments::Arguments;
use crate::matching::Subject;
use crate::place::Places;
use crate::rules::{PLAIN_PROGRAM, Sources};
use crate::syntax::{Redirect, RedirectKind};
use crate::text::{self, SOMETHING};
use crate::verdict::{Span, Tier};

/// Numbers that no other file of a process has.
const FIRST_SUBSTITUTED: usize = 1000;

/// What the redirections of a command come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Redirected {
    pub(super) input: Option<Stream>,
    pub(super) writes: Vec<Field>,
    /// Those of them that hold nothing before what is printed comes.
    pub(super) emptied: Vec<Field>,
    pub(super) reads: Vec<Field>,
    /// The files that are opened for what is printed, by number.
    pub(super) numbered: Vec<(u32, String)>,
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
                    let read = Stream {
                        text,
                        piped: true,
                        names: None,
                        from: Sources::NONE,
                    };
                    self.read_by(redirect.descriptor, read, &mut redirected);
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
                    let read = Stream {
                        text: Some(text.into()),
                        piped: true,
                        names: None,
                        from,
                    };
                    self.read_by(redirect.descriptor, read, &mut redirected);
                }
                RedirectKind::Duplicate => {
                    let target = self.fields(&redirect.target, context);
                    self.duplicated(&target, span, &mut redirected);
                }
                RedirectKind::DuplicateInput => {
                    let target = self.fields(&redirect.target, context);
                    let number = target.first().and_then(|field| field.text.parse().ok());
                    // `<&0` and `<&-` bring nothing new.
                    let elsewhere = number.is_some_and(|number: u32| number > 2)
                        || target.iter().any(|field| !text::is_known(&field.text));
                    if elsewhere {
                        let unseen = Stream {
                            piped: true,
                            ..Stream::default()
                        };
                        let read = number.and_then(|number| self.shell.read_from(number));
                        let read = read.unwrap_or(unseen);
                        self.read_by(redirect.descriptor, read, &mut redirected);
                    }
                }
                kind => {
                    for mut field in self.fields(&redirect.target, context) {
                        field.span = span;
                        if kind != RedirectKind::Read {
                            let number = redirect.descriptor.unwrap_or(1);
                            redirected.numbered.push((number, field.text.clone()));
                            redirected.writes.push(field.clone());
                            if kind == RedirectKind::Write
                                && matches!(redirect.descriptor, None | Some(1))
                            {
                                redirected.emptied.push(field.clone());
                            }
                        }
                        if matches!(kind, RedirectKind::Read | RedirectKind::ReadWrite) {
                            let substituted = self.stream_of(&field.text, context);
                            let read = Stream {
                                text: substituted.and_then(|stream| stream.text),
                                piped: true,
                                names: None,
                                from: field.from.and(self.file_source(&field.text)),
                            };
                            self.read_by(redirect.descriptor, read, &mut redirected);
                            redirected.reads.push(field);
                        }
                    }
                }
            }
        }
        redirected
    }

    /// What is read is the input, or open under another number.
    fn read_by(&mut self, descriptor: Option<u32>, read: Stream, redirected: &mut Redirected) {
        match descriptor {
            None | Some(0) => redirected.input = Some(read),
            Some(number) => self.shell.opened(number, &read),
        }
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
        if matches!(path, "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0" | "-") {
            return Some(context.input.clone());
        }
        let Some(number) = path
            .strip_prefix("/dev/fd/")
            .or_else(|| path.strip_prefix("/proc/self/fd/"))
        else {
            return Some(Stream {
                text: Some(self.text_of_file(path)?),
                ..Stream::default()
            });
        };
        let number: usize = number.parse().ok()?;
        let opened = u32::try_from(number).ok();
        if let Some(read) = opened.and_then(|number| self.shell.read_from(number)) {
            return Some(read);
        }
        self.substituted
            .get(number.checked_sub(FIRST_SUBSTITUTED)?)
            .cloned()
    }

    /// Remembers the files that now hold what came over the network, or secrets.
    pub(super) fn written(&mut self, redirected: &Redirected, from: Sources) {
        if from.meets(Sources::SECRET) {
            for field in &redirected.writes {
                self.holds(&field.text, Sources::SECRET);
            }
        }
        if from.meets(Sources::NETWORK) {
            for field in &redirected.writes {
                self.downloaded(&field.text);
                if Places::STARTUP.meets(field.places(self.shell.here())) {
                    self.note(
                        "core/command-from-network",
                        Tier::Dangerous,
                        "It would put what a server sends into a file that shells run when they start.",
                        field.span,
                    );
                }
            }
        }
    }

    /// Files of the project that a command empties which prints nothing: `: > FILE`.
    pub(super) fn judge_emptied(&mut self, redirected: &Redirected, span: Span) {
        const EMPTY_BY_NATURE: [&str; 5] =
            [".gitkeep", ".keep", "__init__.py", "py.typed", ".nojekyll"];
        let made_again = Places(Places::BUILD.0 | Places::TEMPORARY.0 | Places::STREAM.0);
        for file in &redirected.emptied {
            let places = file.places(self.shell.here());
            let precious = Places(Places::SECRETS.0 | Places::STARTUP.0);
            // No history of a project has what lies elsewhere in a home.
            let kept_at_home = Places::OUTSIDE.meets(places)
                && (file.text.starts_with(text::HOME)
                    || ["/home/", "/Users/"]
                        .iter()
                        .any(|home| file.text.starts_with(home)))
                && !file.text.ends_with(".log");
            if (precious.meets(places) || kept_at_home) && !text::is_glob(&file.text) {
                self.note(
                    "core/emptied-for-good",
                    Tier::Dangerous,
                    "It would empty a file that nothing keeps a copy of, and what was in it is lost.",
                    span,
                );
            }
            // `for f in *; do : > "$f"; done`
            if Places::WHOLE.meets(places) {
                self.note(
                    "core/emptied-in-mass",
                    Tier::Dangerous,
                    "It would empty every file that there is, and what was in them is lost.",
                    span,
                );
            }
            if Places::INSIDE.meets(places)
                && !made_again.meets(places)
                && !EMPTY_BY_NATURE.contains(&base_name(&file.text))
            {
                self.note(
                    "core/emptied",
                    Tier::Review,
                    "It empties a file, and what was in it is lost.",
                    span,
                );
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
        let place = self.shell.place();
        let subject = Subject {
            writes: &redirected.writes,
            reads: &redirected.reads,
            ..Subject::new("", &arguments, place.here())
        };
        let rule = self.rules.strictest_everywhere(&subject);
        if let Some(rule) = rule {
            self.found_by(rule, span);
        }
    }
}
