//! Calls of built-in functions.

use quarterdeck_iterm2::proto::{
    InvokeFunctionRequest, InvokeFunctionResponse,
    invoke_function_request::Context,
    invoke_function_response::{Disposition, Error, Status, Success},
};
use serde_json::Value;

use crate::application::Application;
use crate::invocation::Invocation;

impl Application {
    pub(crate) fn invoke(&mut self, request: &InvokeFunctionRequest) -> InvokeFunctionResponse {
        let disposition = match self.call(request) {
            Ok(value) => Disposition::Success(Success {
                json_result: Some(value.to_string()),
            }),
            Err((status, reason)) => Disposition::Error(Error {
                status: Some(status as i32),
                error_reason: Some(reason),
            }),
        };
        InvokeFunctionResponse {
            disposition: Some(disposition),
        }
    }

    fn call(&mut self, request: &InvokeFunctionRequest) -> Result<Value, (Status, String)> {
        let malformed = || {
            let reason = format!("`{}` is no call", request.invocation());
            (Status::RequestMalformed, reason)
        };
        let call = Invocation::parse(request.invocation()).ok_or_else(malformed)?;
        let receiver = match &request.context {
            Some(Context::Method(method)) => method.receiver().to_owned(),
            Some(Context::Session(session)) => session.session_id().to_owned(),
            Some(Context::Tab(tab)) => tab.tab_id().to_owned(),
            Some(Context::Window(window)) => window.window_id().to_owned(),
            Some(Context::App(_)) | None => String::new(),
        };
        let unknown = || {
            let reason = format!("there is nothing with the id `{receiver}`");
            (Status::InvalidId, reason)
        };
        let failed = |reason| (Status::Failed, reason);
        match call.function.as_str() {
            "iterm2.set_name" => {
                let name = call.text("name").ok_or_else(malformed)?.to_owned();
                let session = self.resolve(&receiver).ok_or_else(unknown)?;
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.name = Some(name);
                }
                Ok(Value::Null)
            }
            "iterm2.set_title" => {
                let title = call.text("title").ok_or_else(malformed)?;
                let known =
                    self.layout.tab(&receiver).is_some() || self.layout.window(&receiver).is_some();
                if !known {
                    return Err(unknown());
                }
                let variables = self.variables.entry(receiver).or_default();
                variables.insert("titleOverride".to_owned(), title.into());
                variables.insert("title".to_owned(), title.into());
                Ok(Value::Null)
            }
            "iterm2.select_pane_in_direction" => {
                let direction = call.text("direction").ok_or_else(malformed)?;
                self.layout.tab(&receiver).ok_or_else(unknown)?;
                let selected = self.layout.neighbour(&receiver, direction);
                if let (Some(selected), Some(tab)) = (&selected, self.layout.tab_mut(&receiver)) {
                    tab.active.clone_from(selected);
                }
                Ok(selected.map_or(Value::Null, Value::String))
            }
            "iterm2.move_session" => self.move_session(&call).map_err(failed),
            "iterm2.move_session_to_new_tab" => self.move_session_to_new_tab(&call).map_err(failed),
            "iterm2.move_session_to_new_window" => {
                self.move_session_to_new_window(&call).map_err(failed)
            }
            "iterm2.move_tab_to_window" => self.move_tab_to_window(&receiver).map_err(failed),
            other => Err((
                Status::Failed,
                format!("there is no function `{other}` here"),
            )),
        }
    }
}
