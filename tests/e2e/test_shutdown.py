"""Shutting down: the host ends when it should, with everything that it started."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from agent import agent_on_http, agent_on_stdio
from waiting import until, until_blocking
from wire import StdioWire
from world import World, children, is_zombie


async def test_mcp_ends_when_its_input_closes(world: World) -> None:
    """A client that is gone leaves no host behind, whatever runs in its sessions."""
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.type(session, "sleep 1000", enter=True)
        assert world.hosts(), "the host runs while its client does"
    await until("nothing is left of the world", lambda: world.processes() == [])


def test_mcp_ends_by_itself_and_cleanly(world: World) -> None:
    """Not because the client's library kills it."""
    wire = StdioWire(world)
    wire.initialize("2025-11-25")
    began = time.monotonic()
    wire.process.stdin.close()
    assert wire.process.wait(timeout=10) == 0
    assert time.monotonic() - began < 2.0, "the client waits two seconds before it kills"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_serve_ends_cleanly_on_a_signal(world: World, sent: signal.Signals) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        for command in ("sleep 1000", "sh -c 'trap \"\" HUP TERM; sleep 1000'", "cat"):
            session = await agent.open_session()
            await agent.type(session, command, enter=True)
        began = time.monotonic()
        host.process.send_signal(sent)
        await until("serve ends", lambda: host.process.poll() is not None)
        took = time.monotonic() - began
    assert host.process.returncode == 0
    assert took < 10
    await until("nothing is left of the world", lambda: world.processes() == [])
    assert not (world.runtime / "quarterdeck" / "host.sock").exists(), "the socket is gone with its host"


def test_a_second_interrupt_does_not_hang(world: World) -> None:
    host = world.serve()
    host.process.send_signal(signal.SIGINT)
    if host.process.poll() is None:
        host.process.send_signal(signal.SIGINT)
    host.process.wait(timeout=10)


def test_a_taken_port_is_explained(world: World) -> None:
    host = world.serve()
    second = world.quarterdeck("serve", "--listen", f"127.0.0.1:{host.port}")
    assert second.returncode not in (0, None) and "panicked" not in second.stderr
    assert str(host.port) in second.stderr and "--listen" in second.stderr, "it says what to do"
    assert host.process.poll() is None


def test_a_second_serve_on_another_port_is_explained_or_works(world: World) -> None:
    """One host to a user: the second says that there is one already, or serves beside it."""
    first = world.serve()
    log = world.root / "second.log"
    with log.open("wb") as stream:
        second = world.start("serve", "--listen", "127.0.0.1:0", stdout=stream, stderr=stream)
    until_blocking("the second says something", lambda: second.poll() is not None or b"http://" in log.read_bytes())
    if second.poll() is not None:
        assert second.returncode != 0 and "already" in log.read_text().lower()
    assert first.process.poll() is None


async def test_closing_a_session_ends_its_whole_process_group(world: World) -> None:
    host = world.serve()
    async with agent_on_http(host) as agent:
        await agent.run("true")
        before = set(world.processes())
        session = await agent.open_session()
        await agent.type(session, "sleep 1000 & (trap '' HUP; sleep 2000) & sleep 3000", enter=True)
        await until(
            "its programs run", lambda: sum("sleep" in command(pid) for pid in set(world.processes()) - before) >= 3
        )
        await agent.do("session_close", sessionId=session)
        await until("all of them are gone", lambda: set(world.processes()) <= before)
        assert not [pid for pid in children(host.process.pid) if is_zombie(pid)]


async def test_no_zombies_and_no_descriptors_are_left(world: World) -> None:
    host = world.serve()
    descriptors = Path(f"/proc/{host.process.pid}/fd")
    async with agent_on_http(host) as agent:

        async def open_and_close(times: int) -> None:
            for number in range(times):
                session = await agent.open_session()
                await agent.run("echo hello", sessionId=session)
                if number % 2:
                    await agent.type(session, "exit", enter=True)
                    await agent.wait_for(session, exit=True)
                await agent.do("session_close", sessionId=session)

        await open_and_close(3)
        before = len(list(descriptors.iterdir()))
        await open_and_close(20)
        await until("the descriptors are as many as before", lambda: len(list(descriptors.iterdir())) <= before + 2)
        await until("no zombie is left", lambda: not [pid for pid in children(host.process.pid) if is_zombie(pid)])


async def test_a_session_whose_shell_ended_keeps_its_output(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.type(session, "echo last words; exit 3", enter=True)
        ended = await agent.wait_for(session, exit=True)
        assert ended["exitStatus"] == 3
        read = await agent.do("session_read", sessionId=session, view="scrollback")
        assert "last words" in read["text"]
        refused = await agent.call("session_run", command="echo more", sessionId=session)
        assert refused.is_error and refused.code, "it says that the session has ended"


async def test_a_crashed_host_takes_its_sessions_along(world: World) -> None:
    """Killed without a word: the terminals hang up, so that no shell lives on."""
    host = world.serve()
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.type(session, "sleep 1000", enter=True)
        await until("its shell runs", lambda: len(world.processes()) >= 3)
        host.process.kill()
        host.process.wait()
    await until("nothing is left of the world", lambda: world.processes() == [])


def command(pid: int) -> str:
    """The command line of a process, while it lives."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
