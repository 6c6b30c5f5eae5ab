"""Who may reach the machines: logins by file, encryption, and errors that say what to
do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import agent_on_http
from nats_logins import Certified, operated
from nats_server import NatsServer, start_machine
from world import World

ASKS = {"tasks": [{"id": "a", "type": "command", "payload": "echo done", "priority": "low"}], "machines": True}


async def does_a_task(world: World, other: World) -> None:
    """A host and a machine, each with what its environment says, do one task."""
    start_machine(other, "builder")
    async with agent_on_http(world.serve("--tools", "native,enhanced")) as agent:
        await agent.do("task_distribute", **ASKS)
        done = (await agent.do("task_status", taskIds=["a"], waitMs=50_000))["tasks"][0]
        assert done["status"] == "completed", done
        assert done["result"]["output"] == "done\n"


async def is_refused(world: World, said: str) -> None:
    """Host, machine and doctor say the same."""
    host = world.serve("--tools", "native,enhanced")
    async with agent_on_http(host) as agent:
        refused = await agent.call("task_distribute", **ASKS)
        assert refused.is_error and said in refused.text, refused.text
        assert "secret" not in refused.text
    assert host.stop() == 0
    worker = world.quarterdeck("worker", timeout=30)
    assert worker.returncode == 1 and said in worker.stderr, worker.stderr
    assert said in world.quarterdeck("doctor", timeout=60).stdout


async def test_user_and_password(world: World, elsewhere: Callable[[str], World]) -> None:
    rights = 'authorization { users = [{ user: "me", password: "secret" }] }\n'
    server = NatsServer(world, configuration=rights).start()
    world.extra_env["QUARTERDECK_NATS_URL"] = server.url.replace("nats://", "nats://me:secrets@")
    await is_refused(world, "refuses the login: set nats.credentials")
    other = elsewhere("builder")
    for each in (world, other):
        each.extra_env["QUARTERDECK_NATS_URL"] = server.url.replace("nats://", "nats://me:secret@")
    await does_a_task(world, other)


async def test_a_creds_file(world: World, elsewhere: Callable[[str], World]) -> None:
    accounts = operated()
    server = NatsServer(world, configuration=accounts.configuration).start()
    world.extra_env["QUARTERDECK_NATS_URL"] = server.url
    await is_refused(world, "refuses the login: set nats.credentials")
    stranger = operated().creds(world.root / "stranger.creds")
    world.extra_env["QUARTERDECK_NATS_CREDENTIALS"] = str(stranger)
    await is_refused(world, "refuses the login: set nats.credentials")
    world.extra_env["QUARTERDECK_NATS_CREDENTIALS"] = "/nowhere.creds"
    await is_refused(world, "cannot read the NATS credentials in /nowhere.creds")
    other = elsewhere("builder")
    for each in (world, other):
        file = accounts.creds(each.root / "user.creds")
        each.extra_env |= {"QUARTERDECK_NATS_URL": server.url, "QUARTERDECK_NATS_CREDENTIALS": str(file)}
    await does_a_task(world, other)


@pytest.mark.parametrize("mutual", [False, True], ids=["server", "mutual"])
async def test_tls(world: World, elsewhere: Callable[[str], World], mutual: bool) -> None:
    authority = Certified(world.root / "certificates")
    certificate, key = authority.pair("server")
    tls = f'cert_file: "{certificate}", key_file: "{key}"'
    if mutual:
        tls += f', ca_file: "{authority.ca}", verify: true'
    server = NatsServer(world, configuration=f"tls {{ {tls} }}\n", scheme="tls").start()
    other = elsewhere("builder")
    world.extra_env["QUARTERDECK_NATS_URL"] = server.url
    await is_refused(world, "no TLS connection to the NATS server")
    own: dict[str, Any] = {}
    if mutual:
        certificate, key = authority.pair("client")
        own = {"QUARTERDECK_NATS_CERTIFICATE": str(certificate), "QUARTERDECK_NATS_KEY": str(key)}
    for each in (world, other):
        each.extra_env |= {"QUARTERDECK_NATS_URL": server.url, "QUARTERDECK_NATS_CA": str(authority.ca), **own}
    await does_a_task(world, other)


async def test_a_server_that_keeps_nothing(world: World, tmp_path: Path) -> None:
    server = NatsServer(world, keeps=False).start()
    world.extra_env["QUARTERDECK_NATS_URL"] = server.url
    await is_refused(world, "cannot keep tasks")
