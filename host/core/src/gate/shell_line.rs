//! What the gate learns from the shell about the line that is being typed.

use quarterdeck_policy::{Certainty, Entry};
use quarterdeck_terminal::{ShellState, Status};

use super::continuation::Unfinished;
use super::door::Typist;
use super::judge::Line;
use super::typed_line::Submission;
use crate::error::HostError;

/// Whether a shell with integration reads the keys, at its prompt or waiting for
/// the rest of a command.
pub(super) fn asks_the_shell(status: &Status) -> bool {
    matches!(status.shell, ShellState::AtPrompt { .. })
}

/// Programs that read command lines, or hand them to one that does. Only for
/// these do lines that arrive one by one make up a command.
const READS_COMMAND_LINES: &[&str] = &[
    "ash",
    "bash",
    "busybox",
    "chroot",
    "csh",
    "dash",
    "docker",
    "env",
    "fish",
    "ksh",
    "kubectl",
    "mksh",
    "mosh",
    "mosh-client",
    "nix-shell",
    "nsenter",
    "nu",
    "podman",
    "rbash",
    "script",
    "sh",
    "ssh",
    "su",
    "sudo",
    "tcsh",
    "telnet",
    "tmux",
    "unshare",
    "xonsh",
    "yash",
    "zsh",
];

/// A program that reads prose or code does not wait for the end of a quote as a
/// shell would: its lines stand for themselves.
pub(super) fn forget_lines_of_other_programs(typist: &mut Typist, status: &Status) {
    let other_program = matches!(status.shell, ShellState::Running { .. })
        && status.foreground.as_ref().is_some_and(|program| {
            !READS_COMMAND_LINES.contains(&program.name.trim_start_matches('-'))
        });
    if other_program {
        typist.line.forget_prefix();
        typist.unfinished = Unfinished::default();
    }
}

/// Learns what stands on the line before the first key of an input, and whether
/// it goes on with lines before it.
pub(super) async fn look_at_the_line(typist: &mut Typist, status: &Status) {
    forget_lines_of_other_programs(typist, status);
    match status.shell {
        ShellState::AtPrompt { line_dirty: false } if typist.unfinished.is_empty() => {
            typist.line.clear();
        }
        ShellState::AtPrompt { .. } => {
            if let Ok(line) = typist.keyboard.shell_line().await {
                typist.line.hold(&line.text);
                if !line.continued {
                    typist.unfinished = Unfinished::default();
                }
            }
        }
        ShellState::Running { .. } | ShellState::Unknown | ShellState::Exited(_) => {}
    }
}

/// The line that Enter would submit, from the shell itself; where it does not
/// answer, what the keys add up to, and the gate says that it does not know.
pub(super) async fn shell_line(typist: &mut Typist, submission: &Submission) -> Line {
    match typist.keyboard.shell_line().await {
        Ok(line) => {
            if !line.continued {
                typist.unfinished = Unfinished::default();
            }
            Line {
                text: line.text,
                entry: Entry::Typed,
                certainty: Certainty::Exact,
            }
        }
        Err(error) => {
            tracing::debug!(%error, "the shell did not say what its line holds");
            Line {
                text: submission.text.clone(),
                entry: Entry::Typed,
                certainty: Certainty::Unknown,
            }
        }
    }
}

/// A refused line does not stay behind for the next Enter. A line that waits
/// for a confirmation does stay when it was there before the call, so that the
/// same call made again finds it.
pub(super) async fn drop_refused_line(typist: &mut Typist, status: &Status, refusal: &HostError) {
    let stays = matches!(refusal, HostError::ConfirmationRequired(_))
        && matches!(status.shell, ShellState::AtPrompt { line_dirty: true });
    if stays || !asks_the_shell(status) {
        return;
    }
    if typist.keyboard.clear_line().await.is_ok() {
        typist.line.clear();
        typist.unfinished = Unfinished::default();
    }
}
