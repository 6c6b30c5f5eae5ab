//! Where windows, tabs and panes are, and which is in front.

use quarterdeck_iterm2::proto::{
    ActivateRequest, ActivateResponse, FocusResponse, ReorderTabsRequest, ReorderTabsResponse,
    SetTabLayoutRequest, SetTabLayoutResponse, activate_request::Identifier, activate_response,
    reorder_tabs_response, set_tab_layout_response,
};

use crate::application::Application;

impl Application {
    pub(crate) fn focus_response(&self) -> FocusResponse {
        FocusResponse {
            notifications: self.focus(),
        }
    }

    pub(crate) fn activate(&mut self, request: &ActivateRequest) -> ActivateResponse {
        use activate_response::Status;
        let found = match &request.identifier {
            None if request.activate_app.is_some() => true,
            None => false,
            Some(Identifier::WindowId(window)) => {
                let found = self.layout.window(window).is_some();
                if found && request.order_window_front() {
                    self.key_window = Some(window.clone());
                }
                found
            }
            Some(Identifier::TabId(tab)) => self.activate_tab(tab, request),
            Some(Identifier::SessionId(session)) => match self.resolve(session) {
                None => false,
                Some(session) => self.activate_session(&session, request),
            },
        };
        let status = if found {
            Status::Ok
        } else {
            Status::BadIdentifier
        };
        ActivateResponse {
            status: Some(status as i32),
        }
    }

    fn activate_tab(&mut self, tab: &str, request: &ActivateRequest) -> bool {
        let Some((window, _)) = self.layout.tab(tab) else {
            return false;
        };
        let window = window.id.clone();
        if request.select_tab()
            && let Some(window) = self.layout.window_mut(&window)
        {
            tab.clone_into(&mut window.selected);
        }
        if request.order_window_front() {
            self.key_window = Some(window);
        }
        true
    }

    fn activate_session(&mut self, session: &str, request: &ActivateRequest) -> bool {
        let Some((_, tab)) = self.layout.showing(session) else {
            return false;
        };
        let tab = tab.id.clone();
        if request.select_session()
            && let Some(tab) = self.layout.tab_mut(&tab)
        {
            session.clone_into(&mut tab.active);
        }
        self.activate_tab(&tab, request)
    }

    pub(crate) fn set_tab_layout(&mut self, request: &SetTabLayoutRequest) -> SetTabLayoutResponse {
        use set_tab_layout_response::Status;
        let status = if self.layout.tab(request.tab_id()).is_none() {
            Status::BadTabId
        } else if !self
            .layout
            .weigh(request.tab_id(), &request.root.clone().unwrap_or_default())
        {
            Status::WrongTree
        } else {
            Status::Ok
        };
        SetTabLayoutResponse {
            status: Some(status as i32),
        }
    }

    pub(crate) fn reorder_tabs(&mut self, request: &ReorderTabsRequest) -> ReorderTabsResponse {
        use reorder_tabs_response::Status;
        let assignments: Vec<(String, Vec<String>)> = request
            .assignments
            .iter()
            .map(|assignment| {
                (
                    assignment.window_id().to_owned(),
                    assignment.tab_ids.clone(),
                )
            })
            .collect();
        let mut named: Vec<&String> = assignments.iter().flat_map(|(_, tabs)| tabs).collect();
        let count = named.len();
        named.sort();
        named.dedup();
        let known_window = |id: &str| self.layout.window(id).is_some();
        let status = if named.len() != count {
            Status::InvalidAssignment
        } else if !assignments.iter().all(|(window, _)| known_window(window)) {
            Status::InvalidWindowId
        } else if !named.iter().all(|tab| self.layout.tab(tab).is_some()) {
            Status::InvalidTabId
        } else {
            self.layout.reorder(&assignments);
            Status::Ok
        };
        ReorderTabsResponse {
            status: Some(status as i32),
        }
    }
}
