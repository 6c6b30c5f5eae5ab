//! What the gate learns from the shell about the line that is being typed.

use quarterdeck_policy::{Certainty, Entry};
use quarterdeck_terminal::{ShellState, Status};

use super::asked::Line;
use super::continuation::Unfinished;
use super::door::Typist;
use super::typed_line::Submission;
use crate::error::HostError;
use crate::session::Session;

/// Whether a shell with integration reads the keys, at its prompt or waiting for
/// the rest of a command.
pub(super) fn asks_the_shell(status: &Status) -> bool {
    matches!(status.shell, ShellState::AtPrompt { .. })
}

/// Programs that read command lines, or hand them to one that does. Only for
/// these do lines that arrive one by one make up a command.
#[rustfmt::skip]
const READS_COMMAND_LINES: &[&str] = &[
    "abduco", "adb", "apptainer", "ash", "autossh", "bash", "busybox", "bwrap", "byobu", "chroot", "conda", "crictl",
    "csh", "ctr", "dash", "devbox", "distrobox", "distrobox-enter", "doas", "docker", "docker-compose", "dtach", "env",
    "et", "expect", "fakeroot", "fish", "flatpak", "guix", "hatch", "incus", "ksh", "kubectl", "limactl", "login", "lxc",
    "machinectl", "mksh", "mosh", "mosh-client", "multipass", "nc", "ncat", "nerdctl", "nix", "nix-shell", "nsenter",
    "nu", "oc", "pipenv", "pixi", "pkexec", "podman", "poetry", "proot", "rbash", "rlwrap", "runuser", "screen",
    "script", "sh", "singularity", "socat", "ssh", "sshpass", "su", "sudo", "systemd-nspawn", "systemd-run", "tcsh",
    "telnet", "tmate", "tmux", "toolbox", "unshare", "vagrant", "virsh", "xonsh", "yash", "zellij", "zsh",
];

/// Whether it is one of them.
pub(super) fn reads_command_lines(program: &str) -> bool {
    READS_COMMAND_LINES.contains(&plain_name(program))
}

/// `-bash` is a login shell, and `tmux: client` is tmux's name for itself.
pub(super) fn plain_name(program: &str) -> &str {
    let name = program.split(':').next().unwrap_or(program);
    name.trim_start_matches('-')
}

/// What a shell runs is finished. And a program that reads prose or code does not
/// wait for the end of a quote as a shell would: its lines stand for themselves.
pub(super) fn forget_finished_lines(typist: &mut Typist, status: &Status) {
    // A shell that has become another program (`exec dash`) is at no prompt that we know.
    let runs = status.settled && !asks_the_shell(status);
    if runs && typist.unfinished.ends_when_run() {
        typist.unfinished = Unfinished::default();
    }
    let other_program = matches!(status.shell, ShellState::Running { .. })
        && (status.foreground.as_ref()).is_some_and(|program| !reads_command_lines(&program.name));
    if other_program {
        typist.line.forget_prefix();
        typist.unfinished = Unfinished::default();
    }
}

/// Learns what stands on the line before the first key of an input, and whether
/// it goes on with lines before it.
pub(super) async fn look_at_the_line(typist: &mut Typist, session: &Session, status: &Status) {
    forget_finished_lines(typist, status);
    if !asks_the_shell(status) && typist.line.is_clean() {
        look_for_a_reply(typist, status).await;
        look_at_the_prompt(typist, session).await;
    }
    match status.shell {
        ShellState::AtPrompt { line_dirty: false }
            if typist.unfinished.is_empty() && !status.typed_unseen =>
        {
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

/// Shells that take Ctrl-U for "nothing of this line", with an editor and without.
const SHELLS: &[&str] = &[
    "ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "yash", "zsh",
];

/// Programs that are terminals to others: they read the replies to what they ask.
const MULTIPLEXERS: &[&str] = &[
    "abduco", "byobu", "dtach", "screen", "tmate", "tmux", "zellij",
];

/// Where no shell can be asked, the line may begin with what the terminal replied to a
/// program that did not read it: whoever prints a question would otherwise have typed
/// the beginning of the next line.
async fn look_for_a_reply(typist: &mut Typist, status: &Status) {
    if !status.unread_reply {
        return;
    }
    let program = (status.foreground.as_ref()).map_or("", |it| plain_name(&it.name));
    if status.reads_lines || SHELLS.contains(&program) {
        drop_reply(typist).await;
    } else if reads_command_lines(program) && !MULTIPLEXERS.contains(&program) {
        // Another machine's shell has it, or its editor has read it.
        typist.line.doubt();
    }
}

/// Takes such a reply from the line. Where this does not get through, what follows does
/// not either.
pub(super) async fn drop_reply(typist: &mut Typist) {
    const CTRL_U: &[u8] = b"\x15";
    if let Err(error) = typist.keyboard.write(CTRL_U).await {
        tracing::debug!(%error, "a terminal's reply was not taken from the line");
    }
}

/// Learns whether a shell without marks waits for the rest of a command, before the
/// first key of a line.
pub(super) async fn look_at_the_prompt(typist: &mut Typist, session: &Session) {
    let over =
        typist.unfinished.is_empty() || typist.prompts.command_goes_on(&session.terminal).await;
    if over {
        typist.unfinished = Unfinished::default();
        typist.prompts.command_begins(&session.terminal).await;
    }
}

/// The line that Enter would submit, from the shell itself; where it does not
/// answer, what the keys add up to, and the gate says that it does not know.
pub(super) async fn shell_line(typist: &mut Typist, submission: &Submission) -> Line {
    let (text, certainty, awaited) = match typist.keyboard.shell_line().await {
        Ok(line) => {
            if !line.continued {
                typist.unfinished = Unfinished::default();
            }
            (line.text, Certainty::Exact, true)
        }
        Err(error) => {
            tracing::debug!(%error, "the shell did not say what its line holds");
            (submission.text.clone(), Certainty::Unknown, false)
        }
    };
    typed(typist, &text, certainty, awaited)
}

/// The line that Enter would submit where no shell can be asked.
pub(super) fn line_of_keys(typist: &Typist, submission: &Submission) -> Line {
    let certainty = match submission.uncertain {
        true => Certainty::Unknown,
        false => Certainty::Typed,
    };
    let awaited = typist.prompts.ask_for_more();
    typed(typist, &submission.text, certainty, awaited)
}

fn typed(typist: &Typist, text: &str, certainty: Certainty, awaited: bool) -> Line {
    let (text, earlier) = typist.unfinished.joined_with(text, awaited);
    Line {
        text,
        entry: Entry::Typed,
        certainty,
        earlier,
    }
}

/// A refused line does not stay behind for the next Enter. A line that waits
/// for a confirmation does stay when it was there before the call, so that the
/// same call made again finds it. Returns the refusal, which says what became of
/// earlier lines of the same command.
pub(super) async fn drop_refused_line(
    typist: &mut Typist,
    status: &Status,
    mut refusal: HostError,
) -> HostError {
    let stays = matches!(refusal, HostError::ConfirmationRequired(_))
        && matches!(status.shell, ShellState::AtPrompt { line_dirty: true });
    let goes_on = !typist.unfinished.is_empty();
    let can_drop = !stays && asks_the_shell(status);
    let dropped = can_drop && typist.keyboard.clear_line().await.is_ok();
    if dropped {
        typist.line.clear();
        typist.unfinished = Unfinished::default();
    }
    if goes_on && let HostError::Refused(refused) = &mut refusal {
        let note = match dropped {
            true => "The lines before it were dropped with it.",
            false => {
                "The shell may still wait for the rest of the lines before it: Ctrl-C drops them."
            }
        };
        let suggestion = refused.verdict.suggestion.get_or_insert_default();
        if !suggestion.is_empty() {
            suggestion.push(' ');
        }
        suggestion.push_str(note);
    }
    refusal
}
