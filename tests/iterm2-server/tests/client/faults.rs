//! What the client does when the connection goes wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use quarterdeck_iterm2::{
    CallError, Client, Interest, Lines, NewTab, Notice, PropertyTarget, SessionId,
};

use crate::stand_in::{GENEROUS, StandIn, first_session, notice, shows, until};

fn connected(notice: Notice) -> Option<()> {
    matches!(notice, Notice::Connected).then_some(())
}

#[tokio::test]
async fn answers_out_of_order_reach_those_who_asked() {
    let stand_in = StandIn::open().await;
    let (client, _) = stand_in.client().await;
    let session = first_session(&client).await;
    stand_in.say("shuffle 3").await;
    let target = PropertyTarget::Session(session.clone());
    for _ in 0..10 {
        let (layout, screen, buried) = tokio::join!(
            client.list_sessions(),
            client.buffer(&session, &Lines::Screen),
            client.property(&target, "buried"),
        );
        assert_eq!(layout.expect("a layout").panes().len(), 1);
        assert_eq!(screen.expect("a screen").lines.len(), 25);
        assert_eq!(buried.expect("a property"), false);
    }
}

#[tokio::test]
async fn late_and_missing_answers_end_with_the_deadline_and_harm_no_later_call() {
    let stand_in = StandIn::open().await;
    let (client, _) = stand_in.client().await;
    let hasty = client.with_deadline(Duration::from_millis(50));
    stand_in.say("silence 1").await;
    let error = hasty.list_sessions().await.expect_err("no answer");
    assert!(matches!(error, CallError::Deadline { .. }), "{error}");
    assert!(error.is_uncertain());
    stand_in.say("delay 200").await;
    let error = hasty.list_sessions().await.expect_err("no answer");
    assert!(matches!(error, CallError::Deadline { .. }), "{error}");
    stand_in.say("delay 0").await;
    client.list_sessions().await.expect("a layout");
}

#[tokio::test]
async fn half_a_frame_ends_the_call_and_the_next_connection_works() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    stand_in.say("half-frame").await;
    let error = client.list_sessions().await.expect_err("half an answer");
    assert!(matches!(error, CallError::ConnectionLost { .. }), "{error}");
    notice(&mut notices, "the next connection", connected).await;
    client.list_sessions().await.expect("a layout");
}

#[tokio::test]
async fn after_a_restart_sessions_are_found_and_subscriptions_stand() {
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    let session = first_session(&client).await;
    let second = client.create_tab(&NewTab::default()).await.expect("a tab");
    for session in [&session, &second.session] {
        let interest = Interest::Screens(Some(session.clone()));
        client.subscribe(interest).await.expect("a subscription");
    }
    let before = client.list_sessions().await.expect("a layout");
    stand_in.say("restart 300").await;
    let lost = |notice| matches!(notice, Notice::Disconnected).then_some(());
    notice(&mut notices, "the loss", lost).await;
    let error = client.list_sessions().await.expect_err("no connection");
    assert!(matches!(error, CallError::NotConnected { .. }), "{error}");
    notice(&mut notices, "the next connection", connected).await;
    let after = client.list_sessions().await.expect("a layout");
    assert_eq!(after.panes(), before.panes());
    assert_ne!(after.windows[0].tabs[0].id, before.windows[0].tabs[0].id);
    client
        .send_text(&second.session, "echo again\n", false)
        .await
        .expect("typed");
    let changed = |notice| match notice {
        Notice::ScreenChanged(session) if session == second.session => Some(()),
        _ => None,
    };
    notice(&mut notices, "a change of the screen", changed).await;
    shows(&client, &second.session, "again").await;
}

#[tokio::test]
async fn an_interest_in_a_session_that_is_gone_is_reported() {
    let stand_in = StandIn::open().await;
    let (client, _) = stand_in.client().await;
    let (other, mut notices) = stand_in.client().await;
    let tab = client.create_tab(&NewTab::default()).await.expect("a tab");
    let interest = Interest::Screens(Some(tab.session.clone()));
    other
        .subscribe(interest.clone())
        .await
        .expect("a subscription");
    let target = quarterdeck_iterm2::CloseTarget::Sessions(vec![tab.session]);
    client.close(&target, true).await.expect("closed");
    stand_in.say("drop").await;
    let lost = |notice| match notice {
        Notice::InterestLost(lost) => Some(lost),
        _ => None,
    };
    assert_eq!(notice(&mut notices, "the loss", lost).await, interest);
}

/// Types numbered lines as fast as it can, never one again, until it is told to stop; returns
/// the numbers that were confirmed, and those that are uncertain.
async fn type_numbers(
    client: Client,
    session: SessionId,
    numbers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut confirmed, mut uncertain) = (BTreeSet::new(), BTreeSet::new());
    while !stop.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        match client
            .send_text(&session, &format!("n{number}\n"), true)
            .await
        {
            Ok(()) => {
                confirmed.insert(number);
            }
            Err(error) if error.is_uncertain() => {
                uncertain.insert(number);
            }
            Err(_) => {
                client.connected(GENEROUS).await.expect("a connection");
            }
        }
    }
    (confirmed, uncertain)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_losses_under_load_hang_nothing_and_type_nothing_twice() {
    const LOSSES: usize = 100;
    let stand_in = StandIn::open().await;
    let (client, mut notices) = stand_in.client().await;
    let written = stand_in.home.path().join("written");
    let new = NewTab {
        command: Some(format!(
            "/bin/sh -c 'stty -echo; exec cat > {}'",
            written.display()
        )),
        ..NewTab::default()
    };
    let session = client.create_tab(&new).await.expect("a tab").session;
    until("the file", async || written.exists().then_some(())).await;
    let screens = Interest::Screens(None);
    client.subscribe(screens).await.expect("a subscription");

    let numbers = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let typists: Vec<_> = (0..4)
        .map(|_| {
            let (numbers, stop) = (numbers.clone(), stop.clone());
            tokio::spawn(type_numbers(client.clone(), session.clone(), numbers, stop))
        })
        .collect();
    for loss in 0..LOSSES {
        match loss % 3 {
            0 => stand_in.say("drop").await,
            1 => stand_in.say("drop-replies 1").await,
            _ => stand_in.say("half-frame").await,
        };
        notice(&mut notices, "the next connection", connected).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut confirmed, mut uncertain) = (BTreeSet::new(), BTreeSet::new());
    for typist in typists {
        let ended = tokio::time::timeout(GENEROUS, typist).await;
        let (sure, unsure) = ended.expect("an end").expect("a task");
        confirmed.extend(sure);
        uncertain.extend(unsure);
    }
    client.connected(GENEROUS).await.expect("a connection");
    let last = client.send_text(&session, "last\n", true).await;
    last.expect("typed");
    let text = until("the last line", async || {
        let text = std::fs::read_to_string(&written).ok()?;
        text.ends_with("last\n").then_some(text)
    })
    .await;
    let typed: Vec<u64> = text
        .lines()
        .filter_map(|line| line.strip_prefix('n')?.parse().ok())
        .collect();
    let once: BTreeSet<u64> = typed.iter().copied().collect();
    assert_eq!(once.len(), typed.len(), "something was typed twice");
    assert!(confirmed.is_subset(&once), "something confirmed is missing");
    let known: BTreeSet<u64> = confirmed.union(&uncertain).copied().collect();
    assert!(once.is_subset(&known), "something refused was typed");
    assert!(!confirmed.is_empty() && !uncertain.is_empty());
    let served: u64 = stand_in
        .say("served send-text")
        .await
        .parse()
        .expect("a number");
    assert_eq!(served, 1 + once.len() as u64);
}

#[tokio::test]
async fn two_clients_at_once_see_what_each_other_does() {
    let stand_in = StandIn::open().await;
    let (one, _) = stand_in.client().await;
    let (two, mut notices) = stand_in.client().await;
    two.subscribe(Interest::NewSessions)
        .await
        .expect("a subscription");
    let opened = one.create_tab(&NewTab::default()).await.expect("a tab");
    let begun = |notice| match notice {
        Notice::NewSession(session) => Some(session),
        _ => None,
    };
    let session = notice(&mut notices, "the session", begun).await;
    assert_eq!(session, opened.session);
    two.send_text(&session, "echo from two\n", false)
        .await
        .expect("typed");
    shows(&one, &session, "from two").await;
}
