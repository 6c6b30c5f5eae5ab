"""Hostile components: whatever an approver does, the answer is `dangerous`, with a
reason, in time, and the host is none the worse."""

from __future__ import annotations

import time

import anyio
import pytest

from agent import Agent, agent_on_http
from approvers import drop_scripted
from test_swap_a_rule import loaded
from waiting import until
from world import World, resident_bytes

WITHIN = 5.0
"""Seconds in which a verdict has to be there, however the component behaves. Its own
deadline is far shorter; this leaves room for a loaded machine."""

ACTS = ["trap", "loop", "memory", "garbage", "flood", "recursion"]


@pytest.mark.parametrize("act", ACTS)
async def test_it_is_judged_dangerous_with_a_reason_and_in_time(agent: Agent, world: World, act: str) -> None:
    drop_scripted(world, "hostile", match="trigger", act=act)
    await loaded(agent, "hostile")
    session = (await agent.run("echo calm"))["sessionId"]

    began = time.monotonic()
    refused = await agent.call("session_run", command="echo trigger", sessionId=session)
    took = time.monotonic() - began
    assert refused.code == "PERMISSION_DENIED", refused
    verdict = refused.verdict
    assert verdict["tier"] == "dangerous" and verdict["policy"] == "hostile" and verdict["reason"]
    assert took < WITHIN, f"the verdict took {took:.1f} s"
    assert "trigger" not in (await agent.do("session_read", sessionId=session, view="screen"))["text"]

    assert (await agent.run("echo calm again", sessionId=session))["output"].strip() == "calm again"
    policy = (await agent.policies())["hostile"]
    assert policy["traps"] >= 1 and policy["lastError"], policy


async def test_a_reason_cannot_command_the_reader(agent: Agent, world: World) -> None:
    drop_scripted(world, "hostile", match="trigger", act="escapes")
    await loaded(agent, "hostile")
    refused = await agent.call("session_run", command="echo trigger")
    assert refused.code == "PERMISSION_DENIED"
    for text in (refused.text, refused.error["message"], str(refused.error["details"])):
        assert "\x1b" not in text and "\x07" not in text and "\0" not in text, repr(text)
        assert "\u202e" not in text, "text that runs backwards deceives a reader"


@pytest.mark.timeout(600)
async def test_memory_is_level_afterwards(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        for act in ACTS:
            # Quarantine is for repeated faults of one policy; a version of its own for each
            # act and round keeps every call a real one.
            drop_scripted(world, f"hostile-{act}", match=f"trigger-{act}", act=act)
        for act in ACTS:
            await loaded(agent, f"hostile-{act}")

        async def provoke_all() -> int:
            for act in ACTS:
                refused = await agent.call("session_run", command=f"echo trigger-{act}")
                assert refused.code == "PERMISSION_DENIED", refused
            return resident_bytes(host.process.pid)

        settled = await provoke_all()
        for _ in range(10):
            last = await provoke_all()
        assert last - settled < 32 << 20, f"grew by {(last - settled) >> 20} MB in ten rounds"


async def test_neighbours_go_on_while_a_component_loops(world: World) -> None:
    """A loop holds up its own caller alone."""
    host = world.serve()
    async with agent_on_http(host) as stuck, agent_on_http(host) as neighbour:
        drop_scripted(world, "hostile", match="trigger", act="loop")
        await loaded(stuck, "hostile")
        session = await neighbour.open_session()
        await neighbour.run("true", sessionId=session)
        slowest = 0.0
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: stuck.call("session_run", command="echo trigger"))
            for number in range(50):
                began = time.monotonic()
                answer = await neighbour.run(f"echo {number}", sessionId=session)
                slowest = max(slowest, time.monotonic() - began)
                assert answer["output"].strip() == str(number)
        assert slowest < 2.0


async def test_a_component_that_fails_on_everything_does_not_open_the_gate(agent: Agent, world: World) -> None:
    """It is either turned away on loading or answered with refusals; never with silence."""
    drop_scripted(world, "hostile", match="", act="trap")

    async def known() -> bool:
        return "hostile" in await agent.policies()

    await until("the host has made up its mind", known)
    policy = (await agent.policies())["hostile"]
    outcome = await agent.call("session_run", command="echo hello")
    if policy["state"] == "active":
        assert outcome.code == "PERMISSION_DENIED"
    else:
        assert policy["lastError"]
    refused = await agent.call("session_run", command="rm -rf ~")
    assert refused.code == "PERMISSION_DENIED" and world.victim.exists()
