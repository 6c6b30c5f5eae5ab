//! Copilot CLI's events.
//!
//! With the event names in camel case, which is how `quarterdeck install` writes
//! them, an event does not say what it is: its fields do.

use quarterdeck_core::hooks::{HookEvent, HookMoment};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short, typed};

/// Tools that run a command line.
const SHELL_TOOLS: [&str; 2] = ["bash", "powershell"];
/// Tools that type into a shell which is left running.
const TYPING_TOOLS: [&str; 2] = ["write_bash", "write_powershell"];

pub(super) fn read(from: &Value) -> Result<Option<HookEvent>, String> {
    if !from.is_object() {
        return Err("it is no JSON object".to_owned());
    }
    let has = |field: &str| from.get(field).is_some();
    let what = if let Some(tool) = from["toolName"].as_str() {
        let before = !has("toolResult") && !has("error");
        match tool {
            _ if !before => return Ok(None),
            tool if SHELL_TOOLS.contains(&tool) => {
                command(HookAgent::Copilot, tool, &arguments(&from["toolArgs"])?)?
            }
            tool if TYPING_TOOLS.contains(&tool) => {
                match typed(
                    HookAgent::Copilot,
                    tool,
                    &arguments(&from["toolArgs"])?["input"],
                )? {
                    Some(line) => line,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        }
    } else if has("notification_type") {
        HookMoment::Notification {
            message: short(&from["message"]).unwrap_or_default(),
        }
    } else if let Some(agent) = short(&from["agentName"]) {
        match has("stopReason") {
            true => HookMoment::DelegationEnd {
                agent: Some(agent),
                task: None,
                failed: false,
                id: None,
            },
            false => HookMoment::DelegationStart {
                agent,
                task: short(&from["agentDescription"]).unwrap_or_default(),
                id: None,
            },
        }
    } else if has("stopReason") {
        HookMoment::TurnEnd
    } else if has("source") {
        HookMoment::SessionStart
    } else if has("reason") {
        HookMoment::SessionEnd {
            reason: short(&from["reason"]),
        }
    } else if has("prompt") {
        HookMoment::TurnStart
    } else if has("hook_event_name") {
        return Err(
            "its event is named in PascalCase, whose answers differ; `quarterdeck install copilot` writes the names in camelCase"
                .to_owned(),
        );
    } else {
        return Ok(None);
    };
    Ok(event(
        HookAgent::Copilot,
        &from["sessionId"],
        &from["cwd"],
        what,
    ))
}

/// An object, or the text of one, depending on the version.
fn arguments(given: &Value) -> Result<Value, String> {
    match given {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("its toolArgs are no JSON: {error}"))
        }
        given => Ok(given.clone()),
    }
}
