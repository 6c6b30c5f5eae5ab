"""Tasks outlive their workers and their host: nothing is lost, and nothing runs twice
without its report saying so."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from typing import Any

import anyio
import pytest

from agent import Agent, agent_on_http
from tasks import told_truly
from waiting import until, until_blocking
from world import ServingHost, World, children, free_port

TASKS = 500
WORKERS = 20
LIMIT = 15
KILLED = 10


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


def serve(world: World, port: int) -> ServingHost:
    return world.serve("--tools", "native,enhanced", port=port)


def shells(host: ServingHost) -> list[int]:
    """The shells of the host's sessions."""
    return children(host.process.pid)


class Story:
    """Tasks that write down when they begin and end."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.log = world.home / "ran.log"
        self.log.touch()
        ids = [f"t{n}" for n in range(TASKS)]
        self.needs = {id_: dice.sample(ids[:n], min(n, dice.choice([0, 0, 1, 1, 2, 3]))) for n, id_ in enumerate(ids)}
        self.tasks = [
            {
                "id": id_,
                "type": "command",
                "payload": f"echo begins {id_} >> {self.log}; sleep 0.0{n % 10}; echo ends {id_} >> {self.log}",
                "priority": dice.choice(["high", "medium", "low"]),
                "dependencies": self.needs[id_],
            }
            for n, id_ in enumerate(ids)
        ]
        # In any order: what is needed may come later in the list.
        dice.shuffle(self.tasks)

    def lines(self) -> list[tuple[str, str]]:
        return [tuple(line.split()) for line in self.log.read_text().splitlines()]  # type: ignore[misc]

    def ended(self) -> int:
        return len({id_ for what, id_ in self.lines() if what == "ends"})

    def check(self, reports: dict[str, dict[str, Any]]) -> None:
        again = told_truly(reports, self.needs, self.lines())
        running: set[str] = set()
        for what, id_ in self.lines():
            if what == "ends":
                running.discard(id_)
            else:
                # How long a lost attempt went on is not known.
                running |= {id_} - again
                assert len(running) <= LIMIT


@pytest.mark.parametrize("strategy", ["round-robin", "load-balanced", "priority", "dependency"])
async def test_five_hundred_tasks_with_workers_and_the_host_killed_on_the_way(world: World, strategy: str) -> None:
    dice = random.Random(f"seed of {strategy}")
    story = Story(world, dice)
    port = free_port()
    host = serve(world, port)
    async with agent_on_http(host) as agent:
        async with anyio.create_task_group() as group:
            for _ in range(WORKERS):
                group.start_soon(lambda: agent.open_session(tags=["builder"]))
        answer = await agent.do(
            "task_distribute",
            tasks=story.tasks,
            strategy=strategy,
            maxConcurrent=LIMIT,
            tags=["builder"],
            createSessions=WORKERS,
        )
        assert len(answer["distributed"]) == TASKS
        for part in range(KILLED // 2):
            await until("some more are done", lambda part=part: story.ended() > 20 * (part + 1))
            os.kill(dice.choice(shells(host)), signal.SIGKILL)
        await until("half of it is done", lambda: story.ended() > TASKS // 2)
        kill(host)

    host = serve(world, port)
    async with agent_on_http(host) as agent:
        for part in range(KILLED // 2):
            await until("some more are done", lambda part=part: story.ended() > TASKS // 2 + 25 * (part + 1))
            os.kill(dice.choice(shells(host)), signal.SIGKILL)
        await agent.do("task_status", taskIds=list(story.needs), waitMs=55_000)
        reports = (await agent.do("task_status", taskIds=list(story.needs), waitMs=55_000))["tasks"]
        story.check({one["id"]: one for one in reports})
    assert host.stop() == 0


async def acknowledged(agent: Agent, kept: dict[str, str], numbers: Any) -> None:
    """Hands in tasks until the host is gone, and notes what it said of them."""
    while True:
        ids = [f"n{next(numbers)}" for _ in range(3)]
        tasks = [{"id": id_, "type": "command", "payload": "true", "priority": "low"} for id_ in ids]
        await agent.do("task_distribute", tasks=tasks, maxConcurrent=2, createSessions=2)
        kept.update(dict.fromkeys(ids, "queued"))
        told = (await agent.do("task_status", taskIds=ids, waitMs=20))["tasks"]
        kept.update({one["id"]: "completed" for one in told if one["status"] == "completed"})


async def test_a_host_killed_again_and_again_keeps_what_it_has_acknowledged(world: World) -> None:
    dice = random.Random(20)
    kept: dict[str, str] = {}
    numbers = iter(range(1_000_000))
    port = free_port()
    for _ in range(8):
        host = serve(world, port)
        async with anyio.create_task_group() as group:
            killed = anyio.Event()

            async def work(host: ServingHost = host, killed: anyio.Event = killed) -> None:
                try:
                    async with agent_on_http(host) as agent:
                        await acknowledged(agent, kept, numbers)
                except Exception:
                    # The connection breaks with the host, and only with it.
                    if not killed.is_set():
                        raise

            group.start_soon(work)
            asked = len(kept)
            await until("something is acknowledged", lambda asked=asked: len(kept) > asked)
            await anyio.sleep(dice.random() / 4)
            killed.set()
            kill(host)
            group.cancel_scope.cancel()
    with sqlite3.connect(world.state_dir / "store.sqlite") as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert store.execute("PRAGMA foreign_key_check").fetchall() == []
        states = dict(store.execute("SELECT id, state FROM tasks"))
    store.close()
    assert states.keys() >= kept.keys(), f"missing: {kept.keys() - states.keys()}"
    assert {id_: states[id_] for id_, said in kept.items() if said == "completed"} == {
        id_: said for id_, said in kept.items() if said == "completed"
    }
    async with agent_on_http(serve(world, port)) as agent:
        began = time.monotonic()
        reports = (await agent.do("task_status", taskIds=list(kept), waitMs=50_000))["tasks"]
        assert {one["status"] for one in reports} == {"completed"}, f"after {time.monotonic() - began:.0f} s"
