//! Text that a command writes and something else runs: a script that the same
//! line starts, a start-up file, a table of scheduled work, a Makefile that comes
//! by a pipe.

use std::rc::Rc;

use super::redirects::Redirected;
use super::{Context, Field, MAX_VALUE_BYTES, Stream, Walk, base_name};
use crate::arguments::Arguments;
use crate::place::{Places, plain_path};
use crate::text::{glob_covers, is_glob};
use crate::typed::{Reader, reader};
use crate::verdict::{Span, Tier};

/// Files whose text is remembered.
pub(super) const MAX_FILES: usize = 16;

/// Scripts that git runs by itself, wherever it is told to look for them.
const GIT_HOOKS: [&str; 10] = [
    "pre-commit",
    "post-commit",
    "commit-msg",
    "prepare-commit-msg",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-rebase",
    "post-rewrite",
    "pre-receive",
];

/// Fields of a crontab's line before its command.
const FIELDS_OF_A_SCHEDULE: usize = 5;

impl Walk<'_> {
    /// What becomes of the text that went into the files of redirections.
    pub(super) fn text_written(
        &mut self,
        redirected: &Redirected,
        output: &Stream,
        span: Span,
        context: &Context,
    ) {
        for field in &redirected.writes {
            self.read_by_command(&field.text, output, context);
            match &output.text {
                Some(text) => self.text_into(field, text, span),
                None => self.note_unseen(field),
            }
        }
    }

    /// Remembers a file's text. What runs by itself later is judged at once.
    pub(super) fn text_into(&mut self, file: &Field, text: &Rc<str>, span: Span) {
        if text.is_empty() || text.len() > MAX_VALUE_BYTES {
            return;
        }
        let runs_later = Places(Places::STARTUP.0 | Places::ENTRY.0);
        let hook = GIT_HOOKS.contains(&base_name(&file.text));
        if hook || runs_later.meets(file.places(self.shell.here())) {
            self.perhaps_line(text, span, &Context::default());
            self.scheduled(text, span);
        }
        self.started_by_others(&file.text, text, span);
        let name = plain_path(&file.text, self.shell.here());
        let files = Rc::make_mut(&mut self.shell.files);
        files.retain(|(known, _)| *known != name);
        if files.len() < MAX_FILES {
            files.push((name, Rc::clone(text)));
        }
    }

    pub(super) fn note_unseen(&mut self, file: &Field) {
        let name = plain_path(&file.text, self.shell.here());
        if self.shell.unseen_files.len() < MAX_FILES && name.len() <= MAX_VALUE_BYTES {
            Rc::make_mut(&mut self.shell.unseen_files).push(name);
        }
    }

    /// Judges a script that this line has written with a text that nobody can tell.
    pub(super) fn judge_unseen_script(&mut self, script: &str, span: Span) {
        let name = plain_path(script, self.shell.here());
        if self.shell.unseen_files.contains(&name) {
            self.note(
                "core/unseen-script",
                Tier::Review,
                "It runs a script that was written a moment ago, and nobody has read what is in it.",
                span,
            );
        }
    }

    /// The text of a file, if this line has written it.
    pub(super) fn text_of_file(&self, file: &str) -> Option<Rc<str>> {
        if self.shell.files.is_empty() {
            return None;
        }
        let name = plain_path(file, self.shell.here());
        let mut files = self.shell.files.iter().rev();
        let glob = is_glob(&name);
        files
            .find(|(known, _)| *known == name || glob && glob_covers(&name, known))
            .map(|(_, text)| Rc::clone(text))
    }

    /// The script that a program's path names, if this line has written it.
    pub(super) fn written_script(&mut self, path: &str, span: Span, context: &Context) {
        let Some(text) = self.text_of_file(path).filter(|_| path.contains('/')) else {
            return;
        };
        let interpreter = text.lines().next().filter(|line| line.starts_with("#!"));
        let shell = interpreter.is_none_or(|line| line.trim_end().ends_with("sh"));
        if shell {
            self.line(&text, span, context);
        } else {
            self.judge_code(&text, span, context);
        }
    }

    /// Commands in what a program reads from its input: a crontab, the work of
    /// `at`, a Makefile, the lines of an editor with a way out to the shell.
    pub(super) fn commands_in_input(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        self.scripts_of_the_project(name, span, context);
        let Some(text) = context.input.text.clone() else {
            return;
        };
        match name {
            // Without a command it runs what it is sent.
            "ssh" | "mosh" if arguments.operands().count() == 1 => {
                self.line(&text, span, context);
            }
            "crontab" => self.scheduled(&text, span),
            "at" | "batch" => self.perhaps_line(&text, span, &super::deeper(context)),
            "tee" | "sponge" => {
                for file in arguments.operands() {
                    self.text_into(file, &text, span);
                }
            }
            "m4" => {
                for call in text.split("syscmd(").skip(1) {
                    let line = call.split(')').next().unwrap_or(call);
                    let line = line.trim_matches(['`', '\'', '"', ' ']);
                    self.line(line, span, context);
                }
            }
            "ed" | "ex" | "vi" | "vim" | "nvim" | "gdb" | "lldb" | "ftp" | "sftp" | "lftp"
            | "mail" | "mailx" => {
                let Reader::Program(language) = reader(name) else {
                    return;
                };
                for line in text.lines().map(str::trim_start) {
                    // `r !cmd`, `1,$w !cmd`, `w FILE`
                    let command = line
                        .trim_start_matches(|it: char| it.is_ascii_digit() || "$,.%".contains(it));
                    let given = command.strip_prefix(['e', 'E', 'r', 'w', 'W']);
                    let given = given.filter(|_| matches!(name, "ed" | "ex"));
                    match given.map(|given| given.trim_start_matches('!')) {
                        Some(given) if given.starts_with(" !") => {
                            let unseen = Context {
                                input: Stream {
                                    piped: true,
                                    ..Stream::default()
                                },
                                ..context.clone()
                            };
                            self.line(&given[2..], span, &unseen);
                        }
                        Some(file) if file.starts_with(' ') && command.starts_with(['w', 'W']) => {
                            let file = super::field(file.trim(), span);
                            self.judge_redirects(&Redirected::to(vec![file]), span);
                        }
                        _ => {}
                    }
                    let mut escapes = language.escapes.iter();
                    if let Some(line) = escapes.find_map(|escape| line.strip_prefix(escape)) {
                        self.line(line, span, context);
                    }
                }
            }
            _ => {}
        }
    }

    /// The commands in settings from which editors and coding agents start some.
    fn started_by_others(&mut self, file: &str, text: &str, span: Span) {
        let starts = matches!(
            base_name(file),
            ".mcp.json"
                | "mcp.json"
                | "tasks.json"
                | "launch.json"
                | "devcontainer.json"
                | "hooks.json"
        ) || base_name(file).starts_with("settings")
            && file.contains("/.") | file.starts_with('.');
        if starts {
            for string in super::code::strings(text) {
                self.perhaps_line(&string, span, &Context::default());
            }
        }
    }

    /// What `npm run` and `make` run, where this line has written it.
    fn scripts_of_the_project(&mut self, name: &str, span: Span, context: &Context) {
        let files: &[&str] = match name {
            "npm" | "pnpm" | "yarn" | "bun" => &["package.json"],
            "make" | "gmake" => &["Makefile", "makefile", "GNUmakefile"],
            "just" => &["justfile", "Justfile"],
            _ => return,
        };
        let text = files.iter().find_map(|file| self.text_of_file(file));
        let Some(text) = text else { return };
        if name.ends_with("make") || name == "just" {
            for line in text.lines().filter(|line| line.starts_with(['\t', ' '])) {
                self.perhaps_line(
                    line.trim_start_matches(['\t', ' ', '@', '-']),
                    span,
                    context,
                );
            }
        } else {
            for string in super::code::strings(&text) {
                self.perhaps_line(&string, span, context);
            }
        }
    }

    /// The commands of a table of scheduled work, or of the description of a
    /// service.
    fn scheduled(&mut self, text: &str, span: Span) {
        for line in text.lines().map(str::trim) {
            let fields = if let Some((key, command)) = line.split_once('=')
                && key.starts_with("Exec")
            {
                self.perhaps_line(
                    command.trim_start_matches(['-', '@', '+', '!']),
                    span,
                    &Context::default(),
                );
                continue;
            } else if line.starts_with('@') {
                1
            } else if line.starts_with(|first: char| first.is_ascii_digit() || first == '*') {
                FIELDS_OF_A_SCHEDULE
            } else {
                continue;
            };
            let mut command = line;
            for _ in 0..fields {
                command = command
                    .split_once(char::is_whitespace)
                    .map_or("", |(_, rest)| rest.trim_start());
            }
            self.perhaps_line(command, span, &Context::default());
        }
    }
}
