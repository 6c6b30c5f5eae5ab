//! Panes that were there already: what they show is followed, what is typed goes through the API.

use quarterdeck_iterm2::{CloseTarget, Lines, PropertyTarget, SessionId, Window};
use quarterdeck_terminal::iterm2::{Application, Iterm2Error};
use quarterdeck_terminal::keys::Key;
use quarterdeck_terminal::{OpenError, OpenRequest, Opened, Size, Until, WriteError};

use crate::relays::{fault, person, wait_for};
use crate::support::{PATIENCE, Session, open};

/// A session on the pane that the stand-in has started with; its shell is at a prompt.
struct Attached {
    /// Keeps the stand-in.
    first: Session,
    application: Application,
    session: Opened,
    pane: SessionId,
}

async fn attach() -> Attached {
    let first = open("bash").await;
    let application = first.home.iterm2().await;
    let panes = application.panes().await.expect("listed");
    let found = panes.iter().find(|pane| !pane.is_relayed);
    let handle = &found.expect("the first window").handle;
    let request = OpenRequest {
        session_id: "attached".to_owned(),
        ..OpenRequest::default()
    };
    let session = application
        .attach(handle, &request)
        .await
        .expect("attached");
    wait_for(&session.terminal, r"[$#] ?$").await;
    Attached {
        pane: SessionId::new(handle),
        first,
        application,
        session,
    }
}

impl Attached {
    async fn type_in(&self, text: &str) {
        let keyboard = &self.session.keyboard;
        keyboard.write(text.as_bytes()).await.expect("typed");
    }

    async fn shows(&self, pattern: &str) {
        wait_for(&self.session.terminal, pattern).await;
    }

    /// Waits until our screen is iTerm2's, character by character.
    async fn is_followed(&self) {
        let client = person(&self.first).await;
        self.first
            .eventually("the same screens", async || {
                let theirs = client.buffer(&self.pane, &Lines::Screen).await;
                let theirs = theirs.expect("read");
                let ours = self.session.terminal.screen().await;
                let trimmed = |text: &str| text.trim_end().to_owned();
                let rows = ours.rows.iter().map(|row| trimmed(&row.text));
                let lines = theirs.lines.iter().map(|line| trimmed(&line.text));
                let at = (u32::from(ours.cursor.column), ours.cursor.row);
                let row = theirs.cursor.1 - theirs.first;
                rows.eq(lines) && at == (theirs.cursor.0, u16::try_from(row).unwrap_or(u16::MAX))
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pane_is_typed_into_and_followed() {
    let attached = attach().await;
    attached.type_in("echo $((40 + 2)) 日本語 done\r").await;
    attached.shows("(?m)^42 日本語 done$").await;
    attached
        .type_in("printf '\\033[1;31mred\\033[0m plain\\n'\r")
        .await;
    attached.shows("(?m)^red plain$").await;
    attached.is_followed().await;
    let screen = attached.session.terminal.screen().await;
    let red = screen.rows.iter().find(|row| row.text == "red plain");
    let styles = &red.expect("a row").styles;
    assert!(styles.iter().any(|run| run.style.bold), "{styles:?}");
    attached
        .session
        .keyboard
        .press(Key::parse("up").expect("a key"))
        .await
        .expect("pressed");
    attached.shows("(?m)printf.*n'$").await;
    attached.is_followed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_output_is_read_line_by_line() {
    let attached = attach().await;
    attached
        .type_in("seq 1000 3000; echo end-$((1 + 1))\r")
        .await;
    attached.shows("(?m)^end-2$").await;
    attached.is_followed().await;
    let output = attached
        .session
        .terminal
        .read(quarterdeck_terminal::Cursor::START, 1 << 20)
        .await;
    let numbers: Vec<u32> = output
        .text
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    assert_eq!(numbers, (1000..=3000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pager_fills_the_screen_and_leaves_it() {
    let attached = attach().await;
    attached.type_in("seq 500 > numbers; less numbers\r").await;
    let full = || async { attached.session.terminal.screen().await.full_screen };
    attached
        .first
        .eventually("a pager", async || full().await)
        .await;
    attached.is_followed().await;
    attached.type_in("G").await;
    attached.shows("(?m)^500$").await;
    attached.is_followed().await;
    attached.type_in("q").await;
    attached
        .first
        .eventually("the shell", async || !full().await)
        .await;
    attached.type_in("echo left-$((1 + 1))\r").await;
    attached.shows("(?m)^left-2$").await;
    attached.is_followed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_size_is_followed_and_changed() {
    let attached = attach().await;
    let size = Size::new(71, 19).expect("possible");
    let terminal = &attached.session.terminal;
    assert_eq!(terminal.resize(size).await, Ok(size));
    attached.type_in("stty size\r").await;
    attached.shows("(?m)^19 71$").await;
    attached.is_followed().await;
    let client = person(&attached.first).await;
    client
        .set_grid_size(&attached.pane, 66, 15)
        .await
        .expect("resized");
    attached
        .first
        .eventually("followed", async || {
            attached.session.terminal.screen().await.size == Size::new(66, 15).expect("possible")
        })
        .await;
    attached.is_followed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_that_is_not_granted_is_not_told() {
    let attached = attach().await;
    let client = person(&attached.first).await;
    let opened = attached.first.terminal.backend_handle().expect("a pane");
    let both = [
        (&attached.session.terminal, attached.pane.clone()),
        (&attached.first.terminal, SessionId::new(&opened)),
    ];
    for (terminal, pane) in both {
        let layout = client.list_sessions().await.expect("listed");
        let showing = |window: &&Window| {
            let mut panes = window.tabs.iter().flat_map(|tab| tab.panes());
            panes.any(|it| it.session == pane)
        };
        let window = layout.windows.iter().find(showing).expect("shown");
        let window = PropertyTarget::Window(window.id.clone());
        let granted = Size::new(71, 19).expect("possible");
        assert_eq!(terminal.resize(granted).await, Ok(granted));
        client
            .set_property(&window, "fullscreen", &true.into())
            .await
            .expect("set");
        let refused = Size::new(60, 20).expect("possible");
        assert_eq!(terminal.resize(refused).await, Ok(granted));
        assert_eq!(terminal.status().await.size, granted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_is_noticed_and_it_can_be_closed() {
    let closed = attach().await;
    let client = person(&closed.first).await;
    let target = CloseTarget::Sessions(vec![closed.pane.clone()]);
    client.close(&target, true).await.expect("closed");
    let waited = closed
        .session
        .terminal
        .wait(Until::Exit, None, PATIENCE)
        .await;
    assert!(waited.met);
    let status = closed.session.terminal.status().await;
    assert!(status.lost.expect("said").contains("iTerm2"));
    assert_eq!(
        closed.session.keyboard.write(b"x").await,
        Err(WriteError::Lost)
    );
    let handle = closed.pane.to_string();
    let error = closed
        .application
        .attach(&handle, &OpenRequest::default())
        .await;
    let error = error.expect_err("gone");
    assert!(
        matches!(error, OpenError::Iterm2(Iterm2Error::NoPane { .. })),
        "{error}"
    );

    let ours = attach().await;
    ours.session.terminal.close().await;
    let layout = person(&ours.first)
        .await
        .list_sessions()
        .await
        .expect("listed");
    assert!(layout.pane(&ours.pane).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_types_nothing_twice_and_is_said() {
    let attached = attach().await;
    attached.type_in("cat > typed\r").await;
    let typed = attached.first.home.path().join("typed");
    attached
        .first
        .eventually("cat", async || typed.exists())
        .await;
    let mut confirmed = Vec::new();
    for number in 0..100 {
        let what = if number % 2 == 0 {
            "drop"
        } else {
            "drop-replies 1"
        };
        fault(&attached.first, what).await;
        let line = format!("line-{number}\r");
        let keyboard = &attached.session.keyboard;
        loop {
            match keyboard.write(line.as_bytes()).await {
                Ok(()) => confirmed.push(number),
                // Not sent: it may be tried again.
                Err(WriteError::NotReached) => {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    continue;
                }
                Err(WriteError::Unconfirmed) => (),
                Err(error) => panic!("{error}"),
            }
            break;
        }
    }
    let text = || std::fs::read_to_string(&typed).expect("written");
    attached
        .first
        .eventually("the end is typed", async || {
            let written = attached.session.keyboard.write(b"the end\r").await;
            written.is_ok()
        })
        .await;
    attached
        .first
        .eventually("all is there", async || text().contains("the end\n"))
        .await;
    let text = text();
    let times = |number: i32| {
        text.lines()
            .filter(|line| **line == format!("line-{number}"))
            .count()
    };
    for number in 0..100 {
        assert!(times(number) <= 1, "line {number} was typed twice");
    }
    assert!(confirmed.iter().all(|number| times(*number) == 1));
    assert!(!confirmed.is_empty());
    attached.is_followed().await;
}
