//! Sessions begin, begin again and end.

use serde_json::Value;

use crate::calls::{accept, ask};
use crate::client::Client;
use crate::error::CallError;
use crate::ids::{SessionId, TabId, WindowId};
use crate::proto::{
    CloseRequest, CreateTabRequest, ProfileProperty, RestartSessionRequest, SplitPaneRequest,
    close_request::{CloseSessions, CloseTabs, CloseWindows, Target},
    close_response, create_tab_response,
    split_pane_request::SplitDirection,
};

/// What a tab or window is opened with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewTab {
    /// The window; none opens a new one.
    pub window: Option<WindowId>,
    /// Where among the tabs, from 0; by default at the end.
    pub index: Option<u32>,
    /// The profile's name; by default the default one.
    pub profile: Option<String>,
    /// A command to run in place of the profile's.
    pub command: Option<String>,
    /// Differences from the profile.
    pub customizations: Vec<(String, Value)>,
    /// Leaves the focus where it is. A new window comes to the front all the same.
    pub in_background: bool,
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedTab {
    /// Its window.
    pub window: WindowId,
    /// The tab.
    pub tab: TabId,
    /// Its session.
    pub session: SessionId,
    /// False when iTerm2 did not like the index: then the tab is at the end.
    pub at_index: bool,
}

/// How a pane is divided.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Split {
    /// The panes lie side by side, not one above the other.
    pub vertical: bool,
    /// The new one is to the left of, or above, the other.
    pub before: bool,
    /// The profile's name; by default the default one.
    pub profile: Option<String>,
    /// A command to run in place of the profile's.
    pub command: Option<String>,
    /// Differences from the profile.
    pub customizations: Vec<(String, Value)>,
}

/// What to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseTarget {
    /// Sessions.
    Sessions(Vec<SessionId>),
    /// Tabs.
    Tabs(Vec<TabId>),
    /// Windows.
    Windows(Vec<WindowId>),
}

/// What became of one thing that was to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is closed.
    Yes,
    /// There was none such.
    NotFound,
    /// A person was asked and said no.
    Declined,
}

/// The properties that make a session what is asked for.
fn properties(command: Option<&String>, others: &[(String, Value)]) -> Vec<ProfileProperty> {
    let property = |key: &str, value: &Value| ProfileProperty {
        key: Some(key.to_owned()),
        json_value: Some(value.to_string()),
    };
    let mut properties: Vec<_> = others
        .iter()
        .map(|(key, value)| property(key, value))
        .collect();
    if let Some(command) = command {
        properties.push(property("Custom Command", &"Yes".into()));
        properties.push(property("Command", &command.as_str().into()));
    }
    properties
}

impl Client {
    /// Opens a tab, or a window.
    pub async fn create_tab(&self, new: &NewTab) -> Result<OpenedTab, CallError> {
        use create_tab_response::Status;
        const NAME: &str = "a new tab";
        let request = CreateTabRequest {
            profile_name: new.profile.clone(),
            window_id: new.window.as_ref().map(|window| window.0.clone()),
            tab_index: new.index,
            custom_profile_properties: properties(new.command.as_ref(), &new.customizations),
            select_tab: Some(!new.in_background),
        };
        let response = ask!(self, NAME, CreateTabRequest(request), CreateTabResponse);
        let status = response.status();
        // With this one the tab was opened all the same.
        if status != Status::InvalidTabIndex {
            accept(NAME, status.as_str_name())?;
        }
        Ok(OpenedTab {
            tab: TabId(response.tab_id().to_string()),
            window: WindowId(response.window_id.unwrap_or_default()),
            session: SessionId(response.session_id.unwrap_or_default()),
            at_index: status == Status::Ok,
        })
    }

    /// Divides a pane; returns the new session.
    pub async fn split_pane(
        &self,
        session: &SessionId,
        split: &Split,
    ) -> Result<SessionId, CallError> {
        const NAME: &str = "a split";
        let direction = if split.vertical {
            SplitDirection::Vertical
        } else {
            SplitDirection::Horizontal
        };
        let request = SplitPaneRequest {
            session: Some(session.0.clone()),
            split_direction: Some(direction as i32),
            before: Some(split.before),
            profile_name: split.profile.clone(),
            custom_profile_properties: properties(split.command.as_ref(), &split.customizations),
        };
        let response = ask!(self, NAME, SplitPaneRequest(request), SplitPaneResponse);
        accept(NAME, response.status().as_str_name())?;
        let new = response.session_id.into_iter().next();
        new.map(SessionId).ok_or(CallError::Refused {
            request: NAME,
            reason: "the answer names no session".to_owned(),
        })
    }

    /// Starts a session's program again. The session has another id afterwards.
    pub async fn restart_session(
        &self,
        session: &SessionId,
        only_if_ended: bool,
    ) -> Result<(), CallError> {
        const NAME: &str = "the restart of a session";
        let request = RestartSessionRequest {
            session_id: Some(session.0.clone()),
            only_if_exited: Some(only_if_ended),
        };
        let response = ask!(
            self,
            NAME,
            RestartSessionRequest(request),
            RestartSessionResponse
        );
        accept(NAME, response.status().as_str_name())
    }

    /// Closes things; tells for each what became of it. Without force a person may be asked.
    pub async fn close(&self, target: &CloseTarget, force: bool) -> Result<Vec<Closed>, CallError> {
        let target = match target {
            CloseTarget::Sessions(sessions) => Target::Sessions(CloseSessions {
                session_ids: sessions.iter().map(|id| id.0.clone()).collect(),
            }),
            CloseTarget::Tabs(tabs) => Target::Tabs(CloseTabs {
                tab_ids: tabs.iter().map(|id| id.0.clone()).collect(),
            }),
            CloseTarget::Windows(windows) => Target::Windows(CloseWindows {
                window_ids: windows.iter().map(|id| id.0.clone()).collect(),
            }),
        };
        let request = CloseRequest {
            force: Some(force),
            target: Some(target),
        };
        let response = ask!(self, "to close", CloseRequest(request), CloseResponse);
        let closed = |status| match status {
            close_response::Status::Ok => Closed::Yes,
            close_response::Status::NotFound => Closed::NotFound,
            close_response::Status::UserDeclined => Closed::Declined,
        };
        Ok(response.statuses().map(closed).collect())
    }
}
