"""What is asked with little thought: of sessions that are not there, over times that are
none, and for agents that have moved."""

from __future__ import annotations

import pytest

from agent import Agent, agent_on_http
from world import World

pytestmark = pytest.mark.anyio


async def test_tasks_of_a_session_that_never_was(world: World) -> None:
    async with agent_on_http(world.serve()) as agent:
        assert (await agent.call("task_status", sessionId="nobody00")).code == "SESSION_NOT_FOUND"
        session = await agent.open_session()
        assert (await agent.do("task_status", sessionId=session))["tasks"] == []


@pytest.mark.parametrize("interval", [0, -1, 1e12])
async def test_an_interval_that_is_none_is_named(agent: Agent, interval: float) -> None:
    refused = await agent.call("performance_monitor", interval=interval)
    assert refused.code == "INVALID_PARAMETERS" and "86400000" in refused.text
    assert (await agent.do("performance_monitor", interval=200.5))["overall"]["activeSessions"] == 0


async def test_nothing_uses_nothing(agent: Agent) -> None:
    health = await agent.call("health_check")
    assert "-0" not in health.text and "cpu 0 % of a core, memory 0 MB" in health.text


async def test_an_agent_that_moves_stays_in_its_teams(world: World) -> None:
    async with agent_on_http(world.serve("--tools", "native,iterm-mcp")) as agent:
        for team in ("frontend", "night shift"):
            await agent.call("create_team", name=team)
        for session in (
            {"name": "one", "agent": "alice", "team": "frontend"},
            {"name": "two", "agent": "alice"},
            {"name": "three", "agent": "alice", "team": "night shift"},
        ):
            assert not (await agent.call("create_sessions", request={"sessions": [session]})).is_error
        told = await agent.call("list_agents")
        assert told.text.count("frontend") == 1 and "night shift" in told.text
