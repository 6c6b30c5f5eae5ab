//! The commands among the arguments of `find` and of git.

use super::invoke::Invocation;
use super::output::single_quoted;
use super::redirects::Redirected;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::Sources;
use crate::text::{ANY_ONE, HOME, SOMETHING, STAR};
use crate::verdict::{Span, Tier};

/// `find` and `fd` take whole commands among their flags.
const COMMAND_FLAGS: [&str; 8] = [
    "-exec",
    "-execdir",
    "-ok",
    "-okdir",
    "-x",
    "--exec",
    "-X",
    "--exec-batch",
];

/// Flags of `find` after which it no longer finds the folder itself.
pub(super) const NARROWING_FLAGS: [&str; 10] = [
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-newer",
    "-size",
];

impl Walk<'_> {
    /// `find … -exec COMMAND ;`, with what it found as arguments.
    pub(super) fn commands_of_find(
        &mut self,
        fields_are_starts: bool,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        // Where it starts stands before its first test.
        let starts = fields
            .iter()
            .map(|field| field.text.as_str())
            .skip_while(|text| matches!(*text, "-L" | "-H" | "-P"))
            .take_while(|text| !text.starts_with('-') && !matches!(*text, "(" | "!"));
        let mut found: Vec<String> = if fields_are_starts {
            starts.map(str::to_owned).take(8).collect()
        } else {
            // `fd PATTERN FOLDER…`
            let mut starts = starts.peekable();
            let all = starts
                .peek()
                .is_none_or(|pattern| matches!(*pattern, "." | ".*" | "^" | "*"));
            let folders = starts.skip(1).map(|folder| {
                if all {
                    format!("{folder}/{STAR}")
                } else {
                    folder.to_owned()
                }
            });
            let mut folders: Vec<String> = folders.take(8).collect();
            if folders.is_empty() && all {
                folders.push(format!("./{STAR}"));
            }
            folders
        };
        if found.is_empty() {
            found.push(SOMETHING.to_string());
        }
        let mut rest = fields;
        while let Some(flag) = rest
            .iter()
            .position(|field| COMMAND_FLAGS.contains(&field.text.as_str()))
        {
            rest = &rest[flag + 1..];
            let end = rest
                .iter()
                .position(|field| matches!(field.text.as_str(), ";" | "+"))
                .unwrap_or(rest.len());
            let (command, after) = rest.split_at(end);
            rest = after;
            // What is found may be the folder itself; with a test it may not.
            let narrowed = fields.windows(2).any(|pair| {
                NARROWING_FLAGS.contains(&pair[0].text.as_str()) && pair[1].text != "*"
            });
            self.emptied_in_mass(command, &found, (narrowed, !fields_are_starts), span);
            for start in &found {
                let named = match fields_are_starts {
                    true => named(start, fields, |path| self.is_secret(path)),
                    false => self.found_by_fd(start, fields),
                };
                let path = if let Some(path) = named {
                    path
                } else if narrowed {
                    format!("{start}/{SOMETHING}")
                } else if fields.iter().any(|field| field.text == "-mindepth") {
                    // All that is in it, but not the folder itself.
                    format!("{start}/{STAR}")
                } else {
                    start.clone()
                };
                let placed = command.iter().any(|argument| argument.text.contains("{}"));
                let mut inner: Vec<Field> = command
                    .iter()
                    .map(|argument| {
                        Field::new(
                            argument.text.replace("{}", &path),
                            argument.from,
                            argument.span,
                        )
                    })
                    .collect();
                // fd adds what it has found, where find would not.
                if !fields_are_starts && !placed {
                    inner.push(Field::new(path.clone(), Sources::NONE, span));
                }
                let redirected = Redirected::default();
                let invocation = Invocation {
                    fields: &inner,
                    redirected: &redirected,
                    assigns: &[],
                    span,
                };
                self.invoke(&invocation, &super::deeper(context));
            }
        }
    }

    /// `find . -type f -exec truncate -s 0 {} +`
    fn emptied_in_mass(
        &mut self,
        command: &[Field],
        found: &[String],
        (narrowed, appends): (bool, bool),
        span: Span,
    ) {
        const EMPTY: [&str; 5] = ["truncate", "tee", "sponge", "dd", "shred"];
        let Some((program, arguments)) = command.split_first() else {
            return;
        };
        let written = |field: &Field| matches!(field.text.as_str(), "{}" | "of={}");
        let whole = |start: &String| Places::WHOLE.meets(Places::of(start, self.shell.here()));
        if EMPTY.contains(&super::base_name(&program.text))
            && !narrowed
            && (appends || arguments.iter().any(written))
            && found.iter().any(whole)
        {
            self.note(
                "core/emptied-in-mass",
                Tier::Dangerous,
                "It would empty every file that there is, and what was in them is lost.",
                span,
            );
        }
    }

    /// `cmake -E rm -rf FOLDER`: what cmake does in the place of other programs.
    pub(super) fn command_of_cmake(&mut self, fields: &[Field], span: Span, context: &Context) {
        let flag = fields.iter().position(|field| field.text == "-E");
        let Some([tool, rest @ ..]) = flag.map(|flag| &fields[flag + 1..]) else {
            return;
        };
        let meant: &[&str] = match tool.text.as_str() {
            "rm" | "remove" => &["rm"],
            "remove_directory" => &["rm", "-r"],
            "env" => &["env"],
            "time" => &["time"],
            _ => return,
        };
        let mut inner: Vec<Field> = meant
            .iter()
            .map(|word| super::field(*word, tool.span))
            .collect();
        inner.extend_from_slice(rest);
        let redirected = Redirected::default();
        let invocation = Invocation {
            fields: &inner,
            redirected: &redirected,
            assigns: &[],
            span,
        };
        self.invoke(&invocation, &super::deeper(context));
    }

    /// The shell lines among git's operands.
    pub(super) fn commands_of_git(
        &mut self,
        arguments: &Arguments<'_>,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        let operands: Vec<&str> = arguments
            .operands()
            .map(|operand| operand.text.as_str())
            .collect();
        let line = match operands.as_slice() {
            // An alias that is a shell line.
            ["config", .., key, value] if names_a_program(key) => {
                Some(value.trim_start_matches('!').to_owned())
            }
            ["config", .., value] => value.strip_prefix('!').map(str::to_owned),
            ["submodule", "foreach", line @ ..] => Some(line.join(" ")),
            // Its flags are not git's, so the words are taken as they are.
            ["bisect", "run", ..] => {
                let words = fields
                    .iter()
                    .skip_while(|field| field.text != "run")
                    .skip(1);
                let words: Vec<String> = words.map(|word| single_quoted(&word.text)).collect();
                Some(words.join(" "))
            }
            ["rebase" | "difftool", ..] => {
                let flag = fields.iter().position(|field| field.text == "-x");
                flag.and_then(|flag| fields.get(flag + 1))
                    .map(|line| line.text.clone())
            }
            ["grep", ..] => fields.iter().find_map(|field| {
                let pager = field.text.strip_prefix("-O");
                pager
                    .or_else(|| field.text.strip_prefix("--open-files-in-pager="))
                    .map(str::to_owned)
            }),
            _ => None,
        };
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            let mut context = context.clone();
            // git hands a password to whom it asks for one.
            if operands
                .iter()
                .any(|setting| setting.starts_with("credential."))
            {
                context.input = Stream {
                    from: Sources::SECRET,
                    piped: true,
                    ..Stream::default()
                };
            }
            self.line(&line, span, &context);
        }
    }
}

/// Settings of git whose value is a shell line.
fn names_a_program(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    matches!(
        key.as_str(),
        "core.pager"
            | "core.editor"
            | "core.sshcommand"
            | "core.fsmonitor"
            | "diff.external"
            | "sequence.editor"
            | "gpg.program"
    )
}

impl Walk<'_> {
    /// What `fd` finds below a folder: names with an extension, or a secret that its
    /// pattern names.
    fn found_by_fd(&self, start: &str, fields: &[Field]) -> Option<String> {
        let asked = |pair: &&[Field]| matches!(pair[0].text.as_str(), "-e" | "--extension");
        if let Some(pair) = fields.windows(2).find(asked) {
            return Some(format!("{start}/{STAR}.{}", pair[1].text));
        }
        let start = start.trim_end_matches(['/', STAR]);
        fields
            .iter()
            .flat_map(|field| alternatives_of(&field.text))
            .map(|name| format!("{start}/{}", name.trim_start_matches([STAR, '/'])))
            .find(|path| self.is_secret(path))
    }
}

/// What `find` is asked for, as paths below where it begins: of several the one that
/// is a secret, as `is_secret` tells; nothing where it is asked for too much to tell.
pub(super) fn named(
    start: &str,
    fields: &[Field],
    is_secret: impl Fn(&str) -> bool,
) -> Option<String> {
    let start = start.trim_end_matches('/');
    let mut paths: Vec<String> = Vec::new();
    for pair in fields.windows(2) {
        let pattern = pair[1].text.replace('*', &STAR.to_string());
        let pattern = pattern.replace('?', &ANY_ONE.to_string());
        match pair[0].text.as_str() {
            "-name" if pair[1].text != "*" => paths.push(format!("{start}/{pattern}")),
            "-iname" if pair[1].text != "*" => {
                paths.push(format!("{start}/{}", pattern.to_ascii_lowercase()));
            }
            "-path" | "-wholename" => paths.push(whole(start, &pattern)),
            "-ipath" | "-iwholename" => paths.push(whole(start, &pattern.to_ascii_lowercase())),
            "-regex" | "-iregex" => {
                paths.extend(alternatives_of(&pair[1].text).map(|pattern| whole(start, &pattern)))
            }
            _ => {}
        }
    }
    // Below `/`, such a name is that of the file in /etc.
    if start.is_empty() {
        let of_the_system: Vec<String> = paths.iter().map(|path| format!("/etc{path}")).collect();
        paths.extend(of_the_system);
    }
    if let Some(secret) = paths.iter().find(|path| is_secret(path)) {
        return Some(secret.clone());
    }
    // Either this name or another.
    let others = ["-o", "-or", "-not", "!", ","];
    let other = fields
        .iter()
        .any(|field| others.contains(&field.text.as_str()));
    let names_alone = fields.iter().any(|field| field.text == "-name");
    (!other && names_alone && !paths.is_empty()).then(|| paths.swap_remove(0))
}

/// A pattern for whole paths, put below where the search begins.
fn whole(start: &str, pattern: &str) -> String {
    match pattern.strip_prefix(STAR) {
        // `*/.ssh/*` may begin at once.
        Some(rest) if rest.starts_with('/') => format!("{start}{rest}"),
        Some(rest) => format!("{start}/{STAR}{rest}"),
        None => pattern.to_owned(),
    }
}

/// The plain alternatives in a regular expression, as globs.
fn alternatives_of(regex: &str) -> impl Iterator<Item = String> {
    let star = STAR.to_string();
    let plain = regex.replace(".*", &star).replace("\\.", ".");
    let plain = plain.replace(['^', '$'], "").replace("\\|", "|");
    let alternatives: Vec<String> = plain
        .split(['|', '(', ')', '\\'])
        .filter(|part| part.len() > 2)
        .map(|part| match part.starts_with([STAR, '/', '.', HOME]) {
            true => part.to_owned(),
            false => format!("{STAR}{part}"),
        })
        .collect();
    alternatives.into_iter().take(8)
}
