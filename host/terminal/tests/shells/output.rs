//! What a session keeps of what its program writes, much of it or odd.

use quarterdeck_terminal::{CommandState, Cursor, FinishedCommand, Until};

use crate::support::{INTEGRATED, PATIENCE, Ran, open, ran, setup};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_much_output_is_there() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        let Ran { status, output } = session.run("seq 1 100000").await;
        assert_eq!(status, Some(0), "{shell}");
        let mut lines = output.lines();
        for number in 1..=100_000 {
            assert_eq!(lines.next(), Some(number.to_string().as_str()), "{shell}");
        }
        assert_eq!(lines.next(), None, "{shell}");
        // The scrollback is as long as was asked for, and holds the last of it.
        let scrollback = session.terminal.scrollback(0, usize::MAX).await;
        assert_eq!(scrollback.total, 10_000, "{shell}");
        assert_eq!(scrollback.rows.len(), 10_000, "{shell}");
        let screen = session.terminal.screen().await;
        assert!(
            screen.text().contains("\n100000\n"),
            "{shell}: {}",
            screen.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_on_by_cursor_loses_nothing() {
    let session = open("bash").await;
    let mut running = session.keyboard.run("seq 1 20000").await.expect("typed");
    let state = running.finished(PATIENCE).await;
    let CommandState::Finished(FinishedCommand { output, .. }) = state else {
        panic!("{state:?}");
    };
    let (mut text, mut at) = (String::new(), output.start);
    loop {
        let read = session.terminal.read_until(at, output.end, 1000).await;
        assert!(read.text.len() <= 1000 && read.gap.is_none(), "{read:?}");
        text.push_str(&read.text);
        at = read.next;
        if !read.more {
            break;
        }
    }
    let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert_eq!(text, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_is_kept_shows_up_as_a_gap() {
    const KEPT: usize = 1 << 20;
    const LINES: usize = 500_000;
    let mut setup = setup("bash");
    setup.request.transcript_bytes = KEPT;
    let session = setup.open().await;
    // 100 bytes a line: 50 MB.
    let command = format!("yes {} | head -n {LINES}; echo the end", "x".repeat(99));
    let mut running = session.keyboard.run(&command).await.expect("typed");
    let state = running.finished(PATIENCE).await;
    let CommandState::Finished(FinishedCommand {
        exit_status: Some(0),
        output,
        ..
    }) = state
    else {
        panic!("{state:?}");
    };
    assert!(output.end.offset() - output.start.offset() >= 50_000_000);
    let read = session
        .terminal
        .read_until(output.start, output.end, usize::MAX)
        .await;
    let gap = read.gap.expect("most of it is gone");
    assert!(gap > 48_000_000, "{gap}");
    let kept = session.text(output.start, output.end).await;
    assert!(kept.len() <= KEPT + 64 * 1024, "{}", kept.len());
    assert!(kept.len() >= KEPT - 128 * 1024, "{}", kept.len());
    assert!(kept.ends_with(&format!("{}\nthe end\n", "x".repeat(99))));
    let total = session.terminal.scrollback(0, 0).await.total;
    assert_eq!(total, 10_000);
    assert_eq!(session.run("echo ok").await, ran(0, "ok\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_can_be_stopped() {
    use quarterdeck_terminal::keys::Key;
    for shell in INTEGRATED {
        let session = open(shell).await;
        let mut running = session.keyboard.run("yes").await.expect("typed");
        session.shows("y\ny\n").await;
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
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wide_combining_and_coloured_text() {
    for shell in INTEGRATED {
        let session = setup(shell).size(80, 24).open().await;
        let text = "日本語 🦀 e\u{301}a\u{308} ｆｕｌｌ";
        assert_eq!(
            session.run(&format!("echo '{text}'")).await,
            ran(0, &format!("{text}\n")),
            "{shell}"
        );
        assert!(
            session.screen().await.lines().any(|line| line == text),
            "{shell}:\n{}",
            session.screen().await
        );
        session
            .run("printf '\\033[1;31mred\\033[0m plain\\n'")
            .await;
        let screen = session.terminal.screen().await;
        let row = screen
            .rows
            .iter()
            .find(|row| row.text == "red plain")
            .expect("shown");
        let style = &row.styles[0];
        assert!(
            style.columns == (0..3) && style.style.bold,
            "{shell}: {row:?}"
        );
        assert_eq!(
            style.style.foreground,
            Some(quarterdeck_terminal::Color::Palette(1)),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_progress_bar_reads_as_it_ended() {
    let session = open("bash").await;
    let output = session
        .run("for i in 1 2 3; do printf '\\r%d of 3' $i; done; echo; printf 'a\\bb\\n'")
        .await
        .output;
    assert_eq!(output, "3 of 3\nb\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_longer_than_the_screen_are_whole() {
    for shell in INTEGRATED {
        let session = setup(shell).size(20, 5).open().await;
        let long = "0123456789".repeat(30);
        assert_eq!(
            session.run(&format!("echo {long}")).await,
            ran(0, &format!("{long}\n")),
            "{shell}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_pattern_misses_nothing() {
    let session = open("bash").await;
    session.prompted().await;
    let from = session.terminal.status().await.cursor;
    let pattern = regex::Regex::new(r"needle-(\d+)").expect("a pattern");
    session
        .type_in("for i in 1 2 3; do echo needle-$((i * 100)); done\r")
        .await;
    let mut at = from;
    for expected in ["needle-100", "needle-200", "needle-300"] {
        let waited = session
            .terminal
            .wait(Until::Pattern(pattern.clone()), Some(at), PATIENCE)
            .await;
        assert!(waited.met, "{waited:?}");
        assert_eq!(waited.matched.as_deref(), Some(expected));
        assert!(waited.cursor > at);
        at = waited.cursor;
    }
    let waited = session
        .terminal
        .wait(
            Until::Quiet(std::time::Duration::from_millis(20)),
            None,
            PATIENCE,
        )
        .await;
    assert!(waited.met, "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_cannot_forge_marks() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        session.run("true").await;
        let forged = r"printf '\033]133;A\a\033]133;B\a\033]133;C\a\033]133;D;99\a'; printf '\033]133;D;99;q=0123456789abcdef0123456789abcdef;n=2\a\033]133;A;q=;n=3\a\033]133;B;q=;n=3\a'; printf '\033]7;file:///nowhere\a'; cat; echo after; sh -c 'exit 4'";
        let mut running = session.keyboard.run(forged).await.expect("typed");
        session
            .eventually("cat", async || {
                session
                    .terminal
                    .status()
                    .await
                    .foreground
                    .is_some_and(|program| program.pid != session.terminal.pid())
            })
            .await;
        session.type_in("x\n").await;
        session.shows("x\nx\n").await;
        assert!(session.terminal.status().await.is_running(), "{shell}");
        session.type_in("\x04").await;
        let state = running.finished(PATIENCE).await;
        let CommandState::Finished(FinishedCommand {
            exit_status: Some(4),
            output,
            ..
        }) = state
        else {
            panic!("{shell}: {state:?}");
        };
        assert_eq!(
            session.text(output.start, output.end).await,
            "x\nx\nafter\n",
            "{shell}"
        );
        let home = session.home.path().canonicalize().expect("there");
        assert_eq!(session.terminal.status().await.cwd, Some(home), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_output_says_is_not_typed_back() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        // Sets the title, then asks for it, for an answerback and for a setting.
        let ask =
            r"printf '\033]0;rm -rf /\a\033[21t\005\033P$qm\033\\\033]52;c;cm0=\a\033]52;c;?\a'";
        assert_eq!(session.run(ask).await.status, Some(0), "{shell}");
        let line = session.line().await.text;
        assert!(!line.contains("rm"), "{shell}: {line:?}");
        session.keyboard.clear_line().await.expect("cleared");
        assert_eq!(session.run("echo ok").await, ran(0, "ok\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_line_and_an_endless_sequence_are_bounded() {
    let session = open("bash").await;
    let Ran { status, output } = session
        .run("head -c 3000000 /dev/zero | tr '\\0' x; echo")
        .await;
    assert_eq!(status, Some(0));
    assert_eq!(output.trim_end().len(), 3_000_000);
    let Ran { status, output } = session
        .run("printf '\\033]0;'; head -c 5000000 /dev/zero | tr '\\0' x; printf '\\a'; echo ok")
        .await;
    assert_eq!((status, output.as_str()), (Some(0), "ok\n"));
    assert!(session.terminal.status().await.cursor > Cursor::START);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_program_left_on_hides_nothing_of_later_output() {
    for shell in INTEGRATED {
        let session = open(shell).await;
        for left_on in [r"printf '\033[?1049h'", r"printf '\033(0'"] {
            session.run(left_on).await;
            assert_eq!(
                session.run("echo hi").await,
                ran(0, "hi\n"),
                "{shell}: {left_on}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tracing_shows_commands_and_nothing_of_ours() {
    for (shell, on, off) in [
        ("bash", "set -x", "set +x"),
        ("zsh", "set -x", "set +x"),
        ("fish", "set fish_trace 1", "set -e fish_trace"),
    ] {
        let session = open(shell).await;
        for command in [on, "echo one", "echo two", off] {
            let ran = session.run(command).await;
            assert!(
                !ran.output.contains("quarterdeck"),
                "{shell}: {command}: {ran:?}"
            );
            assert!(!ran.output.contains("133;"), "{shell}: {command}: {ran:?}");
            assert_eq!(ran.status, Some(0), "{shell}: {command}");
        }
        let traced = session.run("echo three").await;
        assert_eq!(traced, ran(0, "three\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_goes_elsewhere_leaves_the_shell_usable() {
    for shell in ["bash", "zsh"] {
        for elsewhere in [
            "exec 2>/dev/null",
            "exec >/dev/null",
            "exec >/dev/null 2>&1",
        ] {
            let session = open(shell).await;
            session.run("exec 8>&1 9>&2").await;
            assert_eq!(
                session.run(elsewhere).await.status,
                Some(0),
                "{shell}: {elsewhere}"
            );
            let status = session.run("(exit 5)").await.status;
            assert_eq!(status, Some(5), "{shell}: {elsewhere}");
            session.run("exec 1>&8 2>&9").await;
            assert_eq!(
                session.run("echo back").await,
                ran(0, "back\n"),
                "{shell}: {elsewhere}"
            );
        }
    }
}
