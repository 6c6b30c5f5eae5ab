//! Text that a line puts into files, among what is in them.

use std::rc::Rc;

use super::code::{put_together, strings};
use super::output::single_quoted;
use super::put_in::{HOLD_COMMANDS, Holds};
use super::redirects::Redirected;
use super::{Context, Field, MAX_VALUE_BYTES, Walk, base_name};
use crate::arguments::Arguments;
use crate::place::plain_path;
use crate::text::is_known;
use crate::verdict::Span;

/// Pieces of text that are remembered.
const MAX_PIECES: usize = 32;

/// Programs that put text into files among what is in them.
const PUT_IN: [&str; 23] = [
    "sed",
    "gsed",
    "ed",
    "ex",
    "perl",
    "ruby",
    "awk",
    "gawk",
    "jq",
    "yq",
    "gojq",
    "dasel",
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "patch",
    "apply_patch",
    "applypatch",
    "git",
    "dd",
    "install",
    "cp",
];

impl Walk<'_> {
    /// Remembers text that went into a file, whatever else there is in it.
    pub(super) fn put_into(&mut self, file: &str, text: &str) {
        if text.trim().is_empty() || text.len() > MAX_VALUE_BYTES || !is_known(file) {
            return;
        }
        let file = plain_path(file, self.shell.here());
        if self.shell.pieces.len() < MAX_PIECES {
            Rc::make_mut(&mut self.shell.pieces).push((file, text.into()));
        }
    }

    /// Remembers what a command puts into files.
    pub(super) fn note_pieces(&mut self, name: &str, fields: &[Field], context: &Context) {
        if !PUT_IN.contains(&name) {
            return;
        }
        // git does so by two of its commands.
        if name == "git"
            && !fields
                .iter()
                .any(|field| matches!(field.text.as_str(), "apply" | "am"))
        {
            return;
        }
        let arguments = Arguments::new(fields, self.rules.program(name));
        let files: Vec<&str> = arguments.operands().map(|it| it.text.as_str()).collect();
        let input = context.input.text.clone();
        match name {
            "sed" | "gsed" if arguments.has_flag("-i|--in-place|-s") => {
                let given = arguments.text().map(|text| text.text.as_str());
                let others = arguments.values_of(&["-e", "--expression"]);
                for script in given.into_iter().chain(others) {
                    let text = put_in_by_sed(script);
                    for file in &files {
                        self.put_into(file, &text);
                    }
                }
            }
            "ed" | "ex" => {
                let (Some(text), Some(file)) = (input, files.last()) else {
                    return;
                };
                self.put_into(file, &put_in_by_sed(&text));
            }
            "perl" | "ruby" | "awk" | "gawk" if arguments.has_flag("-i|-pi|-i=*|-pi=*") => {
                for code in arguments
                    .values_of(&["-e"])
                    .chain(arguments.text().map(|it| it.text.as_str()))
                {
                    let text = put_in_by_sed(code);
                    for file in &files {
                        self.put_into(file, &text);
                    }
                }
            }
            "jq" | "yq" | "gojq" | "dasel" => {
                // What it prints goes into a file that takes the place of the old one.
                let script = arguments.text().map(|it| it.text.as_str());
                let script = script.or_else(|| files.first().copied());
                if let Some(script) = script.filter(|script| script.contains('=')) {
                    let text = strings(script).join("\n");
                    self.put_into("package.json", &text);
                }
            }
            "npm" | "pnpm" | "yarn" | "bun" => {
                if let ["pkg", "set", settings @ ..] = files.as_slice() {
                    for (_, value) in settings.iter().filter_map(|it| it.split_once('=')) {
                        self.put_into("package.json", value);
                    }
                }
            }
            "patch" | "apply_patch" | "applypatch" => {
                let patch = input.or_else(|| Some((*files.first()?).into()));
                if let Some(patch) = patch {
                    self.put_in_by_patch(&patch);
                }
            }
            "git" if matches!(files.first(), Some(&("apply" | "am"))) => {
                let file = files.get(1).filter(|file| **file != "-");
                let patch = match file {
                    Some(file) => self.text_of_file(file),
                    None => input,
                };
                if let Some(patch) = patch {
                    self.put_in_by_patch(&patch);
                }
            }
            "dd" => {
                let file = files.iter().find_map(|it| it.strip_prefix("of="));
                if let (Some(text), Some(file)) = (input, file) {
                    self.put_into(file, &text);
                }
            }
            "install" | "cp" => {
                if let [from, .., file] = files.as_slice()
                    && (from.starts_with("/dev/") || from.starts_with("/proc/self/fd/"))
                    && let Some(text) = self.stream_of(from, context).and_then(|it| it.text)
                {
                    self.put_into(file, &text);
                }
            }
            _ => {}
        }
    }

    /// The lines that a patch adds, file by file.
    fn put_in_by_patch(&mut self, patch: &str) {
        let mut file: Option<&str> = None;
        let mut text = String::new();
        for line in patch.lines().chain(["+++ /dev/null"]) {
            let next = (line.strip_prefix("+++ "))
                .or_else(|| line.strip_prefix("*** Update File: "))
                .or_else(|| line.strip_prefix("*** Add File: "))
                .or_else(|| line.strip_prefix("*** Move to: "));
            if let Some(next) = next {
                if let Some(file) = file {
                    self.put_into(file, &text);
                }
                text.clear();
                let path = next.split('\t').next().unwrap_or(next).trim();
                file = Some(path.strip_prefix("b/").unwrap_or(path));
            } else if let Some(added) = line.strip_prefix('+') {
                text.push_str(added);
                text.push('\n');
            }
        }
    }

    /// Judges the files that a patch in the form of coding agents would change.
    pub(super) fn files_of_a_patch(&mut self, patch: &str, span: Span, context: &Context) {
        let mut writes = Vec::new();
        for line in patch.lines().filter_map(|line| line.strip_prefix("*** ")) {
            let Some((what, file)) = line.split_once(": ") else {
                continue;
            };
            match what {
                "Add File" | "Update File" | "Move to" => writes.push(super::field(file, span)),
                "Delete File" => {
                    self.line(&format!("rm -- {}", single_quoted(file)), span, context);
                }
                _ => {}
            }
        }
        self.judge_redirects(&Redirected::to(writes), span);
    }

    /// What code writes into files, where it names both.
    pub(super) fn put_in_by_code(&mut self, code: &str) {
        const WRITERS: [&str; 14] = [
            "'w'",
            "\"w\"",
            "'a'",
            "\"a\"",
            "'w+'",
            "\"w+\"",
            "write_text",
            "writeFile",
            "appendFile",
            "File.write",
            "file_put_contents",
            "os.WriteFile",
            // Perl's `open F, ">a.sh"`
            "\">",
            "'>",
        ];
        if !WRITERS.iter().any(|writer| code.contains(writer)) {
            return;
        }
        let whole = put_together(code);
        // A text that is made of parts is not to be told from them.
        let made = whole.is_some()
            || [
                "%", ".format(", ".join(", "f'", "f\"", "chr(", "decode", "replace(",
            ]
            .iter()
            .any(|part| code.contains(part));
        let code = whole.as_deref().unwrap_or(code);
        let strings = strings(code);
        let files = strings.iter().filter(|it| {
            let named = |quote| code.contains(&format!("({quote}{it}{quote}"));
            it.len() < 200
                && *it != ">"
                && !it.contains([' ', '\n'])
                && (it.contains('.')
                    || HOLD_COMMANDS.contains(&base_name(it))
                    || named('\'')
                    || named('"'))
        });
        let texts: Vec<&str> = (strings.iter().map(String::as_str))
            .filter(|it| it.contains([' ', '\n']))
            .collect();
        let text = texts.join("\n");
        for file in files.map(|file| file.trim_start_matches('>')) {
            self.put_into(file, &text);
            if made && Holds::told_by(file) == Holds::Script {
                self.note_unseen(&super::field(file, Span::default()));
            }
        }
    }
}

/// What a script for sed or ed puts into a file: the text of `a`, `i` and `c`, and
/// what `s` puts in the place of something, each on a line of its own.
fn put_in_by_sed(script: &str) -> String {
    let mut text = String::new();
    let mut appends = false;
    for line in script.lines().map(str::trim_start) {
        if appends && line != "." {
            text.push_str(line);
            text.push('\n');
            continue;
        }
        appends = false;
        // ed's addresses, or sed's.
        let command =
            line.trim_start_matches(|it: char| it.is_ascii_digit() || "$,.!% ".contains(it));
        let command = match command.strip_prefix('/') {
            Some(rest) => rest
                .split_once('/')
                .map_or("", |(_, command)| command.trim_start()),
            None => command,
        };
        let mut letters = command.chars();
        match (letters.next(), letters.next()) {
            (Some('a' | 'i' | 'c'), None) => appends = true,
            (Some('a' | 'i' | 'c'), Some('\\')) if command.len() == 2 => appends = true,
            (Some('a' | 'i' | 'c'), Some('\\' | ' ' | '\t')) => {
                text.push_str(command[1..].trim_start_matches(['\\', ' ', '\t']));
                text.push('\n');
            }
            (Some('a' | 'i' | 'c'), Some(_)) => {
                text.push_str(&command[1..]);
                text.push('\n');
            }
            (Some('s'), Some(delimiter)) if !delimiter.is_alphanumeric() => {
                let parts: Vec<&str> = command[1 + delimiter.len_utf8()..]
                    .split(delimiter)
                    .collect();
                if let [_, middle @ .., _] = parts.as_slice() {
                    let put = middle.join(&delimiter.to_string());
                    text.push_str(
                        &put.replace("\\n", "\n")
                            .replace("\\t", "\t")
                            .replace('\\', ""),
                    );
                    text.push('\n');
                }
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sed_and_ed_put_in_is_found() {
        for (script, text) in [
            ("1a rm -rf ~", "rm -rf ~\n"),
            ("1i\\rm -rf ~", "rm -rf ~\n"),
            ("$a\\\nrm -rf ~", "\nrm -rf ~\n"),
            ("s/^all:.*/all:\\n\\trm -rf ~/", "all:\n\trm -rf ~\n"),
            ("s|x|a/b|g", "a/b\n"),
            ("/main/a echo x", "echo x\n"),
            ("$a\nrm -rf ~\n.\nw\nq", "rm -rf ~\n"),
            ("s/a/b/", "b\n"),
            ("1,5d", ""),
        ] {
            assert_eq!(
                put_in_by_sed(script).trim_start(),
                text.trim_start(),
                "{script}"
            );
        }
    }
}
