//! The commands among the arguments of `find` and of git.

use super::invoke::Invocation;
use super::output::single_quoted;
use super::redirects::Redirected;
use super::{Context, Field, Stream, Walk};
use crate::arguments::Arguments;
use crate::rules::Sources;
use crate::text::{SOMETHING, STAR};
use crate::verdict::Span;

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
pub(super) const NARROWING_FLAGS: [&str; 5] = ["-name", "-iname", "-path", "-regex", "-newer"];

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
            let named = named(fields).or_else(|| extension(fields));
            for start in &found {
                let path = if let Some(name) = &named {
                    format!("{start}/{name}")
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

/// The pattern of the names that `fd -e EXTENSION` finds.
fn extension(fields: &[Field]) -> Option<String> {
    let asked = |pair: &&[Field]| matches!(pair[0].text.as_str(), "-e" | "--extension");
    let pair = fields.windows(2).find(asked)?;
    Some(format!("{STAR}.{}", pair[1].text))
}

/// The pattern of the names that `find` is asked for.
pub(super) fn named(fields: &[Field]) -> Option<String> {
    // Either this name or another.
    if fields
        .iter()
        .any(|field| matches!(field.text.as_str(), "-o" | "-or" | "-not" | "!" | ","))
    {
        return None;
    }
    fields
        .windows(2)
        .find(|pair| pair[0].text == "-name" && pair[1].text != "*")
        .map(|pair| pair[1].text.replace('*', &STAR.to_string()))
}
