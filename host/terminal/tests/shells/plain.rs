//! Programs without integration: the host works, and says what it cannot know.

use std::time::Duration;

use quarterdeck_terminal::{ClearLineError, RunError, ShellLineError, ShellState, Until, WaitEnd};

use crate::ON;
use crate::support::{PATIENCE, open, setup};

#[tokio::test(flavor = "multi_thread")]
async fn dash_is_typed_into_and_read() {
    let session = open("dash").await;
    session.shows(r"[#$] ").await;
    let status = session.terminal.status().await;
    assert_eq!(status.shell, ShellState::Unknown);
    assert!(!status.integrated && !status.is_running() && !status.has_ended());
    assert_eq!(
        session.keyboard.run("true").await.err(),
        Some(RunError::NoIntegration)
    );
    assert_eq!(
        session.keyboard.shell_line().await,
        Err(ShellLineError::NoIntegration)
    );
    assert_eq!(
        session.keyboard.clear_line().await,
        Err(ClearLineError::NotAtPrompt)
    );
    let waited = session.terminal.wait(Until::Prompt, None, PATIENCE).await;
    assert_eq!(waited.end, WaitEnd::NoIntegration);
    session.type_in("cd /usr/bin && echo in $(pwd)\r").await;
    session.shows("(?m)^in /usr/bin$").await;
    assert_eq!(session.terminal.status().await.cwd, Some("/usr/bin".into()));
    session.type_in("sleep 1000\r").await;
    session
        .eventually("running", async || {
            let status = session.terminal.status().await;
            status.is_running()
                && status
                    .foreground
                    .is_some_and(|program| program.name == "sleep")
        })
        .await;
    session.type_in("\x03").await;
    session
        .eventually("at rest", async || {
            !session.terminal.status().await.is_running()
        })
        .await;
    session.type_in("exit 6\r").await;
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(waited.exit.and_then(|status| status.code()), Some(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_prompt_is_waited_for_by_pattern_or_quiet() {
    let session = setup("python3")
        .args(&["-q"])
        .env("TERM", "dumb")
        .open()
        .await;
    session.shows(">>> ").await;
    assert_eq!(session.shell_state().await, ShellState::Unknown);
    session.type_in("print(6 * 7)\r").await;
    session.shows("(?m)^42$").await;
    let quiet = session
        .terminal
        .wait(Until::Quiet(Duration::from_millis(50)), None, PATIENCE)
        .await;
    assert_eq!(quiet.end, WaitEnd::Met);
    session.type_in("raise SystemExit(9)\r").await;
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(waited.exit.and_then(|status| status.code()), Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_with_a_command_of_its_own_is_no_prompt() {
    let session = setup("bash")
        .args(&["-c", "echo done; exit 2"])
        .open()
        .await;
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(waited.exit.and_then(|status| status.code()), Some(2));
    if ON.keeps_last_words() {
        session.shows("(?m)^done$").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_asks_for_no_marks_gets_none() {
    let mut setup = setup("bash");
    setup.request.shell_integration = false;
    let session = setup.open().await;
    session.shows(r"[#$] ").await;
    assert_eq!(session.shell_state().await, ShellState::Unknown);
    assert_eq!(
        session.keyboard.run("true").await.err(),
        Some(RunError::NoIntegration)
    );
}
