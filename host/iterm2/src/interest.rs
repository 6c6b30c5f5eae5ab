//! What one can be told about, and what one is told.

use std::sync::Arc;

use crate::calls::layout::Layout;
use crate::calls::prompts::Prompt;
use crate::calls::properties::VariableScope;
use crate::dial::DialError;
use crate::ids::{SessionId, TabId, WindowId};
use crate::proto::{
    KeystrokeMonitorRequest, Notification, NotificationRequest, NotificationType,
    PromptMonitorMode, PromptMonitorRequest, VariableMonitorRequest,
    focus_changed_notification::{self, window::WindowStatus},
    notification_request::Arguments,
    prompt_notification,
};

/// Something to be told about, until one ends it or the session is gone. Without a session it is
/// about all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Sessions that begin.
    NewSessions,
    /// Sessions that end.
    EndedSessions,
    /// Windows, tabs and panes that change.
    Layout,
    /// What has the focus.
    Focus,
    /// Which sessions are typed into together.
    Broadcast,
    /// Screens that change. Gather these, then read: they say only which session.
    Screens(Option<SessionId>),
    /// Prompts, and commands that begin and end, where shells have integration.
    Prompts(Option<SessionId>),
    /// Keys that a person presses.
    Keystrokes(Option<SessionId>),
    /// Messages that programs send with OSC 1337;Custom.
    CustomEscapes(Option<SessionId>),
    /// A variable.
    Variable {
        /// Whose.
        scope: VariableScope,
        /// Its name.
        name: String,
    },
}

impl Interest {
    pub(crate) fn request(&self, subscribe: bool) -> NotificationRequest {
        let (kind, session, arguments) = match self {
            Self::NewSessions => (NotificationType::NotifyOnNewSession, None, None),
            Self::EndedSessions => (NotificationType::NotifyOnTerminateSession, None, None),
            Self::Layout => (NotificationType::NotifyOnLayoutChange, None, None),
            Self::Focus => (NotificationType::NotifyOnFocusChange, None, None),
            Self::Broadcast => (NotificationType::NotifyOnBroadcastChange, None, None),
            Self::Screens(session) => (
                NotificationType::NotifyOnScreenUpdate,
                session.as_ref(),
                None,
            ),
            Self::Prompts(session) => {
                let modes = [
                    PromptMonitorMode::Prompt,
                    PromptMonitorMode::CommandStart,
                    PromptMonitorMode::CommandEnd,
                ];
                let modes = modes.map(|mode| mode as i32).into();
                let monitor = PromptMonitorRequest { modes };
                let arguments = Arguments::PromptMonitorRequest(monitor);
                let kind = NotificationType::NotifyOnPrompt;
                (kind, session.as_ref(), Some(arguments))
            }
            Self::Keystrokes(session) => {
                let monitor = KeystrokeMonitorRequest {
                    advanced: Some(false),
                };
                let arguments = Arguments::KeystrokeMonitorRequest(monitor);
                let kind = NotificationType::NotifyOnKeystroke;
                (kind, session.as_ref(), Some(arguments))
            }
            Self::CustomEscapes(session) => (
                NotificationType::NotifyOnCustomEscapeSequence,
                session.as_ref(),
                None,
            ),
            Self::Variable { scope, name } => {
                let (kind, identifier) = scope.as_monitored();
                let monitor = VariableMonitorRequest {
                    name: Some(name.clone()),
                    scope: Some(kind as i32),
                    identifier: Some(identifier),
                };
                let arguments = Arguments::VariableMonitorRequest(monitor);
                let kind = NotificationType::NotifyOnVariableChange;
                (kind, None, Some(arguments))
            }
        };
        NotificationRequest {
            session: Some(session.map_or("all", SessionId::as_str).to_owned()),
            subscribe: Some(subscribe),
            notification_type: Some(kind as i32),
            arguments,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Notice {
    /// There is a connection (again), and all subscriptions stand. What happened before is
    /// unknown: list the sessions and compare.
    Connected,
    /// The connection was lost. It is being tried again.
    Disconnected,
    /// There is no connection, and it is not tried again.
    GivenUp(Arc<DialError>),
    /// The subscription could not be made again, because its session is gone.
    InterestLost(Interest),
    /// This many notices were lost, because they were not read in time: look at everything.
    Missed(u64),
    /// A session began.
    NewSession(SessionId),
    /// A session ended. May be told twice.
    SessionEnded(SessionId),
    /// The layout is this now.
    LayoutChanged(Box<Layout>),
    /// The application got (true) or lost the focus.
    ApplicationFocused(bool),
    /// A window has the keyboard.
    WindowFocused(WindowId),
    /// A tab was selected.
    TabSelected(TabId),
    /// A session is the active one of its tab.
    SessionFocused(SessionId),
    /// These are typed into together.
    BroadcastChanged(Vec<Vec<SessionId>>),
    /// A screen shows something else.
    ScreenChanged(SessionId),
    /// A shell with integration did something.
    Prompt {
        /// Where.
        session: SessionId,
        /// Which prompt.
        prompt: Option<String>,
        /// What.
        event: PromptEvent,
    },
    /// A person pressed a key.
    Keystroke {
        /// Where.
        session: SessionId,
        /// What it typed.
        characters: String,
    },
    /// A program sent a message.
    CustomEscape {
        /// Where.
        session: SessionId,
        /// Who it says that it is.
        sender: String,
        /// The message.
        payload: String,
    },
    /// A variable changed.
    VariableChanged {
        /// The id of the session, tab or window; empty for the application.
        identifier: String,
        /// Its name.
        name: String,
        /// Its value.
        value: serde_json::Value,
    },
}

/// What a shell did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptEvent {
    /// It prompts.
    Prompted(Option<Box<Prompt>>),
    /// It runs a command.
    CommandStarted(String),
    /// The command has ended with this status.
    CommandEnded(i32),
}

impl Notice {
    /// What a notification says; none for kinds that nobody can subscribe to here.
    pub(crate) fn of(notification: Notification) -> Option<Self> {
        let id = |id: Option<String>| SessionId(id.unwrap_or_default());
        if let Some(update) = notification.screen_update_notification {
            return Some(Self::ScreenChanged(id(update.session)));
        }
        if let Some(new) = notification.new_session_notification {
            return Some(Self::NewSession(id(new.session_id)));
        }
        if let Some(ended) = notification.terminate_session_notification {
            return Some(Self::SessionEnded(id(ended.session_id)));
        }
        if let Some(layout) = notification.layout_changed_notification {
            let list = layout.list_sessions_response.unwrap_or_default();
            return Some(Self::LayoutChanged(Box::new(Layout::of(list))));
        }
        if let Some(focus) = notification.focus_changed_notification {
            return Self::of_focus(focus.event?);
        }
        if let Some(change) = notification.broadcast_domains_changed {
            let domains = change.broadcast_domains.into_iter();
            let ids = |ids: Vec<String>| ids.into_iter().map(SessionId).collect();
            let domains = domains.map(|domain| ids(domain.session_ids)).collect();
            return Some(Self::BroadcastChanged(domains));
        }
        if let Some(prompt) = notification.prompt_notification {
            use prompt_notification::Event;
            let event = match prompt.event {
                Some(Event::CommandStart(start)) => {
                    PromptEvent::CommandStarted(start.command.unwrap_or_default())
                }
                Some(Event::CommandEnd(end)) => PromptEvent::CommandEnded(end.status()),
                Some(Event::Prompt(shown)) => {
                    PromptEvent::Prompted(shown.prompt.map(|prompt| Box::new(Prompt::of(prompt))))
                }
                None => PromptEvent::Prompted(None),
            };
            return Some(Self::Prompt {
                session: id(prompt.session),
                prompt: prompt.unique_prompt_id,
                event,
            });
        }
        if let Some(key) = notification.keystroke_notification {
            return Some(Self::Keystroke {
                session: id(key.session),
                characters: key.characters.unwrap_or_default(),
            });
        }
        if let Some(custom) = notification.custom_escape_sequence_notification {
            return Some(Self::CustomEscape {
                session: id(custom.session),
                sender: custom.sender_identity.unwrap_or_default(),
                payload: custom.payload.unwrap_or_default(),
            });
        }
        let change = notification.variable_changed_notification?;
        Some(Self::VariableChanged {
            value: serde_json::from_str(change.json_new_value()).unwrap_or_default(),
            identifier: change.identifier.unwrap_or_default(),
            name: change.name.unwrap_or_default(),
        })
    }

    fn of_focus(event: focus_changed_notification::Event) -> Option<Self> {
        use focus_changed_notification::Event;
        Some(match event {
            Event::ApplicationActive(active) => Self::ApplicationFocused(active),
            Event::SelectedTab(tab) => Self::TabSelected(TabId(tab)),
            Event::Session(session) => Self::SessionFocused(SessionId(session)),
            Event::Window(window)
                if window.window_status() == WindowStatus::TerminalWindowResignedKey =>
            {
                return None;
            }
            Event::Window(window) => {
                Self::WindowFocused(WindowId(window.window_id.unwrap_or_default()))
            }
        })
    }
}
