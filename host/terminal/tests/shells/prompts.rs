//! Users' own files still run, and whatever they do to the prompt, the host
//! knows when the shell reads a line.

use quarterdeck_terminal::{CommandState, FinishedCommand, RunError, ShellState};

use crate::support::{INTEGRATED, PATIENCE, Ran, Session, Setup, open, ran, setup};

async fn works(setup: Setup, what: &str) -> Session {
    let session = setup.open().await;
    let shell = session.shell;
    assert_eq!(
        session.run("echo one").await,
        ran(0, "one\n"),
        "{shell}: {what}"
    );
    assert_eq!(session.run("false").await, ran(1, ""), "{shell}: {what}");
    assert_eq!(
        session.run("echo -n partial").await,
        ran(0, "partial"),
        "{shell}: {what}"
    );
    assert_eq!(
        session.run("(exit 7)\n").await.status,
        Some(if shell == "fish" { 127 } else { 7 }),
        "{shell}: {what}"
    );
    session.type_in("echo typed").await;
    assert_eq!(session.line().await.text, "echo typed", "{shell}: {what}");
    session
        .keyboard
        .clear_line()
        .await
        .unwrap_or_else(|error| panic!("{shell}: {what}: {error}"));
    assert_eq!(
        session.run("echo two").await,
        ran(0, "two\n"),
        "{shell}: {what}"
    );
    session
}

/// Commands that change the shell leave it one whose commands are told of.
pub(crate) async fn goes_on_after(session: &Session, changes: &[&str]) {
    for change in changes {
        session.run(change).await;
        assert_eq!(session.run("(exit 3)").await, ran(3, ""), "{change}");
        assert_eq!(
            session.run("echo one; false").await,
            ran(1, "one\n"),
            "{change}"
        );
        assert_eq!(session.run("echo two").await, ran(0, "two\n"), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_own_files_run() {
    for (shell, files) in [
        (
            "bash",
            vec![(
                ".bashrc",
                "export FROM_RC=yes; alias hello='echo hi'; PS1='my prompt> '\n",
            )],
        ),
        (
            "zsh",
            vec![
                (".zshenv", "export FROM_ENV=yes\n"),
                (
                    ".zshrc",
                    "[[ $FROM_ENV == yes ]] && export FROM_RC=yes; alias hello='echo hi'; PS1='my prompt> '\n",
                ),
            ],
        ),
        (
            "fish",
            vec![(
                ".config/fish/config.fish",
                "set -gx FROM_RC yes; alias hello='echo hi'; function fish_prompt; echo -n 'my prompt> '; end\n",
            )],
        ),
    ] {
        let mut setup = setup(shell);
        for (name, text) in files {
            setup = setup.dotfile(name, text);
        }
        let session = works(setup, "own files").await;
        assert_eq!(
            session.run("echo $FROM_RC; hello").await,
            ran(0, "yes\nhi\n"),
            "{shell}"
        );
        assert!(session.screen().await.contains("my prompt> "), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_shell_reads_its_own_files() {
    for (shell, file, text) in [
        ("bash", ".bash_profile", "export FROM_PROFILE=yes\n"),
        ("zsh", ".zprofile", "export FROM_PROFILE=yes\n"),
        (
            "fish",
            ".config/fish/config.fish",
            "status is-login; and set -gx FROM_PROFILE yes\n",
        ),
    ] {
        let session = works(setup(shell).dotfile(file, text).args(&["-l"]), "login").await;
        assert_eq!(
            session.run("echo $FROM_PROFILE").await,
            ran(0, "yes\n"),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_with_any_prompt() {
    for (what, rc) in [
        (
            "a coloured prompt of two lines",
            r"PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\w\n\$ '",
        ),
        ("an empty prompt", "PS1= PS2= PS0="),
        ("unset prompts", "unset PS1 PS2"),
        (
            "names that are read-only",
            "readonly status=1 line=2 cwd=3 b=4 c=5 k=6 n=7 held=8",
        ),
        ("own PS0", "PS0='[started]\\n'; PS0="),
        (
            "PROMPT_COMMAND as a string",
            "PROMPT_COMMAND='last=$?; PS1=\"$last> \"'",
        ),
        (
            "PROMPT_COMMAND as an array",
            "PROMPT_COMMAND=('PS1=\"a> \"' 'PS1+=\"b> \"')",
        ),
        ("PROMPT_COMMAND that fails", "PROMPT_COMMAND='false'"),
        (
            "PROMPT_COMMAND that prints",
            "PROMPT_COMMAND='echo printed by the prompt'",
        ),
        ("a trailing semicolon", "PROMPT_COMMAND='true; '"),
        (
            "one that adds itself at each prompt",
            "add() { PS1=\"$? > \"; [[ ${PROMPT_COMMAND[-1]} == late ]] || PROMPT_COMMAND+=(late); }; late() { PS1='late> '; }; PROMPT_COMMAND=(add)",
        ),
        ("a DEBUG trap", "seen() { :; }; trap 'seen' DEBUG"),
        (
            "no expansion of prompts",
            "shopt -u promptvars; PS1='plain> '",
        ),
        ("an own IFS", "IFS=:"),
        ("unset variables are errors", "set -u"),
        ("everything is exported", "set -a"),
        ("posix mode", "set -o posix"),
        ("noclobber, noglob", "set -o noclobber -o noglob"),
        ("an rc file that fails", "false"),
        ("an rc file that returns", "return 3"),
        (
            "an own printf and local",
            "printf() { :; }; local() { :; }; return() { :; }",
        ),
    ] {
        works(setup("bash").dotfile(".bashrc", &format!("{rc}\n")), what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_whose_prompt_is_changed_by_commands() {
    let session = open("bash").await;
    goes_on_after(
        &session,
        &[
            "PROMPT_COMMAND='PS1=\"\\$? > \"'",
            "PROMPT_COMMAND+=(true)",
            "PS1='new> ' PS2='more> ' PS0=",
            "unset PS0 PS2",
            "shopt -u promptvars",
            "shopt -s promptvars",
            "set -u",
            "trap : DEBUG",
            "set -a",
            "set +a",
            "shopt -s nocasematch",
            "set +B",
            "IFS=x",
            "set -o posix",
            "set +o posix",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zsh_whose_prompt_is_changed_by_commands() {
    let session = open("zsh").await;
    goes_on_after(
        &session,
        &[
            "PROMPT='new> ' PROMPT2='more> '",
            "precmd() { PROMPT=\"$? > \"; }; preexec() { :; }",
            "zle-line-init() { : }; zle -N zle-line-init",
            "zle -D zle-line-init",
            "zle-line-finish() { : }; zle -N zle-line-finish",
            "setopt no_unset err_return",
            "unsetopt prompt_sp prompt_cr",
            "bindkey -v",
            "bindkey -e",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bash_that_ends_at_the_first_error_begins_all_the_same() {
    for rc in ["set -e", "set -euo pipefail"] {
        let session = setup("bash")
            .dotfile(".bashrc", &format!("{rc}\n"))
            .open()
            .await;
        assert_eq!(session.run("echo one").await, ran(0, "one\n"), "{rc}");
        assert_eq!(
            session.run("false || echo two").await,
            ran(0, "two\n"),
            "{rc}"
        );
        let still = session.run("[[ $- == *e* ]]").await;
        assert_eq!(still.status, Some(0), "{rc}: it is what was asked for");
    }
}

/// Somebody who hardens an account, for example.
#[tokio::test(flavor = "multi_thread")]
async fn a_bash_whose_prompts_are_read_only_is_one_without_integration() {
    for rc in [
        "readonly PROMPT_COMMAND=true",
        "declare -r PS1='$ '",
        "readonly PS0",
    ] {
        let session = setup("bash")
            .dotfile(".bashrc", &format!("{rc}\n"))
            .open()
            .await;
        let refused = session.keyboard.run("true").await.err();
        assert_eq!(refused, Some(RunError::NoIntegration), "{rc}");
        session.type_in("echo still-$((40 + 2))\r").await;
        session.shows("still-42").await;
    }
    let session = open("bash").await;
    for change in ["readonly PS1", "PS1=x", "cd /", "set -u", "cd"] {
        session.run(change).await;
        assert_eq!(session.run("(exit 3)").await, ran(3, ""), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zsh_with_any_prompt() {
    for (what, rc) in [
        (
            "a coloured prompt of two lines",
            "PROMPT='%F{green}%n@%m%f:%~\n%# '; RPROMPT='%*'",
        ),
        ("an empty prompt", "PROMPT= PS2="),
        (
            "a precmd function",
            "precmd() { PROMPT=\"$? > \"; }; preexec() { :; }",
        ),
        (
            "precmd hooks",
            "autoload -Uz add-zsh-hook; hook() { PROMPT=\"$? > \" }; add-zsh-hook precmd hook; add-zsh-hook preexec hook",
        ),
        (
            "hooks that print",
            "precmd() { print printed by the prompt }",
        ),
        (
            "an own line-init",
            "zle-line-init() { : }; zle -N zle-line-init; zle-line-finish() { : }; zle -N zle-line-finish",
        ),
        (
            "an own accept-line",
            "own() { zle .accept-line }; zle -N accept-line own; wrapped() { zle .self-insert }; zle -N self-insert wrapped",
        ),
        (
            "prompt_subst",
            "setopt prompt_subst; PROMPT='$(echo sub)> '",
        ),
        ("no prompt_sp, no prompt_cr", "unsetopt prompt_sp prompt_cr"),
        (
            "options of another shell",
            "setopt sh_word_split ksh_arrays glob_subst no_unset",
        ),
        ("everything is exported", "setopt all_export"),
        (
            "an own bracketed paste",
            "autoload -Uz bracketed-paste-magic url-quote-magic; zle -N bracketed-paste bracketed-paste-magic; zle -N self-insert url-quote-magic",
        ),
        ("no bracketed paste", "unset zle_bracketed_paste"),
        ("completion", "autoload -Uz compinit && compinit -u"),
        (
            "an own printf",
            "printf() { : }; alias setopt=false; alias -g local=false",
        ),
        (
            "a prompt that starship draws",
            "setopt prompt_subst; PROMPT='$(printf \"\\n\\033[1;36m~\\033[0m\\n> \")'; precmd_functions+=(starship_precmd); starship_precmd() { STATUS=$? }",
        ),
    ] {
        works(setup("zsh").dotfile(".zshrc", &format!("{rc}\n")), what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_with_any_prompt() {
    for (what, rc) in [
        (
            "an own prompt of two lines",
            "function fish_prompt; set -l last $status; printf 'first\\n%s> ' $last; end",
        ),
        (
            "a right prompt",
            "function fish_right_prompt; date; end; function fish_mode_prompt; echo -n m; end",
        ),
        ("an empty prompt", "function fish_prompt; end"),
        (
            "hooks",
            "function before --on-event fish_prompt; echo printed by the prompt; end; function after --on-event fish_postexec; true; end",
        ),
        (
            "a greeting",
            "function fish_greeting; echo hello there; end",
        ),
        ("no greeting", "set -g fish_greeting"),
        ("an own printf", "function printf; end"),
    ] {
        works(
            setup("fish").dotfile(".config/fish/config.fish", &format!("{rc}\n")),
            what,
        )
        .await;
    }
}

/// How this very command ended nobody can tell, and all is told again from the next on.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_whose_hooks_are_taken_away_gets_them_back() {
    for (shell, changes) in [
        (
            "bash",
            [
                "PROMPT_COMMAND=()",
                "unset PROMPT_COMMAND",
                "PS1='$ '$PS1; unset PROMPT_COMMAND",
            ],
        ),
        (
            "zsh",
            [
                "precmd_functions=() preexec_functions=()",
                "unset precmd_functions preexec_functions",
                "setopt ksh_arrays no_unset; precmd_functions=(true)",
            ],
        ),
    ] {
        let session = open(shell).await;
        for change in changes {
            let ran_change = session.run(&format!("echo out; {change}")).await;
            assert_eq!(ran_change.status, None, "{shell}: {change}");
            // Where the prompt begins is not told either.
            let output = ran_change.output;
            assert!(output.starts_with("out\n"), "{shell}: {change}: {output:?}");
            for _ in 0..2 {
                let (status, text) = (3, "one\n");
                let command = "echo one; (exit 3)";
                assert_eq!(
                    session.run(command).await,
                    ran(status, text),
                    "{shell}: {change}"
                );
            }
        }
    }
}

/// As the scripts of virtual environments do, and people who try prompts.
#[tokio::test(flavor = "multi_thread")]
async fn fish_may_be_given_another_prompt_at_any_time() {
    let session = open("fish").await;
    for command in [
        "function fish_prompt; echo 'mine> '; end",
        "functions -c fish_prompt old_prompt; function fish_prompt; echo -n '(env) '; old_prompt; end",
        "function fish_prompt; echo 'another> '; end",
        "functions -e fish_prompt; functions -c old_prompt fish_prompt",
        "functions -e fish_prompt",
    ] {
        assert_eq!(session.run(command).await, ran(0, ""), "{command}");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{command}");
        assert_eq!(session.run("false").await, ran(1, ""), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_prompt_prints_is_not_the_commands_output() {
    for (shell, file, rc) in [
        ("bash", ".bashrc", "PROMPT_COMMAND='echo noise'\n"),
        ("zsh", ".zshrc", "precmd() { echo noise }\n"),
        (
            "fish",
            ".config/fish/config.fish",
            "function noise --on-event fish_prompt; echo noise; end\n",
        ),
    ] {
        let session = setup(shell).dotfile(file, rc).open().await;
        for _ in 0..3 {
            assert_eq!(
                session.run("echo signal").await,
                ran(0, "signal\n"),
                "{shell}"
            );
        }
        session.shows("noise").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_integration_is_seen() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("echo x").await;
        for command in ["env", "sh -c 'set'", "echo \"$PS1$PS2$PS0\""] {
            let Ran { output, .. } = session.run(command).await;
            assert!(
                !output.contains("q="),
                "{shell}: {command} shows a key:\n{output}"
            );
            assert!(
                !output.contains("__quarterdeck_key"),
                "{shell}: {command}:\n{output}"
            );
        }
        let screen = session.screen().await;
        assert!(!screen.contains("133;"), "{shell}:\n{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_within_the_shell_is_a_running_program() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut running = session.keyboard.run("sh -i").await.expect("typed");
        session
            .eventually("running sh", async || {
                let status = session.terminal.status().await;
                status.is_running()
                    && status
                        .foreground
                        .is_some_and(|program| program.pid != session.terminal.pid())
            })
            .await;
        assert!(
            matches!(session.shell_state().await, ShellState::Running { .. }),
            "{shell}"
        );
        session.type_in("exit 5\r").await;
        let state = running.finished(PATIENCE).await;
        assert!(
            matches!(
                state,
                CommandState::Finished(FinishedCommand {
                    exit_status: Some(5),
                    ..
                })
            ),
            "{shell}: {state:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_in_the_shells_place_is_not_believed_to_be_it() {
    for (shell, other) in [
        ("bash", "zsh"),
        ("bash", "bash"),
        ("zsh", "bash"),
        ("fish", "bash"),
        ("zsh", "dash"),
    ] {
        let session = open(shell).await;
        session.run("true").await;
        session
            .keyboard
            .run(&format!("exec {other}"))
            .await
            .expect("typed");
        session
            .eventually("known to be another", async || {
                session.shell_state().await == ShellState::Unknown
            })
            .await;
        let status = session.terminal.status().await;
        assert!(!status.integrated && !status.has_ended(), "{status:?}");
        session
            .keyboard
            .run("true")
            .await
            .expect_err("nobody knows when it ends");
        session.type_in("echo it''works\r").await;
        session.shows("itworks").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_rc_file_that_starts_another_shell_leaves_it_unknown() {
    let session = setup("bash").dotfile(".bashrc", "exec dash\n").open().await;
    session
        .eventually("known to be another", async || {
            session.shell_state().await == ShellState::Unknown
        })
        .await;
    session.type_in("echo it''works\r").await;
    session.shows("itworks").await;
    session
        .keyboard
        .run("true")
        .await
        .expect_err("nobody knows when it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_starts_slowly_is_integrated_late() {
    // A program of the shell's name that executes it only when it is told to.
    let mut setup = setup("bash").dotfile(
        "script",
        "#!/bin/sh\nread -r _ < gate\nexec /bin/bash \"$@\"\n",
    );
    let [script, program] =
        ["script", "bash"].map(|name| setup.request.cwd.as_ref().expect("given").join(name));
    // Written by another process: what a child of this one holds open for writing
    // cannot be executed.
    let mut install = std::process::Command::new("install");
    let installed = install
        .args(["-m", "700"])
        .args([&script, &program])
        .status();
    assert!(installed.expect("install runs").success());
    let gate = setup.request.cwd.as_ref().expect("given").join("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status();
    assert!(made.expect("mkfifo is installed").success());
    setup.request.shell = Some(program);
    let session = setup.open().await;
    session
        .eventually("given up for now", async || {
            session.shell_state().await == ShellState::Unknown
        })
        .await;
    let opened = tokio::task::spawn_blocking(move || std::fs::write(gate, "go\n"));
    opened.await.expect("joined").expect("written");
    session
        .eventually("integrated", async || {
            session.terminal.status().await.integrated
        })
        .await;
    assert_eq!(session.run("echo late").await, ran(0, "late\n"));
}
