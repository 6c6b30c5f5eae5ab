"""Agents, teams, roles, tags and locks outlive a host that is killed at any moment: what was
acknowledged is there when the next one comes, on the sessions that live on."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import signal
from typing import Any
from uuid import UUID

import anyio
import httpx2

from agent import Agent, agent_on_http
from test_tmux import socket
from waiting import until, until_blocking
from world import ServingHost, World, free_port

SESSIONS = 4
TIMES = 6
ROLES = ["devops", "builder", "debugger", "researcher", "tester", "orchestrator", "monitor"]


async def told(client: Agent, tool: str, /, **arguments: Any) -> Any:
    outcome = await client.call(tool, **arguments)
    assert not outcome.is_error, f"{tool}({arguments}): {outcome.text}"
    return json.loads(outcome.text)


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


class Book:
    """What the host has acknowledged, and what it was asked when it was killed."""

    def __init__(self) -> None:
        self.acknowledged: dict[tuple[str, str], Any] = {}
        self.asked: dict[tuple[str, str], Any] = {}
        self.entries = 0

    @contextlib.contextmanager
    def entry(self, what: str, of: str, value: Any) -> Any:
        self.asked[what, of] = value
        yield
        self.acknowledged[what, of] = self.asked.pop((what, of))
        self.entries += 1

    def check(self, what: str, of: str, found: Any) -> None:
        possible = [book[what, of] for book in (self.acknowledged, self.asked) if (what, of) in book]
        assert not possible or found in possible, f"the {what} of {of} is {found!r}, not one of {possible}"
        # Whatever it was, that is settled now.
        self.asked.pop((what, of), None)
        if possible:
            self.acknowledged[what, of] = found


async def keep_changing(client: Agent, book: Book, sessions: list[str], dice: random.Random, names: Any) -> None:
    """Changes one thing after the other until the host is gone."""
    while True:
        session = dice.choice(sessions)
        number = next(names)
        agent, team = f"agent-of-{session}", f"team-{number}"
        with book.entry("team", team, True):
            await told(client, "create_team", name=team)
        with book.entry("teams", agent, [team]):
            await told(client, "register_agent", name=agent, session_id=session, teams=[team])
        role = dice.choice(ROLES)
        with book.entry("role", session, role):
            await told(client, "assign_session_role", session_id=session, role=role)
        tags = [f"tag-{number}"]
        with book.entry("tags", session, tags):
            await told(client, "set_session_tags", session_id=session, tags=tags, append=False)
        with book.entry("lock", session, agent):
            await told(client, "lock_session", session_id=session, agent=agent)


async def check(client: Agent, book: Book, sessions: list[str]) -> None:
    """Compares what the host knows with the book."""
    listed = {one["sessionId"]: one for one in (await client.do("session_list"))["sessions"]}
    assert set(listed) == set(sessions), "the sessions live on under their ids"
    agents = {one["name"]: one for one in await told(client, "list_agents")}
    teams = {one["name"] for one in await told(client, "list_teams")}
    roles = {one["session_id"]: one["role"] for one in (await told(client, "list_session_roles"))["assignments"]}
    made = {name for what, name in book.acknowledged if what == "team"}
    assert made <= teams, f"forgotten: {made - teams}"
    for session in sessions:
        agent = f"agent-of-{session}"
        if agent in agents:
            assert agents[agent]["session_id"] == session
            book.check("teams", agent, agents[agent]["teams"])
        else:
            assert ("teams", agent) not in book.acknowledged, f"{agent} is forgotten"
        if ("role", session) in book.acknowledged:
            book.check("role", session, roles.get(session))
        if ("tags", session) in book.acknowledged:
            book.check("tags", session, listed[session].get("tags", []))
        if ("lock", session) in book.acknowledged:
            refused = await client.type(session, "echo whose is it", enter=True)
            assert refused.code == "SESSION_LOCKED" and agent in refused.text, refused


async def test_a_persistent_id_is_a_uuid_that_the_next_host_knows(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    host = world.serve("--backend", "tmux", "--tools", "iterm-mcp")
    async with agent_on_http(host) as client:
        created = await told(client, "create_sessions", sessions=[{"name": "lasting"}, {"name": "other"}])
    session, persistent = (created["sessions"][0][field] for field in ("session_id", "persistent_id"))
    assert str(UUID(persistent)) == persistent != created["sessions"][1]["persistent_id"]
    kill(host)
    async with agent_on_http(world.serve("--backend", "tmux", "--tools", "iterm-mcp")) as client:
        listed = await told(client, "list_sessions", format="full")
        assert persistent in [it["persistent_id"] for it in listed]
        found = await told(client, "check_session_status", session_identifier=persistent)
        assert (found["id"], found["persistent_id"]) == (session, persistent)
        read = await told(client, "read_sessions", targets=[{"session_id": persistent}])
        assert [output["session_id"] for output in read["outputs"]] == [session]
        registered = await told(client, "register_agent", name="ada", session_id=persistent)
        assert registered["session_id"] == session, "each tool that takes an id takes this one"
        locked = await told(client, "lock_session", session_id=persistent, agent="ada")
        assert (locked["locked"], locked["locked_by"]) == (True, "ada"), locked
        tagged = await told(client, "set_session_tags", session_id=persistent, tags=["kept"])
        assert tagged["tags"] == ["kept"]


async def test_what_was_acknowledged_is_there_after_every_kill(world: World) -> None:
    world.configure(f'[gate]\nmode = "warn"\n[sessions]\ntmux_socket = "{socket(world)}"\n')
    dice, names, book, port = random.Random(67), itertools.count(), Book(), free_port()

    def serve() -> ServingHost:
        return world.serve("--backend", "tmux", "--tools", "native,iterm-mcp", port=port)

    host = serve()
    async with agent_on_http(host) as client:
        sessions = [await client.open_session(name=f"worker {number}") for number in range(SESSIONS)]
    for _ in range(TIMES):
        async with anyio.create_task_group() as group:

            async def work(host: ServingHost = host) -> None:
                # The connection breaks with the host.
                with contextlib.suppress(httpx2.HTTPError, BaseExceptionGroup):
                    async with agent_on_http(host) as client:
                        await keep_changing(client, book, sessions, dice, names)

            group.start_soon(work)
            before = book.entries
            await until("some of it is acknowledged", lambda before=before: book.entries > before + 5)
            await anyio.sleep(dice.random() / 4)
            kill(host)
            group.cancel_scope.cancel()
        host = serve()
        async with agent_on_http(host) as client:
            await check(client, book, sessions)
    assert book.entries > 5 * TIMES
