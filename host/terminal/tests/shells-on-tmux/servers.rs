//! What only tmux can tell: sessions that are there before the host, and a
//! server that goes.

use std::process::Command;
use std::time::Duration;

use quarterdeck_terminal::tmux::{Server, Socket, TmuxError};
use quarterdeck_terminal::{
    Beside, CommandState, Cursor, FinishedCommand, KeptMarks, Keyboard, OpenError, OpenRequest,
    Opened, RunError, ShellState, Side, Size, Terminal, Until, WaitEnd, WriteError,
};

use crate::support::{PATIENCE, Session, open, ran, setup};

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

fn size(columns: u16, rows: u16) -> Size {
    Size::new(columns, rows).expect("possible")
}

impl Session {
    /// Waits until a terminal has a size that tmux has given it.
    async fn has_size(&self, terminal: &Terminal, size: Size) {
        self.eventually(&format!("{size:?}"), async || {
            terminal.status().await.size == size
        })
        .await;
    }
}

async fn wait_for(terminal: &Terminal, pattern: &str) {
    let until = Until::Pattern(regex::Regex::new(pattern).expect("a pattern"));
    let waited = terminal.wait(until, Some(Cursor::START), PATIENCE).await;
    assert!(waited.met, "{pattern}: {}", terminal.screen().await.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_found_again_as_it_was() {
    let session = setup("bash").size(70, 12).open().await;
    session
        .run(r"seq 100 120; printf '\033]2;my title\033\\\033[31mred\033[0m \033(0lqk\033(B\n'")
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
    let Opened {
        terminal, keyboard, ..
    } = server
        .attach(&found[0], &OpenRequest::default(), None)
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
    // Whoever of the two sees it first must not take it from the other.
    for terminal in [&terminal, &session.terminal] {
        let waited = terminal.wait(Until::Exit, None, PATIENCE).await;
        assert_eq!(waited.exit.and_then(|status| status.code()), Some(7));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_is_found_again_tells_how_commands_end() {
    for shell in ["bash", "zsh", "fish"] {
        let session = open(shell).await;
        session.run("true").await;
        // Its end is told before its prompt is there.
        let prompted = session.terminal.wait(Until::Prompt, None, PATIENCE).await;
        assert!(prompted.met, "{shell}");
        let kept = session
            .marks
            .as_ref()
            .expect("an integrated shell")
            .secret();
        let server = server(&session).await;
        let pane = server.panes().await.expect("listed").remove(0);
        let Opened {
            terminal, keyboard, ..
        } = server
            .attach(&pane, &OpenRequest::default(), KeptMarks::of_secret(&kept))
            .await
            .expect("attached");
        for (command, status, output) in [("sh -c 'exit 3'", 3, ""), ("echo here", 0, "here\n")] {
            let mut running = keyboard.run(command).await.expect("run");
            let CommandState::Finished(FinishedCommand {
                exit_status,
                output: shown,
                ..
            }) = running.finished(PATIENCE).await
            else {
                panic!(
                    "{shell}: {command} has not ended: {}",
                    terminal.screen().await.text()
                );
            };
            assert_eq!(exit_status, Some(status), "{shell}: {command}");
            let read = terminal.read_until(shown.start, shown.end, 4096).await;
            assert_eq!(read.text, output, "{shell}: {command}");
        }
        let status = terminal.status().await;
        assert_eq!(status.shell, ShellState::AtPrompt { line_dirty: false });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_begun_before_is_not_run_by_who_finds_the_shell() {
    let session = open("bash").await;
    session.run("true").await;
    session.type_in("echo begun").await;
    session.shows("echo begun").await;
    let server = server(&session).await;
    let pane = server.panes().await.expect("listed").remove(0);
    let opened = server
        .attach(&pane, &OpenRequest::default(), session.marks.clone())
        .await
        .expect("attached");
    let error = opened.keyboard.run("echo more").await.expect_err("refused");
    let line = Some("echo begun".to_owned());
    assert_eq!(error, RunError::LineNotEmpty { line });
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_tell_how_a_session_ended_no_number_is_made_up() {
    let session = open("bash").await;
    session.run("true").await;
    tmux(&session, &["kill-window", "-t", "quarterdeck:tested"]);
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert!(waited.met);
    assert_eq!(waited.exit, None);
    let status = session.terminal.status().await;
    assert_eq!(status.shell, ShellState::Exited(None));
    let how = status.ending().expect("ended");
    assert!(how.contains("nobody tells"), "{how}");
    assert_eq!(session.terminal.close().await, None);
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
    let pane = server.panes().await.expect("listed").remove(0);
    let Opened {
        terminal, keyboard, ..
    } = server
        .attach(&pane, &OpenRequest::default(), None)
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
    let pane = found.expect("found");
    let Opened {
        terminal, keyboard, ..
    } = server
        .attach(pane, &OpenRequest::default(), None)
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
    assert!(waited.met, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_opened_beside_each_other_and_share_their_window() {
    let session = setup("bash").size(80, 24).open().await;
    session.run("true").await;
    let server = server(&session).await;
    let handle = session.terminal.backend_handle().expect("a pane");
    let beside = |handle: &str, side| OpenRequest {
        shell: Some("sh".into()),
        beside: Some(Beside {
            handle: handle.to_owned(),
            side,
        }),
        ..OpenRequest::default()
    };
    let right = server.open(beside(&handle, Side::Right)).await;
    let right = right.expect("opened").terminal;
    assert_eq!(right.status().await.size, size(39, 24));
    let handle = right.backend_handle().expect("a pane");
    let above = server.open(beside(&handle, Side::Above)).await;
    let Opened {
        terminal, keyboard, ..
    } = above.expect("opened");
    assert_eq!(terminal.status().await.size, size(39, 12));
    // Both neighbours hear of it, and so do their programs.
    session.has_size(&right, size(39, 11)).await;
    session.has_size(&session.terminal, size(40, 24)).await;
    assert_eq!(session.run("stty size").await, ran(0, "24 40\n"));
    let panes = tmux(
        &session,
        &[
            "list-panes",
            "-t",
            "quarterdeck:tested",
            "-F",
            "#{pane_left},#{pane_top}",
        ],
    );
    assert_eq!(panes, "0,0\n41,0\n41,13\n");
    // A size is what the neighbours leave, not what was asked for.
    assert_eq!(terminal.resize(size(39, 5)).await, Ok(size(39, 5)));
    session.has_size(&right, size(39, 18)).await;
    assert_eq!(terminal.resize(size(500, 500)).await, Ok(size(78, 22)));
    session.has_size(&right, size(78, 1)).await;
    session.has_size(&terminal, size(78, 22)).await;
    // Squeezed to a column, which is less than a session can have.
    session.has_size(&session.terminal, size(2, 24)).await;
    session
        .terminal
        .resize(size(40, 24))
        .await
        .expect("resized");
    // The end of one is nobody else's.
    keyboard.write(b"exit 3\r").await.expect("typed");
    let waited = terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(waited.exit.and_then(|status| status.code()), Some(3));
    assert!(!right.status().await.has_ended());
    assert_eq!(session.run("echo still here").await, ran(0, "still here\n"));

    for nowhere in ["%99", "x"] {
        let error = server.open(beside(nowhere, Side::Left)).await;
        let error = error.expect_err("no such pane").to_string();
        assert!(error.contains(&format!("no pane {nowhere:?}")), "{error}");
    }
}

/// How a program ends that is told to.
async fn exits(terminal: &Terminal, keyboard: &Keyboard, status: i32) {
    let exit = format!("exit {status}\r");
    keyboard.write(exit.as_bytes()).await.expect("typed");
    let waited = terminal.wait(Until::Exit, None, PATIENCE).await;
    assert_eq!(
        waited.exit.and_then(|status| status.code()),
        Some(status),
        "{waited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pane_beside_another_is_the_session_whichever_is_active() {
    let session = open("bash").await;
    session.run("true").await;
    let handle = session.terminal.backend_handle().expect("a pane");
    let back = format!("select-pane -t {handle}");
    tmux(&session, &["set-hook", "-g", "after-split-window", &back]);
    let server = server(&session).await;
    let request = OpenRequest {
        shell: Some("sh".into()),
        session_id: "the-new-one".to_owned(),
        beside: Some(Beside {
            handle: handle.clone(),
            side: Side::Below,
        }),
        ..OpenRequest::default()
    };
    let Opened {
        terminal, keyboard, ..
    } = server.open(request).await.expect("opened");
    let new = terminal.backend_handle().expect("a pane");
    let named = "#{pane_id} #{@quarterdeck-id}";
    let panes = tmux(&session, &["list-panes", "-s", "-F", named]);
    let has = |pane: &str, id: &str| panes.contains(&format!("{pane} {id}\n"));
    assert!(
        has(&handle, "tested") && has(&new, "the-new-one"),
        "{panes}"
    );
    exits(&terminal, &keyboard, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rings_may_be_renamed_and_is_replaced_where_it_was_closed() {
    let session = open("bash").await;
    session.run("true").await;
    let rename = ["rename-window", "-t", "=quarterdeck:=anchor", "mine"];
    tmux(&session, &rename);
    tmux(&session, &["new-window", "-d", "-n", "anchor", "cat"]);
    let shell = || OpenRequest {
        shell: Some("sh".into()),
        ..OpenRequest::default()
    };
    let first = server(&session).await;
    let opened = first.open(shell()).await.expect("opened");
    exits(&opened.terminal, &opened.keyboard, 5).await;
    for window in ["mine", "anchor"] {
        tmux(&session, &["kill-window", "-t", &format!("={window}")]);
    }
    let second = server(&session).await;
    let opened = second.open(shell()).await.expect("opened");
    exits(&opened.terminal, &opened.keyboard, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hosts_that_find_a_pane_one_has_it() {
    let session = open("bash").await;
    session.run("true").await;
    let target = session.terminal.backend_handle().expect("a pane");
    let server = server(&session).await;
    let is_of = |host: &str| {
        tmux(
            &session,
            &["set", "-p", "-t", &target, "@quarterdeck-host", host],
        )
    };
    // No process has this number.
    for before in ["4194305", ""] {
        is_of(before);
        let listed = server.panes().await.expect("listed").remove(0);
        assert_eq!(listed.host, None);
        is_of("1");
        let late = server.attach(&listed, &OpenRequest::default(), None).await;
        let late = late.expect_err("taken");
        assert!(
            late.to_string().contains("another host now, process 1"),
            "{late}"
        );
        is_of(before);
        let attached = server.attach(&listed, &OpenRequest::default(), None).await;
        attached.expect("attached");
        let host = server.panes().await.expect("listed")[0].host;
        assert_eq!(host, Some(std::process::id()));
    }
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

/// tmux throws away what it has not read or sent yet of a pane whose program has ended,
/// which can happen to many that end at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_shell_shows_at_its_end_is_not_lost() {
    let first = open("bash").await;
    let server = server(&first).await;
    let mut ending = tokio::task::JoinSet::new();
    for number in 0..24 {
        let server = server.clone();
        let shell = ["bash", "zsh", "fish"][number % 3];
        ending.spawn(async move {
            let request = OpenRequest {
                shell: Some(shell.into()),
                ..OpenRequest::default()
            };
            let opened = server.open(request).await.expect("opened");
            let waited = opened.terminal.wait(Until::Prompt, None, PATIENCE).await;
            assert!(waited.met, "{shell}: no prompt");
            opened.keyboard.run("seq 200; exit 4").await.expect("run");
            let waited = opened.terminal.wait(Until::Exit, None, PATIENCE).await;
            assert_eq!(waited.exit.and_then(|status| status.code()), Some(4));
            let read = opened.terminal.read(Cursor::START, 1 << 20).await;
            (shell, read.text)
        });
    }
    let whole: String = (1..=200).map(|number| format!("{number}\n")).collect();
    for (shell, text) in ending.join_all().await {
        assert!(text.contains(&whole), "{shell}: {text}");
    }
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
    tmux(&session, &["new-window", "-d", "-n", "gone", "cat"]);
    let panes = server.panes().await.expect("listed");
    let gone = panes.iter().find(|pane| pane.place == "quarterdeck:gone");
    tmux(&session, &["kill-window", "-t", "gone"]);
    let gone = gone.expect("found");
    let error = server.attach(gone, &OpenRequest::default(), None).await;
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
