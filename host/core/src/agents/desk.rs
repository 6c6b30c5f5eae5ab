//! What concerns only this host: which session is active for whom, which is in
//! front, and how sessions look.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::focus::Focus;
use super::monitoring::Monitoring;
use crate::caller::ConnectionId;

/// Connections whose active session is remembered; beyond, all are forgotten, since
/// connections that end are taken out.
const MOST_CONNECTIONS: usize = 10_000;

/// A colour that somebody has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgba {
    /// How much red.
    pub red: u8,
    /// How much green.
    pub green: u8,
    /// How much blue.
    pub blue: u8,
    /// How little of what is behind shines through.
    pub alpha: u8,
}

/// How a session looks where it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Behind the text.
    pub background_color: Option<Rgba>,
    /// Of its tab.
    pub tab_color: Option<Rgba>,
    /// Whether the tab shows its colour.
    pub tab_color_enabled: Option<bool>,
    /// Of the cursor.
    pub cursor_color: Option<Rgba>,
    /// A word in the corner.
    pub badge: Option<String>,
}

/// A session whose program was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// By which agent.
    pub by: Option<String>,
}

/// What the desk knows of one session.
#[derive(Clone, Debug, Default)]
pub struct OnDesk {
    /// How it looks.
    pub look: Look,
    /// Whether its program was stopped.
    pub suspended: Option<Suspension>,
    /// Its output's being followed, where somebody has asked for that.
    pub monitoring: Option<Monitoring>,
    /// Lines that are read of it unless a reader says otherwise.
    pub max_lines: Option<usize>,
    /// What it was told last.
    pub last_message: Option<String>,
    /// How often it was told something.
    pub messages: u64,
    /// When, in milliseconds since 1970.
    pub last_message_ms: Option<u64>,
    /// Messages that are being typed or wait for it.
    pub under_way: usize,
}

impl OnDesk {
    /// The log that the session's output goes to at the moment.
    pub(super) fn followed_in(&self) -> Option<PathBuf> {
        let monitoring = self.monitoring.as_ref().filter(|it| it.goes_on())?;
        Some(monitoring.log.clone())
    }
}

/// Everything that concerns only this host.
#[derive(Debug, Default)]
pub struct Desk {
    /// Connection → session.
    active: HashMap<ConnectionId, String>,
    last_active: Option<String>,
    pub(super) focus: Focus,
    by_session: BTreeMap<String, OnDesk>,
}

impl Desk {
    /// The session that a connection means when it names none.
    pub(crate) fn active(&self, connection: &ConnectionId) -> Option<&str> {
        self.active.get(connection).map(String::as_str)
    }

    /// The session that anybody made active last.
    pub(super) fn last_active(&self) -> Option<&str> {
        self.last_active.as_deref()
    }

    pub(crate) fn set_active(&mut self, connection: &ConnectionId, session: &str) {
        if self.active.len() >= MOST_CONNECTIONS {
            self.active.clear();
        }
        self.active.insert(connection.clone(), session.to_owned());
        self.last_active = Some(session.to_owned());
    }

    /// Connections whose active session was `from` have `to` from now on.
    pub(super) fn moves(&mut self, from: &str, to: &str) {
        let of_connections = self.active.values_mut();
        for active in of_connections.chain(self.last_active.as_mut()) {
            if active == from {
                to.clone_into(active);
            }
        }
    }

    pub(super) fn connection_ended(&mut self, connection: &ConnectionId) {
        self.active.remove(connection);
    }

    pub(crate) fn session(&self, session: &str) -> OnDesk {
        self.by_session.get(session).cloned().unwrap_or_default()
    }

    pub(crate) fn session_mut(&mut self, session: &str) -> &mut OnDesk {
        self.by_session.entry(session.to_owned()).or_default()
    }

    pub(super) fn forget(&mut self, session: &str) {
        if let Some(monitoring) = self.by_session.remove(session).and_then(|it| it.monitoring) {
            monitoring.stop();
        }
        self.active.retain(|_, active| active != session);
        self.last_active.take_if(|active| active == session);
    }
}
