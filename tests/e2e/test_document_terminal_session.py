"""The Terminal Session document, read by somebody who has nothing else: each of its
tools, each answer held to the fields that it names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent import Agent
from official_clients import OfficialClient
from shapes import Shape

CREATED = Shape("{ success: boolean; session_id: string; shell: string; error?: string; }")
EXECUTED = Shape("{ success: boolean; output: string; exit_code: number; error?: string; }")
EXPECTED = Shape("{ success: boolean; matched: string; before: string; error?: string; }")
SENT = Shape("{ success: boolean; error?: string; }")
LISTED = Shape("""{
  success: boolean; count: number;
  sessions: Array<{ session_id: string; shell: string; status: 'active' | 'dead'; }>;
}""")
COMMANDED = Shape("{ status: string; command: string; output: string; }")
STATE = Shape("{ status: string; output: string; is_alive: boolean; }")
INCREMENT = Shape("{ status: string; output: string; }")


@pytest.fixture
async def agent(official_client: OfficialClient) -> AsyncIterator[Agent]:
    async with official_client.with_tools("terminal") as agent:
        yield agent


async def answered(agent: Agent, shape: Shape, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool, of this shape."""
    return shape.holds((await agent.call(f"terminal_{tool}_tool", **arguments)).content)


async def test_each_tool_answers_with_the_document_s_fields(agent: Agent) -> None:
    created = await answered(agent, CREATED, "create_session", shell="/bin/bash")
    session = created["session_id"]
    assert (created["success"], created["shell"], len(session)) == (True, "/bin/bash", 8)
    assert (await answered(agent, CREATED, "create_session"))["shell"] == "/bin/bash"

    executed = await answered(agent, EXECUTED, "execute_command", session_id=session, command="echo one; echo two")
    assert executed == {"success": True, "output": executed["output"], "exit_code": 0}
    assert executed["output"].splitlines() == ["one", "two"]
    failed = await answered(agent, EXECUTED, "execute_command", session_id=session, command="(exit 3)", timeout=20)
    assert failed["exit_code"] == 3

    sent = await answered(agent, SENT, "send", session_id=session, text="echo the end of it; cat")
    assert sent["success"]
    expected = await answered(agent, EXPECTED, "expect", session_id=session, pattern=r"the (end) of it\s", timeout=20)
    assert expected["success"] and expected["matched"].startswith("the end of it")
    assert (await answered(agent, SENT, "send", session_id=session, text="\u0004", newline=False))["success"]

    listed = await answered(agent, LISTED, "list_sessions", params={})
    assert listed["count"] == len(listed["sessions"]) == 2
    assert session in [one["session_id"] for one in listed["sessions"]]
    assert (await answered(agent, SENT, "close_session", session_id=session))["success"]
    assert (await answered(agent, LISTED, "list_sessions"))["count"] == 1

    commanded = await answered(agent, COMMANDED, "auto_command", command="echo by itself", duration=0.5)
    assert commanded["command"] == "echo by itself" and "by itself" in commanded["output"]
    state = await answered(agent, STATE, "get_state", params={})
    assert state["is_alive"] is True
    await answered(agent, INCREMENT, "get_incremental")
    again = await answered(agent, INCREMENT, "get_incremental")
    assert again["output"] == "", "what is new comes once"


async def test_what_goes_wrong_is_told_in_the_answer(agent: Agent) -> None:
    session = (await answered(agent, CREATED, "create_session"))["session_id"]
    for tool, arguments, error in [
        ("execute_command", {"session_id": "nonsense", "command": "true"}, "Session nonsense not found"),
        ("execute_command", {"session_id": session}, "command is required"),
        ("execute_command", {"session_id": session, "command": "sleep 50", "timeout": 1}, "Command timed out"),
        ("expect", {"session_id": session, "pattern": "never", "timeout": 1}, "Pattern not found (timeout)"),
        ("send", {"session_id": session}, "text is required"),
        ("close_session", {"session_id": "nonsense"}, "Session nonsense not found"),
    ]:
        answer = await answered(agent, SENT, tool, **arguments)
        assert (answer["success"], answer["error"]) == (False, error), (tool, arguments)
    refused = await answered(agent, SENT, "ssh_connect", host="127.0.0.1", username="nobody", port=1)
    assert not refused["success"] and "SSH connection failed" in refused["error"]
