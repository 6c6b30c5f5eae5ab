//! Values of variables that are run: prompts, pagers, settings that name programs.

use super::{Context, Field, Walk, base_name};
use crate::rules::Sources;
use crate::verdict::{Span, Tier};

/// Variables whose value some program runs as a shell line.
const LINE_VARIABLES: [&str; 12] = [
    "PROMPT_COMMAND",
    "precmd_functions",
    "preexec_functions",
    "chpwd_functions",
    "periodic_functions",
    "zshexit_functions",
    "zshaddhistory_functions",
    "GIT_SSH_COMMAND",
    "LESSOPEN",
    "SVN_SSH",
    "HGMERGE",
    "LESSCLOSE",
];

/// How the names of others of these end.
const LINE_VARIABLE_ENDINGS: [&str; 11] = [
    "PAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "_ASKPASS",
    "_RSH",
    "_EXTERNAL_DIFF",
    "_WRAPPER",
    "_RUNNER",
    "_script_shell",
    "_SCRIPT_SHELL",
];

/// Variables that name a file with settings, some of which are commands.
const SETTINGS_FILES: [&str; 4] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG",
    "PSQLRC",
];

/// Variables whose value a shell shows, and substitutes in it what it holds.
const PROMPTS: [&str; 14] = [
    "PS0", "PS1", "PS2", "PS3", "PS4", "PROMPT", "PROMPT2", "PROMPT3", "PROMPT4", "RPROMPT",
    "RPROMPT2", "RPS1", "RPS2", "SPROMPT",
];

fn is_a_line(variable: &str) -> bool {
    LINE_VARIABLES.contains(&variable)
        || LINE_VARIABLE_ENDINGS
            .iter()
            .any(|ending| variable.ends_with(ending))
}

/// Whether a variable is named like those whose value some program runs, or takes its
/// options or its functions from.
fn may_be_run(variable: &str) -> bool {
    const ENDINGS: [&str; 17] = [
        "COMMAND",
        "_CMD",
        "HOOK",
        "FLAGS",
        "OPTS",
        "OPT",
        "OPTIONS",
        "PARAMETERS",
        "SHELL",
        "LAUNCHER",
        "LINKER",
        "COMPILER",
        "INIT",
        "_EXEC",
        "_PROGRAM",
        "DRIVER",
        "LESS",
    ];
    const NAMES: [&str; 11] = [
        "CC", "CXX", "LD", "AR", "AS", "FC", "CPP", "RUSTC", "RUSTDOC", "MAKE", "ENV",
    ];
    let variable = variable.trim_end_matches('%');
    may_hold_commands(variable)
        || NAMES.contains(&variable)
        || ENDINGS.iter().any(|ending| variable.ends_with(ending))
        || [
            "BASH_FUNC",
            "GIT_",
            "npm_",
            "NPM_",
            "SSH_",
            "CARGO_",
            "RUST",
        ]
        .iter()
        .any(|beginning| variable.starts_with(beginning))
        || variable.contains("CONFIG")
}

/// Whether the value of a variable is run, or read by what runs it.
pub(super) fn may_hold_commands(variable: &str) -> bool {
    is_a_line(variable) || PROMPTS.contains(&variable) || matches!(variable, "BASH_ENV" | "ENV")
}

impl Walk<'_> {
    /// A variable is set to what only the machine knows.
    pub(super) fn judge_unseen_value(&mut self, variable: &str, span: Span) {
        if may_hold_commands(variable) {
            self.note(
                "core/unknown-script",
                Tier::Review,
                "Runs text that only the machine knows when the time comes.",
                span,
            );
        }
    }

    /// The value of a variable that some program runs as a shell line.
    pub(super) fn judge_assigned_line(
        &mut self,
        variable: &str,
        value: &str,
        span: Span,
        context: &Context,
    ) {
        self.judge_given_options(variable, value, span, context);
        if is_a_line(variable) && !value.is_empty() {
            self.line(value, span, context);
        }
        // `LESS='+!cmd'`
        if let Some((_, line)) = value
            .split_once("+!")
            .filter(|_| variable.ends_with("LESS"))
        {
            self.line(line, span, context);
        }
        // A prompt runs what is substituted in it, whenever it is shown.
        if PROMPTS.contains(&variable) {
            self.substituted_again(&prompt_decoded(value), span, context);
        }
        if variable == "PERL5DB" {
            self.only_danger(|walk| {
                walk.judge_code(value, span, context);
            });
        }
        // Files with settings that name programs, which this line has written.
        if SETTINGS_FILES.contains(&variable)
            && let Some(text) = self.stream_of(value, context).and_then(|read| read.text)
        {
            for line in text.lines() {
                let line = line.split_once('=').map_or(line, |(_, value)| value);
                self.perhaps_line(line.trim_matches(['\\', '!', ' ', '"']), span, context);
            }
        }
        // Every shell that is started reads this file first.
        if matches!(variable, "BASH_ENV" | "ENV")
            && let Some(read) = self.stream_of(value, context)
        {
            if read.from.meets(Sources::NETWORK) {
                self.note(
                    "core/command-from-network",
                    Tier::Dangerous,
                    "It would run whatever a server sends.",
                    span,
                );
            }
            if let Some(text) = read.text {
                self.line(&text, span, context);
            }
        }
    }

    /// What is set for one command alone is for that command to use: where it is a line
    /// that would do harm, and the command or the name of the variable is one that
    /// may run it, it is taken for one.
    pub(super) fn judge_given_value(
        &mut self,
        variable: &str,
        value: &str,
        fields: &[Field],
        span: Span,
        context: &Context,
    ) {
        self.judge_assigned_line(variable, value, span, context);
        self.substitutions_of_make(value, span, context);
        if !value.contains([' ', '\t'])
            || !may_be_run(variable) && !self.runs_what_is_set(variable, fields)
        {
            return;
        }
        // `GIT_CONFIG_PARAMETERS="'core.pager=cmd'"`, `BASH_FUNC_x%%='() { cmd; }'`
        let plain = value.trim_matches('\'');
        let behind = plain.split_once('=').map_or("", |(_, line)| line);
        for line in [plain, behind] {
            let function = line.starts_with("()").then(|| format!("f{line}"));
            let line = function.as_deref().unwrap_or(line);
            self.perhaps_line(line.trim_start_matches('!'), span, context);
        }
    }

    /// Whether a command may run the value of a variable, whatever that is called: it is
    /// a shell, or not known, or its code starts something and names the variable.
    fn runs_what_is_set(&self, variable: &str, fields: &[Field]) -> bool {
        const STARTERS: [&str; 7] = [
            "system",
            "exec",
            "spawn",
            "popen",
            "subprocess",
            "eval",
            "`",
        ];
        let Some(program) = fields.first() else {
            return true;
        };
        let shell = |field: &Field| {
            let name = base_name(&field.text);
            self.rules.program(name).shell || matches!(name, "eval" | "source" | "." | "ssh")
        };
        let named = |field: &Field| {
            field.text.contains(variable)
                && (STARTERS.iter().any(|starter| field.text.contains(starter))
                    || field.text.starts_with("--config-env"))
        };
        !self.rules.knows(base_name(&program.text))
            || fields.iter().any(|field| shell(field) || named(field))
    }
}

/// A prompt with the characters that its escapes stand for, as far as they begin a
/// substitution.
fn prompt_decoded(value: &str) -> String {
    value
        .replace("\\044", "$")
        .replace("\\140", "`")
        .replace("\\050", "(")
}
