//! Properties of windows and sessions, and variables.

use serde_json::{Value, json};

use crate::calls::{accept, ask, json as parsed};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::{SessionId, TabId, WindowId};
use crate::proto::{
    self, GetPropertyRequest, SetPropertyRequest, VariableRequest, get_property_request,
    set_property_request, variable_request,
};

/// Whose property it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyTarget {
    /// A window's: `frame`, `fullscreen`.
    Window(WindowId),
    /// A session's: `grid_size`, `buried`, `number_of_lines`.
    Session(SessionId),
}

/// Whose variable it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// The application's.
    Application,
    /// A window's.
    Window(WindowId),
    /// A tab's.
    Tab(TabId),
    /// A session's.
    Session(SessionId),
}

impl VariableScope {
    /// As it is named when a variable is watched.
    pub(crate) fn as_monitored(&self) -> (proto::VariableScope, String) {
        match self {
            Self::Application => (proto::VariableScope::App, String::new()),
            Self::Window(id) => (proto::VariableScope::Window, id.0.clone()),
            Self::Tab(id) => (proto::VariableScope::Tab, id.0.clone()),
            Self::Session(id) => (proto::VariableScope::Session, id.0.clone()),
        }
    }

    fn as_requested(&self) -> variable_request::Scope {
        match self {
            Self::Application => variable_request::Scope::App(true),
            Self::Window(id) => variable_request::Scope::WindowId(id.0.clone()),
            Self::Tab(id) => variable_request::Scope::TabId(id.0.clone()),
            Self::Session(id) => variable_request::Scope::SessionId(id.0.clone()),
        }
    }
}

impl Client {
    /// A property. `grid_size` read here is one too small each way: the layout tells it right.
    pub async fn property(&self, target: &PropertyTarget, name: &str) -> Result<Value, CallError> {
        use get_property_request::Identifier;
        const NAME: &str = "a property";
        let identifier = match target {
            PropertyTarget::Window(id) => Identifier::WindowId(id.0.clone()),
            PropertyTarget::Session(id) => Identifier::SessionId(id.0.clone()),
        };
        let request = GetPropertyRequest {
            name: Some(name.to_owned()),
            identifier: Some(identifier),
        };
        let response = ask!(self, NAME, GetPropertyRequest(request), GetPropertyResponse);
        accept(NAME, response.status().as_str_name())?;
        parsed(NAME, response.json_value())
    }

    /// Sets a property. `DEFERRED` counts as done.
    pub async fn set_property(
        &self,
        target: &PropertyTarget,
        name: &str,
        value: &Value,
    ) -> Result<(), CallError> {
        use proto::set_property_response::Status;
        use set_property_request::Identifier;
        const NAME: &str = "a change of a property";
        let identifier = match target {
            PropertyTarget::Window(id) => Identifier::WindowId(id.0.clone()),
            PropertyTarget::Session(id) => Identifier::SessionId(id.0.clone()),
        };
        let request = SetPropertyRequest {
            name: Some(name.to_owned()),
            json_value: Some(value.to_string()),
            identifier: Some(identifier),
        };
        let response = ask!(self, NAME, SetPropertyRequest(request), SetPropertyResponse);
        match response.status() {
            Status::Deferred => Ok(()),
            status => accept(NAME, status.as_str_name()),
        }
    }

    /// Gives a session's grid a size: exactly where it is alone in its window, about that where
    /// it is not, and not at all (`IMPOSSIBLE`) in full screen.
    pub async fn set_grid_size(
        &self,
        session: &SessionId,
        columns: u16,
        rows: u16,
    ) -> Result<(), CallError> {
        let target = PropertyTarget::Session(session.clone());
        let size = json!({ "width": columns, "height": rows });
        self.set_property(&target, "grid_size", &size).await
    }

    /// Variables in the order asked for; `null` for what is not set.
    pub async fn variables(
        &self,
        scope: &VariableScope,
        names: &[&str],
    ) -> Result<Vec<Value>, CallError> {
        const NAME: &str = "variables";
        let request = VariableRequest {
            set: Vec::new(),
            get: names.iter().map(|&name| name.to_owned()).collect(),
            scope: Some(scope.as_requested()),
        };
        let response = ask!(self, NAME, VariableRequest(request), VariableResponse);
        accept(NAME, response.status().as_str_name())?;
        let values = response.values.iter();
        values.map(|value| parsed(NAME, value)).collect()
    }

    /// Sets the variable `user.<name>`; the name has no dot.
    pub async fn set_user_variable(
        &self,
        scope: &VariableScope,
        name: &str,
        value: &Value,
    ) -> Result<(), CallError> {
        const NAME: &str = "a change of a variable";
        let set = variable_request::Set {
            name: Some(format!("user.{name}")),
            value: Some(value.to_string()),
        };
        let request = VariableRequest {
            set: vec![set],
            get: Vec::new(),
            scope: Some(scope.as_requested()),
        };
        let response = ask!(self, NAME, VariableRequest(request), VariableResponse);
        accept(NAME, response.status().as_str_name())
    }
}
