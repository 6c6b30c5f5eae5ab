//! What a line has written into one file and has copied into others.

use std::rc::Rc;

use super::written::MAX_FILES;
use super::{Field, Walk, base_name};
use crate::arguments::Arguments;
use crate::place::{Places, plain_path};
use crate::text::is_known;

/// The first of the files into which `split` cuts another.
const FIRST_PIECE: &str = "aa";

impl Walk<'_> {
    /// Remembers what is in the files that a command makes of others.
    pub(super) fn note_copies(&mut self, name: &str, fields: &[Field]) {
        if self.shell.files.is_empty() {
            return;
        }
        let arguments = Arguments::new(fields, self.rules.program(name));
        let mut operands: Vec<&str> = arguments.operands().map(|it| it.text.as_str()).collect();
        let mut targets: Vec<String> = Vec::new();
        match name {
            "dd" => {
                let value = |key: &str| operands.iter().find_map(|it| it.strip_prefix(key));
                let (Some(from), Some(to)) = (value("if="), value("of=")) else {
                    return;
                };
                targets.push(to.to_owned());
                operands = vec![from];
            }
            "split" => {
                let prefix = operands.get(1).copied().unwrap_or("x");
                targets.push(format!("{prefix}{FIRST_PIECE}"));
                operands.truncate(1);
            }
            "cp" | "install" | "ditto" | "rsync" | "scp" | "ln" | "gcp" => {
                let folder = arguments.values_of(&["-t", "--target-directory"]).next();
                let Some(target) = folder.or_else(|| operands.pop()) else {
                    return;
                };
                targets.push(target.to_owned());
                // The target may be a folder, which it is put into.
                let names = operands.iter().map(|from| base_name(from));
                targets.extend(names.map(|name| format!("{target}/{name}")));
            }
            _ => return,
        }
        let texts: Vec<Rc<str>> = operands
            .iter()
            .filter_map(|from| self.text_of_file(from))
            .collect();
        let Some(text) = texts.into_iter().next() else {
            return;
        };
        for target in targets.iter().filter(|target| is_known(target)) {
            let name = plain_path(target, self.shell.here());
            let files = Rc::make_mut(&mut self.shell.files);
            if files.len() < MAX_FILES && !files.iter().any(|(known, _)| *known == name) {
                files.push((name, Rc::clone(&text)));
            }
        }
    }

    /// Whether a file of the project was brought from elsewhere by this line.
    pub(super) fn is_copy_from_elsewhere(&self, file: &str) -> bool {
        let here = self.shell.here();
        let unpacked =
            self.shell.unpacked_from_elsewhere && Places::INSIDE.meets(Places::of(file, here));
        let path = plain_path(file, here);
        let first = self.by_oldest_name(file);
        let brought = first != path && Places::ELSEWHERE.meets(Places::of(&first, here));
        unpacked && file.contains('/') || brought
    }
}
