//! Shells whose line editor is changed, or taken away: commands still run and end, or the
//! host says what it does not know.

use quarterdeck_terminal::{CommandState, RunError, ShellLineError, ShellState};

use crate::prompts::goes_on_after;
use crate::support::{PATIENCE, open, ran, setup};

/// Whoever changes how a shell works may have said so in a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_zsh_that_is_emulated_or_has_its_keys_reset_goes_on() {
    for change in [
        "emulate sh",
        "emulate ksh",
        "emulate zsh",
        "emulate -R zsh",
        "bindkey -d",
        "set -v",
    ] {
        let session = open("zsh").await;
        goes_on_after(&session, &[change, "bindkey -d"]).await;
        session.run("set +v").await;
        assert_eq!(session.run("printf part").await, ran(0, "part"), "{change}");
        session.type_in("echo 'typed here' # really").await;
        assert_eq!(session.line().await.text, "echo 'typed here' # really");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bash_that_shows_what_it_reads_tells_how_commands_end() {
    let session = open("bash").await;
    for command in ["set -v", "set +v -v", "set -o verbose"] {
        session.run(command).await;
        let shown = session.run("echo one; (exit 3)").await;
        assert_eq!(shown.status, Some(3), "{command}");
        assert!(shown.output.starts_with("one\n"), "{shown:?}");
        let shown = session.run("echo one\necho two").await;
        assert_eq!(shown.status, Some(0), "{command}");
        assert!(shown.output.contains("two\n"), "{shown:?}");
    }
    let secret = session.marks.as_ref().expect("marks").secret();
    let key = secret.split(' ').next_back().expect("a key");
    assert!(!session.screen().await.contains(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bash_without_its_editor_is_not_asked_by_keys() {
    for rc in ["", "set +o emacs"] {
        let session = setup("bash")
            .dotfile(".bashrc", &format!("{rc}\n"))
            .open()
            .await;
        session.run("set +o emacs").await;
        assert_eq!(session.run("(exit 3)").await, ran(3, ""));
        // Somebody who has an editor would have done so.
        session.run(r"printf '\033[?2004h'").await;
        assert_eq!(session.run("(exit 3)").await, ran(3, ""));
        assert_eq!(session.run("echo a\techo b").await, ran(0, "a echo b\n"));
        assert_eq!(session.run("echo x\necho y").await, ran(0, "x\ny\n"));
        session.type_in("echo begun-").await;
        session.shows("echo begun-").await;
        let unknown = session.keyboard.shell_line().await;
        assert_eq!(unknown, Err(ShellLineError::Unsupported));
        session.type_in("$((6 * 7))\r").await;
        session.shows("(?m)^begun-42$").await;
        session.prompted().await;
        // What was not bound when the shell began cannot be asked later.
        assert_eq!(session.run("set -o vi").await, ran(0, ""));
        session.type_in("echo begun").await;
        let line = session.keyboard.shell_line().await;
        assert_eq!(line.is_ok(), rc.is_empty(), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zsh_without_its_editor_is_one_without_integration() {
    let session = open("zsh").await;
    let mut running = session.keyboard.run("unsetopt zle").await.expect("run");
    let CommandState::Ended(end) = running.finished(PATIENCE).await else {
        panic!("it has ended: {}", session.screen().await);
    };
    assert_eq!(end.exit_status, Some(0));
    session
        .eventually("no integration", async || {
            !session.terminal.status().await.integrated
        })
        .await;
    let refused = session.keyboard.run("true").await.err();
    assert_eq!(refused, Some(RunError::NoIntegration));
    session
        .type_in("echo still-$((40 + 2)); setopt zle\r")
        .await;
    session.shows("(?m)^still-42$").await;
    session.type_in("echo more-$((40 + 2))\r").await;
    session.shows("(?m)^more-42$").await;
    assert_eq!(session.shell_state().await, ShellState::Unknown);
}
