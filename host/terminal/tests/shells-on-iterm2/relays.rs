//! Panes that are opened for sessions: they live on without the host, have neighbours, and can
//! be seen and touched by a person.

use quarterdeck_iterm2::{Address, Client, CredentialSource, SessionId};
use quarterdeck_terminal::iterm2::{Appearance, Application, Iterm2Error, Rgb};
use quarterdeck_terminal::{
    Beside, Cursor, OpenError, OpenRequest, Opened, Side, Size, Terminal, Until,
};

use crate::support::{PATIENCE, Session, open, setup};

/// The person's own view of iTerm2.
pub(crate) async fn person(session: &Session) -> Client {
    let address = Address {
        socket: iterm2_server::Options::new(session.home.path()).socket(),
        port: 1,
    };
    let client = Client::new(address, CredentialSource::none("a person"));
    client.connected(PATIENCE).await.expect("connected");
    client
}

pub(crate) async fn wait_for(terminal: &Terminal, pattern: &str) {
    let until = Until::Pattern(regex::Regex::new(pattern).expect("a pattern"));
    let waited = terminal.wait(until, Some(Cursor::START), PATIENCE).await;
    assert!(waited.met, "{pattern}: {}", terminal.screen().await.text());
}

/// Asks the stand-in to go wrong.
pub(crate) async fn fault(session: &Session, line: &str) {
    let options = iterm2_server::Options::new(session.home.path());
    let door = iterm2_server::Control::new(options.control_socket());
    door.say(line).await.expect("an answer");
}

fn pane(session: &Session) -> SessionId {
    SessionId::new(&session.terminal.backend_handle().expect("a pane"))
}

/// What the next host finds, with this session's host gone.
async fn found(
    session: Session,
) -> (
    Application,
    Vec<quarterdeck_terminal::iterm2::FoundRelay>,
    crate::support::Home,
) {
    let Session {
        terminal,
        keyboard,
        home,
        ..
    } = session;
    drop((terminal, keyboard));
    let next = home.iterm2().await;
    let ends = tokio::time::Instant::now() + PATIENCE;
    loop {
        let relays = next.relays(&[]).await;
        if !relays.is_empty() {
            return (next, relays, home);
        }
        assert!(tokio::time::Instant::now() < ends, "no relay is free");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_host_goes_on_with_marks_and_all() {
    for shell in crate::support::INTEGRATED {
        let session = setup(shell).size(70, 12).open().await;
        session.run("seq 100 120; cd /usr").await;
        session.type_in("echo typed by ").await;
        session.shows("typed by").await;
        let before = session.terminal.screen().await;
        let (next, mut relays, home) = found(session).await;
        assert_eq!(relays.len(), 1);
        let relay = relays.remove(0);
        assert_eq!(relay.session_id, "tested");
        let Opened {
            terminal, keyboard, ..
        } = next.rejoin(relay, &OpenRequest::default());
        let session = Session {
            terminal,
            keyboard,
            marks: None,
            shell,
            home,
        };
        session.shows("typed by").await;
        assert_eq!(session.terminal.screen().await.size, before.size);
        session
            .screen_becomes("as it was", |screen| screen.text() == before.text())
            .await;
        session.prompted().await;
        assert_eq!(session.line().await.text, "echo typed by ", "{shell}");
        session.keyboard.clear_line().await.expect("cleared");
        let ran = session.run("pwd").await;
        assert_eq!(ran, crate::support::ran(0, "/usr\n"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_at_a_time_has_a_session() {
    let session = open("bash").await;
    session.run("true").await;
    assert!(session.home.iterm2().await.relays(&[]).await.is_empty());
    assert_eq!(session.run("echo mine").await.output, "mine\n");
    let panes = session.home.iterm2().await.panes().await.expect("listed");
    assert_eq!(panes.len(), 2);
    assert_eq!(panes.iter().filter(|pane| pane.is_relayed).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_have_neighbours_on_every_side() {
    let session = setup("bash").size(120, 40).open().await;
    session.run("true").await;
    let application = session.home.iterm2().await;
    let handle = session.terminal.backend_handle().expect("a pane");
    for (number, side) in [Side::Above, Side::Below, Side::Left, Side::Right]
        .into_iter()
        .enumerate()
    {
        let request = OpenRequest {
            shell: Some("bash".into()),
            session_id: format!("beside{number}"),
            beside: Some(Beside {
                handle: handle.clone(),
                side,
            }),
            env: session.home.environment(),
            ..OpenRequest::default()
        };
        let Opened {
            terminal, keyboard, ..
        } = application.open(request).await.expect("opened");
        let size = terminal.status().await.size;
        assert!(
            size.columns() < 120 || size.rows() < 40,
            "{side:?}: {size:?}"
        );
        let mut running = keyboard.run("stty size").await.expect("typed");
        running.finished(PATIENCE).await;
        wait_for(
            &terminal,
            &format!("(?m)^{} {}$", size.rows(), size.columns()),
        )
        .await;
        terminal.close().await;
    }
    let nowhere = OpenRequest {
        beside: Some(Beside {
            handle: "NO-SUCH-PANE".to_owned(),
            side: Side::Left,
        }),
        ..OpenRequest::default()
    };
    let error = application.open(nowhere).await.expect_err("no such pane");
    assert!(
        matches!(error, OpenError::Iterm2(Iterm2Error::NoPane { .. })),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_makes_a_pane_smaller_and_the_session_follows() {
    let session = setup("bash").size(100, 30).open().await;
    session.run("true").await;
    let client = person(&session).await;
    client
        .set_grid_size(&pane(&session), 61, 17)
        .await
        .expect("resized");
    session
        .screen_becomes("smaller", |screen| {
            screen.size == Size::new(61, 17).expect("possible")
        })
        .await;
    assert_eq!(session.run("stty size").await.output, "17 61\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_session_looks_can_be_changed() {
    let session = open("bash").await;
    session.run("true").await;
    let application = session.home.iterm2().await;
    let handle = session.terminal.backend_handle().expect("a pane");
    let appearance = Appearance {
        name: Some("the \"build\"".to_owned()),
        badge: Some("agent 1".to_owned()),
        tab_color: Some(Some(Rgb {
            red: 255,
            green: 0,
            blue: 51,
        })),
        ..Appearance::default()
    };
    application
        .set_appearance(&handle, &appearance)
        .await
        .expect("changed");
    application.focus(&handle).await.expect("in front");
    application
        .inject(&handle, b"for your eyes")
        .await
        .expect("shown");

    let (client, pane) = (person(&session).await, pane(&session));
    let profile = client.session_profile(&pane, &["Badge Text", "Tab Color"]);
    let profile = profile.await.expect("told");
    assert_eq!(profile["Badge Text"], "agent 1");
    assert_eq!(profile["Tab Color"]["Blue Component"], 0.2);
    let layout = client.list_sessions().await.expect("listed");
    assert_eq!(layout.pane(&pane).expect("there").title, "the \"build\"");
    let screen = client.buffer(&pane, &quarterdeck_iterm2::Lines::Screen);
    assert!(screen.await.expect("read").text().contains("for your eyes"));
    assert_eq!(
        application.profiles().await.expect("listed"),
        ["Default", "Light"]
    );
    let error = application.focus("NOBODY").await.expect_err("no such pane");
    assert!(matches!(error, Iterm2Error::NoPane { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_again_in_its_pane() {
    let session = setup("bash").open().await;
    session.run("gone=yes").await;
    let application = session.home.iterm2().await;
    let handle = session.terminal.backend_handle().expect("a pane");
    let request = OpenRequest {
        shell: Some("bash".into()),
        session_id: "tested".to_owned(),
        env: session.home.environment(),
        ..OpenRequest::default()
    };
    let again = application.restart(&handle, request).await.expect("again");
    let waited = session.terminal.wait(Until::Exit, None, PATIENCE).await;
    assert!(waited.met, "the former program has ended");
    let new_handle = again.terminal.backend_handle().expect("a pane");
    assert_ne!(new_handle, handle, "iTerm2 calls it otherwise now");
    let panes = application.panes().await.expect("listed");
    assert_eq!(panes.len(), 2, "{panes:?}");
    assert!(panes.iter().any(|pane| pane.handle == new_handle));
    let mut running = again.keyboard.run("echo \"<$gone>\"").await.expect("typed");
    running.finished(PATIENCE).await;
    wait_for(&again.terminal, "(?m)^<>$").await;
    // It is found there, too.
    drop(again);
    session
        .eventually("it is free", async || {
            !application.relays(&[]).await.is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_orphans_stays_in_its_family() {
    let session = open("bash").await;
    let ran = session.run("sh -c 'setsid sleep 1000 & echo $!'").await;
    let pid: u32 = ran.output.trim().parse().expect("a number");
    let guardian = session.terminal.guardian();
    assert_ne!(guardian, session.terminal.pid());
    let descends = |from| quarterdeck_terminal::ancestry::is_descendant_of(pid, from);
    session
        .eventually("it is adopted", async || {
            !descends(session.terminal.pid()).expect("known")
        })
        .await;
    assert!(descends(guardian).expect("known"));
    session.run(&format!("kill {pid}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_share_one_connection() {
    let first = open("bash").await;
    let application = first.home.iterm2().await;
    let mut sessions = Vec::new();
    for number in 0..50 {
        let request = OpenRequest {
            shell: Some("sh".into()),
            session_id: format!("many{number}"),
            ..OpenRequest::default()
        };
        sessions.push(application.open(request).await.expect("opened"));
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
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_said() {
    let session = open("bash").await;
    let application = session.home.iterm2().await;
    let request = OpenRequest {
        shell: Some("no-such-shell".into()),
        session_id: "nothing".to_owned(),
        ..OpenRequest::default()
    };
    let error = application
        .open(request)
        .await
        .expect_err("no such program");
    assert!(matches!(error, OpenError::Program { .. }), "{error}");
    let panes = || async { application.panes().await.expect("listed").len() };
    session
        .eventually("no pane is left behind", async || panes().await == 2)
        .await;
    fault(&session, "restart 60000").await;
    let request = OpenRequest::default();
    let error = application.open(request).await.expect_err("nobody there");
    assert!(
        matches!(error, OpenError::Iterm2(Iterm2Error::Call(_))),
        "{error}"
    );
    let waited = session.terminal.wait(Until::Prompt, None, PATIENCE).await;
    assert!(waited.met, "what runs goes on without iTerm2");
}
