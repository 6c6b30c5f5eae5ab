//! OpenCode's events, as the plugin tells them that `quarterdeck install` writes.

use std::path::Path;

use quarterdeck_core::hooks::{HookEvent, HookMoment};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short};

/// Before a tool runs; no other agent calls it so.
pub(super) const BEFORE_TOOL: &str = "tool.execute.before";
/// Tools that run a command line.
const SHELL_TOOLS: [&str; 2] = ["bash", "shell"];

/// `hook_event_name` says what it is; the shell tool may name another folder than the
/// session's.
pub(super) fn read(from: &Value) -> Result<Option<HookEvent>, String> {
    let name = from["hook_event_name"]
        .as_str()
        .ok_or("it has no hook_event_name")?;
    let tool = from["tool_name"].as_str().unwrap_or_default();
    let mut folder = from["cwd"].clone();
    let what = match name {
        BEFORE_TOOL if SHELL_TOOLS.contains(&tool) => {
            let input = &from["tool_input"];
            if let (Some(cwd), Some(elsewhere)) = (from["cwd"].as_str(), short(&input["workdir"])) {
                let joined = Path::new(cwd).join(elsewhere);
                folder = Value::from(joined.to_string_lossy());
            }
            command(HookAgent::OpenCode, tool, input)?
        }
        "chat.message" => HookMoment::TurnStart,
        "session.idle" => HookMoment::TurnEnd,
        _ => return Ok(None),
    };
    Ok(event(
        HookAgent::OpenCode,
        &from["session_id"],
        &folder,
        what,
    ))
}
