//! Files that go by another name now: what `mv` moved, what `ln` points at, and the
//! copy of a secret. What is done to them is done to what they were.

use std::rc::Rc;

use super::redirects::Redirected;
use super::{Field, Walk, base_name};
use crate::arguments::Arguments;
use crate::place::{Places, plain_path};
use crate::text::is_known;

/// Names that are remembered.
const MAX_RENAMED: usize = 16;

/// A file that goes by another name.
#[derive(Debug, Clone)]
pub(super) struct Renamed {
    is: String,
    was: String,
    /// It is a copy, so that what is done to it is not done to what it was. What it
    /// does when it is run is the same.
    copy: bool,
}

impl Walk<'_> {
    /// Remembers what a command gave another name.
    pub(super) fn note_renamed(&mut self, name: &str, fields: &[Field]) {
        let arguments = Arguments::new(fields, self.rules.program(name));
        let mut operands: Vec<&Field> = arguments.operands().collect();
        let folder = arguments.values_of(&["-t", "--target-directory"]).next();
        let (Some(target), false) = (
            folder.or_else(|| Some(operands.pop()?.text.as_str())),
            operands.is_empty(),
        ) else {
            return;
        };
        for source in operands {
            let here = self.shell.here();
            let copied = matches!(name, "cp" | "install" | "ditto");
            let copy = copied && !Places::SECRETS.meets(source.places(here));
            // A link that is relative is told from where it lies.
            let (source, into) = (&source.text, base_name(source.text.trim_end_matches('/')));
            if !is_known(source) || !is_known(target) {
                continue;
            }
            let was = plain_path(source, here);
            let is = plain_path(target, here);
            // The target may be a folder, which it is put into.
            let inside = plain_path(&format!("{target}/{into}"), here);
            let renamed = Rc::make_mut(&mut self.shell.renamed);
            for is in [is, inside] {
                renamed.retain(|known| known.is != is);
                if renamed.len() < MAX_RENAMED && is != was {
                    let was = was.clone();
                    renamed.push(Renamed { is, was, copy });
                }
            }
        }
    }

    /// The arguments of a command by the names that files had before, if it names any
    /// of those.
    pub(super) fn by_former_names(&self, fields: &[Field]) -> Option<Vec<Field>> {
        if self.shell.renamed.is_empty() {
            return None;
        }
        let former: Vec<Option<Field>> = fields.iter().map(|it| self.former(it)).collect();
        former.iter().any(Option::is_some).then(|| {
            let both = former.into_iter().zip(fields);
            both.map(|(former, field)| former.unwrap_or_else(|| field.clone()))
                .collect()
        })
    }

    /// The same for the files of redirections.
    pub(super) fn redirected_by_former_names(&self, redirected: &Redirected) -> Option<Redirected> {
        let writes = self.by_former_names(&redirected.writes);
        let reads = self.by_former_names(&redirected.reads);
        (writes.is_some() || reads.is_some()).then(|| Redirected {
            emptied: redirected.emptied.clone(),
            numbered: redirected.numbered.clone(),
            input: redirected.input.clone(),
            writes: writes.unwrap_or_else(|| redirected.writes.clone()),
            reads: reads.unwrap_or_else(|| redirected.reads.clone()),
        })
    }

    /// The program that a path runs, where this line has given it another name.
    pub(super) fn former_program(&self, path: &str) -> Option<String> {
        if self.shell.renamed.is_empty() || !path.contains('/') {
            return None;
        }
        let is = plain_path(path, self.shell.here());
        let was = self.oldest_name(&is, true)?;
        let own = Places::INSIDE.meets(Places::of(&was, self.shell.here()));
        // What another file of the project does is the project's own business.
        (!own || self.rules.knows(base_name(&was))).then_some(was)
    }

    /// A program in some folder that goes by the name of this one, which stands there
    /// without a folder.
    pub(super) fn namesake(&self, name: &str) -> Option<String> {
        let mut renamed = self.shell.renamed.iter().rev();
        let namesake = renamed.find(|it| base_name(&it.is) == name && base_name(&it.was) != name);
        let was = base_name(&namesake?.was);
        self.rules.knows(was).then(|| was.to_owned())
    }

    /// The first name that a file had, as a plain path.
    pub(super) fn by_oldest_name(&self, path: &str) -> String {
        let is = plain_path(path, self.shell.here());
        self.oldest_name(&is, true).unwrap_or(is)
    }

    /// What was renamed may have been renamed before.
    fn former(&self, field: &Field) -> Option<Field> {
        if field.text.starts_with('-') {
            return None;
        }
        let path = plain_path(&field.text, self.shell.here());
        let found = self.oldest_name(&path, false)?;
        Some(Field::new(found, field.from, field.span))
    }

    fn oldest_name(&self, path: &str, copies: bool) -> Option<String> {
        let mut found = self.one_name_back(path, copies)?;
        for _ in 0..MAX_RENAMED {
            let Some(before) = self.one_name_back(&found, copies) else {
                break;
            };
            found = before;
        }
        Some(found)
    }

    fn one_name_back(&self, path: &str, copies: bool) -> Option<String> {
        let mut renamed = self.shell.renamed.iter().rev();
        renamed.find_map(|it| {
            let rest = path.strip_prefix(it.is.as_str())?;
            let found = rest.is_empty() || rest.starts_with('/');
            (found && (copies || !it.copy)).then(|| format!("{}{rest}", it.was))
        })
    }
}
