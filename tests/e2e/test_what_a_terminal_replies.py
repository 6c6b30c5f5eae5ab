"""A terminal replies to its programs as if somebody typed. What nobody read of that is never run.

`2026` is what a terminal replies to a question that any text can hold, and here the name of a program.
"""

from __future__ import annotations

import pytest

from agent import agent_on_http
from iterm2_world import StandIn
from world import World

ASKS = "hello\x1b[?2026$p\x1b[c\x1b[6n\x1b]4;1;?\x07\n"


@pytest.fixture
def trap(world: World) -> World:
    """A text that asks the terminal, and programs by the names of what it replies."""
    programs = world.home / "bin"
    programs.mkdir()
    for name in ("2026", "4", "1R", "6c"):
        program = programs / name
        program.write_text(f"#!/bin/sh\necho ran >> {world.home}/ran-unasked\n")
        program.chmod(0o755)
    (world.home / "readme.txt").write_text(ASKS)
    return world


@pytest.mark.parametrize("backend", ["pty", "tmux", "iterm2"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_command_runs_as_it_was_judged(trap: World, iterm2: StandIn, backend: str, shell: str) -> None:
    trap.shell = f"/usr/bin/{shell}"
    async with agent_on_http(trap.serve("--backend", backend)) as agent:
        session = await agent.open_session()
        path = "set -x PATH $HOME/bin $PATH" if shell == "fish" else "PATH=$HOME/bin:$PATH"
        await agent.run(path, sessionId=session)
        shown = await agent.run("cat ~/readme.txt", sessionId=session)
        assert shown["output"].startswith("hello"), shown
        ran = await agent.run("echo hi", sessionId=session)
        assert (ran["output"], ran["exitStatus"]) == ("hi\n", 0), ran
        assert not (trap.home / "ran-unasked").exists()


@pytest.mark.parametrize("shell", ["dash", "bash --norc"])
async def test_nor_does_a_line_in_a_shell_that_cannot_be_asked(trap: World, shell: str) -> None:
    async with agent_on_http(trap.serve()) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        for line in (shell, "PATH=$HOME/bin:$PATH", "cat ~/readme.txt"):
            typed = await agent.type(session, line, enter=True)
            assert not typed.is_error, typed
            await agent.wait_for(session, quietMs=400)
        typed = await agent.type(session, "echo its-$((40 + 2))", enter=True)
        assert not typed.is_error, typed
        await agent.wait_for(session, pattern="(?m)^its-42$")
        assert not (trap.home / "ran-unasked").exists()


async def test_a_command_given_right_after_an_interrupt_runs(world: World) -> None:
    async with agent_on_http(world.serve()) as agent:
        session = await agent.open_session()
        for turn in range(10):
            started = await agent.call("session_run", command="sleep 9", sessionId=session, timeoutMs=100)
            assert started.content["timedOut"], started
            await agent.type(session, {"key": "ctrl-c"})
            ran = await agent.call("session_run", command=f"echo {turn}", sessionId=session)
            assert not ran.is_error and ran.content["output"] == f"{turn}\n", ran
