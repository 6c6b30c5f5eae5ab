//! Cursor's events.

use quarterdeck_core::hooks::{HookEvent, HookMoment};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short};

/// `hook_event_name` says what it is; a command stands at the top level.
pub(super) fn read(from: &Value) -> Result<Option<HookEvent>, String> {
    let name = from["hook_event_name"]
        .as_str()
        .ok_or("it has no hook_event_name")?;
    let what = match name {
        "beforeShellExecution" => command(HookAgent::Cursor, "shell", from)?,
        // The general hook, which does not heed an `ask`.
        "preToolUse" if from["tool_name"] == "Shell" => {
            match command(HookAgent::Cursor, "Shell", &from["tool_input"])? {
                HookMoment::Command { command, .. } => HookMoment::Command {
                    command,
                    can_ask: false,
                },
                other => other,
            }
        }
        "sessionStart" => HookMoment::SessionStart,
        "sessionEnd" => HookMoment::SessionEnd {
            reason: short(&from["reason"]),
        },
        "beforeSubmitPrompt" => HookMoment::TurnStart,
        "stop" => HookMoment::TurnEnd,
        "subagentStart" => HookMoment::DelegationStart {
            agent: short(&from["subagent_type"]).unwrap_or_else(|| "subagent".to_owned()),
            task: short(&from["task"]).unwrap_or_default(),
            id: None,
        },
        "subagentStop" => HookMoment::DelegationEnd {
            agent: short(&from["subagent_type"]),
            task: None,
            failed: from["status"] == "error",
            id: None,
        },
        _ => return Ok(None),
    };
    Ok(event(
        HookAgent::Cursor,
        &from["conversation_id"],
        &from["cwd"],
        what,
    ))
}
