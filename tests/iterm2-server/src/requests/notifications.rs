//! Subscriptions begin and end.

use quarterdeck_iterm2::proto::{
    NotificationRequest, NotificationResponse, NotificationType, PromptMonitorMode,
    notification_request::Arguments, notification_response::Status,
};

use crate::application::{Application, ClientId};
use crate::subscriptions::{Subject, Subscription};

impl Application {
    pub(crate) fn subscribe(
        &mut self,
        client: ClientId,
        request: NotificationRequest,
    ) -> NotificationResponse {
        let status = match self.subscription(client, &request) {
            Err(status) => status,
            Ok(subscription) => {
                let mut known = self.subscriptions.iter();
                let known = known.position(|known| known.is_same(&subscription));
                match (request.subscribe(), known) {
                    (true, Some(_)) => Status::AlreadySubscribed,
                    (true, None) => {
                        self.subscriptions.push(subscription);
                        Status::Ok
                    }
                    (false, Some(at)) => {
                        self.subscriptions.remove(at);
                        Status::Ok
                    }
                    (false, None) => Status::NotSubscribed,
                }
            }
        };
        NotificationResponse {
            status: Some(status as i32),
        }
    }

    fn subscription(
        &self,
        client: ClientId,
        request: &NotificationRequest,
    ) -> Result<Subscription, Status> {
        let kind = request
            .notification_type
            .and_then(|kind| NotificationType::try_from(kind).ok())
            .ok_or(Status::RequestMalformed)?;
        let session = match request.session() {
            "" | "all" => None,
            named => Some(self.resolve(named).ok_or(Status::SessionNotFound)?),
        };
        let subject = match (kind, &request.arguments) {
            (NotificationType::NotifyOnPrompt, Some(Arguments::PromptMonitorRequest(monitor)))
                if !monitor.modes.is_empty() =>
            {
                Subject::Prompts(monitor.modes.clone())
            }
            (NotificationType::NotifyOnPrompt, _) => {
                Subject::Prompts(vec![PromptMonitorMode::Prompt as i32])
            }
            (NotificationType::NotifyOnKeystroke, arguments) => Subject::Keystrokes {
                advanced: matches!(
                    arguments,
                    Some(Arguments::KeystrokeMonitorRequest(monitor)) if monitor.advanced()
                ),
            },
            (
                NotificationType::KeystrokeFilter,
                Some(Arguments::KeystrokeFilterRequest(filter)),
            ) => Subject::Filter(filter.patterns_to_ignore.clone()),
            // Whoever ends a filter does not say what it was.
            (NotificationType::KeystrokeFilter, None) if !request.subscribe() => {
                Subject::Filter(Vec::new())
            }
            (
                NotificationType::NotifyOnVariableChange,
                Some(Arguments::VariableMonitorRequest(monitor)),
            ) => {
                let watched = self
                    .watched(monitor.scope(), monitor.identifier())
                    .ok_or(Status::InvalidIdentifier)?;
                let value = |scope| self.variable(&scope, monitor.name()).to_string();
                let told = watched.into_iter().map(|(id, scope)| (id, value(scope)));
                Subject::Variable {
                    scope: monitor.scope(),
                    identifier: monitor.identifier().to_owned(),
                    name: monitor.name().to_owned(),
                    told: told.collect(),
                }
            }
            (
                NotificationType::NotifyOnScreenUpdate
                | NotificationType::NotifyOnCustomEscapeSequence
                | NotificationType::NotifyOnNewSession
                | NotificationType::NotifyOnTerminateSession
                | NotificationType::NotifyOnLayoutChange
                | NotificationType::NotifyOnFocusChange
                | NotificationType::NotifyOnBroadcastChange,
                _,
            ) => Subject::Plain,
            // Registered functions, places and changes of profiles are not covered.
            _ => return Err(Status::RequestMalformed),
        };
        Ok(Subscription {
            client,
            kind,
            session,
            subject,
        })
    }
}
