//! Which tool families each connection has switched to while it lasts, and the tool by
//! which it does.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use quarterdeck_core::{ConnectionId, HostError};
use rmcp::model::{CallToolResult, JsonObject, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::families::{ChosenTools, ToolFamily, UnknownFamily};
use super::reply;
use super::tool::{Effect, described, parse};

/// The tool's name.
pub(super) const TOOL_FAMILIES: &str = "tool_families";

/// Connections that are remembered; beyond, all start again with what the host was
/// started with. Connections that end are taken out.
const MOST_CONNECTIONS: usize = 10_000;

/// Changes that a slow listener may be behind.
const WAITING_CHANGES: usize = 64;

/// Listeners that may be on their way.
const MOST_PROMISES: usize = 16;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    // Those that are on, and those that could be.
    families: Vec<String>,
    others: Vec<String>,
}

/// What connections have chosen. Shared by the doors of one transport, because an HTTP
/// client without a protocol session comes through a new door each time.
pub(crate) struct Choices {
    by_connection: Mutex<HashMap<ConnectionId, Vec<ToolFamily>>>,
    changed: broadcast::Sender<ConnectionId>,
    /// For listeners that were promised news and have not begun to listen.
    promised: Mutex<VecDeque<broadcast::Receiver<ConnectionId>>>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            by_connection: Mutex::default(),
            changed: broadcast::channel(WAITING_CHANGES).0,
            promised: Mutex::default(),
        }
    }
}

impl Choices {
    /// What a connection has chosen, if it has.
    pub(super) fn of(&self, connection: &ConnectionId) -> Option<ChosenTools> {
        let chosen = self.lock();
        chosen.get(connection).map(|it| ChosenTools::of(it))
    }

    /// News from now on are for the next listener: a client may switch before the
    /// request by which it listens is carried out.
    pub(super) fn promise_changes(&self) {
        let mut promised = self.promised();
        promised.push_back(self.changed.subscribe());
        if promised.len() > MOST_PROMISES {
            promised.pop_front();
        }
    }

    /// Tells each connection whose choice has changed.
    pub(super) fn changes(&self) -> broadcast::Receiver<ConnectionId> {
        let promised = self.promised().pop_front();
        promised.unwrap_or_else(|| self.changed.subscribe())
    }

    fn promised(&self) -> MutexGuard<'_, VecDeque<broadcast::Receiver<ConnectionId>>> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a connection.
    pub(super) fn forget(&self, connection: &ConnectionId) {
        self.lock().remove(connection);
    }

    /// Carries the tool out for a connection that has `chosen` until now; says whether
    /// anything has changed.
    pub(super) fn switch(
        &self,
        connection: &ConnectionId,
        chosen: &ChosenTools,
        arguments: JsonObject,
    ) -> Result<(CallToolResult, bool), HostError> {
        let arguments: Arguments = parse(arguments)?;
        let before = chosen.families();
        let remove = families(&arguments.remove)?;
        let mut after: Vec<ToolFamily> = (before.iter().copied())
            .filter(|family| !remove.contains(family))
            .collect();
        for family in families(&arguments.add)? {
            if !after.contains(&family) {
                after.push(family);
            }
        }
        if !after.contains(&ToolFamily::Native) {
            return Err(HostError::InvalidParameters(
                "the family native stays, because it holds this tool".to_owned(),
            ));
        }
        let changed = after != before;
        if changed {
            let mut by_connection = self.lock();
            if by_connection.len() >= MOST_CONNECTIONS {
                by_connection.clear();
            }
            by_connection.insert(connection.clone(), after.clone());
            drop(by_connection);
            // Nobody may listen.
            let _ = self.changed.send(connection.clone());
        }
        let names = |on: bool| {
            (ToolFamily::ALL.iter())
                .filter(|family| after.contains(family) == on)
                .map(ToString::to_string)
                .collect()
        };
        let output = Output {
            families: names(true),
            others: names(false),
        };
        let text = format!(
            "on: {}; off: {}",
            output.families.join(", "),
            output.others.join(", ")
        );
        Ok((reply::success(&output, text, None)?, changed))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Vec<ToolFamily>>> {
        // Whoever panicked left whole entries.
        self.by_connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn families(names: &[String]) -> Result<Vec<ToolFamily>, HostError> {
    (names.iter())
        .map(|name| {
            (name.parse())
                .map_err(|error: UnknownFamily| HostError::InvalidParameters(error.to_string()))
        })
        .collect()
}

/// The tool as `tools/list` shows it.
pub(super) fn tool() -> Tool {
    described::<Arguments, Output>(
        TOOL_FAMILIES,
        "Switch tools",
        "Switches families of tools, such as screens, policies, iterm-mcp",
        Effect::Arranges,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn object(value: Value) -> JsonObject {
        match value {
            Value::Object(object) => object,
            _ => JsonObject::new(),
        }
    }

    #[test]
    fn a_connection_switches_for_itself() {
        let choices = Choices::default();
        let one = ConnectionId::from("one");
        let native = ChosenTools::of(&[ToolFamily::Native]);
        let mut changes = choices.changes();
        let wish = object(json!({ "add": ["screens", "native"] }));
        let (answer, changed) = choices.switch(&one, &native, wish).expect("switched");
        assert!(changed && changes.try_recv().as_ref() == Ok(&one));
        let told = answer.structured_content.expect("an object");
        assert_eq!(told["families"], json!(["native", "screens"]));
        let now = choices.of(&one).expect("chosen");
        assert!(now.get("session_screenshot").is_some());
        assert!(choices.of(&"two".into()).is_none());
        let (_, changed) = choices
            .switch(&one, &now, JsonObject::new())
            .expect("asked");
        assert!(!changed);
        for wrong in [
            json!({ "add": ["scenery"] }),
            json!({ "remove": ["native"] }),
        ] {
            assert!(choices.switch(&one, &now, object(wrong)).is_err());
        }
        choices.forget(&one);
        assert!(choices.of(&one).is_none());
    }
}
