//! What the line holds, however it came there: the gate judges by it.

use quarterdeck_terminal::keys::Key;
use quarterdeck_terminal::{RunError, ShellLineError, ShellState};

use crate::support::{INTEGRATED, Session, open, ran, setup};

/// Types pieces and presses keys (in angle brackets), then asks for the line.
async fn line_after(session: &Session, pieces: &[&str]) -> String {
    session.enter(pieces).await;
    session.line().await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_pieces_and_corrections() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("true").await;
        let cases: [(&[&str], &str); 9] = [
            (&["ec", "ho ", "h", "i"], "echo hi"),
            (&["echp", "<backspace>", "o hi"], "echo hi"),
            (&["garbage", "<ctrl-u>", "echo hi"], "echo hi"),
            (&["echo one two", "<ctrl-w>", "three"], "echo one three"),
            (
                &["rm -rf /", "<ctrl-u>", "echo ", "<ctrl-y>"],
                "echo rm -rf /",
            ),
            (&["cho hi", "<ctrl-a>", "e"], "echo hi"),
            (&["echo ab", "<left>", "x", "<left>", "<delete>"], "echo ab"),
            (&["echo grüße 日本 🦀"], "echo grüße 日本 🦀"),
            (
                &["echo 'a;b' \"c\" \\; $HOME %d \\x41"],
                "echo 'a;b' \"c\" \\; $HOME %d \\x41",
            ),
        ];
        for (pieces, expected) in cases {
            let line = line_after(&session, pieces).await;
            assert_eq!(line, expected, "{shell}: {pieces:?}");
            // Asking twice changes nothing.
            assert_eq!(session.line().await.text, expected, "{shell}: {pieces:?}");
            session.keyboard.clear_line().await.expect("cleared");
            assert_eq!(session.line().await.text, "", "{shell}: {pieces:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_line_is_said_to_be_empty() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.prompted().await;
        assert_eq!(session.line().await.text, "", "{shell}");
        assert_eq!(
            session.shell_state().await,
            ShellState::AtPrompt { line_dirty: false },
            "{shell}"
        );
        session.type_in("x").await;
        assert_eq!(
            session.shell_state().await,
            ShellState::AtPrompt { line_dirty: true },
            "{shell}"
        );
        session.enter(&["<backspace>"]).await;
        assert_eq!(session.line().await.text, "", "{shell}");
        assert_eq!(
            session.shell_state().await,
            ShellState::AtPrompt { line_dirty: false },
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recalled_from_history() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("echo first").await;
        session.run("echo second").await;
        assert_eq!(
            line_after(&session, &["<up>"]).await,
            "echo second",
            "{shell}"
        );
        assert_eq!(
            line_after(&session, &["<up>"]).await,
            "echo first",
            "{shell}"
        );
        assert_eq!(
            line_after(&session, &["<down>"]).await,
            "echo second",
            "{shell}"
        );
        assert_eq!(
            line_after(&session, &[" and more"]).await,
            "echo second and more",
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn found_by_searching_the_history() {
    for shell in ["bash", "zsh"] {
        let session = open(shell).await;
        session.run("echo needle").await;
        session.run("echo other").await;
        assert_eq!(
            line_after(&session, &["<ctrl-r>", "need"]).await,
            "echo needle",
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completed() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("touch a-very-special-file").await;
        let line = line_after(&session, &["echo a-ver", "<tab>"]).await;
        assert_eq!(line.trim_end(), "echo a-very-special-file", "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pasted_lines_wait_in_the_editor() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.prompted().await;
        session
            .eventually("taking pastes", async || {
                session.terminal.status().await.bracketed_paste
            })
            .await;
        session
            .keyboard
            .paste("echo one\nrm -rf ~\x1b[201~\necho two")
            .await
            .expect("pasted");
        let line = session.line().await;
        assert_eq!(line.text, "echo one\nrm -rf ~\necho two", "{shell}");
        assert!(!line.continued, "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_goes_on_with_the_one_before() {
    for shell in ["bash", "zsh"] {
        let session = open(shell).await;
        session.prompted().await;
        session.enter(&["echo one \\", "<enter>"]).await;
        session
            .eventually("a second prompt", async || {
                session
                    .keyboard
                    .shell_line()
                    .await
                    .is_ok_and(|line| line.continued)
            })
            .await;
        session.type_in("two").await;
        let line = session.line().await;
        assert_eq!(
            (line.text.as_str(), line.continued),
            ("two", true),
            "{shell}"
        );
        let refused = session.keyboard.run("true").await.expect_err("not empty");
        assert!(
            matches!(refused, RunError::LineNotEmpty { .. }),
            "{shell}: {refused}"
        );
        session.enter(&["<enter>"]).await;
        session.shows("(?m)^one two$").await;
        session.prompted().await;
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
        // Where the shell's grammar wants a pattern.
        session.enter(&["case x in", "<enter>"]).await;
        session
            .eventually("a pattern's prompt", async || {
                let line = session.keyboard.shell_line().await;
                line.is_ok_and(|line| line.continued)
            })
            .await;
        session.type_in("x) echo x;; esac").await;
        let line = session.line().await;
        assert_eq!(line.text, "x) echo x;; esac", "{shell}");
        session.enter(&["<enter>"]).await;
        session.prompted().await;
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_keeps_an_unfinished_line_whole() {
    let session = open("fish").await;
    session.prompted().await;
    session.enter(&["echo one \\", "<enter>", "two"]).await;
    assert_eq!(session.line().await.text, "echo one \\\ntwo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_something_was_typed_on_is_not_run_over() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.prompted().await;
        session.type_in("rm -rf ").await;
        let refused = session.keyboard.run("true").await.expect_err("not empty");
        assert_eq!(
            refused,
            RunError::LineNotEmpty {
                line: Some("rm -rf ".into())
            },
            "{shell}"
        );
        session.keyboard.clear_line().await.expect("cleared");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
        // Typed and taken back again: the shell says that nothing is there.
        session.enter(&["x", "<backspace>"]).await;
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_ahead_is_on_the_next_line() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.prompted().await;
        session.run("mkfifo pipe").await;
        let mut running = session.keyboard.run("cat pipe").await.expect("typed");
        session
            .eventually("cat", async || {
                session
                    .terminal
                    .status()
                    .await
                    .foreground
                    .is_some_and(|program| program.name == "cat")
            })
            .await;
        session.type_in("rm -rf /").await;
        std::fs::write(session.home.path().join("pipe"), "").expect("written");
        running.finished(crate::support::PATIENCE).await;
        session.prompted().await;
        assert_eq!(
            session.shell_state().await,
            ShellState::AtPrompt { line_dirty: true },
            "{shell}"
        );
        let refused = session.keyboard.run("true").await.expect_err("not empty");
        assert!(
            matches!(refused, RunError::LineNotEmpty { .. }),
            "{shell}: {refused}"
        );
        assert_eq!(session.line().await.text, "rm -rf /", "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_command_is_known_once_it_runs() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.prompted().await;
        session.enter(&["cat", "<enter>"]).await;
        session
            .eventually("cat", async || {
                let status = session.terminal.status().await;
                status.is_running()
                    && status
                        .foreground
                        .is_some_and(|program| program.name == "cat")
            })
            .await;
        assert_eq!(
            session.keyboard.shell_line().await,
            Err(ShellLineError::NotAtPrompt),
            "{shell}"
        );
        session
            .keyboard
            .press(Key::parse("ctrl-d").expect("a key"))
            .await
            .expect("pressed");
        session.prompted().await;
        assert!(!session.terminal.status().await.is_running(), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_known_in_vi_mode() {
    for (shell, file, text) in [
        ("bash", ".bashrc", "set -o vi\n"),
        ("zsh", ".zshrc", "bindkey -v\n"),
        ("fish", ".config/fish/config.fish", "fish_vi_key_bindings\n"),
    ] {
        let session = setup(shell).dotfile(file, text).open().await;
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
        assert_eq!(
            line_after(&session, &["echo one"]).await,
            "echo one",
            "{shell}"
        );
        // Command mode: nothing is inserted.
        session
            .keyboard
            .press(Key::parse("escape").expect("a key"))
            .await
            .expect("pressed");
        session
            .eventually("in command mode", async || {
                session.type_in("0x").await;
                session.line().await.text.len() < "echo one".len()
            })
            .await;
        session
            .keyboard
            .clear_line()
            .await
            .unwrap_or_else(|error| panic!("{shell}: {error}"));
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_not_shown_is_known_before_long() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("stty -echo").await;
        // What nobody draws is not waited for until patience ends: that took three seconds.
        let asked = std::time::Instant::now();
        assert_eq!(
            line_after(&session, &["true unseen"]).await,
            "true unseen",
            "{shell}"
        );
        assert!(
            asked.elapsed().as_secs() < 3,
            "{shell}: {:?}",
            asked.elapsed()
        );
        session.keyboard.clear_line().await.expect("cleared");
        assert_eq!(session.line().await.text, "", "{shell}");
        session.run("stty echo").await;
        assert_eq!(line_after(&session, &["seen"]).await, "seen", "{shell}");
    }
}
