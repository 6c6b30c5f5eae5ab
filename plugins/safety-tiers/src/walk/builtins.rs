//! Commands that change what later ones mean: where they run, what names stand for,
//! which files came from elsewhere.

use std::rc::Rc;

use super::shell::{Folder, MAX_NAMES, Positional};
use super::{Context, Field, Walk, base_name};
use crate::arguments::Arguments;
use crate::parser::Dialect;
use crate::place::Places;
use crate::rules::Sources;
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::Span;

impl Walk<'_> {
    /// Builtins that change what later commands mean.
    pub(super) fn change_shell(
        &mut self,
        name: &str,
        arguments: &[Field],
        context: &Context,
        span: Span,
    ) {
        self.note_pieces(name, arguments, context);
        self.note_copies(name, arguments);
        let mut words = arguments.iter().map(|argument| argument.text.as_str());
        match name {
            "cd" | "pushd" => {
                let target = words.find(|word| !word.starts_with('-') || *word == "-");
                let folder = match target {
                    None => text::HOME.to_string(),
                    Some("-") => UNKNOWN.to_string(),
                    Some(path)
                        if path.starts_with(['/', text::HOME, UNKNOWN, SOMETHING])
                            || self.shell.cwd.written.is_empty() =>
                    {
                        path.to_owned()
                    }
                    Some(path) => format!("{}/{path}", self.shell.cwd.written),
                };
                // A copy of a part of the project is as much the project's.
                let first = self.by_oldest_name(&folder);
                let inside = |path: &str| Places::INSIDE.meets(Places::of(path, self.shell.here()));
                let folder = if inside(&first) && !inside(&folder) {
                    first
                } else {
                    folder
                };
                self.shell.cwd = if folder.len() > 4096 {
                    Folder::unknown()
                } else {
                    Folder::new(&folder)
                };
            }
            "popd" => self.shell.cwd = Folder::unknown(),
            "declare" | "typeset" | "local" | "nameref"
                if name == "nameref"
                    || arguments.first().is_some_and(|flag| {
                        flag.text.starts_with('-') && flag.text.contains('n')
                    }) =>
            {
                for (reference, meant) in words.filter_map(|word| word.split_once('=')) {
                    let references = Rc::make_mut(&mut self.shell.references);
                    if references.len() < MAX_NAMES {
                        references.push((reference.to_owned(), meant.to_owned()));
                    }
                }
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => {
                let assignments: Vec<(&str, &str)> =
                    words.filter_map(|word| word.split_once('=')).collect();
                for (variable, value) in &assignments {
                    self.set(variable, (*value).to_owned(), context.conditional);
                    self.judge_assigned_line(variable, value, span, context);
                }
                let assigned: Vec<String> = assignments
                    .iter()
                    .map(|(variable, value)| format!("{variable}={value}"))
                    .collect();
                if !assigned.is_empty() {
                    self.judge_assignments(&assigned, span);
                }
            }
            "set" if self.dialect == Dialect::Fish || is_set_of_fish(arguments) => {
                let mut words = words.filter(|word| !word.starts_with('-'));
                if let Some(variable) = words.next() {
                    let value = words.collect::<Vec<_>>().join(" ");
                    self.set(variable, value.clone(), context.conditional);
                    self.judge_assigned_line(variable, &value, span, context);
                    self.judge_assignments(&[format!("{variable}={value}")], span);
                }
            }
            // `hash -p FILE NAME`: NAME now runs FILE.
            "hash" if words_are_path(arguments) => {
                if let [_, file, name] = arguments {
                    self.shell.add_alias(&name.text, &file.text);
                }
            }
            "read" | "mapfile" | "readarray" | "getopts" | "unset" | "let" => {
                let variables: Vec<String> = words
                    .filter(|word| !word.starts_with('-'))
                    .map(str::to_owned)
                    .collect();
                // `find … | while read -r file`
                let names = context.input.names.clone();
                let given = || {
                    let text = context.input.text.as_deref()?;
                    Some(match name {
                        "read" => text.lines().next().unwrap_or_default().trim().to_owned(),
                        "mapfile" | "readarray" => text.lines().collect::<Vec<_>>().join(" "),
                        _ => return None,
                    })
                };
                let value = names
                    .filter(|_| name == "read")
                    .map(|names| names.to_string())
                    .or_else(given)
                    .filter(|_| variables.len() == 1)
                    .unwrap_or_else(|| UNKNOWN.to_string());
                for variable in &variables {
                    self.set(variable, value.clone(), false);
                    if name != "unset" {
                        self.judge_unseen_value(variable, span);
                    }
                }
                if name == "unset" {
                    self.judge_assignments(&variables, span);
                }
            }
            "printf" => {
                if words.next() == Some("-v")
                    && let Some(variable) = words.next()
                {
                    let printed = self.printed("printf", &arguments[2..], context);
                    match &printed {
                        Some(value) => self.judge_assigned_line(variable, value, span, context),
                        None => self.judge_unseen_value(variable, span),
                    }
                    let value = printed.unwrap_or_else(|| UNKNOWN.to_string());
                    self.set(variable, value, false);
                }
            }
            "set"
                if words
                    .clone()
                    .next()
                    .is_some_and(|word| !word.starts_with(['-', '+'])) =>
            {
                self.shell.positional = Positional::Known(words.map(str::to_owned).collect());
            }
            "set" if words.any(|word| word == "--") => {
                self.shell.positional = Positional::Known(words.map(str::to_owned).collect());
            }
            "shift" => self.shell.positional = Positional::Unknown,
            "alias" => self.note_aliases(arguments),
            "mv" | "ln" | "cp" | "install" | "ditto" => self.note_renamed(name, arguments),
            "curl" | "wget" | "aria2c" => self.note_downloads(name, arguments),
            "scp" | "rsync" | "sftp" => {
                let remote = arguments.iter().rev().skip(1).map(|field| &field.text);
                for file in remote.filter(|file| file.contains(':') && !file.starts_with('-')) {
                    self.downloaded(base_name(file.rsplit(':').next().unwrap_or_default()));
                    if let Some(target) = arguments.last() {
                        self.downloaded(&target.text);
                    }
                }
            }
            "tar" | "bsdtar" | "unzip" | "cpio" | "7z" | "gunzip" => {
                let packed = context.input.from.meets(Sources::NETWORK)
                    || arguments
                        .iter()
                        .any(|file| self.file_source(&file.text).meets(Sources::NETWORK));
                if packed {
                    self.shell.unpacked = true;
                }
                let here = self.shell.here();
                if (arguments.iter()).any(|file| Places::ELSEWHERE.meets(file.places(here))) {
                    self.shell.unpacked_from_elsewhere = true;
                }
            }
            _ => {}
        }
    }

    fn note_downloads(&mut self, name: &str, fields: &[Field]) {
        let arguments = Arguments::new(fields, self.rules.program(name));
        let named: Vec<String> = arguments
            .values_of(&["-o", "--output", "-O", "--output-document", "--out"])
            .map(str::to_owned)
            .collect();
        if named.is_empty() {
            for operand in arguments.operands() {
                let file = base_name(operand.text.split(['?', '#']).next().unwrap_or_default());
                self.downloaded(file);
            }
        }
        for file in named {
            self.downloaded(&file);
        }
    }
}

/// `set -gx NAME value`: no shell but fish has these flags.
fn is_set_of_fish(arguments: &[Field]) -> bool {
    arguments.first().is_some_and(|flag| {
        matches!(
            flag.text.as_str(),
            "--global" | "--universal" | "--export" | "--local"
        ) || flag
            .text
            .strip_prefix('-')
            .is_some_and(|letters| letters.contains(['g', 'U', 'L', 'l']))
    }) && arguments.len() > 1
}

fn words_are_path(arguments: &[Field]) -> bool {
    arguments.first().is_some_and(|flag| flag.text == "-p")
}
