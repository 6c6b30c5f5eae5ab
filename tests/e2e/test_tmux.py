"""Sessions on tmux: they live on without the host, and the next one finds them."""

from __future__ import annotations

import shutil
import signal
import subprocess
from typing import Any

import pytest

from agent import Agent, agent_on_http
from waiting import until, until_blocking
from world import ServingHost, World


def socket(world: World) -> str:
    """A tmux server of this world's own."""
    return f"quarterdeck-test-{world.mark}"


def tmux(world: World, *arguments: str) -> str:
    done = subprocess.run(
        ["tmux", "-L", socket(world), *arguments], env=world.env, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


def serve(world: World, **options: Any) -> ServingHost:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    return world.serve("--backend", "tmux", **options)


def kill(host: ServingHost) -> None:
    host.process.send_signal(signal.SIGKILL)
    until_blocking("the host is gone", lambda: host.process.poll() is not None)


async def sessions(agent: Agent) -> dict[str, dict]:
    return {one["sessionId"]: one for one in (await agent.do("session_list"))["sessions"]}


async def test_a_session_on_tmux_works_like_any_other(world: World) -> None:
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        assert (await sessions(agent))[session]["backend"] == "tmux"
        ran = await agent.run("echo out; sh -c 'exit 3'", sessionId=session)
        assert (ran["exitStatus"], ran["output"]) == (3, "out\n")
        refused = await agent.type(session, "rm -rf ~", enter=True)
        assert refused.code == "PERMISSION_DENIED", "the gate is the same"
        assert world.victim.exists()
        await agent.do("session_close", sessionId=session)
        assert session not in await sessions(agent)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_line_that_a_person_has_begun_is_not_run_over(world: World, shell: str) -> None:
    world.shell = shutil.which(shell) or shell
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        ran = await agent.run("echo free", sessionId=session)
        assert ran["output"] == "free\n"
        panes = tmux(world, "list-panes", "-a", "-F", "#{pane_id}").split()
        (pane,) = {pane for pane in panes if "echo free" in tmux(world, "capture-pane", "-p", "-t", pane)}
        tmux(world, "send-keys", "-t", pane, "-l", "rm -rf ~")
        await agent.wait_for(session, pattern="rm -rf ~")
        refused = await agent.call("session_run", sessionId=session, command="echo whole")
        assert refused.code == "SESSION_BUSY" and "rm -rf ~" in refused.text, refused
        entered = await agent.type(session, enter=True)
        assert entered.code == "PERMISSION_DENIED", "whoever presses Enter runs the line"
        assert world.victim.exists()
        await agent.do("session_type", sessionId=session, input=[{"key": "ctrl-c"}])
        await agent.at_prompt(session)
        assert (await agent.run("echo whole", sessionId=session))["output"] == "whole\n"


async def test_after_a_crash_the_next_host_finds_the_sessions(world: World) -> None:
    host = serve(world)
    async with agent_on_http(host) as agent:
        session = await agent.open_session()
        await agent.run("precious=kept; echo before the crash", sessionId=session)
        kill(host)
    async with agent_on_http(serve(world)) as agent:
        found = await sessions(agent)
        assert list(found) == [session], "under the id that it had"
        assert "before the crash" in await agent.screen(session)
        assert found[session]["shellIntegration"], "the host keeps what it takes to understand its shell"
        ran = await agent.run("echo $precious after; (exit 3)", sessionId=session)
        assert (ran["output"], ran["exitStatus"]) == ("kept after\n", 3)


async def test_sessions_open_in_the_folder_of_their_host(world: World) -> None:
    """The tmux server outlives a host, and keeps the folder that it was started in."""
    folders = [world.home / "x", world.home / "y"]
    for folder in folders:
        folder.mkdir()
        host = serve(world, cwd=folder)
        async with agent_on_http(host) as agent:
            session = await agent.open_session()
            assert (await agent.run("pwd", sessionId=session))["output"].strip() == str(folder)
        host.process.terminate()
        host.process.wait(20)


async def test_a_killed_tmux_server_is_said_and_started_again(world: World) -> None:
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        tmux(world, "kill-server")

        async def ended() -> bool:
            return session not in (all_ := await sessions(agent)) or all_[session]["ended"]

        await until("the session is marked", ended)
        refused = await agent.type(session, "echo lost", enter=True)
        assert refused.code == "SESSION_ENDED"
        assert "tmux server" in refused.text
        another = await agent.open_session()
        assert (await agent.run("echo again", sessionId=another))["output"] == "again\n"


async def test_several_backends_at_once(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    async with agent_on_http(world.serve()) as agent:
        on_pty = await agent.open_session()
        on_tmux = await agent.open_session(backend="tmux")
        kinds = {id_: one["backend"] for id_, one in (await sessions(agent)).items()}
        assert kinds == {on_pty: "pty", on_tmux: "tmux"}
        missing = await agent.call("session_create", backend="iterm2")
        assert missing.is_error and "iTerm2 is not there" in missing.text


def test_without_tmux_it_is_said_what_to_do(world: World) -> None:
    env = {"PATH": str(world.decoys), "MCP_TERMINAL_BACKEND": "tmux"}
    done = world.quarterdeck("run", "true", env=env)
    assert done.returncode == 125
    assert "apt install tmux" in done.stderr
    old = world.decoys / "tmux"
    old.write_text("#!/bin/sh\necho tmux 2.9a\n")
    old.chmod(0o755)
    done = world.quarterdeck("run", "true", env={"MCP_TERMINAL_BACKEND": "tmux"})
    assert done.returncode == 125
    assert "2.9a" in done.stderr and "3.2" in done.stderr


def test_run_leaves_nothing_behind_on_tmux(world: World) -> None:
    world.configure(f'[sessions]\ntmux_socket = "{socket(world)}"\n')
    done = world.quarterdeck("run", "--backend", "tmux", "seq 200; exit 4")
    assert "".join(f"{number}\n" for number in range(1, 201)) in done.stdout, "also what was written at the end"
    windows = tmux(world, "list-windows", "-a", "-F", "#{window_name}").split()
    assert windows == ["anchor"]


def serve_on_the_persons_own(world: World) -> ServingHost:
    """A host whose sessions are the panes of the server that the person has started."""
    tmux(world, "-f", "/dev/null", "new-session", "-d", "-s", "mine", "-x", "100", "-y", "30")
    return serve(world)


def pane_of(world: World, target: str) -> str:
    return tmux(world, "display-message", "-p", "-t", target, "#{pane_id}").strip()


async def test_what_a_person_opens_later_becomes_a_session_and_goes_with_its_owner(world: World) -> None:
    async with agent_on_http(serve_on_the_persons_own(world)) as agent:
        first = set(await sessions(agent))
        assert len(first) == 1

        async def there_are(count: int) -> bool:
            return len([one for one in (await sessions(agent)).values() if not one["ended"]]) == count

        tmux(world, "split-window", "-d", "-t", "mine")
        await until("a split is a session", lambda: there_are(2))
        tmux(world, "new-window", "-d", "-t", "mine")
        await until("a window is a session", lambda: there_are(3))
        tmux(world, "new-session", "-d", "-s", "another")
        await until("a window of another tmux session is a session", lambda: there_are(4))
        (split, *_) = [one for one in await sessions(agent) if one not in first]
        assert "whole" in (await agent.run("echo whole", sessionId=split))["output"]

        await agent.type(split, "sleep 7654", enter=True)
        tmux(world, "kill-session", "-t", "mine")
        await until("what the person has closed is closed", lambda: there_are(1))
        panes = tmux(world, "list-panes", "-a", "-F", "#{pane_id}").split()
        assert len(set(panes)) == 2, "the anchor and the other session's"


async def test_another_program_in_a_pane_ends_its_session(world: World) -> None:
    async with agent_on_http(serve(world)) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        marker = await agent.run("echo in $TMUX_PANE", sessionId=session)
        pane = marker["output"].split()[-1]
        await agent.type(session, "sleep 30", enter=True)
        tmux(world, "respawn-pane", "-k", "-t", pane, "cat")

        async def ended() -> bool:
            return (await sessions(agent)).get(session, {"ended": True})["ended"]

        await until("the session has ended", ended)
        refused = await agent.call("session_run", sessionId=session, command="echo lost")
        assert refused.code == "SESSION_ENDED" and "another program" in refused.text, refused

        async def found() -> bool:
            return any(not one["ended"] for one in (await sessions(agent)).values())

        await until("the pane is a session of its own", found)


async def test_a_person_may_rename_windows_as_they_come(world: World) -> None:
    host = serve_on_the_persons_own(world)
    tmux(world, "set-hook", "-g", "after-new-window", "rename-window hooked")
    async with agent_on_http(host) as agent:
        opened = [await agent.open_session() for _ in range(2)]
        for session in opened:
            assert (await agent.run("echo whole; false", sessionId=session))["exitStatus"] == 1
        numbers = tmux(world, "list-windows", "-t", "quarterdeck", "-F", "#{window_index}").split()
        assert all(int(number) < 100 for number in numbers), numbers
