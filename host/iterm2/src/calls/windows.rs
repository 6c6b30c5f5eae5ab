//! Which window, tab or pane is in front.

use crate::calls::{accept, ask};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::{SessionId, TabId, WindowId};
use crate::proto::{
    ActivateRequest, InvokeFunctionRequest,
    activate_request::{App, Identifier},
    invoke_function_request::{Context, Method},
    invoke_function_response::Disposition,
};

/// What to bring to the front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivateTarget {
    /// The application, with all its windows.
    Application,
    /// A window.
    Window(WindowId),
    /// A tab in its window.
    Tab(TabId),
    /// A session in its tab in its window.
    Session(SessionId),
}

impl Client {
    /// Brings something to the front.
    pub async fn activate(&self, target: &ActivateTarget) -> Result<(), CallError> {
        const NAME: &str = "to bring something to the front";
        let (identifier, app) = match target {
            ActivateTarget::Application => {
                let app = App {
                    raise_all_windows: Some(true),
                    ignoring_other_apps: Some(true),
                };
                (None, Some(app))
            }
            ActivateTarget::Window(id) => (Some(Identifier::WindowId(id.0.clone())), None),
            ActivateTarget::Tab(id) => (Some(Identifier::TabId(id.0.clone())), None),
            ActivateTarget::Session(id) => (Some(Identifier::SessionId(id.0.clone())), None),
        };
        let request = ActivateRequest {
            order_window_front: Some(app.is_none()),
            select_tab: Some(matches!(
                target,
                ActivateTarget::Tab(_) | ActivateTarget::Session(_)
            )),
            select_session: Some(matches!(target, ActivateTarget::Session(_))),
            activate_app: app,
            identifier,
        };
        let response = ask!(self, NAME, ActivateRequest(request), ActivateResponse);
        accept(NAME, response.status().as_str_name())
    }

    /// Names a session.
    pub async fn set_name(&self, session: &SessionId, name: &str) -> Result<(), CallError> {
        let argument = serde_json::Value::from(name);
        let call = format!("iterm2.set_name(name: {argument})");
        self.invoke_method(&session.0, call).await
    }

    /// Gives a tab a title.
    pub async fn set_tab_title(&self, tab: &TabId, title: &str) -> Result<(), CallError> {
        let argument = serde_json::Value::from(title);
        let call = format!("iterm2.set_title(title: {argument})");
        self.invoke_method(&tab.0, call).await
    }

    async fn invoke_method(&self, receiver: &str, call: String) -> Result<(), CallError> {
        const NAME: &str = "a function call";
        let method = Method {
            receiver: Some(receiver.to_owned()),
        };
        let request = InvokeFunctionRequest {
            invocation: Some(call),
            timeout: Some(-1.0),
            context: Some(Context::Method(method)),
        };
        let response = ask!(
            self,
            NAME,
            InvokeFunctionRequest(request),
            InvokeFunctionResponse
        );
        match response.disposition {
            Some(Disposition::Success(_)) => Ok(()),
            Some(Disposition::Error(error)) => Err(CallError::Refused {
                request: NAME,
                reason: format!("{}: {}", error.status().as_str_name(), error.error_reason()),
            }),
            None => Err(crate::client::mismatched(NAME)),
        }
    }
}
