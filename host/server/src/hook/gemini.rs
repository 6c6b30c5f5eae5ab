//! Gemini CLI's events.

use std::path::Path;

use quarterdeck_core::hooks::{HookEvent, HookMoment};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short, todos};

/// Names of events that no other agent has.
pub(super) const KNOWS: [&str; 4] = ["BeforeTool", "AfterTool", "BeforeAgent", "AfterAgent"];

/// `hook_event_name` says what it is; the shell tool is `run_shell_command`,
/// which may name another folder than the session's.
pub(super) fn read(from: &Value) -> Result<Option<HookEvent>, String> {
    let name = from["hook_event_name"]
        .as_str()
        .ok_or("it has no hook_event_name")?;
    let tool = from["tool_name"].as_str().unwrap_or_default();
    let input = &from["tool_input"];
    let mut folder = from["cwd"].clone();
    let what = match (name, tool) {
        ("BeforeTool", "run_shell_command") => {
            let elsewhere = short(&input["dir_path"]).or_else(|| short(&input["directory"]));
            if let (Some(cwd), Some(elsewhere)) = (from["cwd"].as_str(), elsewhere) {
                let joined = Path::new(cwd).join(elsewhere);
                folder = Value::from(joined.to_string_lossy());
            }
            command(HookAgent::Gemini, tool, input)?
        }
        ("BeforeTool" | "AfterTool", "write_todos") => todos(&input["todos"], "description"),
        ("SessionStart", _) => HookMoment::SessionStart,
        ("SessionEnd", _) => HookMoment::SessionEnd {
            reason: short(&from["reason"]),
        },
        ("BeforeAgent", _) => HookMoment::TurnStart,
        ("AfterAgent", _) => HookMoment::TurnEnd,
        ("Notification", _) => HookMoment::Notification {
            message: short(&from["message"]).unwrap_or_default(),
        },
        _ => return Ok(None),
    };
    Ok(event(HookAgent::Gemini, &from["session_id"], &folder, what))
}
