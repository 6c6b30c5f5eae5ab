"""Default sessions and places for sessions: who comes gets one, who has gone leaves none."""

from __future__ import annotations

import pytest

from agent import agent_on_http, agent_on_stdio, all_of
from waiting import until
from world import World


async def sessions_of(agent) -> list[dict]:
    return (await agent.do("session_list"))["sessions"]


async def test_more_sessions_than_the_limit_are_never_open(world: World) -> None:
    """Not even where all of them are asked for at once."""
    world.configure("[sessions]\nmax = 5\n")
    async with agent_on_stdio(world) as agent:
        asked = await all_of(*[agent.call("session_create") for _ in range(20)])
        opened = [outcome for outcome in asked if not outcome.is_error]
        assert len(opened) == 5, [outcome.text for outcome in asked]
        assert all(outcome.code == "RESOURCE_EXHAUSTED" for outcome in asked if outcome.is_error)
        assert len(await sessions_of(agent)) == 5
        await agent.do("session_close", sessionId=opened[0].content["sessionId"])
        await agent.open_session()


async def test_a_client_that_stands_alone_leaves_its_session_for_a_while(world: World) -> None:
    """The revision 2026-07-28 over HTTP has no end that the host could hear."""
    world.configure("[sessions]\ndefault_idle_seconds = 2\n")
    host = world.serve()
    async with agent_on_http(host, mode="auto") as visitor:
        first = (await visitor.run("echo one"))["sessionId"]
        assert (await visitor.run("echo two"))["sessionId"] == first
    async with agent_on_stdio(world) as witness:
        named = await witness.open_session(name="asked for")

        async def left() -> bool:
            return [session["sessionId"] for session in await sessions_of(witness)] == [named]

        await until("the default session is closed, and no other", left)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_calls_that_come_at_once_share_one_default_session(world: World, mode: str) -> None:
    host = world.serve()
    async with agent_on_http(host, mode=mode) as agent:
        ran = await all_of(*[agent.run(f"echo {number}") for number in range(5)])
        assert len({outcome["sessionId"] for outcome in ran}) == 1
        assert len(await sessions_of(agent)) == 1
