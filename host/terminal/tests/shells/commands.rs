//! One call, one command: its whole output and how it ended.

use std::time::Duration;

use quarterdeck_terminal::{CommandState, FinishedCommand, RunError, ShellState};

use crate::support::{INTEGRATED, PATIENCE, open, ran};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_its_output_and_status() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        assert_eq!(session.run("echo hi").await, ran(0, "hi\n"), "{shell}");
        assert_eq!(session.run("false").await, ran(1, ""), "{shell}");
        assert_eq!(session.run("true").await, ran(0, ""), "{shell}");
        assert_eq!(session.run("sh -c 'exit 42'").await, ran(42, ""), "{shell}");
        assert_eq!(
            session.run("no-such-program-anywhere").await.status,
            Some(127),
            "{shell}"
        );
        assert_eq!(
            session.run("printf 'no newline'").await,
            ran(0, "no newline"),
            "{shell}"
        );
        assert_eq!(session.run("echo next").await, ran(0, "next\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_command_is_one_call() {
    let long = "x".repeat(5_000);
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut commands = vec![
            ("echo a # a comment".to_owned(), "a\n".to_owned()),
            ("echo a; echo b".into(), "a\nb\n".into()),
            ("echo a\necho b".into(), "a\nb\n".into()),
            ("echo a\n\n\necho b\n".into(), "a\nb\n".into()),
            (
                "echo 'it''s' \"a \\\"quote\\\"\" \\'".into(),
                "its a \"quote\" '\n".into(),
            ),
            ("echo 'a\tb'".into(), "a\tb\n".into()),
            (
                "echo '!! !x ~ $HOME `x`'".into(),
                "!! !x ~ $HOME `x`\n".into(),
            ),
            (
                "echo 'grüße 日本 🦀 e\u{301}'".into(),
                "grüße 日本 🦀 e\u{301}\n".into(),
            ),
            (format!("echo {long}"), format!("{long}\n")),
            ("printf 'a\\377b\\n'".into(), "a\u{fffd}b\n".into()),
            ("echo a \\\n  b".into(), "a b\n".into()),
            (
                "sh -c 'test -t 0 && test -t 1 && test -t 2 && echo terminal'".into(),
                "terminal\n".into(),
            ),
            ("printf '\\033[1;31mred\\033[0m\\n'".into(), "red\n".into()),
            ("# nothing at all".into(), String::new()),
            ("".into(), String::new()),
            ("   ".into(), String::new()),
        ];
        if shell != "fish" {
            commands.extend([
                (
                    "cat <<END\none\n  two\nEND".to_owned(),
                    "one\n  two\n".to_owned(),
                ),
                (
                    "cat <<'END'\n$x 'y\nEND\necho after".into(),
                    "$x 'y\nafter\n".into(),
                ),
                ("for i in 1 2; do\n\techo $i\ndone".into(), "1\n2\n".into()),
                ("f() {\n  echo in f\n}\nf".into(), "in f\n".into()),
                ("if true; then echo yes; fi".into(), "yes\n".into()),
            ]);
        } else {
            commands.extend([
                (
                    "for i in 1 2\n\techo $i\nend".to_owned(),
                    "1\n2\n".to_owned(),
                ),
                ("function f\n  echo in f\nend\nf".into(), "in f\n".into()),
            ]);
        }
        for (command, output) in commands {
            assert_eq!(
                session.run(&command).await.output,
                output,
                "{shell}: {command:?}"
            );
        }
        assert_eq!(
            session.run("echo still here").await,
            ran(0, "still here\n"),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_script_is_one_command_too() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        // A line for each number: 6 kB.
        let script: String = (0..300)
            .map(|number| format!("echo 'line {number}'\n"))
            .collect();
        let output: String = (0..300).map(|number| format!("line {number}\n")).collect();
        assert_eq!(session.run(&script).await, ran(0, &output), "{shell}");
        let long = "y".repeat(100_000);
        assert_eq!(
            session.run(&format!("echo {long}")).await,
            ran(0, &format!("{long}\n")),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_changes_stays() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("mkdir -p 'a b/ü 日'; cd 'a b/ü 日'").await;
        session.run("export KEPT='still here'").await;
        let folder = session
            .home
            .path()
            .canonicalize()
            .expect("there")
            .join("a b/ü 日");
        assert_eq!(
            session.run("pwd -P").await,
            ran(0, &format!("{}\n", folder.display())),
            "{shell}"
        );
        assert_eq!(
            session.run("echo $KEPT").await,
            ran(0, "still here\n"),
            "{shell}"
        );
        assert_eq!(session.terminal.status().await.cwd, Some(folder), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_shell_is_the_commands_output() {
    for (shell, command, error) in [
        ("bash", "echo )", "syntax error near unexpected token"),
        ("zsh", "echo )", "zsh: parse error near `)'\n"),
        ("fish", "echo )", "fish: Unexpected ')'"),
    ] {
        let session = open(shell).await;
        let ran_ = session.run(command).await;
        assert!(ran_.output.contains(error), "{shell}: {ran_:?}");
        assert!(!ran_.output.starts_with('\n'), "{shell}: {ran_:?}");
        assert_ne!(ran_.status, Some(0), "{shell}");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_command_runs_nothing_and_can_be_cleared() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        for command in [
            "echo 'open",
            "echo \"open",
            "echo a |",
            "begin; or if true; echo",
        ] {
            if shell != "fish" && command.starts_with("begin") {
                continue;
            }
            let mut running = session.keyboard.run(command).await.expect("typed");
            assert_eq!(
                running.finished(PATIENCE).await,
                CommandState::Incomplete,
                "{shell}: {command}"
            );
            let refused = session
                .keyboard
                .run("true")
                .await
                .expect_err("the line is not empty");
            assert!(
                matches!(refused, RunError::LineNotEmpty { .. }),
                "{shell}: {refused}"
            );
            session
                .keyboard
                .clear_line()
                .await
                .unwrap_or_else(|error| panic!("{shell}: {command}: {error}"));
            assert_eq!(
                session.run("echo fresh").await,
                ran(0, "fresh\n"),
                "{shell}: {command}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_takes_long_goes_on() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut running = session
            .keyboard
            .run("echo begun; cat; echo done")
            .await
            .expect("typed");
        session.shows("(?m)^begun$").await;
        let state = running.finished(Duration::ZERO).await;
        let CommandState::StillRunning { output_from, .. } = state else {
            panic!("{shell}: {state:?}");
        };
        let status = session.terminal.status().await;
        assert!(
            status.is_running() && !status.has_ended(),
            "{shell}: {status:?}"
        );
        assert!(
            matches!(&status.shell, ShellState::Running { command: Some(command), .. } if command == "echo begun; cat; echo done"),
            "{shell}: {status:?}"
        );
        let busy = session.keyboard.run("true").await.expect_err("busy");
        assert!(
            matches!(
                busy,
                RunError::Busy {
                    command: Some(_),
                    ..
                }
            ),
            "{shell}: {busy}"
        );
        session.type_in("typed\n\x04").await;
        let state = running.finished(PATIENCE).await;
        let CommandState::Finished(FinishedCommand {
            output,
            exit_status,
            ..
        }) = state
        else {
            panic!("{shell}: {state:?}");
        };
        assert_eq!(exit_status, Some(0), "{shell}");
        assert_eq!(output.start, output_from, "{shell}");
        assert_eq!(
            session.text(output.start, output.end).await,
            "begun\ntyped\ntyped\ndone\n",
            "{shell}"
        );
        assert!(!session.terminal.status().await.is_running(), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_command_ended_is_told_before_its_prompt_is_made() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let wait = "until test -e go; do sleep 0.01; done";
        let slow_prompt = match shell {
            "fish" => {
                "function fish_prompt; while not test -e go; sleep 0.01; end; echo '> '; end".into()
            }
            "zsh" => format!("setopt promptsubst; PS1='$({wait})> '"),
            _ => format!("PS1='$({wait})> '"),
        };
        session.run("true >go").await;
        session.run(&slow_prompt).await;
        let mut running = (session
            .keyboard
            .run("rm go; echo out; sh -c 'exit 7'")
            .await)
            .unwrap_or_else(|error| panic!("{shell}: {error}"));
        let state = running.ended(PATIENCE).await;
        let CommandState::Ended(ended) = &state else {
            panic!("{shell}: {state:?}");
        };
        assert_eq!(ended.exit_status, Some(7), "{shell}");
        let output = session.text(ended.output.start, ended.output.end).await;
        assert_eq!(output, "out\n", "{shell}");
        assert_eq!(running.finished(Duration::ZERO).await, state, "{shell}");
        std::fs::write(session.home.path().join("go"), "").expect("a file");
        let CommandState::Finished(finished) = running.finished(PATIENCE).await else {
            panic!("{shell}: it is at its prompt");
        };
        assert_eq!(finished.output, ended.output, "{shell}");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

/// After each line of several the shell may go on with the next one.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_lines_the_end_is_told_at_the_prompt() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut running = (session.keyboard.run("sh -c 'exit 3'\necho two").await)
            .unwrap_or_else(|error| panic!("{shell}: {error}"));
        let state = running.ended(PATIENCE).await;
        let CommandState::Finished(FinishedCommand { exit_status, .. }) = state else {
            panic!("{shell}: {state:?}");
        };
        assert_eq!(exit_status, Some(0), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_are_statuses_and_keys() {
    use quarterdeck_terminal::keys::Key;
    for shell in INTEGRATED {
        let session = open(shell).await;
        assert_eq!(
            session.run("sh -c 'kill -TERM $$'").await.status,
            Some(143),
            "{shell}"
        );
        assert_eq!(
            session.run("sh -c 'kill -KILL $$'").await.status,
            Some(137),
            "{shell}"
        );
        let mut running = session.keyboard.run("sleep 1000").await.expect("typed");
        session
            .eventually("sleeping", async || {
                session
                    .terminal
                    .status()
                    .await
                    .foreground
                    .is_some_and(|program| program.name == "sleep")
            })
            .await;
        session
            .keyboard
            .press(Key::parse("ctrl-c").expect("a key"))
            .await
            .expect("pressed");
        let state = running.finished(PATIENCE).await;
        assert!(
            matches!(
                state,
                CommandState::Finished(FinishedCommand {
                    exit_status: Some(130),
                    ..
                })
            ),
            "{shell}: {state:?}"
        );
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_in_the_background_do_not_hold_up_the_next() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        assert_eq!(session.run("sleep 1000 &").await.status, Some(0), "{shell}");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_commands_bring_their_whole_output_at_once() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        for number in 0..if shell == "fish" { 200 } else { 1000 } {
            let command = format!("echo {number}; sh -c 'exit {}'", number % 100);
            assert_eq!(
                session.run(&command).await,
                ran(number % 100, &format!("{number}\n")),
                "{shell}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ends_the_shell_ends_the_session() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut running = session
            .keyboard
            .run("echo bye; exit 3")
            .await
            .expect("typed");
        let state = running.finished(PATIENCE).await;
        let CommandState::SessionEnded {
            exit: Some(exit),
            output,
        } = state
        else {
            panic!("{shell}: {state:?}");
        };
        assert_eq!(exit.code(), Some(3), "{shell}");
        let text = session.text(output.start, output.end).await;
        assert!(text.starts_with("bye\n"), "{shell}: {text}");
        let status = session.terminal.status().await;
        assert!(
            status.has_ended() && !status.is_running(),
            "{shell}: {status:?}"
        );
        assert!(session.keyboard.run("true").await.is_err(), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_ends_at_the_first_failure_does_so() {
    for shell in ["bash", "zsh"] {
        let session = open(shell).await;
        assert_eq!(session.run("set -e").await, ran(0, ""), "{shell}");
        assert_eq!(session.run("echo fine").await, ran(0, "fine\n"), "{shell}");
        let mut running = session.keyboard.run("sh -c 'exit 9'").await.expect("typed");
        let state = running.finished(PATIENCE).await;
        assert!(
            matches!(&state, CommandState::SessionEnded { exit: Some(exit), .. } if exit.code() == Some(9)),
            "{shell}: {state:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_a_command_are_refused() {
    let session = open("bash").await;
    for command in ["echo \x1b[201~", "echo \x03", "a\rb", "\u{9b}x"] {
        let refused = session.keyboard.run(command).await.expect_err("refused");
        assert!(
            matches!(refused, RunError::ControlCharacter { .. }),
            "{refused}"
        );
    }
    assert_eq!(session.run("echo ok").await, ran(0, "ok\n"));
}
