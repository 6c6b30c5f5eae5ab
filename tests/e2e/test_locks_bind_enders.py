"""Whoever has locked a session is not stopped by others: what ends a session, or what runs in
it, is refused as typing is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from agent import Agent, agent_on_http, agent_on_stdio
from waiting import until
from world import World


@pytest.fixture
async def crew(world: World) -> AsyncIterator[tuple[Agent, Agent]]:
    """The agent ada, and somebody else, at one host."""
    world.configure('tools = ["native", "enhanced", "iterm-mcp", "mcpretentious", "terminal"]\n')
    host = world.serve()
    async with (
        agent_on_stdio(world, env={"QUARTERDECK_AGENT": "ada"}) as ada,
        agent_on_http(host) as somebody,
    ):
        yield ada, somebody


async def at_work(ada: Agent) -> str:
    """A session that ada has locked, in which her command runs."""
    session = await ada.open_session(name="desk")
    await ada.at_prompt(session)
    await ada.type(session, "sleep 600", enter=True)
    await until("it sleeps", lambda: _runs(ada, session))
    locked = await ada.call("lock_session", session_id=session, agent="ada", ttl_seconds=600)
    assert json.loads(locked.text)["locked"] is True
    return session


async def _runs(agent: Agent, session: str) -> bool:
    return (await agent.do("session_status", sessionId=session))["program"] == "sleep"


async def test_somebody_else_ends_neither_the_command_nor_the_session(crew: tuple[Agent, Agent]) -> None:
    ada, somebody = crew
    session = await at_work(ada)
    for tool, arguments in [
        ("command_signal", {"sessionId": session}),
        ("session_close", {"sessionId": session}),
        ("error_recover", {"sessionId": session, "strategy": "reset"}),
        ("error_recover", {"sessionId": session, "strategy": "restart"}),
        ("session_reset", {"sessionId": session}),
    ]:
        refused = await somebody.call(tool, **arguments)
        assert refused.code == "SESSION_LOCKED" and "locked by ada" in refused.text, (tool, refused.text)
    for tool, arguments in [
        ("terminal_close_session_tool", {"session_id": session}),
        ("mcpretentious-close", {"terminalId": f"pty:{session}"}),
    ]:
        refused = await somebody.call(tool, **arguments)
        assert "locked by ada" in refused.text, (tool, refused.text)
    assert await _runs(ada, session), "nothing has reached the command"

    assert (await ada.do("command_signal", sessionId=session))["program"] == "sleep"
    await ada.at_prompt(session)
    assert (await ada.do("error_recover", sessionId=session, strategy="reset"))["recovered"]
    assert (await ada.do("session_close", sessionId=session))["success"]


async def test_once_the_lock_is_gone_others_may(crew: tuple[Agent, Agent]) -> None:
    ada, somebody = crew
    session = await at_work(ada)
    await ada.call("unlock_session", session_id=session, agent="ada")
    assert (await somebody.do("command_signal", sessionId=session))["program"] == "sleep"
    assert (await somebody.do("session_close", sessionId=session))["success"]
