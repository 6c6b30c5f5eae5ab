//! A server of one's own for each test, and waiting for what is to come.

use std::future::Future;
use std::time::Duration;

use iterm2_server::{Control, Options, Server};
use quarterdeck_iterm2::{
    Address, Client, CredentialSource, Interest, Lines, Notice, Notices, SessionId,
};
use tempfile::TempDir;

/// A condition is looked at again after this long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Only a failing test waits this long.
pub(crate) const GENEROUS: Duration = Duration::from_secs(30);

pub(crate) struct StandIn {
    pub(crate) server: Server,
    pub(crate) control: Control,
    pub(crate) home: TempDir,
}

impl StandIn {
    /// A server that asks for no cookies.
    pub(crate) async fn open() -> Self {
        Self::with(|options| options.cookie_needed = false).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        // Short, because a socket's path has to fit into 108 bytes.
        let home = tempfile::Builder::new()
            .prefix("i")
            .tempdir_in("/tmp")
            .expect("a folder");
        let mut options = Options::new(home.path());
        change(&mut options);
        let server = Server::start(options).await.expect("a server");
        Self {
            control: server.control(),
            server,
            home,
        }
    }

    pub(crate) fn address(&self) -> Address {
        Address {
            socket: self.server.socket(),
            port: self.server.tcp().map_or(1, |address| address.port()),
        }
    }

    pub(crate) async fn say(&self, line: &str) -> String {
        self.control.say(line).await.expect("an answer")
    }

    /// A client that is connected, and what happens from now on.
    pub(crate) async fn client(&self) -> (Client, Notices) {
        let client = Client::new(self.address(), CredentialSource::none("test"));
        client.connected(GENEROUS).await.expect("a connection");
        let notices = client.notices();
        (client, notices)
    }
}

/// The session that the server started with, at its prompt.
pub(crate) async fn first_session(client: &Client) -> SessionId {
    let layout = client.list_sessions().await.expect("a layout");
    let session = layout.panes()[0].session.clone();
    until("a prompt", async || {
        client.prompt(&session, None).await.ok()?
    })
    .await;
    session
}

/// Looks until there is something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let ends = tokio::time::Instant::now() + GENEROUS;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(
            tokio::time::Instant::now() < ends,
            "waited in vain for {what}"
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

/// The next notice that is wanted.
pub(crate) async fn notice<T>(
    notices: &mut Notices,
    what: &str,
    mut wanted: impl FnMut(Notice) -> Option<T>,
) -> T {
    let look = async {
        loop {
            let notice = notices.next().await.expect("a notice");
            if let Some(wanted) = wanted(notice) {
                return wanted;
            }
        }
    };
    match tokio::time::timeout(GENEROUS, look).await {
        Ok(found) => found,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Waits, from notice to notice, until a line of the screen is this text.
pub(crate) async fn shows(client: &Client, session: &SessionId, text: &str) -> Vec<String> {
    let mut notices = client.notices();
    client
        .subscribe(Interest::Screens(Some(session.clone())))
        .await
        .expect("a subscription");
    let look = async {
        loop {
            let screen = client.buffer(session, &Lines::Screen).await;
            let lines = screen.expect("a screen").lines;
            let lines: Vec<String> = lines.into_iter().map(|line| line.text).collect();
            if lines.iter().any(|line| line == text) {
                return lines;
            }
            notices.next().await;
        }
    };
    match tokio::time::timeout(GENEROUS, look).await {
        Ok(lines) => lines,
        Err(_) => panic!("`{text}` was not shown"),
    }
}
