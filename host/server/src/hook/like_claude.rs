//! Claude Code's events, and Codex's, which have the same shape.

use quarterdeck_core::hooks::{HookEvent, HookMoment, Ticket};
use serde_json::Value;

use super::HookAgent;
use super::payload::{command, event, short, todos};

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
    let tool = from["tool_name"].as_str().unwrap_or_default();
    let input = &from["tool_input"];
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
        ("TaskCreated", _) => HookMoment::TicketCreated {
            ticket: Ticket {
                id: short(&from["task_id"]).unwrap_or_default(),
                title: short(&from["task_subject"]).unwrap_or_default(),
                priority: None,
                assigned_to: short(&from["teammate_name"]),
            },
        },
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
    Ok(event(agent, &from["session_id"], &from["cwd"], what))
}
