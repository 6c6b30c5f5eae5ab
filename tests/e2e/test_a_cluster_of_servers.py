"""Three NATS servers that keep everything three times: one of them dies, and nobody who
waits for a task has to know."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from agent import agent_on_http
from nats_server import NatsServer, start_machine
from tasks import completed_as_often_as_told, task
from waiting import until, until_blocking
from world import World, free_port

TASKS = 60


def told_by(server: NatsServer) -> dict[str, Any]:
    """What a server says of the messages that it keeps."""
    address = f"http://127.0.0.1:{server.monitor}/jsz?streams=true&config=true"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture
def cluster(world: World) -> list[NatsServer]:
    """Three servers that have found each other and chosen who leads."""
    ports = [free_port() for _ in range(3)]
    routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in ports)
    servers = [
        NatsServer(
            world,
            monitor=free_port(),
            configuration=f'server_name: "n{n}"\n'
            f'cluster {{ name: "three", listen: "127.0.0.1:{ports[n]}", routes: [{routes}] }}\n',
        )
        for n in range(3)
    ]
    for server in servers:
        server.start()

    def is_whole() -> bool:
        meta = told_by(servers[0])["meta_cluster"]
        return bool(meta.get("leader")) and meta.get("cluster_size") == 3

    until_blocking("the three have a leader", is_whole)
    world.extra_env["QUARTERDECK_NATS_URL"] = ",".join(server.url for server in servers)
    world.extra_env["QUARTERDECK_NATS_REPLICAS"] = "3"
    world.extra_env["QUARTERDECK_NATS_SILENCE_SECONDS"] = "2"
    return servers


@pytest.mark.parametrize("dies", range(3))
async def test_one_of_three_servers_dies(
    world: World, elsewhere: Callable[[str], World], cluster: list[NatsServer], dies: int
) -> None:
    log = world.home / "ran"
    log.touch()

    def ran() -> Counter[str]:
        return Counter(log.read_text().split())

    url = world.extra_env["QUARTERDECK_NATS_URL"]
    for name in ("first", "second"):
        other = elsewhere(name)
        other.extra_env |= world.extra_env
        start_machine(other, name, "--nats", url, "--slots", "2")
    ids = [f"t{n}" for n in range(TASKS)]
    async with agent_on_http(world.serve("--tools", "native,enhanced")) as agent:
        tasks = [task(id_, f"echo {id_} >> {log}; sleep 0.05") for id_ in ids]
        await agent.do("task_distribute", tasks=tasks, machines=True, maxConcurrent=12)
        await until("some have begun", lambda: len(ran()) >= 10)
        streams = told_by(cluster[dies])["account_details"][0]["stream_detail"]
        assert {it["name"]: it["config"]["num_replicas"] for it in streams} == {
            "QUARTERDECK_ERRANDS": 3,
            "QUARTERDECK_NEWS": 3,
        }
        cluster[dies].kill()
        await agent.do("task_status", taskIds=ids, waitMs=55_000)
        told = (await agent.do("task_status", taskIds=ids, waitMs=55_000))["tasks"]
    completed_as_often_as_told(told, ran())
