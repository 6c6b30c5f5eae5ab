//! The task that owns everything: windows, sessions, subscriptions, faults.
//!
//! As in iTerm2, where all of it happens on the main thread, one thing is done after the other.
//! It never waits for a client or a program: their channels are bounded, and who lets his run
//! full loses his connection or his input. At the end of each step it tells what has changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use quarterdeck_iterm2::proto::{
    BroadcastDomain, ClientOriginatedMessage, FocusChangedNotification, ListSessionsResponse,
    Notification, ServerOriginatedMessage,
    focus_changed_notification::{self, window::WindowStatus},
    server_originated_message::Submessage,
};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::faults::Faults;
use crate::layout::Layout;
use crate::profiles::Profiles;
use crate::program::Output;
use crate::server::Options;
use crate::session::Session;
use crate::subscriptions::{News, Subscription};
use crate::websocket::{Admission, Outgoing};

/// Screens are told at most this often.
const SCREEN_INTERVAL: Duration = Duration::from_millis(16);

/// Some variables change though nothing is printed: the name of the program in front.
const VARIABLES_INTERVAL: Duration = Duration::from_millis(200);

/// Requests of others that wait for the end of a transaction.
const MOST_DEFERRED: usize = 4096;

/// One connection.
pub(crate) type ClientId = u64;

/// What happens from outside.
#[derive(Debug)]
pub(crate) enum Event {
    Connected {
        client: ClientId,
        outbox: mpsc::Sender<Outgoing>,
    },
    Gone(ClientId),
    Request(ClientId, ClientOriginatedMessage),
    /// The time to undo a closing is over.
    Terminated(String),
    Control {
        line: String,
        answer: oneshot::Sender<String>,
    },
}

pub(crate) struct Application {
    pub(crate) options: Arc<Options>,
    pub(crate) admission: Admission,
    pub(crate) layout: Layout,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) profiles: Profiles,
    pub(crate) preferences: BTreeMap<String, Value>,
    pub(crate) faults: Faults,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) broadcast: Vec<Vec<String>>,
    /// `user.*` variables of the application, of tabs and of windows, by `app` or id.
    pub(crate) variables: BTreeMap<String, Map<String, Value>>,
    pub(crate) transaction: Option<ClientId>,
    /// The window that has the keyboard.
    pub(crate) key_window: Option<String>,
    /// Requests that were carried out, by kind.
    pub(crate) served: BTreeMap<&'static str, u64>,
    pub(crate) next_run: u64,
    pub(crate) outputs: mpsc::Sender<Output>,
    events: mpsc::WeakSender<Event>,
    clients: BTreeMap<ClientId, mpsc::Sender<Outgoing>>,
    deferred: VecDeque<(ClientId, ClientOriginatedMessage)>,
    /// Replies that wait for others to overtake them.
    held: Vec<(ClientId, Outgoing)>,
    pub(crate) news: Vec<News>,
    pub(crate) told_layout: ListSessionsResponse,
    pub(crate) told_focus: Vec<FocusChangedNotification>,
    pub(crate) tell_screens_at: Option<Instant>,
}

impl Application {
    pub(crate) fn new(
        options: Arc<Options>,
        admission: Admission,
        outputs: mpsc::Sender<Output>,
        events: mpsc::WeakSender<Event>,
    ) -> Self {
        let profiles = Profiles::new(options.support_folder().join("DynamicProfiles"));
        Self {
            options,
            admission,
            profiles,
            outputs,
            events,
            layout: Layout::default(),
            sessions: BTreeMap::new(),
            preferences: BTreeMap::new(),
            faults: Faults::default(),
            subscriptions: Vec::new(),
            broadcast: Vec::new(),
            variables: BTreeMap::new(),
            transaction: None,
            key_window: None,
            served: BTreeMap::new(),
            next_run: 0,
            clients: BTreeMap::new(),
            deferred: VecDeque::new(),
            held: Vec::new(),
            news: Vec::new(),
            told_layout: ListSessionsResponse::default(),
            told_focus: Vec::new(),
            tell_screens_at: None,
        }
    }

    /// Runs until nobody can send events any more; then ends all programs.
    pub(crate) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut outputs: mpsc::Receiver<Output>,
    ) {
        self.settle();
        let mut variables_due = tokio::time::interval(VARIABLES_INTERVAL);
        loop {
            let frozen = self.transaction.is_some();
            let tell_screens_at = self.tell_screens_at.filter(|_| !frozen);
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => {
                        self.on_event(event);
                        self.settle();
                    }
                    None => return,
                },
                Some(output) = outputs.recv(), if !frozen => {
                    if self.on_output(output) {
                        self.settle();
                    } else {
                        self.tell();
                    }
                }
                () = sleep_until(tell_screens_at) => self.tell_screens(),
                _ = variables_due.tick(), if !frozen => self.tell(),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected { client, outbox } => {
                self.clients.insert(client, outbox);
            }
            Event::Gone(client) => self.forget(client),
            Event::Request(client, message) => self.on_request(client, message),
            Event::Terminated(session) => self.tell_termination(&session),
            Event::Control { line, answer } => {
                let _ = answer.send(self.control(&line));
            }
        }
    }

    fn on_request(&mut self, client: ClientId, message: ClientOriginatedMessage) {
        if self.transaction.is_some_and(|owner| owner != client) {
            if self.deferred.len() < MOST_DEFERRED {
                self.deferred.push_back((client, message));
            }
            return;
        }
        self.reply(client, message);
        while self.transaction.is_none()
            && let Some((client, message)) = self.deferred.pop_front()
        {
            self.reply(client, message);
        }
    }

    fn reply(&mut self, client: ClientId, message: ClientOriginatedMessage) {
        let ClientOriginatedMessage { id, submessage } = message;
        let submessage = match submessage {
            Some(request) => self.answer(client, request),
            None => Submessage::Error("this request is not known here".to_owned()),
        };
        let message = ServerOriginatedMessage {
            id,
            submessage: Some(submessage),
        };
        let faults = &mut self.faults;
        if faults.silences > 0 {
            faults.silences -= 1;
            return;
        }
        if faults.drops > 0 {
            faults.drops -= 1;
            self.send(client, Outgoing::Close);
            return;
        }
        if std::mem::take(&mut faults.half_frame) {
            self.send(client, Outgoing::HalfMessage(message));
            return;
        }
        let delay = faults.delay;
        let outgoing = Outgoing::Message { message, delay };
        if faults.shuffle == 0 {
            self.send(client, outgoing);
            return;
        }
        self.held.push((client, outgoing));
        if self.held.len() >= self.faults.shuffle {
            self.release();
        }
    }

    /// Sends what was held back, last first.
    pub(crate) fn release(&mut self) {
        for (client, outgoing) in std::mem::take(&mut self.held).into_iter().rev() {
            self.send(client, outgoing);
        }
    }

    fn send(&mut self, client: ClientId, outgoing: Outgoing) {
        let Some(outbox) = self.clients.get(&client) else {
            return;
        };
        if outbox.try_send(outgoing).is_err() {
            // It does not read: as good as gone.
            self.forget(client);
        }
    }

    fn forget(&mut self, client: ClientId) {
        self.clients.remove(&client);
        self.subscriptions
            .retain(|subscription| subscription.client != client);
        self.deferred.retain(|(waiting, _)| *waiting != client);
        if self.transaction == Some(client) {
            self.transaction = None;
            while self.transaction.is_none()
                && let Some((client, message)) = self.deferred.pop_front()
            {
                self.reply(client, message);
            }
        }
    }

    /// Ends all connections, without a farewell.
    pub(crate) fn drop_clients(&mut self) {
        self.held.clear();
        for client in self.clients.keys().copied().collect::<Vec<_>>() {
            self.send(client, Outgoing::Close);
            self.forget(client);
        }
    }

    /// Whether the layout may have changed.
    fn on_output(&mut self, output: Output) -> bool {
        let (Output::Bytes { run, .. } | Output::Ended { run }) = output;
        let Some(id) = self.session_of_run(run) else {
            return false;
        };
        match output {
            Output::Bytes { bytes, .. } => {
                self.show(&id, &bytes);
                false
            }
            Output::Ended { .. } => {
                self.on_ended(&id);
                true
            }
        }
    }

    fn session_of_run(&self, run: u64) -> Option<String> {
        let mut sessions = self.sessions.values();
        let session = sessions.find(|session| session.program.run == run)?;
        Some(session.id.clone())
    }

    /// Shows bytes in a session.
    pub(crate) fn show(&mut self, id: &str, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let happenings = session.show(bytes);
        for happening in happenings {
            self.on_happening(id, happening);
        }
        if self.tell_screens_at.is_none() {
            self.tell_screens_at = Some(Instant::now() + SCREEN_INTERVAL);
        }
    }

    /// A program has ended by itself.
    fn on_ended(&mut self, id: &str) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.ended = true;
        let close = session.profile.get("Close Sessions On End");
        let close = close.is_none_or(|close| !matches!(close, Value::Bool(false)));
        if close {
            self.layout.remove(id);
            self.sessions.remove(id);
        }
        self.tell_termination(id);
    }

    /// Takes a session out of the layout at once; that it has ended is told when that cannot be
    /// undone any more.
    pub(crate) fn close(&mut self, id: &str) {
        self.layout.remove(id);
        self.sessions.remove(id);
        if let Some(events) = self.events.upgrade() {
            let (undo, id) = (self.options.undo, id.to_owned());
            tokio::spawn(async move {
                tokio::time::sleep(undo).await;
                let _ = events.send(Event::Terminated(id)).await;
            });
        }
    }

    pub(crate) fn domains(&self) -> Vec<BroadcastDomain> {
        let domain = |sessions: &Vec<String>| BroadcastDomain {
            session_ids: sessions.clone(),
        };
        self.broadcast.iter().map(domain).collect()
    }

    /// Makes everything fit together after something was done, and tells what changed.
    fn settle(&mut self) {
        for window in &self.layout.windows {
            for tab in &window.tabs {
                for place in tab.places(window.size) {
                    if let Some(session) = self.sessions.get_mut(&place.session)
                        && session.resize(place.size)
                        && self.tell_screens_at.is_none()
                    {
                        self.tell_screens_at = Some(Instant::now() + SCREEN_INTERVAL);
                    }
                }
            }
        }
        let key_exists = |id: &String| self.layout.window(id).is_some();
        if !self.key_window.as_ref().is_some_and(key_exists) {
            self.key_window = self.layout.windows.last().map(|window| window.id.clone());
        }
        self.look_at_layout();
        self.look_at_focus();
        self.tell();
    }

    pub(crate) fn send_notification(&mut self, client: ClientId, notification: Notification) {
        let message = ServerOriginatedMessage {
            id: None,
            submessage: Some(Submessage::Notification(notification)),
        };
        let delay = Duration::ZERO;
        self.send(client, Outgoing::Message { message, delay });
    }

    pub(crate) fn list(&self) -> ListSessionsResponse {
        let title = |id: &str| {
            self.sessions
                .get(id)
                .map(Session::title)
                .unwrap_or_default()
        };
        self.layout.list(&title)
    }

    /// What has the focus, as the changes that would lead there.
    pub(crate) fn focus(&self) -> Vec<FocusChangedNotification> {
        use focus_changed_notification::{Event, Window};
        let mut events = vec![Event::ApplicationActive(true)];
        if let Some(key) = &self.key_window {
            events.push(Event::Window(Window {
                window_status: Some(WindowStatus::TerminalWindowBecameKey as i32),
                window_id: Some(key.clone()),
            }));
        }
        for window in &self.layout.windows {
            events.push(Event::SelectedTab(window.selected.clone()));
            for tab in &window.tabs {
                events.push(Event::Session(tab.active.clone()));
            }
        }
        let change = |event| FocusChangedNotification { event: Some(event) };
        events.into_iter().map(change).collect()
    }

    /// The session that the keyboard is for.
    pub(crate) fn active_session(&self) -> Option<&str> {
        let window = self.layout.window(self.key_window.as_deref()?)?;
        let tab = window.tabs.iter().find(|tab| tab.id == window.selected)?;
        Some(&tab.active)
    }

    /// The id that a request means: `active`, a plain id, or one with its place before it.
    pub(crate) fn resolve(&self, named: &str) -> Option<String> {
        let named = match named.split_once(':') {
            Some((place, id)) if place.starts_with('w') => id,
            _ => named,
        };
        let id = if named == "active" {
            self.active_session()?
        } else {
            named
        };
        self.sessions.contains_key(id).then(|| id.to_owned())
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
