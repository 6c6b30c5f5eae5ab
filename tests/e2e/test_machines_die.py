"""Five hundred tasks on two machines while everything dies in turn: a machine, the
server, the host. Every task ends once, and what ran twice says so."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from typing import Any

from agent import agent_on_http
from nats_server import Machine, NatsServer
from tasks import told_truly
from waiting import until, until_blocking
from world import ServingHost, World, free_port

TASKS = 500
LIMIT = 12


def serve(world: World, port: int) -> ServingHost:
    return world.serve("--tools", "native,enhanced", port=port)


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


async def test_five_hundred_tasks_end_once_whatever_dies(
    world: World, nats: NatsServer, machine: Callable[..., Machine]
) -> None:
    dice = random.Random(500)
    log = world.home / "ran.log"
    log.touch()
    ids = [f"t{n}" for n in range(TASKS)]
    needs = {id_: dice.sample(ids[:n], min(n, dice.choice([0, 0, 0, 1, 2]))) for n, id_ in enumerate(ids)}
    tasks: list[dict[str, Any]] = [
        {
            "id": id_,
            "type": "command",
            "payload": f"echo begins {id_} >> {log}; sleep 0.0{n % 10}; echo ends {id_} >> {log}",
            "priority": dice.choice(["high", "medium", "low"]),
            "dependencies": needs[id_],
        }
        for n, id_ in enumerate(ids)
    ]
    dice.shuffle(tasks)

    def lines() -> list[tuple[str, str]]:
        return [tuple(line.split()) for line in log.read_text().splitlines()]  # type: ignore[misc]

    def over() -> int:
        return len({id_ for what, id_ in lines() if what == "ends"})

    first = machine("first", "--slots", "4")
    machine("second", "--slots", "4")
    port = free_port()
    host = serve(world, port)
    async with agent_on_http(host) as agent:
        answer = await agent.do("task_distribute", tasks=tasks, machines=True, strategy="priority", maxConcurrent=LIMIT)
        assert len(answer["distributed"]) == TASKS
        await until("some are done", lambda: over() > 60)
        first.kill()
        await until("the other machine goes on", lambda: over() > 130)
        nats.kill()
        nats.start()
        machine("third", "--slots", "4")
        await until("all go on", lambda: over() > 220, deadline=60)
        kill(host)

    # What runs meanwhile is told to the next host.
    host = serve(world, port)
    async with agent_on_http(host) as agent:
        await until("the next host goes on", lambda: over() > 320, deadline=60)
        nats.kill()
        kill(host)
    nats.start()
    async with agent_on_http(serve(world, port)) as agent:
        await agent.do("task_status", taskIds=ids, waitMs=55_000)
        told = (await agent.do("task_status", taskIds=ids, waitMs=55_000))["tasks"]
        reports = {one["id"]: one for one in told}
    told_truly(reports, needs, lines())
