//! What only tmux can tell: sessions that are there before the host, and a
//! server that goes.

use std::process::Command;
use std::time::Duration;

use quarterdeck_terminal::tmux::{Server, Socket, TmuxError};
use quarterdeck_terminal::{
    Cursor, OpenError, OpenRequest, Opened, ShellState, Until, WaitEnd, WriteError,
};

use crate::support::{PATIENCE, Session, open, setup};

fn tmux(session: &Session, arguments: &[&str]) -> String {
    let output = Command::new("tmux")
        .arg("-S")
        .arg(session.home.socket())
        .args(arguments)
        .output()
        .expect("tmux runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

async fn server(session: &Session) -> Server {
    Server::connect(Socket::At(session.home.socket()))
        .await
        .expect("connected")
}

async fn wait_for(terminal: &quarterdeck_terminal::Terminal, pattern: &str) {
    let until = Until::Pattern(regex::Regex::new(pattern).expect("a pattern"));
    let waited = terminal.wait(until, Some(Cursor::START), PATIENCE).await;
    assert!(waited.met, "{pattern}: {}", terminal.screen().await.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_found_again_as_it_was() {
    let session = setup("bash").size(70, 12).open().await;
    session
        .run(r"seq 100 120; printf '\033]2;my title\033\\\033[31mred\033[0m\n'")
        .await;
    session.type_in("echo typed by ").await;
    session.shows("echo typed by ").await;
    let before = session.terminal.screen().await;

    let server = server(&session).await;
    let found = server.panes().await.expect("listed");
    assert_eq!(found.len(), 1, "the anchor is not shown: {found:?}");
    assert_eq!(found[0].session_id.as_deref(), Some("tested"));
    assert_eq!(found[0].host, Some(std::process::id()));
    assert!(!found[0].is_own);
    let Opened { terminal, keyboard } = server
        .attach(found[0].pane, &OpenRequest::default())
        .await
        .expect("attached");

    let after = terminal.screen().await;
    assert_eq!(after.text(), before.text());
    assert_eq!(
        (after.size, after.cursor, &after.title),
        (before.size, before.cursor, &before.title)
    );
    let styles = |screen: &quarterdeck_terminal::Screen| -> Vec<_> {
        let rows = screen.rows.iter();
        rows.map(|row| row.styles.clone()).collect()
    };
    assert_eq!(styles(&after), styles(&before));
    wait_for(&terminal, "(?m)^100$").await;
    assert_eq!(terminal.status().await.shell, ShellState::Unknown);

    keyboard.write(b"two\r").await.expect("typed");
    wait_for(&terminal, "(?m)^typed by two$").await;
    keyboard.write(b"exit 7\r").await.expect("typed");
    let waited = terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(waited.ended.and_then(|status| status.code()), Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_is_found_again_in_its_own_screen() {
    let session = setup("bash").size(60, 8).open().await;
    session.run("seq 50 > numbers; echo before").await;
    session.keyboard.run("less numbers").await.expect("typed");
    session
        .screen_becomes("a pager", |screen| {
            screen.full_screen && screen.rows[0].text == "1"
        })
        .await;
    let server = server(&session).await;
    let pane = server.panes().await.expect("listed")[0].pane;
    let Opened { terminal, keyboard } = server
        .attach(pane, &OpenRequest::default())
        .await
        .expect("attached");

    let screen = terminal.screen().await;
    assert!(screen.full_screen);
    assert_eq!(screen.text(), session.terminal.screen().await.text());
    keyboard.write(b"q").await.expect("typed");
    session.prompted().await;
    wait_for(&terminal, "before").await;
    session
        .eventually("the shell's screen", async || {
            terminal.screen().await.text().contains("before")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_quarterdeck_has_not_opened_is_attached_to() {
    let session = open("bash").await;
    session.run("true").await;
    tmux(
        &session,
        &["new-session", "-d", "-s", "work", "-n", "mine", "sh"],
    );
    let server = server(&session).await;
    let panes = server.panes().await.expect("listed");
    let found = panes.iter().find(|pane| pane.place == "work:mine");
    let pane = found.expect("found").pane;
    let Opened { terminal, keyboard } = server
        .attach(pane, &OpenRequest::default())
        .await
        .expect("attached");
    wait_for(&terminal, "[#$]").await;
    keyboard.write(b"echo $((6 * 7))\r").await.expect("typed");
    wait_for(&terminal, "(?m)^42").await;
    // Somebody scrolls back in it; what is typed reaches the program all the same.
    tmux(&session, &["copy-mode", "-t", "work:mine"]);
    keyboard.write(b"echo $((6 * 8))\r").await.expect("typed");
    wait_for(&terminal, "(?m)48$").await;
    keyboard.write(b"exit\r").await.expect("typed");
    let waited = terminal.wait(Until::Exit, None, PATIENCE).await;
    assert!(waited.ended.is_some(), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_ends_its_sessions_and_the_next_one_works() {
    let session = open("bash").await;
    let mut running = session.keyboard.run("sleep 1000").await.expect("typed");
    let (waited, ()) = tokio::join!(session.terminal.wait(Until::Exit, None, PATIENCE), async {
        tmux(&session, &["kill-server"]);
    });
    assert_eq!(waited.end, WaitEnd::Met);
    running.finished(PATIENCE).await;
    let status = session.terminal.status().await;
    assert!(status.has_ended());
    let lost = status.lost.expect("said");
    assert!(lost.contains("tmux server"), "{lost}");
    assert_eq!(session.keyboard.write(b"x").await, Err(WriteError::Lost));
    let closing = tokio::time::timeout(PATIENCE, session.terminal.close());
    closing.await.expect("closed");

    let request = OpenRequest {
        shell: Some("sh".into()),
        ..OpenRequest::default()
    };
    let opened = server(&session).await.open(request).await.expect("opened");
    // Typed before its prompt, the answer would stand behind the prompt.
    wait_for(&opened.terminal, "[#$]").await;
    opened
        .keyboard
        .write(b"echo $((6 * 7))\r")
        .await
        .expect("typed");
    wait_for(&opened.terminal, "(?m)^42").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_share_one_connection() {
    let first = open("bash").await;
    let server = server(&first).await;
    let mut sessions = Vec::new();
    for number in 0..50 {
        let request = OpenRequest {
            shell: Some("sh".into()),
            session_id: format!("many{number}"),
            ..OpenRequest::default()
        };
        sessions.push(server.open(request).await.expect("opened"));
    }
    for (number, session) in sessions.iter().enumerate() {
        let line = format!("echo $(({number} + 1000))\r");
        session
            .keyboard
            .write(line.as_bytes())
            .await
            .expect("typed");
    }
    for (number, session) in sessions.iter().enumerate() {
        wait_for(&session.terminal, &format!("(?m)^{}", number + 1000)).await;
    }
    // This one's client, and that of the first session.
    let clients = tmux(&first, &["list-clients"]);
    assert_eq!(clients.lines().count(), 2, "{clients}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_or_found_is_said() {
    let session = open("bash").await;
    let server = server(&session).await;
    let request = OpenRequest {
        shell: Some("no-such-shell".into()),
        ..OpenRequest::default()
    };
    let error = server.open(request).await.expect_err("no such program");
    assert!(matches!(error, OpenError::Program { .. }), "{error}");
    let pane = quarterdeck_terminal::tmux::PaneId::parse("%99").expect("an id");
    let error = server.attach(pane, &OpenRequest::default()).await;
    let error = error.expect_err("no such pane");
    assert!(
        matches!(error, OpenError::Tmux(TmuxError::NoPane { .. })),
        "{error}"
    );
    tmux(&session, &["kill-server"]);
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert!(waited.met);
    let error = tokio::time::timeout(Duration::from_secs(20), server.panes()).await;
    let error = error.expect("answered").expect_err("gone");
    assert!(matches!(error, TmuxError::Gone { .. }), "{error}");
}
