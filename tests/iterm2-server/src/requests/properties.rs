//! Properties of windows and sessions.

use quarterdeck_iterm2::proto::{
    GetPropertyRequest, GetPropertyResponse, SetPropertyRequest, SetPropertyResponse,
    get_property_request, get_property_response, set_property_request, set_property_response,
};
use serde_json::{Value, json};

use crate::application::Application;
use crate::layout::Cells;

impl Application {
    pub(crate) fn get_property(&self, request: &GetPropertyRequest) -> GetPropertyResponse {
        use get_property_request::Identifier;
        use get_property_response::Status;
        let value = match &request.identifier {
            Some(Identifier::WindowId(id)) => self.window_property(id, request.name()),
            Some(Identifier::SessionId(id)) => self.session_property(id, request.name()),
            None => Err(Status::InvalidTarget),
        };
        let (status, value) = match value {
            Ok(value) => (Status::Ok, Some(value.to_string())),
            Err(status) => (status, None),
        };
        GetPropertyResponse {
            status: Some(status as i32),
            json_value: value,
        }
    }

    fn window_property(
        &self,
        id: &str,
        name: &str,
    ) -> Result<Value, get_property_response::Status> {
        use get_property_response::Status;
        let window = self.layout.window(id).ok_or(Status::InvalidTarget)?;
        match name {
            "frame" => {
                let size = window.frame().size.unwrap_or_default();
                Ok(json!({
                    "origin": { "x": window.origin.0, "y": window.origin.1 },
                    "size": { "width": size.width(), "height": size.height() },
                }))
            }
            "fullscreen" => Ok(window.full_screen.into()),
            _ => Err(Status::UnrecognizedName),
        }
    }

    fn session_property(
        &self,
        id: &str,
        name: &str,
    ) -> Result<Value, get_property_response::Status> {
        use get_property_response::Status;
        let session = self
            .resolve(id)
            .and_then(|id| self.sessions.get(&id))
            .ok_or(Status::InvalidTarget)?;
        let emulator = &session.emulator;
        match name {
            // iTerm2 tells one too few each way.
            "grid_size" => Ok(json!({
                "width": emulator.size().columns - 1,
                "height": emulator.size().rows - 1,
            })),
            "buried" => Ok(self.layout.buried.contains(&session.id).into()),
            "number_of_lines" => Ok(json!({
                "grid": emulator.size().rows,
                "history": emulator.history(),
                "overflow": emulator.lost(),
                "first_visible": emulator.screen_start(),
            })),
            _ => Err(Status::UnrecognizedName),
        }
    }

    pub(crate) fn set_property(&mut self, request: &SetPropertyRequest) -> SetPropertyResponse {
        use set_property_request::Identifier;
        use set_property_response::Status;
        let status = match serde_json::from_str(request.json_value()) {
            Err(_) => Status::InvalidValue,
            Ok(value) => match &request.identifier {
                Some(Identifier::WindowId(id)) => {
                    self.set_window_property(id, request.name(), &value)
                }
                Some(Identifier::SessionId(id)) => match self.resolve(id) {
                    None => Status::InvalidTarget,
                    Some(id) => self.set_session_property(&id, request.name(), &value),
                },
                None => Status::InvalidTarget,
            },
        };
        SetPropertyResponse {
            status: Some(status as i32),
        }
    }

    fn set_window_property(
        &mut self,
        id: &str,
        name: &str,
        value: &Value,
    ) -> set_property_response::Status {
        use set_property_response::Status;
        let Some(window) = self.layout.window_mut(id) else {
            return Status::InvalidTarget;
        };
        match name {
            "fullscreen" => match boolean(value) {
                Some(full_screen) => {
                    window.full_screen = full_screen;
                    Status::Ok
                }
                None => Status::InvalidValue,
            },
            "frame" => {
                let part = |outer: &str, inner: &str| integer(&value[outer][inner]);
                match (
                    part("origin", "x"),
                    part("origin", "y"),
                    part("size", "width"),
                    part("size", "height"),
                ) {
                    (Some(x), Some(y), Some(width), Some(height)) => {
                        window.set_frame((x, y), width, height);
                        Status::Ok
                    }
                    _ => Status::InvalidValue,
                }
            }
            _ => Status::UnrecognizedName,
        }
    }

    fn set_session_property(
        &mut self,
        id: &str,
        name: &str,
        value: &Value,
    ) -> set_property_response::Status {
        use set_property_response::Status;
        match name {
            "grid_size" => {
                let extent = |key: &str| {
                    let extent = integer(&value[key])?;
                    u16::try_from(extent)
                        .ok()
                        .filter(|it| (2..=1000).contains(it))
                };
                match (extent("width"), extent("height")) {
                    (Some(columns), Some(rows)) => self.set_grid_size(id, Cells { columns, rows }),
                    _ => Status::InvalidValue,
                }
            }
            "buried" => match boolean(value) {
                None => Status::InvalidValue,
                Some(true) => {
                    if !self.layout.buried.iter().any(|buried| buried == id) {
                        self.layout.bury(id);
                    }
                    Status::Ok
                }
                Some(false) => {
                    if self.layout.buried.iter().any(|buried| buried == id) {
                        self.layout.remove(id);
                        let window = self.layout.windows.first().map(|window| window.id.clone());
                        match window {
                            Some(window) => {
                                self.layout.open_tab(&window, None, true, id);
                            }
                            None => {
                                self.layout.open_window(&format!("pty-{id}"), id);
                            }
                        }
                    }
                    Status::Ok
                }
            },
            _ => Status::UnrecognizedName,
        }
    }

    /// Changes the window so that the pane gets the size, or about it if there are others.
    fn set_grid_size(&mut self, id: &str, wanted: Cells) -> set_property_response::Status {
        use set_property_response::Status;
        let (Some(place), Some((window, _))) = (self.layout.place(id), self.layout.showing(id))
        else {
            return Status::Impossible;
        };
        if window.full_screen {
            return Status::Impossible;
        }
        let changed = |whole: u16, had: u16, wants: u16| {
            (i32::from(whole) + i32::from(wants) - i32::from(had)).clamp(2, 1000) as u16
        };
        let size = Cells {
            columns: changed(window.size.columns, place.size.columns, wanted.columns),
            rows: changed(window.size.rows, place.size.rows, wanted.rows),
        };
        let window = window.id.clone();
        if let Some(window) = self.layout.window_mut(&window) {
            window.size = size;
        }
        Status::Ok
    }
}

/// JSON from clients has numbers for booleans at times.
fn boolean(value: &Value) -> Option<bool> {
    value
        .as_bool()
        .or_else(|| value.as_i64().map(|number| number != 0))
}

fn integer(value: &Value) -> Option<i32> {
    let number = value.as_f64()?.round();
    (number.abs() <= f64::from(i32::MAX)).then_some(number as i32)
}
