//! A session that is being opened when whoever asked for it goes away.

use std::time::{Duration, Instant};

use quarterdeck_core::operations::CreateSession;
use quarterdeck_core::{Caller, HostError};

use support::Stage;

#[allow(dead_code, reason = "the streams' tests use the rest")]
mod support;

/// How long what is closed may take to make room.
const PATIENCE: Duration = Duration::from_secs(20);

/// The stage's host has one place.
#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_its_place_to_the_next() {
    let stage = Stage::set().await;
    let caller = Caller::command_line();
    let request = || CreateSession {
        command: Some("sleep 600".to_owned()),
        ..CreateSession::default()
    };
    for patience in [0, 1, 5, 20] {
        let creating = stage.host.create_session(request(), &caller);
        // That it may be done in this time is all the same here.
        if let Ok(created) = tokio::time::timeout(Duration::from_millis(patience), creating).await
            && let Ok(created) = created
        {
            let closed = stage.host.close_session(created.id.as_str(), &caller);
            closed.await.expect("closed");
        }
        let deadline = Instant::now() + PATIENCE;
        let next = loop {
            match stage
                .host
                .create_session(CreateSession::default(), &caller)
                .await
            {
                Ok(created) => break created,
                Err(why @ HostError::TooManySessions(_)) => {
                    assert!(Instant::now() < deadline, "{why}");
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        let closed = stage.host.close_session(next.id.as_str(), &caller);
        closed.await.expect("closed");
    }
    stage.clear().await;
}
