"""Coding agents as their hooks see them: the events that they send to `quarterdeck
hook`, and what they make of its answer.

The shapes are those of each agent's reference, which host/server/src/hook/mod.rs names.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from world import World

Event = dict[str, Any]


@dataclass(frozen=True)
class HookedAgent:
    """An agent with hooks."""

    name: str
    before_command: Callable[[str, str], Event]
    """The event before a shell command, from the command and the folder."""
    decision: Callable[[subprocess.CompletedProcess[str]], str]
    """What the agent does after the answer: `allow`, `ask` or `deny`."""
    asks: bool = True
    """Whether it can put a question to its person."""

    def call(self, world: World, command: str, cwd: str = "/tmp") -> subprocess.CompletedProcess[str]:
        """Calls the hook as the agent does before a shell command."""
        return self.send(world, self.before_command(command, cwd))

    def send(self, world: World, event: Event) -> subprocess.CompletedProcess[str]:
        """Calls the hook with any event."""
        return world.quarterdeck("hook", self.name, input=json.dumps(event))

    def does(self, world: World, command: str, cwd: str = "/tmp") -> str:
        """What the agent does about a command: `allow`, `ask` or `deny`."""
        return self.decision(self.call(world, command, cwd))


def like_claude(command: str, cwd: str) -> Event:
    return {
        "session_id": "s1",
        "transcript_path": "/tmp/transcript.jsonl",
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": command, "description": "does something"},
        "tool_use_id": "toolu_1",
    }


def like_codex(command: str, cwd: str) -> Event:
    return {**like_claude(command, cwd), "turn_id": "1", "model": "m", "transcript_path": None}


def like_gemini(command: str, cwd: str) -> Event:
    return {
        "session_id": "s1",
        "transcript_path": "/tmp/t.json",
        "cwd": cwd,
        "hook_event_name": "BeforeTool",
        "timestamp": "2026-11-21T12:00:00Z",
        "tool_name": "run_shell_command",
        "tool_input": {"command": command},
    }


def like_copilot(command: str, cwd: str) -> Event:
    return {"sessionId": "s1", "timestamp": 1, "cwd": cwd, "toolName": "bash", "toolArgs": {"command": command}}


def like_cursor(command: str, cwd: str) -> Event:
    return {
        "conversation_id": "s1",
        "generation_id": "g1",
        "hook_event_name": "beforeShellExecution",
        "cursor_version": "3.0",
        "workspace_roots": [cwd],
        "command": command,
        "cwd": cwd,
    }


def like_opencode(command: str, cwd: str) -> Event:
    """As the plugin tells it that `quarterdeck install` writes."""
    return {
        "hook_event_name": "tool.execute.before",
        "session_id": "s1",
        "cwd": cwd,
        "tool_name": "bash",
        "tool_input": {"command": command, "description": "does something"},
    }


def by_claude(answer: subprocess.CompletedProcess[str]) -> str:
    """2 blocks whatever was printed; any status but 0 and 2 does not."""
    if answer.returncode == 2:
        return "deny"
    assert answer.returncode == 0, answer
    told = json.loads(answer.stdout)["hookSpecificOutput"]
    assert told["hookEventName"] == "PreToolUse" and told["permissionDecisionReason"]
    return told["permissionDecision"]


def by_codex(answer: subprocess.CompletedProcess[str]) -> str:
    """Nothing means yes; `allow` and `ask` count as a hook that failed, which lets the
    command run."""
    if answer.returncode == 2:
        assert answer.stderr.strip(), "without a reason Codex goes on"
        return "deny"
    assert answer.returncode == 0, answer
    if not answer.stdout.strip():
        return "allow"
    told = json.loads(answer.stdout)["hookSpecificOutput"]
    assert told["permissionDecision"] == "deny" and told["permissionDecisionReason"]
    return "deny"


def by_gemini(answer: subprocess.CompletedProcess[str]) -> str:
    if answer.returncode == 2:
        return "deny"
    assert answer.returncode == 0, answer
    told = json.loads(answer.stdout)
    assert told["decision"] in ("allow", "deny") and told["reason"]
    return told["decision"]


def by_copilot(answer: subprocess.CompletedProcess[str]) -> str:
    """A hook that exits with anything but 0 is skipped."""
    assert answer.returncode == 0, f"Copilot would go on: {answer}"
    told = json.loads(answer.stdout)
    assert told["permissionDecisionReason"]
    return told["permissionDecision"]


def by_cursor(answer: subprocess.CompletedProcess[str]) -> str:
    if answer.returncode == 2:
        return "deny"
    assert answer.returncode == 0, answer
    told = json.loads(answer.stdout)
    assert told["user_message"] and told["agent_message"]
    return told["permission"]


CLAUDE_CODE = HookedAgent("claude-code", like_claude, by_claude)
CODEX = HookedAgent("codex", like_codex, by_codex, asks=False)
GEMINI = HookedAgent("gemini", like_gemini, by_gemini, asks=False)
COPILOT = HookedAgent("copilot", like_copilot, by_copilot)
CURSOR = HookedAgent("cursor", like_cursor, by_cursor)
OPENCODE = HookedAgent("opencode", like_opencode, by_gemini, asks=False)
AGENTS = [CLAUDE_CODE, CODEX, GEMINI, COPILOT, CURSOR, OPENCODE]
