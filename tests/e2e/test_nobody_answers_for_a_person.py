"""Nobody answers for a person: not a program in a session that says it is a client with
somebody in front of it, and not a client that was not asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import impostor
from agent import agent_on_http, agent_on_stdio
from approvers import allow, drop_scripted
from test_swap_a_rule import loaded
from world import ServingHost, World

COMMAND = "echo deploy to production"
IMPOSTOR = Path(__file__).with_name("impostor.py")


@pytest.fixture
def host(world: World) -> ServingHost:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")
    return world.serve()


def door_of(host: ServingHost, door: str) -> list[str]:
    """What the impostor needs to find a door."""
    socket = host.world.runtime / "quarterdeck" / "host.sock"
    return [door, str(socket)] if door == "socket" else [door, host.url, host.token]


def started_outside(host: ServingHost, door: str) -> dict[str, Any]:
    """The same program, run by a person: the host takes it for a client, as it has to."""
    ran = subprocess.run(
        [sys.executable, IMPOSTOR, COMMAND, *door_of(host, door)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("door", ["socket", "http"])
async def test_a_program_in_a_session_does_not_approve_its_own_commands(host: ServingHost, door: str) -> None:
    # What it is started by says nothing of what it does: a script that is known here.
    starter = host.world.home / "impostor.sh"
    program = " ".join(f"'{word}'" for word in [sys.executable, IMPOSTOR, COMMAND, *door_of(host, door)])
    starter.write_text(f"#!/bin/sh\nexec {program}\n")
    starter.chmod(0o755)
    allow(host.world, str(starter))
    async with agent_on_http(host) as agent:
        await loaded(agent, "deploys")
        ran = await agent.run(str(starter))
        told = json.loads(ran["output"])
        assert told["asked"] == 0, "it is not even asked"
        assert told["error"] == "CONFIRMATION_REQUIRED" and told["confirmation"], told
        for session in (await agent.do("session_list"))["sessions"]:
            assert "\ndeploy to production" not in await agent.screen(session["sessionId"])
    answers = host.world.quarterdeck("audit", "export", "--kind", "approval")
    assert answers.returncode == 0 and answers.stdout == ""


@pytest.mark.parametrize("door", ["socket", "http"])
async def test_the_same_program_outside_of_sessions_is_a_client(host: ServingHost, door: str) -> None:
    async with agent_on_http(host) as agent:
        await loaded(agent, "deploys")
    told = started_outside(host, door)
    assert told["asked"] == 1 and told["error"] is None, told


async def test_a_session_of_another_host_approves_nothing_after_an_upgrade_either(world: World) -> None:
    """The file of the program that both hosts run is another one by now."""
    newest = world.binary
    world.binary = world.root / "quarterdeck"
    os.link(newest, world.binary)
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")
    starter = world.home / "approve.sh"
    allow(world, str(starter))
    # Started first, so that it joins no other.
    async with agent_on_stdio(world) as neighbour:
        session = await neighbour.open_session()
        async with agent_on_http(world.serve()) as agent:
            await loaded(agent, "deploys")
            asked = await agent.call("session_run", command=COMMAND)
            identifier = asked.error["details"]["confirmationId"]
            world.binary.unlink()
            os.link(newest, world.binary)
            # Without the variable, only its ancestors tell where it comes from.
            starter.write_text(f"#!/bin/sh\nexec env -u QUARTERDECK_SESSION {world.binary} approve {identifier} 2>&1\n")
            starter.chmod(0o755)
            tried = await neighbour.run(str(starter), sessionId=session)
            assert tried["exitStatus"] == 1 and "session" in tried["output"], tried
            again = await agent.call("session_run", command=COMMAND)
            assert again.code == "CONFIRMATION_REQUIRED", "nobody has said yes"
            assert world.quarterdeck("approve", identifier).returncode == 0, "a person may"


async def test_a_confirmations_id_answers_no_question(host: ServingHost) -> None:
    """Many can see the id; the answer belongs to the question that was put."""
    async with agent_on_http(host) as agent:
        await loaded(agent, "deploys")
        asked = await agent.call("session_run", command=COMMAND)
        identifier = asked.error["details"]["confirmationId"]

        harmless = impostor.post(
            "echo hello",
            host.url,
            host.token,
            requestState=identifier,
            inputResponses={"confirm": impostor.YES},
        )
        assert not harmless.get("isError"), harmless
        again = await agent.call("session_run", command=COMMAND)
        assert again.code == "CONFIRMATION_REQUIRED", "nobody has said yes"
        assert again.error["details"]["confirmationId"] == identifier
