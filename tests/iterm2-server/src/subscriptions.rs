//! Who wants to know what.

use std::collections::BTreeMap;

use quarterdeck_iterm2::proto::{
    KeystrokePattern, Notification, NotificationType, VariableScope, keystroke_notification::Action,
};

use crate::application::ClientId;

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) client: ClientId,
    pub(crate) kind: NotificationType,
    /// None means all of them.
    pub(crate) session: Option<String>,
    pub(crate) subject: Subject,
}

/// What a subscription is about, beside its kind and session.
#[derive(Debug)]
pub(crate) enum Subject {
    Plain,
    /// Modes of prompts, as numbers of `PromptMonitorMode`.
    Prompts(Vec<i32>),
    Keystrokes {
        advanced: bool,
    },
    /// Keys that the application shall leave alone.
    Filter(Vec<KeystrokePattern>),
    Variable {
        scope: VariableScope,
        identifier: String,
        name: String,
        /// The value that was told last of each thing that is watched, as JSON.
        told: BTreeMap<String, String>,
    },
}

impl Subscription {
    /// Whether a client that asks for this again has it already.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let subject = match (&self.subject, &other.subject) {
            (
                Subject::Variable {
                    scope,
                    identifier,
                    name,
                    ..
                },
                Subject::Variable {
                    scope: other_scope,
                    identifier: other_identifier,
                    name: other_name,
                    ..
                },
            ) => scope == other_scope && identifier == other_identifier && name == other_name,
            _ => true,
        };
        subject
            && self.client == other.client
            && self.kind == other.kind
            && self.session == other.session
    }
}

/// Something to tell.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) kind: NotificationType,
    /// The session that it is about.
    pub(crate) session: Option<String>,
    /// For prompts: the mode that wants it.
    pub(crate) mode: Option<i32>,
    pub(crate) notification: Notification,
}

impl News {
    /// What a subscriber is told.
    pub(crate) fn told_to(&self, subscription: &Subscription) -> Notification {
        let mut told = self.notification.clone();
        // Only advanced monitors are told what was done with a key.
        if let (Some(keystroke), Subject::Keystrokes { advanced: true }) =
            (&mut told.keystroke_notification, &subscription.subject)
        {
            keystroke.action = Some(Action::KeyDown as i32);
        }
        told
    }

    pub(crate) fn is_for(&self, subscription: &Subscription) -> bool {
        let session = match &subscription.session {
            None => true,
            Some(wanted) => self.session.as_deref() == Some(wanted),
        };
        let mode = match (&subscription.subject, self.mode) {
            (Subject::Prompts(modes), Some(mode)) => modes.contains(&mode),
            _ => true,
        };
        session && mode && subscription.kind == self.kind
    }
}
