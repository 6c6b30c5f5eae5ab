"""How far is it? Read off what programs print, as an agent sees it."""

from __future__ import annotations

import sys
from typing import Any

import anyio
import pytest

from agent import Agent, agent_on_stdio
from waiting import until
from world import World

STEPS = """
import os, sys, time
for step in range(1, 21):
    while step == 11 and "--wait" in sys.argv and not os.path.exists("go-on"):
        time.sleep(0.05)
    print(f"chunk <{step}|20>" if "--own" in sys.argv else f"[{step}/20] compiling", flush=True)
    time.sleep(0.1)
sys.exit(1 if "--fail" in sys.argv else 0)
"""

# What pytest prints for a run of forty tests in four files.
PYTEST = """
import time
print("=" * 20, "test session starts", "=" * 20)
print("platform linux -- Python 3.12.3, pytest-8.3.4, pluggy-1.5.0")
print("collected 40 items\\n")
for file in range(4):
    print(f"tests/test_{file}.py ", end="", flush=True)
    for test in range(10):
        print(".", end="", flush=True)
        time.sleep(0.04)
    done = (file + 1) * 25
    print(f"{' ' * 40}[{done:3}%]", flush=True)
print("\\n" + "=" * 20, "40 passed in 1.71s", "=" * 20)
"""


@pytest.fixture
def configured(world: World) -> World:
    # Scripts in the home folder are no project's: the gate is not what this is about.
    world.configure('tools = ["native", "enhanced"]\n[gate]\nmode = "warn"\n')
    (world.home / "steps.py").write_text(STEPS)
    (world.home / "pytest_like.py").write_text(PYTEST)
    return world


async def progress(agent: Agent, **arguments: Any) -> dict[str, Any]:
    return await agent.do("progress_aggregate", **arguments)


async def of_session(agent: Agent, session: str) -> dict[str, Any] | None:
    for source in (await progress(agent))["bySession"]:
        if source["sessionId"] == session:
            return source
    return None


async def test_a_program_that_counts_is_followed_to_its_end(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session(name="build-1")
        await agent.type(session, f"cd; {sys.executable} ~/steps.py --wait", enter=True)

        async def half_way() -> bool:
            source = await of_session(agent, session)
            return bool(source) and 0 < source["completed"] < 20 and source["status"] == "running"

        await until("it is under way", half_way)
        (configured.home / "go-on").touch()

        async def done() -> bool:
            source = await of_session(agent, session)
            return bool(source) and source["status"] == "completed"

        await until("it is done", done)
        whole = await progress(agent)
        assert whole["overall"] == {"completed": 1, "total": 1, "percentage": 100.0, "status": "completed"}
        (source,) = whole["bySession"]
        assert (source["completed"], source["total"]) == (20, 20)
        points = [point["progress"] for point in whole["timeline"]]
        assert len(points) > 3 and points == sorted(points) and points[-1] == 100


async def test_one_that_fails_has_failed(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        ran = await agent.run(f"{sys.executable} ~/steps.py --fail")
        assert ran["exitStatus"] == 1

        async def failed() -> bool:
            return (await progress(agent))["overall"]["status"] in ("failed", "completed")

        await until("its end is known", failed)


async def test_what_is_over_in_a_moment_is_read_too(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("echo 'loaded 30%'"))["sessionId"]

        async def known() -> bool:
            source = await of_session(agent, session)
            return bool(source)

        await until("it is read", known)


async def test_a_parser_that_knows_the_program_is_believed(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session(name="tests")
        await agent.type(session, f"{sys.executable} ~/pytest_like.py", enter=True)

        async def read_by_pytest() -> dict[str, Any] | None:
            source = await of_session(agent, session)
            return source if source and source["saidBy"] == "pytest" and source["completed"] > 0 else None

        await until("the tests are counted", read_by_pytest)
        await agent.at_prompt(session)

        async def all_of_them() -> bool:
            source = await of_session(agent, session)
            return bool(source) and source["status"] == "completed" and source["percentage"] == 100

        await until("all tests are done", all_of_them)


async def test_marks_of_ones_own(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await agent.open_session()
        await agent.type(session, f"{sys.executable} ~/steps.py --own", enter=True)
        await agent.wait_for(session, pattern=r"chunk <5\|20>")
        whole = await progress(agent, pattern=r"chunk <(\d+)\|(\d+)>", format="detailed")
        (source,) = whole["bySession"]
        assert source["sessionId"] == session and source["total"] == 20 and source["completed"] >= 5
        assert source["saidBy"] == "pattern" and "chunk <" in whole["formatted"]
        assert (await agent.call("progress_aggregate", pattern="(")).code == "INVALID_PARAMETERS"


async def test_sessions_are_chosen_by_a_glob_and_shown_as_asked(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        for name in ("build-1", "build-2", "other"):
            session = await agent.open_session(name=name)
            await agent.run("echo 'step 1 of 4'", sessionId=session)

        async def all_known() -> bool:
            return (await progress(agent))["overall"]["total"] == 3

        await until("all three are read", all_known)
        builds = await progress(agent, pattern="build-*")
        assert sorted(it["name"] for it in builds["bySession"]) == ["build-1", "build-2"]
        bar = await agent.call("progress_aggregate", pattern="build-*", format="bar")
        assert bar.text.count("[") == 3 and "#" in bar.text
        assert (await progress(agent, format="text"))["formatted"].count("\n") == 3
        assert (await progress(agent, pattern="nothing-*"))["overall"]["total"] == 0


async def test_many_at_once(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        sessions = [await agent.open_session(name=f"job-{number}") for number in range(6)]

        async def run(session: str) -> None:
            await agent.run(f"{sys.executable} ~/steps.py", sessionId=session, timeoutMs=60_000)

        async with anyio.create_task_group() as group:
            for session in sessions:
                group.start_soon(run, session)

        async def all_done() -> bool:
            whole = await progress(agent, pattern="job-*")
            return whole["overall"]["completed"] == 6

        await until("all are done", all_done)
