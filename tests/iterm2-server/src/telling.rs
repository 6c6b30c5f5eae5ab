//! What is told to those who asked to be told.

use std::collections::BTreeMap;

use quarterdeck_iterm2::proto::{
    BroadcastDomainsChangedNotification, CustomEscapeSequenceNotification,
    LayoutChangedNotification, NewSessionNotification, Notification, NotificationType,
    PromptMonitorMode, PromptNotification, PromptNotificationCommandEnd,
    PromptNotificationCommandStart, PromptNotificationPrompt, ScreenUpdateNotification,
    TerminateSessionNotification, prompt_notification,
};

use crate::application::{Application, ClientId};
use crate::prompts;
use crate::session::Happening;
use crate::subscriptions::News;

impl Application {
    pub(crate) fn on_happening(&mut self, id: &str, happening: Happening) {
        let session = Some(id.to_owned());
        match happening {
            Happening::Custom { sender, payload } => {
                let custom = CustomEscapeSequenceNotification {
                    session: session.clone(),
                    sender_identity: Some(sender),
                    payload: Some(payload),
                };
                let notification = Notification {
                    custom_escape_sequence_notification: Some(custom),
                    ..Notification::default()
                };
                let kind = NotificationType::NotifyOnCustomEscapeSequence;
                self.add_news(kind, session, notification);
            }
            Happening::Prompt(event) => {
                use prompt_notification::Event as Told;
                let (mode, prompt, event) = match event {
                    prompts::Event::Prompted { id: prompt } => {
                        let described = self.sessions.get(id).and_then(|session| {
                            let cursor = session.emulator.cursor();
                            session.prompts.describe(Some(&prompt), cursor)
                        });
                        let told = PromptNotificationPrompt {
                            placeholder: None,
                            prompt: described,
                        };
                        (PromptMonitorMode::Prompt, prompt, Told::Prompt(told))
                    }
                    prompts::Event::Began { id, command } => {
                        let told = PromptNotificationCommandStart {
                            command: Some(command),
                        };
                        (
                            PromptMonitorMode::CommandStart,
                            id,
                            Told::CommandStart(told),
                        )
                    }
                    prompts::Event::Ended { id, status } => {
                        let told = PromptNotificationCommandEnd {
                            status: Some(status),
                        };
                        (PromptMonitorMode::CommandEnd, id, Told::CommandEnd(told))
                    }
                };
                let told = PromptNotification {
                    session: session.clone(),
                    unique_prompt_id: Some(prompt),
                    event: Some(event),
                };
                self.news.push(News {
                    kind: NotificationType::NotifyOnPrompt,
                    session,
                    mode: Some(mode as i32),
                    notification: Notification {
                        prompt_notification: Some(told),
                        ..Notification::default()
                    },
                });
            }
        }
    }

    pub(crate) fn tell_termination(&mut self, id: &str) {
        for domain in &mut self.broadcast {
            domain.retain(|session| session != id);
        }
        self.broadcast.retain(|domain| domain.len() > 1);
        self.add_news(
            NotificationType::NotifyOnTerminateSession,
            None,
            Notification {
                terminate_session_notification: Some(TerminateSessionNotification {
                    session_id: Some(id.to_owned()),
                }),
                ..Notification::default()
            },
        );
    }

    pub(crate) fn tell_new_session(&mut self, id: &str) {
        self.add_news(
            NotificationType::NotifyOnNewSession,
            None,
            Notification {
                new_session_notification: Some(NewSessionNotification {
                    session_id: Some(id.to_owned()),
                }),
                ..Notification::default()
            },
        );
    }

    pub(crate) fn tell_broadcast(&mut self) {
        self.add_news(
            NotificationType::NotifyOnBroadcastChange,
            None,
            Notification {
                broadcast_domains_changed: Some(BroadcastDomainsChangedNotification {
                    broadcast_domains: self.domains(),
                }),
                ..Notification::default()
            },
        );
    }

    pub(crate) fn add_news(
        &mut self,
        kind: NotificationType,
        session: Option<String>,
        notification: Notification,
    ) {
        self.news.push(News {
            kind,
            session,
            mode: None,
            notification,
        });
    }

    pub(crate) fn tell_screens(&mut self) {
        self.tell_screens_at = None;
        let stale: Vec<String> = self
            .sessions
            .values_mut()
            .filter_map(|session| std::mem::take(&mut session.stale).then(|| session.id.clone()))
            .collect();
        for id in stale {
            let update = ScreenUpdateNotification {
                session: Some(id.clone()),
            };
            self.add_news(
                NotificationType::NotifyOnScreenUpdate,
                Some(id),
                Notification {
                    screen_update_notification: Some(update),
                    ..Notification::default()
                },
            );
        }
        self.tell();
    }

    /// Adds the news that the layout is another one. Titles do not count.
    pub(crate) fn look_at_layout(&mut self) {
        let layout = self.layout.list(&|_| String::new());
        if layout != self.told_layout {
            self.told_layout = layout;
            let layout = LayoutChangedNotification {
                list_sessions_response: Some(self.list()),
            };
            self.add_news(
                NotificationType::NotifyOnLayoutChange,
                None,
                Notification {
                    layout_changed_notification: Some(layout),
                    ..Notification::default()
                },
            );
        }
    }

    /// Adds the news of what else has the focus.
    pub(crate) fn look_at_focus(&mut self) {
        let focus = self.focus();
        let told = std::mem::replace(&mut self.told_focus, focus.clone());
        for change in focus.into_iter().filter(|change| !told.contains(change)) {
            self.add_news(
                NotificationType::NotifyOnFocusChange,
                None,
                Notification {
                    focus_changed_notification: Some(change),
                    ..Notification::default()
                },
            );
        }
    }

    /// Tells all news.
    pub(crate) fn tell(&mut self) {
        self.look_at_variables();
        for news in std::mem::take(&mut self.news) {
            // Who asked twice, for one session and for all, is told once.
            let told: BTreeMap<ClientId, Notification> = self
                .subscriptions
                .iter()
                .filter(|subscription| news.is_for(subscription))
                .map(|subscription| (subscription.client, news.told_to(subscription)))
                .collect();
            for (client, notification) in told {
                self.send_notification(client, notification);
            }
        }
    }
}
