"""What a host knows of sessions outlives it: those on tmux come back under their names,
those on a pty are said to be gone."""

from __future__ import annotations

import signal
import sqlite3

from agent import agent_on_http
from waiting import until_blocking
from world import ServingHost, World


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


async def test_after_a_crash_it_is_said_which_sessions_are_gone(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        closed = await agent.open_session(name="closed")
        lost = await agent.open_session(name="long work", tags=["build"])
        await agent.run("true", sessionId=lost)
        await agent.do("session_close", sessionId=closed)
        assert "lost" not in await agent.do("session_list")
        kill(host)
    async with agent_on_http(world.serve()) as agent:
        listed = await agent.do("session_list")
        assert listed["sessions"] == []
        assert listed["lost"] == {lost: "long work"}


async def test_a_session_that_is_found_again_keeps_its_name_and_tags(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "quarterdeck-test-{world.mark}"\n')
    host = world.serve("--backend", "tmux")
    async with agent_on_http(host) as agent:
        session = await agent.open_session(name="long work", tags=["build"])
        before = (await agent.do("session_list"))["sessions"][0]
        kill(host)
    async with agent_on_http(world.serve("--backend", "tmux")) as agent:
        listed = await agent.do("session_list")
        assert "lost" not in listed
        [found] = listed["sessions"]
        assert (found["sessionId"], found["name"], found["tags"]) == (session, "long work", ["build"])
        assert found["createdAt"] == before["createdAt"]


def test_sessions_that_ended_long_ago_are_forgotten(world: World) -> None:
    world.quarterdeck("run", "true")  # makes the store
    with sqlite3.connect(world.state_dir / "store.sqlite") as store:
        now = store.execute("SELECT unixepoch() * 1000").fetchone()[0]
        store.executemany(
            "INSERT INTO sessions (id, name, backend, created_ms, last_activity_ms, ended_ms, ending)"
            " VALUES (?, 'old', 'pty', ?, ?, ?, 'closed')",
            ((f"h{number:07}", now, now, now if number % 2 else 0) for number in range(1_000)),
        )
    store.close()
    assert world.quarterdeck("run", "true").returncode == 0
    with sqlite3.connect(world.state_dir / "store.sqlite") as store:
        count = store.execute("SELECT count(*) FROM sessions WHERE name = 'old'").fetchone()[0]
    store.close()
    assert count == 500
