//! Commands that are handed to a program which no table says it runs any: behind
//! `exec` or `run`, and in the values of its options. What stands there may be
//! something else, so only danger counts.

use super::invoke::Invocation;
use super::{Context, Field, Walk, base_name};
use crate::rules::{self, Program};

/// Words behind which programs take a command line to run.
const RUNNING: [&str; 11] = [
    "exec", "run", "x", "with", "do", "watch", "spawn", "wrap", "launch", "shell", "cmd",
];

/// Flags, without their dashes, that say that what stands behind `--` is started.
const LAUNCHING: [&str; 9] = [
    "atExit", "launch", "exec", "run", "command", "cmd", "wrap", "spawn", "start",
];

/// Programs whose `run` gives what follows to a program of the project, to a container
/// or to another machine.
const RUN_THEIR_OWN: [&str; 40] = [
    "cargo",
    "npm",
    "pnpm",
    "yarn",
    "deno",
    "go",
    "dotnet",
    "mix",
    "swift",
    "dart",
    "flutter",
    "zig",
    "nim",
    "crystal",
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "kubectl",
    "oc",
    "lxc",
    "incus",
    "gh",
    "gcloud",
    "aws",
    "az",
    "heroku",
    "k6",
    "act",
    "dbt",
    "nextflow",
    "git",
    "kind",
    "multipass",
    "vagrant",
    "buildah",
    "helm",
    "terraform",
    "make",
    "just",
];

/// Words that follow `run` or `exec` and are no program, such as a toolchain.
const SKIPPED: usize = 3;

/// Parts of the names of options whose value is text for people, or a pattern.
const NO_COMMANDS: [&str; 19] = [
    "message", "title", "body", "desc", "note", "comment", "grep", "pattern", "name", "filter",
    "match", "reason", "text", "label", "query", "format", "regex", "exclude", "include",
];

/// Flags of one letter behind which there is text for people, or a pattern.
const TEXT_LETTERS: &str = "mktngq";

/// Flags of one letter whose value is a command line.
const LINE_LETTERS: &str = "cexs";

/// What stands before a command line in the values of some programs: Ghostscript's, tmux's.
const MARKS: [&str; 2] = ["%pipe%", "#("];

impl Walk<'_> {
    /// `rustup run stable COMMAND`, `composer exec -- COMMAND`.
    pub(super) fn command_behind_a_word(
        &mut self,
        name: &str,
        program: &'static Program,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        if program.shell || program.runs_after.is_some() && program.runs_in.is_empty() {
            return;
        }
        let word = fields.iter().take(5).position(|field| {
            let word = field.text.as_str();
            RUNNING.contains(&word)
                && (matches!(word, "exec" | "watch" | "do")
                    || !RUN_THEIR_OWN.contains(&name)
                    // A program of the whole workspace, or of the machine.
                    || name == "yarn" && fields.iter().any(|it| matches!(it.text.as_str(), "-T" | "--top-level")))
        });
        // `leaks --atExit -- COMMAND`
        let launched = || {
            let dashes = fields.iter().position(|field| field.text == "--")?;
            let before = fields[..dashes].iter();
            before
                .filter_map(|field| field.text.strip_prefix('-'))
                .any(|flag| LAUNCHING.contains(&flag.trim_start_matches('-')))
                .then_some(dashes)
        };
        let word = word.or_else(launched);
        let contained = matches!(name, "docker" | "podman" | "nerdctl" | "kubectl" | "oc");
        let Some(rest) = word.map(|word| &fields[word + 1..]).filter(|_| !contained) else {
            return;
        };
        // `snap run --shell APP -c 'LINE'`
        if rest.iter().any(|field| field.text.contains("shell"))
            && let Some(line) = rest.windows(2).find(|pair| pair[0].text == "-c")
        {
            self.perhaps_line(&line[1].text, invocation.span, context);
        }
        let behind_dashes = rest.iter().take(8).position(|field| field.text == "--");
        let rest = behind_dashes.map_or(rest, |dashes| &rest[dashes + 1..]);
        let skipped = if behind_dashes.is_some() { 1 } else { SKIPPED };
        let command = (0..rest.len().min(skipped)).find(|at| {
            let word = rest[*at].text.as_str();
            !word.starts_with('-') && self.rules.knows(base_name(word))
        });
        let Some(command) = command.map(|at| &rest[at..]) else {
            // `bun exec 'LINE'`
            if let [line, ..] = rest
                && line.text.contains(' ')
            {
                self.perhaps_line(&line.text, invocation.span, context);
            }
            return;
        };
        self.only_danger(|walk| {
            let inner = Invocation {
                fields: command,
                ..*invocation
            };
            walk.invoke(&inner, &super::deeper(context));
        });
    }

    /// `pylint --init-hook='CODE'`, `java -XX:OnError='COMMAND'`.
    pub(super) fn commands_in_options(
        &mut self,
        name: &str,
        program: &'static Program,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        if !fields.iter().any(|field| field.text.contains(' ')) {
            return;
        }
        let takes = rules::takes_commands(name);
        if !takes && !rules::finds_files(name) {
            return;
        }
        for (at, field) in fields.iter().enumerate() {
            if !field.text.contains(' ') || field.text.len() > super::MAX_VALUE_BYTES {
                continue;
            }
            let before = at.checked_sub(1).map(|before| fields[before].text.as_str());
            let before = before.filter(|flag| flag.starts_with('-') && !flag.contains('='));
            let (flag, value) = match field.text.split_once('=') {
                Some((flag, value)) if !flag.contains([' ', '(']) => (flag, value),
                _ => (before.unwrap_or_default(), field.text.as_str()),
            };
            let lower = flag.to_ascii_lowercase();
            let letters = lower.trim_start_matches('-');
            let named =
                letters.len() > 1 || letters.len() == 1 && takes && !TEXT_LETTERS.contains(letters);
            let text = !named && flag != "-x" && !value.starts_with(['|', '!', '%', '#'])
                || NO_COMMANDS.iter().any(|word| lower.contains(word))
                || program.code_flags.contains(&flag);
            let text = text && !(letters == "o" && value.starts_with('|'));
            for (at, mark) in MARKS
                .iter()
                .flat_map(|mark| value.match_indices(mark))
                .take(4)
            {
                let inside = &value[at + mark.len()..];
                let end = inside.find(')').unwrap_or(inside.len());
                self.perhaps_line(&inside[..end], invocation.span, context);
            }
            if text {
                continue;
            }
            // `-x testenv.commands=…`, `ui.pager="…"`
            let value = match value.split_once('=') {
                Some((key, value)) if !key.contains([' ', '(', '"']) => value,
                _ => value,
            };
            let line = value.trim_start_matches(['|', '!', '"', '\'']);
            let line = line
                .trim_start_matches("%pipe%")
                .trim_end_matches(['"', '\'']);
            let starts = value.starts_with(['|', '!']) && letters.len() == 1;
            if letters.len() != 1 || LINE_LETTERS.contains(letters) || starts {
                self.perhaps_line(line, invocation.span, context);
            }
            self.only_danger(|walk| {
                walk.judge_code(value, invocation.span, context);
            });
        }
    }
}
