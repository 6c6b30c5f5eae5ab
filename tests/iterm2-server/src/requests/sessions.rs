//! Sessions begin, begin again and end.

use std::io;
use std::path::PathBuf;

use quarterdeck_iterm2::proto::{
    CloseRequest, CloseResponse, CreateTabRequest, CreateTabResponse, ProfileProperty,
    RestartSessionRequest, RestartSessionResponse, SplitPaneRequest, SplitPaneResponse,
    close_request::Target, close_response, create_tab_response, restart_session_response,
    split_pane_request::SplitDirection, split_pane_response,
};
use serde_json::Value;
use uuid::Uuid;

use crate::application::Application;
use crate::layout::{Cells, FIRST_SIZE};
use crate::profiles::{self, Profile};
use crate::program::{Program, Start};
use crate::session::Session;

fn new_id() -> String {
    Uuid::new_v4().to_string().to_uppercase()
}

/// A profile with differences laid over it; none if one of them is not JSON.
fn customized(mut profile: Profile, differences: &[ProfileProperty]) -> Option<Profile> {
    for difference in differences {
        let value: Value = serde_json::from_str(difference.json_value()).ok()?;
        profile.insert(difference.key().to_owned(), value);
    }
    Some(profile)
}

impl Application {
    fn start_program(&mut self, start: &Start) -> io::Result<Program> {
        self.next_run += 1;
        Program::start(start, self.next_run, self.outputs.clone())
    }

    /// What a profile says about how to start.
    fn start_of(&self, id: &str, profile: &Profile, size: Cells) -> Start {
        let text = |key| profiles::text(profile, key);
        let command = if text("Custom Command") == "Yes" && !text("Command").is_empty() {
            let line = format!("exec {}", text("Command"));
            vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
        } else {
            self.options.shell.clone()
        };
        let custom = text("Custom Directory") == "Yes" && !text("Working Directory").is_empty();
        let folder = if custom {
            PathBuf::from(text("Working Directory"))
        } else {
            self.options.home.clone()
        };
        let pane = format!("w0t0p0:{id}");
        let mut env: std::collections::BTreeMap<String, String> = [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("TERM_PROGRAM", "iTerm.app"),
            ("LC_TERMINAL", "iTerm2"),
            ("ITERM_SESSION_ID", pane.as_str()),
            ("TERM_SESSION_ID", pane.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let home = self.options.home.to_string_lossy().into_owned();
        env.insert("HOME".to_owned(), home);
        Start {
            command,
            folder: Some(folder),
            env,
            size,
        }
    }

    /// Begins a session that is not in the layout yet.
    fn begin(&mut self, profile: Profile, size: Cells) -> io::Result<String> {
        let id = new_id();
        let start = self.start_of(&id, &profile, size);
        let program = self.start_program(&start)?;
        let initial = profiles::text(&profile, "Initial Text");
        if !initial.is_empty() {
            program.write(format!("{initial}\r").into_bytes());
        }
        let session = Session::new(id.clone(), program, start, profile);
        self.sessions.insert(id.clone(), session);
        self.tell_new_session(&id);
        Ok(id)
    }

    /// Opens a window with the default profile, as the application does when it starts; false
    /// if its program could not be started.
    pub(crate) fn open_first_window(&mut self) -> bool {
        let response = self.create_tab(&CreateTabRequest::default());
        response.status() == create_tab_response::Status::Ok
    }

    pub(crate) fn create_tab(&mut self, request: &CreateTabRequest) -> CreateTabResponse {
        use create_tab_response::Status;
        let refused = |status: Status| CreateTabResponse {
            status: Some(status as i32),
            ..CreateTabResponse::default()
        };
        let Some(profile) = self.profiles.by_name(request.profile_name.as_deref()) else {
            return refused(Status::InvalidProfileName);
        };
        let Some(profile) = customized(profile, &request.custom_profile_properties) else {
            return refused(Status::MissingSubstitution);
        };
        let size = match request.window_id.as_deref() {
            None => FIRST_SIZE,
            Some(id) => match self.layout.window(id) {
                Some(window) => window.size,
                None => return refused(Status::InvalidWindowId),
            },
        };
        let Ok(session) = self.begin(profile, size) else {
            return refused(Status::MissingSubstitution);
        };
        let mut status = Status::Ok;
        let (window, tab) = match request.window_id.clone() {
            None => {
                let window = format!("pty-{}", new_id());
                let tab = self.layout.open_window(&window, &session);
                self.key_window = Some(window.clone());
                (window, tab)
            }
            Some(window) => {
                let at = request.tab_index.and_then(|at| usize::try_from(at).ok());
                let tabs = self
                    .layout
                    .window(&window)
                    .map_or(0, |found| found.tabs.len());
                if at.is_some_and(|at| at > tabs) {
                    // iTerm2 says so, and opens the tab all the same.
                    status = Status::InvalidTabIndex;
                }
                let select = request.select_tab.unwrap_or(true);
                let tab = self.layout.open_tab(&window, at, select, &session);
                if select {
                    self.key_window = Some(window.clone());
                }
                (window, tab.unwrap_or_default())
            }
        };
        CreateTabResponse {
            status: Some(status as i32),
            window_id: Some(window),
            tab_id: tab.parse().ok(),
            session_id: Some(session),
        }
    }

    pub(crate) fn split_pane(&mut self, request: &SplitPaneRequest) -> SplitPaneResponse {
        use split_pane_response::Status;
        let answer = |status: Status, session: Option<String>| SplitPaneResponse {
            status: Some(status as i32),
            session_id: session.into_iter().collect(),
        };
        let Some(divided) = self.resolve(request.session()) else {
            return answer(Status::SessionNotFound, None);
        };
        let Some(profile) = self.profiles.by_name(request.profile_name.as_deref()) else {
            return answer(Status::InvalidProfileName, None);
        };
        let Some(profile) = customized(profile, &request.custom_profile_properties) else {
            return answer(Status::MalformedCustomProfileProperty, None);
        };
        let new = new_id();
        let vertical = request.split_direction() == SplitDirection::Vertical;
        if !self
            .layout
            .divide(&divided, vertical, request.before(), &new)
        {
            return answer(Status::CannotSplit, None);
        }
        let size = self
            .layout
            .place(&new)
            .map_or(FIRST_SIZE, |place| place.size);
        let Ok(session) = self.begin(profile, size) else {
            self.layout.remove(&new);
            return answer(Status::CannotSplit, None);
        };
        self.layout.rename(&new, &session);
        answer(Status::Ok, Some(session))
    }

    pub(crate) fn restart_session(
        &mut self,
        request: &RestartSessionRequest,
    ) -> RestartSessionResponse {
        use restart_session_response::Status;
        let status = match self.resolve(request.session_id()) {
            None => Status::SessionNotFound,
            Some(id) => self.restart(&id, request.only_if_exited()),
        };
        RestartSessionResponse {
            status: Some(status as i32),
        }
    }

    fn restart(&mut self, id: &str, only_if_ended: bool) -> restart_session_response::Status {
        use restart_session_response::Status;
        let Some(session) = self.sessions.get(id) else {
            return Status::SessionNotFound;
        };
        if only_if_ended && !session.ended {
            return Status::SessionNotRestartable;
        }
        let new = new_id();
        let (profile, size) = (session.profile.clone(), session.start.size);
        let start = self.start_of(&new, &profile, size);
        let Ok(program) = self.start_program(&start) else {
            return Status::SessionNotRestartable;
        };
        if let Some(mut session) = self.sessions.remove(id) {
            // What it showed stays, and so does what scripts know it by, save its id.
            session.program = program;
            session.start = start;
            session.ended = false;
            session.id = new.clone();
            self.sessions.insert(new.clone(), session);
        }
        self.layout.rename(id, &new);
        self.tell_new_session(&new);
        Status::Ok
    }

    pub(crate) fn close_all(&mut self, request: &CloseRequest) -> CloseResponse {
        let named: Vec<Option<Vec<String>>> = match &request.target {
            None => Vec::new(),
            Some(Target::Sessions(target)) => target
                .session_ids
                .iter()
                .map(|id| Some(vec![self.resolve(id)?]))
                .collect(),
            Some(Target::Tabs(target)) => target
                .tab_ids
                .iter()
                .map(|id| Some(self.layout.tab(id)?.1.root.sessions()))
                .collect(),
            Some(Target::Windows(target)) => target
                .window_ids
                .iter()
                .map(|id| {
                    let tabs = &self.layout.window(id)?.tabs;
                    Some(tabs.iter().flat_map(|tab| tab.root.sessions()).collect())
                })
                .collect(),
        };
        let mut close = |sessions: Option<Vec<String>>| match sessions {
            None => close_response::Status::NotFound,
            // A person asked whether to end a running program would have to be there.
            Some(_) if self.options.nobody_confirms && !request.force() => {
                close_response::Status::UserDeclined
            }
            Some(sessions) => {
                for session in sessions {
                    self.close(&session);
                }
                close_response::Status::Ok
            }
        };
        CloseResponse {
            statuses: named
                .into_iter()
                .map(|target| close(target) as i32)
                .collect(),
        }
    }
}
