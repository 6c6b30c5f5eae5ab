//! Closing ends everything that was started in a session.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use quarterdeck_terminal::{CommandState, ShellState, Until, WaitEnd, WriteError};

use crate::ON;
use crate::support::{INTEGRATED, PATIENCE, Session, open};

fn alive(pid: &str) -> bool {
    // A zombie that its adopter has not buried yet does nothing any more.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

/// The process ids that the session's programs have written to a file.
async fn pids(session: &Session, count: usize) -> Vec<String> {
    let path = session.home.path().join("pids");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    session
        .eventually("all started", async || read(&path).lines().count() >= count)
        .await;
    read(&path).lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_all_that_was_started() {
    // One in the background, one that ignores being asked, one in a group of
    // its own, one in the foreground that ignores being asked.
    const STUBBORN: &str = "trap '' HUP TERM INT; echo $$ >> pids; while :; do sleep 1; done";
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("sh -c 'echo $$ >> pids; sleep 1000' &").await;
        session
            .run(&format!("sh -c \"{}\" &", STUBBORN.replace('$', "\\$")))
            .await;
        session
            .run(&format!(
                "nohup sh -c \"{}\" >/dev/null 2>&1 &",
                STUBBORN.replace('$', "\\$")
            ))
            .await;
        let mut running = session
            .keyboard
            .run(&format!("sh -c \"{}\"", STUBBORN.replace('$', "\\$")))
            .await
            .expect("typed");
        let started = pids(&session, 4).await;
        assert!(started.iter().all(|pid| alive(pid)), "{shell}: {started:?}");
        let ended = session.terminal.close().await.expect("known");
        for pid in &started {
            assert!(!alive(pid), "{shell}: {pid} of {started:?} is alive");
        }
        assert!(!alive(&session.terminal.pid().to_string()), "{shell}");
        assert!(
            ended.signal().is_some() || ended.code().is_some(),
            "{shell}"
        );
        let state = running.finished(PATIENCE).await;
        assert!(
            matches!(state, CommandState::SessionEnded { exit: Some(_), .. }),
            "{shell}: {state:?}"
        );
        assert_eq!(
            session.terminal.close().await,
            Some(ended),
            "{shell}: closing twice"
        );
        assert_eq!(
            session.keyboard.write(b"x").await,
            Err(WriteError::Closed),
            "{shell}"
        );
        assert!(
            matches!(session.shell_state().await, ShellState::Exited(_)),
            "{shell}"
        );
        let waited = session.terminal.wait(Until::Prompt, None, PATIENCE).await;
        assert_eq!(waited.end, WaitEnd::SessionEnded, "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_ends_what_is_stopped() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("sh -c 'echo $$ >> pids; kill -STOP $$' ").await;
        let stopped = pids(&session, 1).await;
        assert!(alive(&stopped[0]), "{shell}");
        session.terminal.close().await.expect("known");
        assert!(!alive(&stopped[0]), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_every_handle_closes_what_could_not_be_found_again() {
    let session = open("bash").await;
    session.run("sh -c 'echo $$ >> pids; sleep 1000' &").await;
    let mut pids = pids(&session, 1).await;
    pids.push(session.terminal.pid().to_string());
    let Session {
        terminal,
        keyboard,
        home,
        ..
    } = session;
    drop((terminal, keyboard));
    if ON.outlives_the_host() {
        assert_eq!(home.left_sessions().await, 1);
        assert!(pids.iter().all(|pid| alive(pid)), "{pids:?}");
        return;
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    while pids.iter().any(|pid| alive(pid)) {
        assert!(std::time::Instant::now() < deadline, "{pids:?} are alive");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(home);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_closed_session_showed_can_still_be_read() {
    let session = open("bash").await;
    session.run("echo remember me").await;
    session.terminal.close().await;
    session.shows("(?m)^remember me$").await;
    assert!(session.screen().await.contains("remember me"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_read_cannot_hold_up_closing() {
    let session = open("bash").await;
    session.keyboard.run("sleep 1000").await.expect("typed");
    session
        .eventually("sleep", async || {
            session
                .terminal
                .status()
                .await
                .foreground
                .is_some_and(|program| program.name == "sleep")
        })
        .await;
    // More than the terminal holds for a program that does not read.
    let text = vec![b'x'; 1 << 20];
    let (written, closed) = tokio::join!(session.keyboard.write(&text), async {
        session
            .eventually("something typed", async || {
                session.screen().await.contains("xxx")
            })
            .await;
        session.terminal.close().await
    });
    if ON.waits_for_the_reader() {
        assert_eq!(written, Err(WriteError::Closed));
    }
    assert!(closed.is_some());
}
