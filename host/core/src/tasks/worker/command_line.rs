//! What a worker's shell is given for a task. Pure.
//!
//! A task leaves its worker as it found it: folder, variables and options that it
//! changes are a subshell's. The gate judges the whole, which it takes apart as
//! the shell does.

use std::path::Path;

use crate::shell_syntax::ShellSyntax;
use crate::tasks::task::Work;

/// The command line for `work`; `None` for what no shell does.
pub(in crate::tasks) fn command_line(work: &Work, syntax: ShellSyntax) -> Option<String> {
    let (text, folder, is_script) = match work {
        Work::Command { command, folder } => (command, folder, false),
        Work::Script { script, folder } => (script, folder, true),
        Work::Analysis { .. } => return None,
    };
    let text = text.trim_matches(['\n', '\r']);
    let inner = match (syntax, is_script) {
        (ShellSyntax::Bash, _) | (ShellSyntax::Posix, false) => text.to_owned(),
        // A script is bash's, whatever shell a person likes to type into.
        (ShellSyntax::Posix, true) => format!("bash -c {}", syntax.quoted(text)),
        (ShellSyntax::Fish, is_script) => {
            let (shell, within) = match is_script {
                true => ("bash", ShellSyntax::Bash),
                false => ("fish", ShellSyntax::Fish),
            };
            let text = in_folder(text, folder.as_deref(), within);
            return Some(format!("{shell} -c {}", syntax.quoted(&text)));
        }
    };
    Some(format!(
        "(\n{}\n)",
        in_folder(&inner, folder.as_deref(), syntax)
    ))
}

fn in_folder(text: &str, folder: Option<&Path>, syntax: ShellSyntax) -> String {
    match folder {
        Some(folder) => format!(
            "cd -- {} || exit\n{text}",
            syntax.quoted(&folder.to_string_lossy())
        ),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str, folder: Option<&str>) -> Work {
        Work::Command {
            command: text.into(),
            folder: folder.map(Into::into),
        }
    }

    #[test]
    fn a_task_runs_in_a_shell_below_its_worker_s() {
        let script = Work::Script {
            script: "#!/bin/bash\necho it's\n".into(),
            folder: Some("/a".into()),
        };
        for (work, program, line) in [
            (command("make -k", None), "/bin/bash", "(\nmake -k\n)"),
            (
                command("make # all\n", Some("/it's")),
                "zsh",
                "(\ncd -- '/it'\\''s' || exit\nmake # all\n)",
            ),
            (
                command("echo 'a\\b'", Some("/b")),
                "/usr/bin/fish",
                "fish -c 'cd -- \\'/b\\' || exit\necho \\'a\\\\b\\''",
            ),
            (
                script.clone(),
                "bash",
                "(\ncd -- /a || exit\n#!/bin/bash\necho it's\n)",
            ),
            (
                script.clone(),
                "zsh",
                "(\ncd -- /a || exit\nbash -c '#!/bin/bash\necho it'\\''s'\n)",
            ),
            (
                script,
                "fish",
                "bash -c 'cd -- /a || exit\n#!/bin/bash\necho it\\'s'",
            ),
        ] {
            assert_eq!(
                command_line(&work, ShellSyntax::of(program)).as_deref(),
                Some(line)
            );
        }
        let analysis = Work::Analysis {
            prompt: "why?".into(),
        };
        assert_eq!(command_line(&analysis, ShellSyntax::Bash), None);
    }
}
