//! What a terminal replies to a program that does not wait for it stands on the shell's
//! line. Nobody typed it, so it is neither run nor in anybody's way.

use quarterdeck_terminal::keys::Key;

use crate::support::{INTEGRATED, open, ran, setup};

/// The name of the terminal, where the cursor is, a mode, the window, a colour, and what
/// has an Enter neither before nor behind it.
const QUESTIONS: &str =
    r"printf '\033[c\033[>c\033[6n\033[5n\033[?2026$p\033[18t\033]4;1;?\007\033]11;?\033\\'";

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_nobody_reads_is_no_part_of_the_next_command() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        for turn in 0..20 {
            session.run(QUESTIONS).await;
            let said = session.run("echo hi").await;
            assert_eq!(said, ran(0, "hi\n"), "{shell}, turn {turn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_in_vi_mode_where_it_would_be_commands() {
    for (shell, file, text) in [
        ("bash", ".bashrc", "set -o vi\n"),
        ("zsh", ".zshrc", "bindkey -v\n"),
        ("fish", ".config/fish/config.fish", "fish_vi_key_bindings\n"),
    ] {
        let session = setup(shell).dotfile(file, text).open().await;
        for questions in [QUESTIONS, r"printf '\033[5n'", r"printf '\033[c'"] {
            session.run(questions).await;
            let said = session.run("echo hi").await;
            assert_eq!(said, ran(0, "hi\n"), "{shell}: {questions}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_left_in_command_mode_does_not_take_a_command_for_commands() {
    for (shell, file, text) in [
        ("bash", ".bashrc", "set -o vi\n"),
        ("zsh", ".zshrc", "bindkey -v\n"),
        ("fish", ".config/fish/config.fish", "fish_vi_key_bindings\n"),
    ] {
        let session = setup(shell).dotfile(file, text).open().await;
        session.prompted().await;
        session
            .keyboard
            .press(Key::parse("escape").expect("a key"))
            .await
            .expect("pressed");
        assert_eq!(session.run("echo hi").await, ran(0, "hi\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_next_is_not_told_with_it() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run(QUESTIONS).await;
        assert_eq!(session.line().await.text, "", "{shell}");
        session.type_in("echo typed").await;
        assert_eq!(session.line().await.text, "echo typed", "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_waits_for_the_reply_gets_it() {
    let session = open("bash").await;
    let ask = r"IFS='[;' read -t 5 -rs -d R -p $'\033[6n' _ row column; echo $((row > 0)) $?";
    assert_eq!(session.run(ask).await, ran(0, "1 0\n"));
    // Nothing was left over, and nothing has changed what the shell knows.
    session.run("(exit 3)").await;
    session.run(r"printf '\033[6n'; (exit 3)").await;
    assert_eq!(session.run("true").await, ran(0, ""));
}
