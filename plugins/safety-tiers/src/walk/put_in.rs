//! What runs the text that a line has put into files: the script that it is, and
//! whatever builds and tests find in the project by themselves.

use std::rc::Rc;

use super::code::strings;
use super::removals::destroys;
use super::{Context, Field, Walk, base_name};
use crate::arguments::Arguments;
use crate::rules;
use crate::verdict::{Span, Tier};

/// Files of a project whose lines and strings are commands.
pub(super) const HOLD_COMMANDS: [&str; 24] = [
    ".envrc",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    ".justfile",
    "Taskfile.yml",
    "Taskfile.yaml",
    "Procfile",
    "package.json",
    "deno.json",
    "deno.jsonc",
    "composer.json",
    "pyproject.toml",
    "tox.ini",
    "mise.toml",
    ".mise.toml",
    "config.toml",
    "lefthook.yml",
    ".pre-commit-config.yaml",
    "build.sbt",
    "build.ninja",
    "CMakeLists.txt",
];

/// Names and endings of files with code.
const CODE: [&str; 50] = [
    "Rakefile",
    "Gemfile",
    "Vagrantfile",
    "SConstruct",
    "py",
    "js",
    "mjs",
    "cjs",
    "jsx",
    "ts",
    "mts",
    "cts",
    "tsx",
    "rb",
    "rake",
    "go",
    "rs",
    "c",
    "cc",
    "cpp",
    "cxx",
    "h",
    "hpp",
    "m",
    "java",
    "kt",
    "kts",
    "scala",
    "sbt",
    "groovy",
    "gradle",
    "swift",
    "cs",
    "fs",
    "ex",
    "exs",
    "erl",
    "php",
    "pl",
    "lua",
    "zig",
    "nim",
    "cr",
    "hs",
    "clj",
    "dart",
    "jl",
    "r",
    "tf",
    "cmake",
];

/// Programs that run the commands in a file which a flag names.
const TAKE_SCRIPTS: [&str; 15] = [
    "make", "gmake", "bmake", "just", "task", "ninja", "rake", "gdb", "lldb", "vi", "vim", "nvim",
    "ex", "emacs", "tmux",
];

/// Settings of package managers, builds and tests.
const SETTINGS: [&str; 11] = [
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmrc",
    "bunfig.toml",
    "config.toml",
    "pytest.ini",
    "setup.cfg",
    "tox.ini",
    "gradle.properties",
    "maven.config",
];

/// Keys in them whose value is a program that is run, or code that is loaded.
const NAME_PROGRAMS: [&str; 20] = [
    "script-shell",
    "shell",
    "node-options",
    "onload-script",
    "git",
    "editor",
    "yarnPath",
    "yarn-path",
    "nodeLinker",
    "plugins",
    "preload",
    "runner",
    "linker",
    "rustc",
    "rustdoc",
    "rustc-wrapper",
    "rustc-workspace-wrapper",
    "pythonpath",
    "org.gradle.java.home",
    "org.gradle.jvmargs",
];

/// What runs the text of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Lines for a shell.
    Script,
    /// Among other things, commands.
    Commands,
    Code,
    /// Nothing runs it.
    Text,
}

impl Holds {
    pub(super) fn told_by(file: &str) -> Self {
        let name = base_name(file);
        if HOLD_COMMANDS.contains(&name) {
            return Self::Commands;
        }
        match name.rsplit_once('.') {
            Some((_, "sh" | "bash" | "zsh" | "ksh" | "fish" | "bats" | "command")) => Self::Script,
            Some((_, ending)) if CODE.contains(&ending) => Self::Code,
            None if CODE.contains(&name) => Self::Code,
            None => Self::Script,
            Some(_) => Self::Text,
        }
    }
}

impl Walk<'_> {
    /// Judges what this line has put into the files that a command runs: the script
    /// that it is given, or whatever there is in the project.
    pub(super) fn run_what_was_put_in(
        &mut self,
        name: &str,
        path: &str,
        arguments: &Arguments<'_>,
        span: Span,
        context: &Context,
    ) {
        let nothing_new = self.shell.pieces.is_empty()
            && self.shell.files.is_empty()
            && self.substituted.is_empty();
        if nothing_new && !self.has_downloaded(|_| true) {
            return;
        }
        let finds_files = rules::finds_files(name);
        if finds_files && self.has_downloaded(|file| HOLD_COMMANDS.contains(&base_name(file))) {
            self.note(
                "core/command-from-network",
                Tier::Dangerous,
                "It would run whatever a server sends.",
                span,
            );
        }
        if nothing_new {
            return;
        }
        if finds_files && self.has_set_programs() {
            self.note(
                "core/settings-name-programs",
                Tier::Review,
                "It runs programs that settings name which were written a moment ago.",
                span,
            );
        }
        let takes_script = arguments.runs_first_operand() || matches!(name, "source" | ".");
        let script = arguments.operands().next().filter(|_| takes_script);
        let run = match script {
            Some(script) => Some(script.text.as_str()),
            None => Some(path).filter(|path| path.contains('/')),
        };
        let run = run.map(|run| self.by_oldest_name(run));
        let mut texts: Vec<(String, Rc<str>)> = Vec::new();
        for (file, text) in self.shell.pieces.iter() {
            let is = self.by_oldest_name(file);
            if finds_files || run.as_ref() == Some(&is) {
                texts.push((file.clone(), Rc::clone(text)));
            }
        }
        if finds_files {
            let whole = self.shell.files.iter();
            // A script that nobody starts is not found.
            let whole = whole.filter(|(file, _)| Holds::told_by(file) != Holds::Script);
            texts.extend(whole.map(|(file, text)| (file.clone(), Rc::clone(text))));
        }
        if TAKE_SCRIPTS.contains(&name) {
            for file in given_as_script(arguments.all) {
                if let Some(text) = self.stream_of(file, context).and_then(|it| it.text) {
                    self.run_text(Holds::Commands, &text, span, context);
                }
            }
        }
        let is_shell = self.rules.program(name).shell || matches!(name, "source" | ".");
        for (file, text) in texts {
            let holds = match Holds::told_by(&file) {
                Holds::Text if is_shell => Holds::Script,
                Holds::Text if script.is_some() => Holds::Code,
                holds => holds,
            };
            self.run_text(holds, &text, span, context);
        }
    }

    /// Whether this line has written settings that tell a tool of the project which
    /// programs or modules it is to start.
    fn has_set_programs(&self) -> bool {
        let written = self.shell.files.iter().chain(self.shell.pieces.iter());
        written
            .filter(|(file, _)| SETTINGS.contains(&base_name(file)))
            .flat_map(|(_, text)| text.lines())
            .filter_map(|line| line.split_once(['=', ':']))
            .any(|(key, value)| {
                let key = key.trim().trim_matches('"');
                let loads = key == "addopts" && value.contains("-p ");
                loads || NAME_PROGRAMS.contains(&key)
            })
    }

    fn run_text(&mut self, holds: Holds, text: &str, span: Span, context: &Context) {
        match holds {
            Holds::Text => {}
            Holds::Script => self.perhaps_line(text, span, context),
            Holds::Commands => {
                for line in text.lines() {
                    let line = line.trim_start_matches(['\t', ' ', '@', '-', '+']);
                    self.perhaps_line(line, span, context);
                    if let Some((_, value)) = line.split_once([':', '=']) {
                        self.perhaps_line(value.trim(), span, context);
                    }
                    // gdb's and CMake's, and an editor's
                    let marked = ["COMMAND ", "shell ", "!"].iter();
                    for value in marked.filter_map(|mark| line.split_once(mark)) {
                        let value = value.1.trim_end_matches(')');
                        self.perhaps_line(value, span, context);
                    }
                }
                for string in strings(text) {
                    self.perhaps_line(&string, span, context);
                }
            }
            Holds::Code => {
                if destroys(text, self.shell.here()) {
                    self.note(
                        "core/code-destroys",
                        Tier::Dangerous,
                        "The code that it runs was written a moment ago, and would remove a home folder, a part of the system or everything there is.",
                        span,
                    );
                }
                self.only_danger(|walk| {
                    walk.judge_code(text, span, context);
                });
            }
        }
    }
}

/// The files that a command is told to take its own commands from: `make -f a.mk`.
fn given_as_script(fields: &[Field]) -> impl Iterator<Item = &str> {
    const FLAGS: [&str; 9] = [
        "-f",
        "--file",
        "--makefile",
        "--justfile",
        "-S",
        "-u",
        "-x",
        "--command",
        "--source",
    ];
    let behind = fields.windows(2).filter_map(|pair| {
        FLAGS
            .contains(&pair[0].text.as_str())
            .then_some(pair[1].text.as_str())
    });
    let within = fields.iter().filter_map(|field| {
        let (flag, file) = field.text.split_once('=')?;
        FLAGS.contains(&flag).then_some(file)
    });
    behind.chain(within)
}
