//! Events as the agents send them, by the sources in [`super`].

use quarterdeck_core::gate::{HookDecision, HookJudgement};
use quarterdeck_core::hooks::HookMoment;
use serde_json::json;

use super::*;

fn moment(agent: HookAgent, event: &Value) -> Option<HookMoment> {
    match agent.read(event).unwrap_or_else(|error| panic!("{error}")) {
        HookReading::Event(event) => Some(event.what),
        HookReading::OfNoUse | HookReading::Unknown(_) => None,
    }
}

fn event_of(agent: HookAgent, event: &Value) -> HookEvent {
    match agent.read(event).expect("an event") {
        HookReading::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn before_command(agent: HookAgent, command: &Value) -> Value {
    match agent {
        HookAgent::ClaudeCode => json!({
            "session_id": "s1", "transcript_path": "/t", "cwd": "/projects",
            "permission_mode": "default", "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": command, "description": "d"},
            "tool_use_id": "u1",
        }),
        HookAgent::Codex => json!({
            "session_id": "s1", "turn_id": "1", "transcript_path": null, "cwd": "/projects",
            "hook_event_name": "PreToolUse", "model": "m", "permission_mode": "default",
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "u1",
        }),
        HookAgent::Gemini => json!({
            "session_id": "s1", "transcript_path": "/t", "cwd": "/projects",
            "hook_event_name": "BeforeTool", "timestamp": "2026-11-01T00:00:00Z",
            "tool_name": "run_shell_command", "tool_input": {"command": command},
        }),
        HookAgent::Copilot => json!({
            "sessionId": "s1", "timestamp": 1, "cwd": "/projects", "toolName": "bash",
            "toolArgs": {"command": command},
        }),
        HookAgent::Cursor => json!({
            "conversation_id": "s1", "generation_id": "g", "cursor_version": "3",
            "hook_event_name": "beforeShellExecution", "command": command, "cwd": "/projects",
        }),
        HookAgent::OpenCode => json!({
            "hook_event_name": "tool.execute.before", "session_id": "s1", "cwd": "/projects",
            "tool_name": "bash", "tool_input": {"command": command, "description": "d"},
        }),
    }
}

#[test]
fn every_agents_command_is_understood_and_its_agent_recognised() {
    for agent in HookAgent::ALL {
        let event = before_command(agent, &json!("make deploy"));
        assert_eq!(HookAgent::guess(&event), agent);
        let read = event_of(agent, &event);
        assert_eq!((&*read.agent, &*read.session), (agent.as_str(), "s1"));
        assert_eq!(read.cwd.as_deref(), Some("/projects"));
        let command = HookMoment::Command {
            command: "make deploy".to_owned(),
            can_ask: agent.can_ask(),
        };
        assert_eq!(read.what, command);
        assert_eq!(agent.as_str().parse(), Ok(agent));
    }
}

#[test]
fn a_command_that_is_no_text_is_an_error_with_every_agent() {
    for agent in HookAgent::ALL {
        for command in [json!(3), json!(null), json!(["a", 1]), json!({"x": 1})] {
            let error = agent.read(&before_command(agent, &command));
            let error = error.expect_err("no command").to_string();
            assert!(error.contains("command"), "{error}");
        }
    }
}

#[test]
fn a_list_of_arguments_becomes_a_command_line() {
    let event = before_command(HookAgent::Codex, &json!(["bash", "-lc", "rm -rf ~"]));
    assert!(matches!(
        moment(HookAgent::Codex, &event),
        Some(HookMoment::Command { command, .. }) if command == "bash -lc 'rm -rf ~'"
    ));
}

#[test]
fn copilots_arguments_may_be_a_text() {
    let mut event = before_command(HookAgent::Copilot, &json!("ls"));
    event["toolArgs"] = json!("{\"command\": \"rm -rf ~\"}");
    assert!(matches!(
        moment(HookAgent::Copilot, &event),
        Some(HookMoment::Command { command, .. }) if command == "rm -rf ~"
    ));
    event["toolArgs"] = json!("{\"command\": ");
    assert!(HookAgent::Copilot.read(&event).is_err());
}

#[test]
fn what_is_typed_into_a_shell_that_runs_on_is_judged_and_keys_are_not() {
    let typed = |input: &str| {
        let event = json!({
            "sessionId": "s1", "timestamp": 1, "cwd": "/projects", "toolName": "write_bash",
            "toolArgs": {"shellId": "0", "input": input, "delay": 1},
        });
        moment(HookAgent::Copilot, &event)
    };
    assert!(matches!(
        typed("rm -rf ~\n"),
        Some(HookMoment::Command { command, .. }) if command == "rm -rf ~\n"
    ));
    assert_eq!(typed("\u{3}"), None);
    assert_eq!(typed(""), None);
}

#[test]
fn a_yes_is_left_to_an_agent_that_plans() {
    let mut event = before_command(HookAgent::ClaudeCode, &json!("ls"));
    assert!(!HookAgent::ClaudeCode.keeps_a_yes_to_itself(&event));
    event["permission_mode"] = json!("plan");
    assert!(HookAgent::ClaudeCode.keeps_a_yes_to_itself(&event));
}

#[test]
fn cursors_general_hook_is_understood_but_heeds_no_question() {
    let event = json!({
        "hook_event_name": "preToolUse", "conversation_id": "s1", "cursor_version": "3.1",
        "tool_name": "Shell", "tool_input": {"command": "git push"}, "cwd": "/projects",
    });
    assert_eq!(HookAgent::guess(&event), HookAgent::Cursor);
    assert_eq!(
        moment(HookAgent::Cursor, &event),
        Some(HookMoment::Command {
            command: "git push".to_owned(),
            can_ask: false,
        })
    );
}

#[test]
fn claudes_powershell_is_a_shell() {
    let mut event = before_command(HookAgent::ClaudeCode, &json!("Remove-Item x"));
    event["tool_name"] = json!("PowerShell");
    assert!(matches!(
        moment(HookAgent::ClaudeCode, &event),
        Some(HookMoment::Command { command, .. }) if command == "Remove-Item x"
    ));
}

#[test]
fn geminis_command_may_name_another_folder() {
    let mut event = before_command(HookAgent::Gemini, &json!("ls"));
    event["tool_input"]["dir_path"] = json!("sub");
    let read = event_of(HookAgent::Gemini, &event);
    assert_eq!(read.cwd.as_deref(), Some("/projects/sub"));
}

#[test]
fn other_moments_are_understood() {
    use HookAgent::{ClaudeCode, Codex, Copilot, Cursor, Gemini, OpenCode};
    let cases = [
        (
            ClaudeCode,
            json!({"hook_event_name": "SessionStart", "source": "startup"}),
            "session-start",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "SessionEnd", "reason": "clear"}),
            "session-end",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "UserPromptSubmit", "prompt": "hi"}),
            "turn-start",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "Stop", "stop_hook_active": false}),
            "turn-end",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "Notification", "message": "m"}),
            "notification",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "PreToolUse", "tool_name": "Task",
            "tool_input": {"subagent_type": "qa", "description": "test it"}}),
            "delegation-start",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "SubagentStop", "agent_type": "qa"}),
            "delegation-end",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "PostToolUse", "tool_name": "TodoWrite",
            "tool_input": {"todos": [{"content": "a", "status": "pending"}]}}),
            "todos",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "TaskCreated", "task_id": "7",
            "task_subject": "t"}),
            "todo-changed",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "PostToolUse", "tool_name": "TaskCreate",
            "tool_input": {"subject": "t", "description": "d"},
            "tool_response": {"task": {"id": "1", "subject": "t"}}}),
            "todo-changed",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "PostToolUse", "tool_name": "TaskUpdate",
            "tool_input": {"taskId": "1", "status": "in_progress"},
            "tool_response": {"success": true}}),
            "todo-changed",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "TaskCompleted", "task_id": "1"}),
            "todo-changed",
        ),
        (
            ClaudeCode,
            json!({"hook_event_name": "PostToolUse", "tool_name": "mcp__jira__create_issue",
            "tool_input": {"summary": "t"},
            "tool_response": [{"type": "text", "text": "{\"key\": \"QD-7\"}"}]}),
            "ticket-created",
        ),
        (
            Codex,
            json!({"hook_event_name": "PostToolUse", "tool_name": "update_plan",
            "tool_input": {"plan": [{"step": "a", "status": "completed"}]}}),
            "todos",
        ),
        (
            Codex,
            json!({"hook_event_name": "SubagentStart", "agent_type": "qa"}),
            "delegation-start",
        ),
        (
            Gemini,
            json!({"hook_event_name": "AfterTool", "tool_name": "write_todos",
            "tool_input": {"todos": [{"description": "a", "status": "pending"}]}}),
            "todos",
        ),
        (
            Gemini,
            json!({"hook_event_name": "BeforeAgent", "prompt": "hi"}),
            "turn-start",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "cwd": "/", "source": "new"}),
            "session-start",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "cwd": "/", "reason": "complete"}),
            "session-end",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "prompt": "hi"}),
            "turn-start",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "stopReason": "end_turn"}),
            "turn-end",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "agentName": "qa"}),
            "delegation-start",
        ),
        (
            Copilot,
            json!({"sessionId": "s", "agentName": "qa", "stopReason": "end_turn"}),
            "delegation-end",
        ),
        (
            Cursor,
            json!({"hook_event_name": "stop", "status": "completed"}),
            "turn-end",
        ),
        (
            OpenCode,
            json!({"hook_event_name": "session.idle", "session_id": "s"}),
            "turn-end",
        ),
    ];
    for (agent, event, expected) in cases {
        let moment = moment(agent, &event).unwrap_or_else(|| panic!("{event} is of no use"));
        let name = match json!(moment) {
            Value::String(name) => name,
            Value::Object(fields) => fields.keys().next().cloned().unwrap_or_default(),
            other => other.to_string(),
        };
        assert_eq!(name, expected, "{event}");
    }
}

#[test]
fn a_ticket_is_what_a_tracker_has_answered_with() {
    let event = |tool: &str, answer: Value| {
        json!({"hook_event_name": "PostToolUse", "tool_name": tool, "session_id": "s",
            "tool_input": {"title": "Add monitoring", "priority": "high", "assignees": ["engineer"]},
            "tool_response": answer})
    };
    let created = event(
        "mcp__github__create_issue",
        json!({"number": 12, "id": 991}),
    );
    let Some(HookMoment::TicketCreated { ticket }) = moment(HookAgent::ClaudeCode, &created) else {
        panic!("no ticket in {created}");
    };
    assert_eq!((&*ticket.id, &*ticket.title), ("12", "Add monitoring"));
    assert_eq!(ticket.priority.as_deref(), Some("high"));
    assert_eq!(ticket.assigned_to.as_deref(), Some("engineer"));
    for none in [
        event("mcp__github__create_issue", json!("rate limited")),
        event("mcp__github__add_issue_comment", json!({"id": 3})),
        event("mcp__github__list_issues", json!({"id": 3})),
    ] {
        assert_eq!(moment(HookAgent::ClaudeCode, &none), None, "{none}");
    }
}

#[test]
fn a_tool_without_a_name_cannot_be_judged() {
    let nameless = json!({"hook_event_name": "PreToolUse", "tool_input": {}});
    for agent in [HookAgent::ClaudeCode, HookAgent::Codex] {
        assert!(agent.read(&nameless).is_err(), "{agent}");
    }
    assert!(HookAgent::guess(&nameless).read(&nameless).is_err());
}

#[test]
fn what_nobody_needs_is_let_by_and_what_is_no_event_is_said() {
    let reading = json!({"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_input": {}});
    assert_eq!(
        HookAgent::ClaudeCode.read(&reading),
        Ok(HookReading::OfNoUse)
    );
    for agent in HookAgent::ALL {
        assert!(agent.read(&json!([1])).is_err(), "{agent}");
    }
}

#[test]
fn an_event_of_which_nothing_is_known_lets_no_command_by() {
    for agent in HookAgent::ALL {
        if agent == HookAgent::Copilot {
            continue; // Its events have no names.
        }
        let unknown = Ok(HookReading::Unknown("SomethingNew".to_owned()));
        let told = json!({"hook_event_name": "SomethingNew", "session_id": "s1"});
        assert_eq!(agent.read(&told), unknown, "{agent}");
        for asks in [
            json!({"command": "rm -rf ~"}),
            json!({"tool_name": "x", "tool_input": {"command": "rm -rf ~"}}),
            json!({"tool_name": "x", "tool_input": "{\"cmd\": [\"rm\"]}"}),
        ] {
            let mut event = asks;
            event["hook_event_name"] = json!("SomethingNew");
            let error = agent.read(&event).expect_err("nobody judges it");
            assert!(error.to_string().contains("SomethingNew"), "{error}");
            event["tool_response"] = json!("it is over");
            assert_eq!(agent.read(&event), unknown, "{agent}");
        }
    }
    let other = json!({"hook_event_name": "beforeMCPExecution", "conversation_id": "s",
        "command": "npx server", "tool_name": "t"});
    assert_eq!(HookAgent::Cursor.read(&other), Ok(HookReading::OfNoUse));
}

#[test]
fn judgements_are_told_in_each_agents_words() {
    let judged = |decision| HookJudgement {
        decision,
        reason: "why".to_owned(),
    };
    let mut told = String::new();
    for agent in HookAgent::ALL {
        for decision in [HookDecision::Allow, HookDecision::Ask, HookDecision::Deny] {
            let answer = agent.answer(&judged(decision));
            assert_eq!(answer.exit, 0);
            let text = answer.stdout.unwrap_or_else(|| "nothing".to_owned());
            told.push_str(&format!("{agent} {decision:?}: {text}\n"));
        }
        let refusal = agent.refuse("it hangs");
        told.push_str(&format!("{agent} cannot judge: {refusal:?}\n"));
    }
    insta::assert_snapshot!(told);
}
