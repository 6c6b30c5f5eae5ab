//! Coming in: cookies, refusals, and both ways to the server.

use std::net::SocketAddr;
use std::path::PathBuf;

use quarterdeck_iterm2::{
    Address, CallError, Client, ConnectionState, CredentialSource, DialError, Notice,
};

use crate::stand_in::{GENEROUS, StandIn, notice};

/// Asks the server for cookies as `osascript` asks iTerm2. Another process writes the
/// script, so that no child of this one holds it open for writing, which keeps it from
/// being executed.
fn osascript(stand_in: &StandIn) -> PathBuf {
    let [text, path] = ["script", "osascript"].map(|name| stand_in.home.path().join(name));
    let program = env!("CARGO_BIN_EXE_iterm2-server");
    let home = stand_in.home.path().display();
    let script = format!("#!/bin/sh\nexec '{program}' --home '{home}' --ask-cookie\n");
    std::fs::write(&text, script).expect("a file");
    let mut install = std::process::Command::new("install");
    let installed = install.args(["-m", "700"]).args([&text, &path]).status();
    assert!(installed.expect("install runs").success());
    path
}

#[tokio::test]
async fn every_connection_takes_a_fresh_cookie() {
    let stand_in = StandIn::with(|_| ()).await;
    let source = CredentialSource::asking("test", osascript(&stand_in));
    let client = Client::new(stand_in.address(), source);
    client.connected(GENEROUS).await.expect("a connection");
    let mut notices = client.notices();
    for _ in 0..3 {
        stand_in.say("restart 0").await;
        let connected = |notice| matches!(notice, Notice::Connected).then_some(());
        notice(&mut notices, "the next connection", connected).await;
        client.list_sessions().await.expect("a layout");
    }
}

#[tokio::test]
async fn without_a_cookie_it_gives_up_and_says_why() {
    let stand_in = StandIn::with(|_| ()).await;
    let client = Client::new(stand_in.address(), CredentialSource::none("test"));
    let error = client.connected(GENEROUS).await.expect_err("a refusal");
    assert!(error.to_string().contains("401"), "{error}");
    let refused = client.list_sessions().await.expect_err("a refusal");
    assert!(
        refused
            .to_string()
            .contains("the list of sessions was not sent"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_client_that_is_too_old_gives_up_and_says_so() {
    let stand_in = StandIn::open().await;
    stand_in.say("too-old on").await;
    let client = Client::new(stand_in.address(), CredentialSource::none("test"));
    let error = client.connected(GENEROUS).await.expect_err("a refusal");
    assert!(
        matches!(&error, CallError::NotConnected { reason: Some(reason), .. }
            if matches!(**reason, DialError::TooOld)),
        "{error}"
    );
    assert!(matches!(client.state(), ConnectionState::GivenUp(_)));
}

#[tokio::test]
async fn without_a_socket_the_port_is_tried() {
    let local: SocketAddr = ([127, 0, 0, 1], 0).into();
    let stand_in = StandIn::with(|options| {
        options.cookie_needed = false;
        options.tcp = Some(local);
    })
    .await;
    let address = Address {
        socket: stand_in.home.path().join("nothing"),
        ..stand_in.address()
    };
    let client = Client::new(address, CredentialSource::none("test"));
    client.connected(GENEROUS).await.expect("a connection");
    client.list_sessions().await.expect("a layout");
}

#[tokio::test]
async fn where_nobody_listens_calls_say_so_at_once_and_a_later_server_is_found() {
    let home = tempfile::tempdir_in("/tmp").expect("a folder");
    let options = iterm2_server::Options::new(home.path());
    let address = Address {
        socket: options.socket(),
        port: 1,
    };
    let client = Client::new(address, CredentialSource::none("test"));
    let refused = client.list_sessions().await.expect_err("a refusal");
    assert!(
        matches!(refused, CallError::NotConnected { .. }),
        "{refused}"
    );
    let _server = iterm2_server::Server::start(iterm2_server::Options {
        cookie_needed: false,
        ..options
    })
    .await
    .expect("a server");
    client.connected(GENEROUS).await.expect("a connection");
}
