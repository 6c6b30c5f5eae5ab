//! Names of files that one command prints and another takes: `find | xargs`,
//! `ls | while read`.

use std::rc::Rc;

use super::searches::{NARROWING_FLAGS, named};
use super::{Context, Field, Walk};
use crate::place::Places;
use crate::text::{self, SOMETHING, STAR};

impl Walk<'_> {
    /// What the names look like that a command prints, where it prints names of
    /// files: what finds them, or what only picks from them.
    pub(super) fn names_listed(
        &self,
        name: &str,
        arguments: &[Field],
        context: &Context,
    ) -> Option<Rc<str>> {
        let has = |flags: &[&str]| {
            arguments
                .iter()
                .any(|argument| flags.contains(&argument.text.as_str()))
        };
        let matching = match name {
            "rg" | "ag" | "grep" | "egrep" => has(&[
                "-l",
                "-rl",
                "-lr",
                "-Rl",
                "-lR",
                "-L",
                "--files",
                "--files-with-matches",
                "-rlZ",
                "-lZ",
                "-0l",
                "-l0",
                "-rln",
                "-rli",
                "-ril",
            ]),
            "git" => has(&["ls-files", "--name-only", "-l"]),
            _ => false,
        };
        let operands = || {
            arguments
                .iter()
                .map(|argument| argument.text.as_str())
                .filter(|text| !text.starts_with('-'))
        };
        let whole = has(&["--files"]) && !has(&["-g", "--glob", "-t", "--type"])
            || arguments
                .first()
                .is_some_and(|word| word.text == "ls-files")
                && arguments[1..].iter().all(|flag| flag.text == "-z");
        match name {
            _ if matching => Some(match operands().last() {
                // Names below the last folder that is named, if one is.
                Some(folder) if folder.starts_with(['/', text::HOME, '.']) => {
                    below(folder, if whole { STAR } else { SOMETHING })
                }
                _ => below(".", if whole { STAR } else { SOMETHING }),
            }),
            "find" | "gfind" => {
                let start = arguments
                    .iter()
                    .map(|argument| argument.text.as_str())
                    .take_while(|text| !text.starts_with('-') && !matches!(*text, "(" | "!"))
                    .last()
                    .unwrap_or(".");
                Some(
                    if let Some(path) = named(start, arguments, |path| self.is_secret(path)) {
                        path.into()
                    } else if has(&NARROWING_FLAGS) {
                        below(start, SOMETHING)
                    } else {
                        below(start, STAR)
                    },
                )
            }
            "fd" | "fdfind" => Some(below(operands().nth(1).unwrap_or("."), SOMETHING)),
            // `ls FOLDER` prints names without the folder.
            // PowerShell's names of files are whole paths.
            "gci" | "get-childitem" | "Get-ChildItem" => {
                let narrowed = has(&["-Filter", "-Include", "-File", "-file", "-Name"]);
                let start = operands().next().unwrap_or(".");
                Some(below(start, if narrowed { SOMETHING } else { STAR }))
            }
            "ls" if has(&["-d", "-1d", "-d1", "-ad"]) => operands().next().map(Rc::from),
            "ls" if operands().next().is_none() => Some(below(".", STAR)),
            "ls" => Some(match operands().next() {
                // A file's own name is printed as it is given.
                Some(shown) if text::is_glob(shown) || self.is_secret(shown) => Rc::from(shown),
                _ => below(".", SOMETHING),
            }),
            "sort" | "uniq" | "cat" | "tr" | "tac" => context.input.names.clone(),
            // What is left is not all that there was.
            "head" | "tail" | "grep" | "egrep" | "rg" if !has(&["-r"]) => context
                .input
                .names
                .as_deref()
                .map(|names| names.replace(STAR, &SOMETHING.to_string()).into()),
            _ => None,
        }
    }
}

impl Walk<'_> {
    pub(super) fn is_secret(&self, path: &str) -> bool {
        Places::SECRETS.meets(Places::of(path, self.shell.here()))
    }
}

fn below(folder: &str, what: char) -> Rc<str> {
    format!("{}/{what}", folder.trim_end_matches('/')).into()
}
