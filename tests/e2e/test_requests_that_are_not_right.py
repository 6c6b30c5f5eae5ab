"""A request that is not right is refused in words that say what would be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent import Agent, agent_on_stdio
from iterm_mcp import orchestrator
from waiting import until
from world import World

ROLE = {"role": "tester"}


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("create_sessions", {}, "missing field `sessions`"),
        ("create_sessions", {"request": {}}, "missing field `sessions`"),
        ("create_sessions", {"request": {"sessions": []}}, "the list is empty"),
        ("create_sessions", {"sessions": [{"role": "tester", "role_config": {**ROLE, "priority": 9}}]}, "from 1"),
        ("create_sessions", {"sessions": 5}, "5 is given, a list is expected"),
        ("create_sessions", {"sessions": [{}, []]}, "sessions[1] is not right: a list is given, an object is expected"),
        ("create_sessions", {"sessions": [{"agent": "one"}, {"agent": "two\nlines"}]}, "an agent needs a name"),
        ("create_sessions", {"sessions": [{"agent": "one", "team": " "}]}, "a team needs a name"),
        ("orchestrate_playbook", {"playbook": []}, "playbook is not right: a list is given"),
    ],
)
async def test_nothing_is_opened_for_it(world: World, tool: str, arguments: dict[str, Any], words: str) -> None:
    async with orchestrator(world) as crew:
        refused = await crew.try_to(tool, **arguments)
        assert refused.is_error and words in refused.content["error"].replace("`5`", "5"), refused.text
        assert await crew.call("list_sessions", format="full") == []


async def test_a_roles_priority_has_a_range(world: World) -> None:
    async with orchestrator(world) as crew:
        [session] = await crew.sessions("one")
        asked = {"session_id": session, "role": "tester"}
        for priority in (0, 6, 9):
            role = {**ROLE, "priority": priority}
            refused = await crew.try_to("assign_session_role", **asked, role_config=role)
            assert refused.is_error and "from 1 (first) to 5" in refused.content["error"], refused.text
        given = await crew.call("assign_session_role", **asked, role_config={**ROLE, "priority": 5})
        assert given["priority"] == 5


async def follows(agent: Agent, advice: str, tool: str, session: str) -> None:
    """Makes the call that a message advises: the tool's name, then its arguments."""
    _, _, rest = advice.partition(f"{tool} ")
    arguments, _ = json.JSONDecoder().raw_decode(rest)
    await agent.do(tool, sessionId=session, **arguments)


async def test_advice_can_be_followed_as_it_is_written(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(name="busy")
        ran = await agent.run("sleep 600", sessionId=session, timeoutMs=500)
        assert ran["timedOut"]
        busy = await agent.call("session_run", sessionId=session, command="echo hi")
        assert busy.code == "SESSION_BUSY"
        await follows(agent, busy.text, "session_type", session)
        await follows(agent, busy.text, "session_wait", session)
        again = await agent.run("sleep 600", sessionId=session, timeoutMs=500)
        await follows(agent, again["note"], "session_type", session)
        await follows(agent, again["note"], "session_wait", session)
        assert (await agent.run("echo free", sessionId=session))["output"] == "free\n"


async def test_a_tasks_payload_may_be_any_object_that_says_what_to_do(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(name="worker")
        await agent.at_prompt(session)
        payload = {"command": "printf '%s|'", "args": ["two words", "it's $HOME", 3], "label": "kept by the client"}
        task = {"id": "print", "type": "command", "payload": payload}
        await agent.do("task_distribute", tasks=[task], sessionIds=[session])
        [done] = (await agent.do("task_status", taskIds=["print"], waitMs=30_000))["tasks"]
        assert done["status"] == "completed" and done["result"]["output"].startswith("two words|it's $HOME|3|"), done

        for wrong, words in [
            ({"payload": {"files": ["a.py"]}}, 'it has "files", but neither "command"'),
            ({"payload": 5}, "text, or an object"),
            ({"payload": "true", "timeout": 0}, "give at least 1"),
        ]:
            refused = await agent.call("task_distribute", tasks=[{"id": "wrong", "type": "command", **wrong}])
            assert refused.code == "INVALID_PARAMETERS" and words in refused.text, refused.text


async def test_history_has_the_resolution_that_was_asked_for_or_says_why_not(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session(name="new")
        asked = {"duration": "1h", "resolution": "1m", "sessionId": session}
        assert (await agent.do("performance_history", **asked))["resolution"] == "1m"

        async def known() -> dict[str, Any]:
            outcome = await agent.call("performance_history", duration="7d", resolution="1s")
            return {} if outcome.is_error else outcome.content

        coarse = await until("there is a past", known)
        assert coarse["resolution"] != "1s" and "not 1s: an answer has at most 2000 points" in coarse["note"]
        for asked in ({}, {"resolution": "1m"}):
            assert "note" not in await agent.do("performance_history", duration="1h", **asked)


async def test_only_sessions_that_live_are_counted(world: World) -> None:
    world.configure('tools = ["terminal"]\n')
    async with agent_on_stdio(world) as agent:
        [_, ended] = [(await agent.do("terminal_create_session_tool"))["session_id"] for _ in range(2)]
        await agent.call("terminal_execute_command_tool", session_id=ended, command="exit 3")

        async def counted() -> bool:
            listed = await agent.do("terminal_list_sessions_tool")
            return sorted(it["status"] for it in listed["sessions"]) == ["active", "dead"] and listed["count"] == 1

        await until("one lives", counted)
