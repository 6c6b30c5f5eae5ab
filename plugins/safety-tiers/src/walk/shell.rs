//! The state of the shell, as far as the line itself shows it.

use std::rc::Rc;

use super::Stream;
use super::readers::Opened;
use super::renamed::Renamed;
use super::{Context, Walk};
use crate::place::{Here, plain_folder};
use crate::rules::Sources;
use crate::syntax::{Assignment, Command, Sets};
use crate::text::{HOME, SOMETHING, UNKNOWN};
use crate::verdict::Span;

/// Variables that are remembered, functions and aliases likewise.
pub(super) const MAX_NAMES: usize = 64;

/// Bytes that one of them may hold.
const MAX_HELD_BYTES: usize = 1024;

/// Files of which is remembered what they hold.
const MAX_ORIGINS: usize = 32;

/// `$1`, `$2`, … and `$@`.
#[derive(Debug, Clone, Default)]
pub(super) enum Positional {
    /// At a prompt: there are none.
    #[default]
    None,
    /// In the body of a function whose call is not known.
    Unknown,
    Known(Rc<[String]>),
}

/// A working directory: empty when nobody knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    /// As `pwd` would print it.
    pub(super) written: Rc<str>,
    /// As paths are told from it, so that not each of them has to.
    plain: Rc<str>,
}

impl Folder {
    pub(super) fn new(written: &str) -> Self {
        Self {
            written: written.into(),
            plain: plain_folder(written).into(),
        }
    }

    pub(super) fn unknown() -> Self {
        Self::new(UNKNOWN.encode_utf8(&mut [0]))
    }
}

/// Where a command runs, kept while the walk goes on.
#[derive(Debug, Clone)]
pub(super) struct Place {
    cwd: Rc<str>,
    project: Rc<str>,
}

impl Place {
    pub(super) fn here(&self) -> Here<'_> {
        Here {
            cwd: &self.cwd,
            project: &self.project,
        }
    }
}

/// The state of the shell. Every pipeline may need a copy, so what is large in
/// it is shared until it changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Shell {
    pub(super) cwd: Folder,
    /// The folder of the project, plain; empty when that is not known either.
    project: Rc<str>,
    pub(super) variables: Rc<Vec<(String, String)>>,
    /// Variables that hold what came over the network, and the like.
    sources: Rc<Vec<(String, Sources)>>,
    pub(super) positional: Positional,
    pub(super) functions: Rc<Vec<(String, Rc<Command>)>>,
    pub(super) aliases: Rc<Vec<(String, String)>>,
    /// Those of them that zsh puts in wherever they stand as a word.
    pub(super) global_aliases: Rc<Vec<String>>,
    /// Files that hold what a command of this line has downloaded, or secrets that it
    /// has printed.
    origins: Rc<Vec<(String, Sources)>>,
    /// Whether it has unpacked what it has downloaded.
    pub(super) unpacked: bool,
    /// Whether it has unpacked what lay elsewhere.
    pub(super) unpacked_from_elsewhere: bool,
    /// The text of files that this line has written.
    pub(super) files: Rc<Vec<(String, Rc<str>)>>,
    /// Files that this line has written, with a text that nobody can tell.
    pub(super) unseen_files: Rc<Vec<String>>,
    /// Text that this line has put into files, among what is in them.
    pub(super) pieces: Rc<Vec<(String, Rc<str>)>>,
    /// Files that are open under a number, with what is read from there.
    pub(super) descriptors: Rc<Vec<(u32, Stream)>>,
    /// Numbers under which what is printed goes to a command.
    pub(super) opened_for_printing: Rc<Vec<Opened>>,
    /// Names that stand for other variables, each with the one that is meant.
    pub(super) references: Rc<Vec<(String, String)>>,
    /// Files that have another name now, each with what it was before.
    pub(super) renamed: Rc<Vec<Renamed>>,
    /// The lines that `trap` keeps for later, oldest first.
    pub(super) trapped: Rc<Vec<(Rc<str>, Span)>>,
}

impl Shell {
    pub(super) fn at(here: Here<'_>) -> Self {
        Self {
            cwd: Folder::new(here.cwd),
            project: if here.project.is_empty() {
                plain_folder(here.cwd).into()
            } else {
                plain_folder(here.project).into()
            },
            ..Self::default()
        }
    }

    /// Where the next command runs.
    pub(super) fn here(&self) -> Here<'_> {
        Here {
            cwd: &self.cwd.plain,
            project: &self.project,
        }
    }

    /// Where the next command runs, to keep.
    pub(super) fn place(&self) -> Place {
        Place {
            cwd: Rc::clone(&self.cwd.plain),
            project: Rc::clone(&self.project),
        }
    }

    /// The folder of the project, or where the shell is.
    pub(super) fn project_folder(&self) -> &str {
        if self.project.is_empty() {
            "."
        } else {
            &self.project
        }
    }

    /// Remembers what a name stands for, and forgets what it stood for before.
    pub(super) fn add_alias(&mut self, alias: &str, line: &str) {
        let aliases = Rc::make_mut(&mut self.aliases);
        aliases.retain(|(known, _)| known != alias);
        if aliases.len() < MAX_NAMES && alias.len() + line.len() <= MAX_HELD_BYTES {
            aliases.push((alias.to_owned(), line.to_owned()));
        }
    }

    /// Remembers what is read from a number from now on.
    pub(super) fn opened(&mut self, descriptor: u32, read: &Stream) {
        let descriptors = Rc::make_mut(&mut self.descriptors);
        descriptors.retain(|(known, _)| *known != descriptor);
        if descriptors.len() < MAX_NAMES {
            descriptors.push((descriptor, read.clone()));
        }
    }

    /// What is read from a number, where this line has opened it.
    pub(super) fn read_from(&self, descriptor: u32) -> Option<Stream> {
        let mut known = self.descriptors.iter();
        known
            .find(|(known, _)| *known == descriptor)
            .map(|(_, read)| read.clone())
    }

    /// The variable that a name stands for: its own, or the one that `declare -n` gave it.
    pub(super) fn meant<'a>(&'a self, name: &'a str) -> &'a str {
        let mut known = self.references.iter().rev();
        known
            .find(|(reference, _)| reference == name)
            .map_or(name, |(_, meant)| meant)
    }

    /// What a variable may hold.
    pub(super) fn source_of(&self, variable: &str) -> Sources {
        let mut known = self.sources.iter().filter(|(known, _)| known == variable);
        known.next_back().map_or(Sources::NONE, |(_, from)| *from)
    }
}

impl Walk<'_> {
    /// A subshell takes its variables and working directory with it; the
    /// files it has downloaded stay.
    pub(super) fn leave_subshell(&mut self, before: Shell) {
        if self.shell.trapped.len() > before.trapped.len() {
            self.leave(&Context::default());
        }
        let origins = std::mem::take(&mut self.shell.origins);
        let files = std::mem::take(&mut self.shell.files);
        let unseen_files = std::mem::take(&mut self.shell.unseen_files);
        let renamed = std::mem::take(&mut self.shell.renamed);
        let pieces = std::mem::take(&mut self.shell.pieces);
        self.shell = Shell {
            pieces,
            unpacked: self.shell.unpacked,
            unpacked_from_elsewhere: self.shell.unpacked_from_elsewhere,
            origins,
            files,
            unseen_files,
            renamed,
            ..before
        };
    }

    /// Sets a variable, or perhaps sets it.
    pub(super) fn set(&mut self, name: &str, value: String, conditional: bool) {
        let value = if value.len() > MAX_HELD_BYTES {
            UNKNOWN.to_string()
        } else {
            value
        };
        let known = self
            .shell
            .variables
            .iter()
            .position(|(known, _)| known == name);
        // So many that they can only be meant to slow this down.
        if known.is_none()
            && (self.shell.variables.len() >= MAX_NAMES || name.len() > MAX_HELD_BYTES)
        {
            return;
        }
        let variables = Rc::make_mut(&mut self.shell.variables);
        match known {
            // Either value may hold.
            Some(index) if conditional && variables[index].1 != value => {
                variables[index].1 = UNKNOWN.to_string();
            }
            Some(index) => variables[index].1 = value,
            None => variables.push((name.to_owned(), value)),
        }
    }

    /// Remembers a function, and forgets an earlier one of the same name.
    pub(super) fn add_function(&mut self, name: &str, body: &Rc<Command>) {
        let functions = Rc::make_mut(&mut self.shell.functions);
        functions.retain(|(known, _)| known != name);
        if functions.len() < MAX_NAMES {
            functions.push((name.to_owned(), Rc::clone(body)));
        }
    }

    pub(super) fn assign(&mut self, assignment: &Assignment, context: &Context) {
        let mut values: Vec<String> = Vec::new();
        let mut from = Sources::NONE;
        for word in &assignment.values {
            let (value, held) = self.sourced_value(&word.pieces, context);
            values.push(value);
            from = from.and(held);
        }
        // The words of an array, as `"${NAME[@]}"` gives them back.
        let value = match assignment.sets {
            Sets::Part => UNKNOWN.to_string(),
            Sets::End => {
                let before = self.variable(&assignment.name);
                before.unwrap_or_else(|| UNKNOWN.to_string()) + &values.concat()
            }
            Sets::All => values.join(" "),
        };
        self.set(&assignment.name, value, context.conditional);
        let known = self.shell.source_of(&assignment.name);
        if from != known && self.shell.sources.len() < MAX_NAMES {
            Rc::make_mut(&mut self.shell.sources).push((assignment.name.clone(), from));
        }
    }

    /// The assignments by the names that are meant, where one stands for another.
    pub(super) fn meant_by(&self, assignments: &[Assignment]) -> Option<Vec<Assignment>> {
        let references = &self.shell.references;
        let refers = |assignment: &Assignment| {
            references
                .iter()
                .any(|(known, _)| *known == assignment.name)
        };
        assignments.iter().any(refers).then(|| {
            let meant = |assignment: &Assignment| Assignment {
                name: self.shell.meant(&assignment.name).to_owned(),
                ..assignment.clone()
            };
            assignments.iter().map(meant).collect()
        })
    }

    /// What a variable holds, where this line or every shell says so.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let name = self.shell.meant(name);
        if let Some((_, value)) = self.shell.variables.iter().find(|(known, _)| known == name) {
            return Some(value.clone());
        }
        let below_home = |rest: &str| Some(format!("{HOME}/{rest}"));
        match name {
            "HOME" => Some(HOME.to_string()),
            // What was started last is a job of this shell, as is the shell itself.
            "!" => Some("%!".to_owned()),
            "$" => Some("%$".to_owned()),
            "PWD" => Some(self.working_directory()),
            "IFS" => Some(" \t\n".to_owned()),
            "TMPDIR" => Some("/tmp".to_owned()),
            "XDG_CONFIG_HOME" => below_home(".config"),
            "XDG_DATA_HOME" => below_home(".local/share"),
            "XDG_STATE_HOME" => below_home(".local/state"),
            "XDG_CACHE_HOME" => below_home(".cache"),
            "XDG_RUNTIME_DIR" => Some(format!("/run/user/{SOMETHING}")),
            // Some shell, and what runs in it matters.
            "SHELL" | "BASH" => Some("/bin/sh".to_owned()),
            "USER" | "LOGNAME" | "HOSTNAME" | "UID" | "EUID" | "RANDOM" | "SECONDS" | "PATH"
            | "LANG" | "TERM" | "?" | "#" | "-" | "0" | "PPID" | "LINENO" => {
                Some(SOMETHING.to_string())
            }
            "@" | "*" => Some(match &self.shell.positional {
                Positional::None | Positional::Unknown => UNKNOWN.to_string(),
                Positional::Known(values) => values.join(" "),
            }),
            name => {
                let number: usize = name.parse().ok()?;
                Some(match &self.shell.positional {
                    Positional::None | Positional::Unknown => UNKNOWN.to_string(),
                    Positional::Known(values) => number
                        .checked_sub(1)
                        .and_then(|index| values.get(index))
                        .cloned()
                        .unwrap_or_default(),
                })
            }
        }
    }

    pub(super) fn working_directory(&self) -> String {
        if self.shell.cwd.written.is_empty() {
            ".".to_owned()
        } else {
            self.shell.cwd.written.to_string()
        }
    }

    /// Remembers that a file came over the network.
    pub(super) fn downloaded(&mut self, file: &str) {
        self.holds(file, Sources::NETWORK);
    }

    /// Remembers what a file holds.
    pub(super) fn holds(&mut self, file: &str, from: Sources) {
        if self.shell.origins.len() < MAX_ORIGINS && file.len() <= MAX_HELD_BYTES {
            let file = file.trim_start_matches("./").to_owned();
            Rc::make_mut(&mut self.shell.origins).push((file, from));
        }
    }

    /// Whether such a file came over the network.
    pub(super) fn has_downloaded(&self, such: impl Fn(&str) -> bool) -> bool {
        self.shell
            .origins
            .iter()
            .any(|(file, from)| from.meets(Sources::NETWORK) && such(file))
    }

    /// What is read from `/dev/fd/NUMBER`, where this line has opened it.
    pub(super) fn opened_from(&self, file: &str) -> Sources {
        let number = file
            .strip_prefix("/dev/fd/")
            .or_else(|| file.strip_prefix("/proc/self/fd/"));
        let read = number
            .and_then(|number| number.parse().ok())
            .and_then(|number| self.shell.read_from(number));
        read.map_or(Sources::NONE, |read| read.from)
    }

    /// What a file holds, if this line has put it there.
    pub(super) fn file_source(&self, file: &str) -> Sources {
        let file = file.trim_start_matches("./");
        let known = self.shell.origins.iter().filter(|(known, _)| known == file);
        known.fold(Sources::NONE, |all, (_, from)| all.and(*from))
    }
}
