//! Events that this version gives no meaning to: which of them are of no use, and which
//! it does not know at all.

use serde_json::Value;

use super::{HookAgent, HookReading};

/// What holds the command of a tool, in an event or in the arguments of its tool.
const COMMANDS: [&str; 4] = ["command", "cmd", "script", "commandLine"];

/// What holds a tool's arguments.
const ARGUMENTS: [&str; 4] = ["tool_input", "toolArgs", "tool_args", "arguments"];

/// What an event has that comes after the command.
const RESULTS: [&str; 8] = [
    "tool_response",
    "tool_output",
    "tool_result",
    "toolResult",
    "output",
    "result",
    "error",
    "exit_code",
];

/// What to make of an event that [`HookAgent::read`] found no use for.
pub(super) fn heard(agent: HookAgent, event: &Value) -> Result<HookReading, String> {
    let Some(name) = event["hook_event_name"].as_str() else {
        return Ok(HookReading::OfNoUse);
    };
    if known_to(agent).contains(&name) {
        return Ok(HookReading::OfNoUse);
    }
    if holds_a_command(event) && !RESULTS.iter().any(|field| event.get(field).is_some()) {
        return Err(format!(
            "it holds a command, and what the event {name:?} asks for is not known to this version; a newer Quarterdeck may know it"
        ));
    }
    Ok(HookReading::Unknown(name.to_owned()))
}

fn holds_a_command(event: &Value) -> bool {
    let holds = |object: &Value| COMMANDS.iter().any(|field| object.get(field).is_some());
    let in_text = |text: &str| serde_json::from_str(text).is_ok_and(|object| holds(&object));
    holds(event)
        || ARGUMENTS.iter().any(|field| match &event[field] {
            Value::String(text) => in_text(text),
            arguments => holds(arguments),
        })
}

/// The names of an agent's events, by the sources in [`super`].
fn known_to(agent: HookAgent) -> &'static [&'static str] {
    match agent {
        HookAgent::ClaudeCode | HookAgent::Codex => &[
            "ConfigChange",
            "CwdChanged",
            "Elicitation",
            "ElicitationResult",
            "FileChanged",
            "InstructionsLoaded",
            "Notification",
            "PermissionDenied",
            "PermissionRequest",
            "PostCompact",
            "PostToolUse",
            "PostToolUseFailure",
            "PreCompact",
            "PreToolUse",
            "SessionEnd",
            "SessionStart",
            "Setup",
            "Stop",
            "StopFailure",
            "SubagentStart",
            "SubagentStop",
            "TaskCompleted",
            "TaskCreated",
            "TeammateIdle",
            "UserPromptSubmit",
            "WorktreeCreate",
            "WorktreeRemove",
        ],
        HookAgent::Gemini => &[
            "AfterAgent",
            "AfterModel",
            "AfterTool",
            "BeforeAgent",
            "BeforeModel",
            "BeforeTool",
            "BeforeToolSelection",
            "Notification",
            "PreCompress",
            "SessionEnd",
            "SessionStart",
        ],
        // What its events are is told by their fields.
        HookAgent::Copilot => &[],
        HookAgent::Cursor => &[
            "afterAgentResponse",
            "afterAgentThought",
            "afterFileEdit",
            "afterMCPExecution",
            "afterShellExecution",
            "afterTabFileEdit",
            "beforeMCPExecution",
            "beforeReadFile",
            "beforeShellExecution",
            "beforeSubmitPrompt",
            "beforeTabFileRead",
            "postToolUse",
            "postToolUseFailure",
            "preCompact",
            "preToolUse",
            "sessionEnd",
            "sessionStart",
            "stop",
            "subagentStart",
            "subagentStop",
        ],
        HookAgent::OpenCode => &["chat.message", "session.idle", "tool.execute.before"],
    }
}
