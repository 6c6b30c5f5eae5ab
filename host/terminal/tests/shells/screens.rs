//! Programs that take the whole screen, and what they tell the terminal.

use quarterdeck_terminal::keys::Key;
use quarterdeck_terminal::{CommandState, FinishedCommand, ResizeError, Size, Until};

use crate::support::{INTEGRATED, PATIENCE, open, ran, setup};

fn key(name: &str) -> Key {
    Key::parse(name).expect("the name of a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pager_is_typed_through_and_left_again() {
    for shell in INTEGRATED {
        let session = setup(shell).size(80, 24).env("LESS", "").open().await;
        session.run("seq 1 1000 > numbers").await;
        let before = session.terminal.status().await.cursor;
        let mut running = session.keyboard.run("less numbers").await.expect("typed");
        session
            .screen_becomes("the first page", |screen| {
                screen.full_screen && screen.rows[0].text == "1" && screen.rows[22].text == "23"
            })
            .await;
        let status = session.terminal.status().await;
        assert!(
            status.full_screen && status.is_running(),
            "{shell}: {status:?}"
        );
        assert_eq!(
            status.foreground.map(|program| program.name).as_deref(),
            Some("less"),
            "{shell}"
        );
        session
            .keyboard
            .press(key("pagedown"))
            .await
            .expect("pressed");
        session
            .screen_becomes("the second page", |screen| screen.rows[0].text == "24")
            .await;
        session.keyboard.press(key("down")).await.expect("pressed");
        session
            .screen_becomes("a line further", |screen| screen.rows[0].text == "25")
            .await;
        session.type_in("/^777$\r").await;
        session
            .screen_becomes("what was searched for", |screen| {
                screen.rows[0].text == "777"
            })
            .await;
        // less overhears a new size between the last of a page and reading on
        // (`reading` in its os.c is set only then), and stays as it is until a key.
        session.foreground_sleeps().await;
        session
            .terminal
            .resize(Size::new(60, 10).expect("possible"))
            .await
            .expect("resized");
        session
            .screen_becomes("the smaller page", |screen| {
                screen.rows.len() == 10 && screen.rows[8].text == "785"
            })
            .await;
        session.type_in("q").await;
        let state = running.finished(PATIENCE).await;
        let CommandState::Finished(FinishedCommand {
            exit_status: Some(0),
            output,
            ..
        }) = state
        else {
            panic!("{shell}: {state:?}");
        };
        // Nothing of the pages is in the transcript, and the old screen is back.
        let text = session.text(before, output.end).await;
        assert!(!text.contains("777\n778"), "{shell}: {text}");
        assert!(!session.terminal.screen().await.full_screen, "{shell}");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_writes_what_was_typed() {
    let session = setup("bash").size(80, 24).open().await;
    let mut running = session
        .keyboard
        .run("vim -u NONE -N file")
        .await
        .expect("typed");
    session
        .screen_becomes("the editor", |screen| {
            screen.full_screen && screen.text().contains('~')
        })
        .await;
    session.type_in("ihello ").await;
    session.keyboard.press(key("left")).await.expect("pressed");
    session.type_in(",").await;
    session
        .keyboard
        .press(key("escape"))
        .await
        .expect("pressed");
    session
        .screen_becomes("the text", |screen| {
            screen.rows[0].text == "hello," && !screen.text().contains("INSERT")
        })
        .await;
    session.type_in(":wq\r").await;
    assert!(matches!(
        running.finished(PATIENCE).await,
        CommandState::Finished(FinishedCommand {
            exit_status: Some(0),
            ..
        })
    ));
    assert_eq!(session.run("cat file").await, ran(0, "hello, \n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_is_found_on_the_screen_of_a_program_that_fills_it() {
    let session = setup("bash").size(80, 24).env("LESS", "").open().await;
    session.run("seq 1 1000 > numbers").await;
    let running = session.keyboard.run("less numbers").await.expect("typed");
    let pattern = Until::Pattern(regex::Regex::new("(?m)^23$").expect("a pattern"));
    let waited = session.terminal.wait(pattern, None, PATIENCE).await;
    assert_eq!((waited.met, waited.matched.as_deref()), (true, Some("23")));
    session.type_in("q").await;
    drop(running);
}

#[tokio::test]
async fn a_program_is_told_the_size() {
    for shell in INTEGRATED {
        let session = setup(shell).size(77, 33).open().await;
        assert_eq!(session.run("stty size").await, ran(0, "33 77\n"), "{shell}");
        session
            .terminal
            .resize(Size::new(101, 50).expect("possible"))
            .await
            .expect("resized");
        assert_eq!(
            session.run("stty size").await,
            ran(0, "50 101\n"),
            "{shell}"
        );
        assert_eq!(
            session.run("echo $COLUMNS").await,
            ran(0, "101\n"),
            "{shell}"
        );
        let status = session.terminal.status().await;
        assert_eq!(
            (status.size.columns(), status.size.rows()),
            (101, 50),
            "{shell}"
        );
        session.terminal.close().await;
        assert_eq!(
            session.terminal.resize(Size::default()).await,
            Err(ResizeError::Closed),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resizing_while_a_line_is_typed_keeps_the_line() {
    for shell in INTEGRATED {
        let session = setup(shell).size(80, 24).open().await;
        session.prompted().await;
        session
            .type_in("echo some words that wrap on a narrow screen")
            .await;
        for (columns, rows) in [(20, 10), (200, 50), (33, 5), (80, 24)] {
            session
                .terminal
                .resize(Size::new(columns, rows).expect("possible"))
                .await
                .expect("resized");
            assert_eq!(
                session.line().await.text,
                "echo some words that wrap on a narrow screen",
                "{shell}"
            );
        }
        session.type_in("\r").await;
        session
            .shows("(?m)^some words that wrap on a narrow screen$")
            .await;
        session.prompted().await;
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn title_bell_and_progress() {
    let session = open("bash").await;
    session.run("true").await;
    let bells = session.terminal.screen().await.bells;
    session.run(r"printf '\a\a\033]2;a title\033\\'").await;
    let screen = session.terminal.screen().await;
    assert_eq!(screen.bells, bells + 2);
    assert_eq!(screen.title.as_deref(), Some("a title"));
    assert_eq!(
        session.terminal.status().await.title.as_deref(),
        Some("a title")
    );
    let mut running = session
        .keyboard
        .run(r"printf '\033]9;4;1;42\a'; cat")
        .await
        .expect("typed");
    session
        .eventually("progress", async || {
            session
                .terminal
                .status()
                .await
                .progress
                .is_some_and(|progress| progress.percent == Some(42))
        })
        .await;
    session
        .keyboard
        .press(key("ctrl-d"))
        .await
        .expect("pressed");
    running.finished(PATIENCE).await;
    assert_eq!(session.terminal.status().await.progress, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_one_where_the_program_can_tell() {
    let session = open("bash").await;
    session.run("true").await;
    let mut running = session.keyboard.run("cat -v").await.expect("typed");
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
    session
        .eventually("no pastes", async || {
            !session.terminal.status().await.bracketed_paste
        })
        .await;
    session.keyboard.paste("plain\n").await.expect("pasted");
    session.shows("plain\nplain\n").await;
    session.type_in("\x04").await;
    running.finished(PATIENCE).await;
    let mut running = session
        .keyboard
        .run(r"printf '\033[?2004h'; cat -v")
        .await
        .expect("typed");
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
    session
        .eventually("pastes", async || {
            session.terminal.status().await.bracketed_paste
        })
        .await;
    session.keyboard.paste("marked").await.expect("pasted");
    session.type_in("\n").await;
    session.shows(r"(?m)^\^\[\[200~marked\^\[\[201~$").await;
    session.type_in("\x04").await;
    running.finished(PATIENCE).await;
}
