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
        },
        ("PostToolUseFailure", "Task" | "Agent") => HookMoment::DelegationEnd {
            agent: short(&input["subagent_type"]),
            task: short(&input["description"]),
            failed: true,
        },
        ("PreToolUse" | "PostToolUse", "TodoWrite") => todos(&input["todos"], "content"),
        ("PreToolUse" | "PostToolUse", "update_plan") => todos(&input["plan"], "step"),
        ("SubagentStart", _) if agent == HookAgent::Codex => HookMoment::DelegationStart {
            agent: short(&from["agent_type"]).unwrap_or_else(|| "subagent".to_owned()),
            task: String::new(),
        },
        ("SubagentStop", _) => HookMoment::DelegationEnd {
            agent: short(&from["agent_type"]),
            task: None,
            failed: false,
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
