//! What is typed into a program, rather than to a shell's prompt.
//!
//! An editor or a database shell makes of a line what it likes; a shell line
//! in it runs only through an escape such as `:!cmd`. Programs that read no
//! lines at all leave them to the shell, which runs them afterwards.

use crate::walk::base_name;

/// How a program takes what is typed into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Runs it as commands, here or elsewhere.
    Shell,
    /// Takes it as its own language, with these ways out to a shell.
    Program(&'static [Escape]),
    /// Reads nothing that is known of: the shell will get it.
    Nothing,
}

/// A way from a program's language to a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// The rest of a line that begins with this is a shell line.
    Prefix(&'static str),
    /// Calls of functions: strings in the code may be shell lines.
    Calls,
}

const EDITOR: &[Escape] = &[Escape::Prefix(":!"), Escape::Prefix(":r!"), Escape::Prefix(":r !"), Escape::Prefix(":w !"), Escape::Prefix(":%!")];
const PAGER: &[Escape] = &[Escape::Prefix("!"), Escape::Prefix("|"), Escape::Prefix(":!")];
const DATABASE: &[Escape] = &[Escape::Prefix("\\!"), Escape::Prefix(".shell"), Escape::Prefix(".system"), Escape::Prefix("system ")];
const LANGUAGE: &[Escape] = &[Escape::Calls, Escape::Prefix("!"), Escape::Prefix("%sx"), Escape::Prefix("!!")];
const TRANSFER: &[Escape] = &[Escape::Prefix("!")];
const DEBUGGER: &[Escape] = &[Escape::Prefix("shell "), Escape::Prefix("!"), Escape::Prefix("platform shell "), Escape::Calls];
const TMUX: &[Escape] = &[];

/// How the program in the foreground reads what is typed.
pub(crate) fn reader(program: &str) -> Reader {
    let name = base_name(program).trim_start_matches('-').to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match name {
        "bash" | "sh" | "zsh" | "fish" | "dash" | "ksh" | "mksh" | "ash" | "busybox" | "csh" | "tcsh" | "nu"
        | "elvish" | "pwsh" | "xonsh" | "ssh" | "mosh" | "mosh-client" | "telnet" | "docker" | "podman"
        | "kubectl" | "nerdctl" | "lxc" | "su" | "sudo" | "doas" | "login" | "script" | "chroot" | "nsenter"
        | "machinectl" | "vagrant" | "adb" | "wsl" | "tmux" | "screen" => Reader::Shell,
        "vi" | "vim" | "nvim" | "view" | "vimdiff" | "ex" | "ed" | "nano" | "pico" | "emacs" | "hx" | "helix"
        | "kak" | "micro" | "joe" | "mcedit" => Reader::Program(EDITOR),
        "less" | "more" | "most" | "man" | "bat" | "delta" | "pg" => Reader::Program(PAGER),
        "psql" | "mysql" | "mariadb" | "sqlite" | "sqlplus" | "redis-cli" | "mongo" | "mongosh" | "duckdb"
        | "clickhouse" | "cqlsh" | "usql" | "pgcli" | "mycli" | "litecli" => Reader::Program(DATABASE),
        "python" | "ipython" | "node" | "deno" | "bun" | "ruby" | "irb" | "pry" | "perl" | "php" | "lua"
        | "luajit" | "r" | "julia" | "ghci" | "scala" | "jshell" | "iex" | "erl" | "octave" | "gnuplot" | "bc"
        | "dc" | "sage" | "racket" | "sbcl" | "clojure" | "utop" | "ocaml" => Reader::Program(LANGUAGE),
        "gdb" | "lldb" | "pdb" | "dlv" | "jdb" => Reader::Program(DEBUGGER),
        "ftp" | "sftp" | "lftp" | "mutt" | "neomutt" | "mail" | "mailx" => Reader::Program(TRANSFER),
        "top" | "htop" | "btop" | "atop" | "fzf" | "tig" | "lazygit" | "gitui" | "ranger" | "nnn" | "lf" | "mc"
        | "watch" | "tail" | "dialog" | "whiptail" | "claude" | "codex" | "gemini" | "aider" | "k9s" | "ncdu"
        | "passwd" | "ssh-keygen" | "gpg" => Reader::Program(TMUX),
        _ => Reader::Nothing,
    }
}
