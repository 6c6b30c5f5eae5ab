//! Claude Code's events, and Codex's, which have the same shape.

use quarterdeck_core::hooks::{HookEvent, HookMoment, TodoChange};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short, todos};
use super::ticket;

/// Tools that run a command line: Claude Code's `Bash` and `PowerShell`, and
/// `Monitor`, which runs one in the background; Codex calls every shell tool `Bash` here, and
/// earlier versions called it by its own names.
const SHELL_TOOLS: [&str; 7] = [
    "Bash",
    "PowerShell",
    "Monitor",
    "shell",
    "local_shell",
    "exec_command",
    "unified_exec",
];

/// `hook_event_name` says what it is; see the sources in [`super`].
pub(super) fn read(agent: HookAgent, from: &Value) -> Result<Option<HookEvent>, String> {
    let name = from["hook_event_name"]
        .as_str()
        .ok_or("it has no hook_event_name")?;
    let tool = match from["tool_name"].as_str() {
        Some(tool) => tool,
        // It may be about to run a command.
        None if name == "PreToolUse" => return Err("it has no tool_name".to_owned()),
        None => "",
    };
    let input = &from["tool_input"];
    let tells = |what| event(agent, &from["session_id"], &from["cwd"], what);
    let what = match (name, tool) {
        ("PreToolUse", tool) if SHELL_TOOLS.contains(&tool) => command(agent, tool, input)?,
        // What the tool is called depends on the version.
        ("PreToolUse", "Task" | "Agent") => HookMoment::DelegationStart {
            agent: short(&input["subagent_type"]).unwrap_or_else(|| "general-purpose".to_owned()),
            task: short(&input["description"])
                .or_else(|| short(&input["prompt"]))
                .unwrap_or_default(),
            id: short(&from["tool_use_id"]),
        },
        // One in the background has only begun by then.
        ("PostToolUse", "Task" | "Agent") if input["run_in_background"] == true => return Ok(None),
        ("PostToolUse" | "PostToolUseFailure", "Task" | "Agent") => HookMoment::DelegationEnd {
            agent: short(&input["subagent_type"]),
            task: short(&input["description"]),
            failed: name == "PostToolUseFailure",
            id: short(&from["tool_use_id"]),
        },
        ("PreToolUse" | "PostToolUse", "TodoWrite") => todos(&input["todos"], "content"),
        ("PreToolUse" | "PostToolUse", "update_plan") => todos(&input["plan"], "step"),
        ("SubagentStart", _) if agent == HookAgent::Codex => HookMoment::DelegationStart {
            agent: short(&from["agent_type"]).unwrap_or_else(|| "subagent".to_owned()),
            task: String::new(),
            id: short(&from["agent_id"]),
        },
        ("SubagentStop", _) => HookMoment::DelegationEnd {
            agent: short(&from["agent_type"]),
            task: None,
            failed: false,
            // Claude Code's names the other agent, which nothing at its start has told.
            id: short(&from["agent_id"]).filter(|_| agent == HookAgent::Codex),
        },
        ("PostToolUse", "TaskCreate") => {
            let id = &from["tool_response"]["task"]["id"];
            return Ok(on_list(id, &input["subject"], None).and_then(tells));
        }
        ("PostToolUse", "TaskUpdate") if from["tool_response"]["success"] == false => {
            return Ok(None);
        }
        ("PostToolUse", "TaskUpdate") => {
            let status = short(&input["status"]);
            return Ok(on_list(&input["taskId"], &input["subject"], status).and_then(tells));
        }
        ("TaskCreated" | "TaskCompleted", _) => {
            let status = (name == "TaskCompleted").then(|| "completed".to_owned());
            let (id, content) = (&from["task_id"], &from["task_subject"]);
            return Ok(on_list(id, content, status).and_then(tells));
        }
        ("PostToolUse", tool) if ticket::is_written_by(tool) => {
            match ticket::read(input, &from["tool_response"]) {
                Some(ticket) => HookMoment::TicketCreated { ticket },
                None => return Ok(None),
            }
        }
        ("SessionStart", _) => HookMoment::SessionStart,
        ("SessionEnd", _) => HookMoment::SessionEnd {
            reason: short(&from["reason"]),
        },
        ("UserPromptSubmit", _) => HookMoment::TurnStart,
        ("Stop", _) => HookMoment::TurnEnd,
        ("Notification", _) => HookMoment::Notification {
            message: short(&from["message"]).unwrap_or_default(),
        },
        _ => return Ok(None),
    };
    Ok(tells(what))
}

/// One entry of the list that Claude Code's Task tools keep, in place of `TodoWrite`, which
/// wrote it anew each time.
fn on_list(id: &Value, content: &Value, status: Option<String>) -> Option<HookMoment> {
    let todo = TodoChange {
        id: short(id)?,
        content: short(content),
        status,
    };
    Some(HookMoment::TodoChanged { todo })
}
