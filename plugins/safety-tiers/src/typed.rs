//! What is typed into a program, rather than to a shell's prompt.
//!
//! An editor or a database shell makes of a line what it likes; a shell line
//! in it runs only through an escape such as `:!cmd`. Programs that read no
//! lines at all leave them to the shell, which runs them afterwards.

use crate::verdict::Tier;
use crate::walk::base_name;

/// How a program takes what is typed into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Runs it as commands, here or elsewhere.
    Shell,
    /// Takes it as its own language.
    Program(&'static Language),
    /// Reads nothing that is known of: the shell will get it.
    Nothing,
}

/// What of a program's own language leads out of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// The rest of a line that begins with one of these is a shell line.
    pub(crate) escapes: &'static [&'static str],
    /// Lines that end the program: what follows goes to the shell.
    pub(crate) quits: &'static [&'static str],
    /// Whether its lines are code, which rules can be asked about, and whose
    /// strings may be shell lines.
    pub(crate) code: bool,
    /// What is typed into it has this tier, where nothing is known to be worse
    /// and the configuration says nothing else.
    pub(crate) tier: Tier,
}

const EDITOR: Language = Language {
    escapes: &[
        ":!", ":r!", ":r !", ":w !", ":%!", ":.!", ":sh", ":term", ":read !", "!",
    ],
    quits: &[
        ":q", ":q!", ":wq", ":wq!", ":x", ":qa", ":qa!", ":wqa", "ZZ", "ZQ", "q", "Q",
    ],
    code: false,
    tier: Tier::Safe,
};
const PAGER: Language = Language {
    escapes: &["!", "|", ":!"],
    quits: &["q", ":q", "Q", "ZZ"],
    code: false,
    tier: Tier::Safe,
};
const DATABASE: Language = Language {
    escapes: &["\\!", ".shell", ".system", "system ", "\\o |", "\\g |", "!"],
    quits: &["\\q", ".quit", ".exit", "exit", "quit", "exit;", "quit;"],
    code: true,
    tier: Tier::Safe,
};
const INTERPRETER: Language = Language {
    escapes: &["!", "%sx", "!!", "%%bash", "%system"],
    quits: &[
        "exit", "quit", "exit()", "quit()", ".exit", "exit;", "q()", ":q", ":quit", "halt.",
    ],
    code: true,
    tier: Tier::Safe,
};
const DEBUGGER: Language = Language {
    escapes: &["shell ", "!", "platform shell "],
    quits: &["q", "quit", "exit"],
    code: true,
    tier: Tier::Safe,
};
const TRANSFER: Language = Language {
    escapes: &["!"],
    quits: &["bye", "quit", "exit", "q"],
    code: false,
    tier: Tier::Review,
};
const SCREEN: Language = Language {
    escapes: &["!"],
    quits: &["q", "Q", "/exit", "/quit", ":q"],
    code: false,
    tier: Tier::Safe,
};

/// Other agents, and prompts that ask for a secret or a decision.
const DECISION: Language = Language {
    escapes: &["!"],
    quits: &["/exit", "/quit"],
    code: false,
    tier: Tier::Review,
};

/// A full-screen program that is not known: anything might lead out of it.
pub(crate) const UNKNOWN_SCREEN: Language = Language {
    escapes: &["!", ":!"],
    quits: &["q", ":q", "exit", "quit"],
    code: true,
    tier: Tier::Review,
};

/// Programs that run what is typed as commands, or pass it on to one that does: to
/// another machine, a container, another user, or the pane of a multiplexer.
#[rustfmt::skip]
const SHELLS: &[&str] = &[
    // Shells.
    "bash", "sh", "zsh", "fish", "dash", "ksh", "mksh", "ash", "yash", "rbash", "busybox", "csh", "tcsh", "nu",
    "elvish", "pwsh", "xonsh",
    // Other machines, and what is attached to this one.
    "ssh", "sshpass", "autossh", "mosh", "mosh-client", "et", "telnet", "rlogin", "nc", "ncat", "socat", "cu",
    "picocom", "minicom", "tio", "session-manager", "gcloud", "heroku", "fly", "flyctl",
    // Containers and virtual machines.
    "docker", "docker-compose", "podman", "nerdctl", "finch", "kubectl", "oc", "crictl", "ctr", "lxc", "incus",
    "machinectl", "systemd-nspawn", "vagrant", "adb", "wsl", "virsh", "limactl", "multipass", "toolbox",
    "distrobox", "distrobox-enter", "apptainer", "singularity", "chroot", "nsenter", "unshare", "bwrap", "proot",
    "firejail", "flatpak", "fakeroot",
    // Other users.
    "su", "sudo", "doas", "pkexec", "runuser", "login", "newgrp", "systemd-run", "srun", "salloc",
    // Other surroundings.
    "nix", "nix-shell", "guix", "poetry", "pipenv", "hatch", "pdm", "conda", "mamba", "micromamba", "pixi", "devbox",
    "direnv",
    // Multiplexers, and what stands between a terminal and a program.
    "tmux", "tmate", "screen", "byobu", "zellij", "dtach", "abduco", "script", "rlwrap", "expect", "unbuffer",
];

/// How the program in the foreground reads what is typed.
pub(crate) fn reader(program: &str) -> Reader {
    let name = program_name(program);
    match name.as_str() {
        _ if SHELLS.contains(&name.as_str()) => Reader::Shell,
        "vi" | "vim" | "nvim" | "view" | "vimdiff" | "ex" | "ed" | "nano" | "pico" | "emacs"
        | "hx" | "helix" | "kak" | "micro" | "joe" | "mcedit" => Reader::Program(&EDITOR),
        "less" | "more" | "most" | "man" | "bat" | "delta" | "pg" => Reader::Program(&PAGER),
        "psql" | "mysql" | "mariadb" | "sqlite" | "sqlplus" | "redis-cli" | "valkey-cli"
        | "mongo" | "mongosh" | "duckdb" | "clickhouse" | "cqlsh" | "usql" | "pgcli" | "mycli"
        | "litecli" => Reader::Program(&DATABASE),
        "python" | "ipython" | "pypy" | "node" | "deno" | "bun" | "ruby" | "irb" | "pry"
        | "perl" | "php" | "lua" | "luajit" | "r" | "julia" | "ghci" | "scala" | "jshell"
        | "iex" | "erl" | "octave" | "gnuplot" | "bc" | "dc" | "sage" | "racket" | "sbcl"
        | "clojure" | "utop" | "ocaml" => Reader::Program(&INTERPRETER),
        "gdb" | "lldb" | "pdb" | "dlv" | "jdb" => Reader::Program(&DEBUGGER),
        "ftp" | "sftp" | "lftp" | "mutt" | "neomutt" | "mail" | "mailx" => {
            Reader::Program(&TRANSFER)
        }
        "top" | "htop" | "btop" | "atop" | "fzf" | "tig" | "lazygit" | "gitui" | "ranger"
        | "nnn" | "lf" | "mc" | "watch" => Reader::Program(&SCREEN),
        "claude" | "codex" | "gemini" | "aider" | "k9s" | "ncdu" | "passwd" | "ssh-keygen"
        | "gpg" | "dialog" | "whiptail" | "fdisk" | "parted" | "visudo" => {
            Reader::Program(&DECISION)
        }
        _ => Reader::Nothing,
    }
}

/// A program's name without folder, login dash and version: `python` for
/// `/usr/bin/python3.12`, `sqlite` for `sqlite3`; and without what it says of itself:
/// `tmux` for `tmux: client`.
pub(crate) fn program_name(program: &str) -> String {
    let title = program.split_once(": ").map_or(program, |(name, _)| name);
    let name = base_name(title)
        .trim_start_matches('-')
        .to_ascii_lowercase();
    name.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_no_part_of_a_name() {
        assert_eq!(program_name("/usr/bin/python3.12"), "python");
        assert_eq!(program_name("-zsh"), "zsh");
        assert_eq!(reader("sqlite3"), Reader::Program(&DATABASE));
        assert_eq!(reader("make"), Reader::Nothing);
        assert_eq!(reader("tmux: client"), Reader::Shell);
    }
}
