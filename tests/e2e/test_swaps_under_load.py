"""Swaps under load: 16 clients ask the gate for 30 seconds while the rule that judges
them is swapped a hundred times."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AsyncExitStack

import anyio
import pytest

from agent import Agent, agent_on_http
from approvers import built, drop_scripted, place, relabelled
from waiting import until
from world import World, resident_bytes

CLIENTS = 16
SECONDS = 30
SWAPS = 100


@pytest.mark.timeout(240)
async def test_no_call_is_lost_and_each_verdict_names_one_generation(world: World) -> None:
    drop_scripted(world, "house-rule", version=0, match="deploy", reason="The house rule.")
    host = world.serve()
    component = built("scripted-approver")
    asked: Counter[int] = Counter()
    slowest = 0.0

    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(agent_on_http(host)) for _ in range(CLIENTS)]
        await until("the rule is active", lambda: is_live(agents[0]))
        before = resident_bytes(host.process.pid)
        ends = time.monotonic() + SECONDS
        done_swapping = anyio.Event()

        async def ask(agent: Agent) -> None:
            nonlocal slowest
            session = await agent.open_session()
            last = 0
            while time.monotonic() < ends or not done_swapping.is_set():
                began = time.monotonic()
                with anyio.fail_after(20):
                    answer = await agent.do("safety_approve", command="deploy everything", sessionId=session)
                slowest = max(slowest, time.monotonic() - began)
                assert answer["approved"] is False and answer["tier"] == "dangerous", answer
                assert answer["policy"] == "house-rule" and answer["reason"] == "The house rule.", answer
                assert isinstance(answer["generation"], int) and answer["generation"] >= last, (answer, last)
                last = answer["generation"]
                asked[last] += 1

        async def swap(watcher: Agent) -> None:
            for version in range(1, SWAPS + 1):
                former = (await watcher.policies())["house-rule"]["generation"]
                place(world.plugins_dir / "house-rule.wasm", relabelled(component, f"version {version}"))

                async def swapped() -> bool:
                    return (await watcher.policies())["house-rule"]["generation"] > former

                await until(f"swap {version} is active", swapped)
                # Spread over the half minute, so that each generation is asked.
                await anyio.sleep(max(0.0, (ends - time.monotonic()) / (SWAPS - version + 1) - 0.02))
            done_swapping.set()

        async with anyio.create_task_group() as group:
            for agent in agents:
                group.start_soon(ask, agent)
            group.start_soon(swap, agents[0])

        assert len(asked) >= SWAPS * 0.9, f"only {len(asked)} of {SWAPS} generations were ever asked"
        policies = (await agents[0].do("policy_list"))["policies"]
        assert all(not policy["lastError"] and not policy["traps"] for policy in policies), policies

    print(f"{sum(asked.values())} verdicts by {len(asked)} generations, the slowest call {slowest * 1000:.0f} ms")
    grown = resident_bytes(host.process.pid) - before
    assert grown < 64 << 20, f"a hundred swaps left {grown >> 20} MB behind"


async def is_live(agent: Agent) -> bool:
    policy = (await agent.policies()).get("house-rule")
    return policy is not None and policy["state"] == "active"
