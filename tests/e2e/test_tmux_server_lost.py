"""A tmux server is killed while an agent works on it, again and again."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import anyio

from agent import Agent, Outcome, agent_on_http
from waiting import until
from world import World

SESSIONS = 6
TIMES = 5


def kill_server(world: World) -> None:
    command = ["tmux", "-L", f"quarterdeck-test-{world.mark}", "kill-server"]
    subprocess.run(command, env=world.env, timeout=20, check=True)


async def work_until_lost(agent: Agent, session: str, name: str, diary: Path, outcomes: list[Outcome]) -> None:
    """Runs one command after the other until one of them cannot be run."""
    for number in range(10_000):
        command = f"echo {name}-{number} >> {diary}; seq 200"
        outcome = await agent.call("session_run", command=command, sessionId=session)
        if outcome.is_error or outcome.content.get("sessionEnded") or outcome.content.get("exitStatus") != 0:
            outcomes.append(outcome)
            return


async def test_a_server_that_is_killed_under_load_loses_no_call_and_types_nothing_twice(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "quarterdeck-test-{world.mark}"\n')
    diary = world.home / "diary"
    async with agent_on_http(world.serve("--backend", "tmux")) as agent:
        for time in range(TIMES):
            opened = [await agent.open_session() for _ in range(SESSIONS)]
            lost: list[Outcome] = []
            async with anyio.create_task_group() as tasks:
                for index, session in enumerate(opened):
                    tasks.start_soon(work_until_lost, agent, session, f"{time}.{index}", diary, lost)
                beginnings = {f"{time}.{index}-1" for index in range(SESSIONS)}
                await until(
                    "everybody works",
                    lambda wanted=beginnings: diary.exists() and wanted <= set(diary.read_text().split()),
                )
                kill_server(world)
            assert len(lost) == SESSIONS, "every call has ended"
            for outcome in lost:
                assert not outcome.is_error or outcome.code == "SESSION_ENDED", outcome.text

            states = {one["sessionId"]: one for one in (await agent.do("session_list"))["sessions"]}
            for session in opened:
                assert states[session]["ended"] and states[session]["status"] == "error"
                refused = await agent.type(session, "echo too late", enter=True)
                assert refused.code == "SESSION_ENDED" and "tmux server" in refused.text
                await agent.do("session_close", sessionId=session)
        another = await agent.open_session()
        assert (await agent.run("echo again", sessionId=another))["output"] == "again\n"
    twice = [line for line, times in Counter(diary.read_text().split()).items() if times > 1]
    assert not twice
