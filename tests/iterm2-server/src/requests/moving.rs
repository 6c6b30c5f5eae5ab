//! Sessions and tabs move to other places.

use serde_json::Value;
use uuid::Uuid;

use crate::application::Application;
use crate::invocation::Invocation;

/// Why something stays where it is.
pub(super) type Stays = String;

impl Application {
    /// A session becomes a pane beside another one.
    pub(super) fn move_session(&mut self, call: &Invocation) -> Result<Value, Stays> {
        let session = self.moved(call)?;
        let beside = call.text("destination").and_then(|id| self.resolve(id));
        let beside = beside.filter(|beside| *beside != session);
        let beside = beside.ok_or("there is no such destination")?;
        let truth = |name: &str| call.arguments.get(name).and_then(Value::as_bool);
        let (vertical, before) = (truth("vertical"), truth("before"));
        let mut moved = self.layout.clone();
        moved.remove(&session);
        if !moved.divide(
            &beside,
            vertical.unwrap_or_default(),
            before.unwrap_or_default(),
            &session,
        ) {
            return Err("the destination is too small".to_owned());
        }
        self.layout = moved;
        Ok(Value::Null)
    }

    /// A pane becomes a tab; its id.
    pub(super) fn move_session_to_new_tab(&mut self, call: &Invocation) -> Result<Value, Stays> {
        let session = self.moved(call)?;
        let (window, tab) = self.layout.showing(&session).ok_or("it is buried")?;
        if tab.root.sessions().len() < 2 {
            return Err("it is alone in its tab".to_owned());
        }
        let after = window.tabs.iter().position(|known| known.id == tab.id);
        let own = window.id.clone();
        let window = call.text("window_id").unwrap_or(&own);
        if self.layout.window(window).is_none() {
            return Err("there is no such window".to_owned());
        }
        let at = match call.arguments.get("tab_index").and_then(Value::as_u64) {
            Some(at) => usize::try_from(at).ok(),
            None => after.filter(|_| window == own).map(|at| at + 1),
        };
        self.layout.remove(&session);
        let tab = self.layout.open_tab(window, at, true, &session);
        Ok(tab.map_or(Value::Null, Value::String))
    }

    /// A pane, or the only one of a tab, gets a window; its id.
    pub(super) fn move_session_to_new_window(&mut self, call: &Invocation) -> Result<Value, Stays> {
        let session = self.moved(call)?;
        let (window, tab) = self.layout.showing(&session).ok_or("it is buried")?;
        if tab.root.sessions().len() < 2 && window.tabs.len() < 2 {
            return Err("it is alone in its window".to_owned());
        }
        let id = new_window_id();
        self.layout.remove(&session);
        self.layout.open_window(&id, &session);
        Ok(id.into())
    }

    /// A tab gets a window; its id.
    pub(super) fn move_tab_to_window(&mut self, tab: &str) -> Result<Value, Stays> {
        let id = new_window_id();
        if self.layout.move_tab_to_new_window(tab, &id) {
            Ok(id.into())
        } else {
            Err("it is alone in its window, or there is no such tab".to_owned())
        }
    }

    fn moved(&self, call: &Invocation) -> Result<String, Stays> {
        let session = call.text("session").and_then(|id| self.resolve(id));
        session.ok_or_else(|| "there is no such session".to_owned())
    }
}

fn new_window_id() -> String {
    format!("pty-{}", Uuid::new_v4().to_string().to_uppercase())
}
