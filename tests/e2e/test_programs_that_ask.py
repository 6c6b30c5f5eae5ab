"""Programs that ask: an answer is data, to whichever shell's `read` it goes; a command stays one."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import AsyncIterator

import pytest

from agent import Agent, agent_on_stdio
from waiting import until
from world import World

UNKNOWN = "frobnicate the-database"
"""A program that no rule knows: at a prompt a person is asked."""

SHELLS = {"bash": "/bin/bash", "zsh": "/usr/bin/zsh"}


@pytest.fixture(params=list(SHELLS))
async def agent(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Agent]:
    world.shell = SHELLS[request.param]
    async with agent_on_stdio(world) as agent:
        yield agent


async def asked(agent: Agent, command: str, question: str) -> str:
    """A session in which the command has asked its question."""
    session = await agent.open_session()
    await agent.at_prompt(session)
    typed = await agent.type(session, command, enter=True)
    assert not typed.is_error, typed
    await agent.wait_for(session, pattern=rf"(?m)^{question}")
    return session


async def answer(agent: Agent, session: str, text: str) -> None:
    typed = await agent.type(session, text, enter=True)
    assert not typed.is_error, (text, typed)


@pytest.mark.parametrize("shell", ["bash", "sh", "zsh"])
async def test_what_c_gave_to_a_shell_gets_its_answer(agent: Agent, shell: str) -> None:
    session = await asked(agent, f"{shell} -c 'printf \"Name: \"; read X; echo Hello $X'", "Name: ")
    await answer(agent, session, "Alice")
    await agent.wait_for(session, pattern="Hello Alice")


async def test_a_script_gets_its_answers_whatever_they_look_like(agent: Agent, world: World) -> None:
    script = 'read -rp "Who? " who\nread -rsp "Secret: " secret\necho\necho "$who, ${#secret} letters"\n'
    (world.home / "ask.sh").write_text(script)
    session = await asked(agent, "bash ask.sh", r"Who\? ")
    await answer(agent, session, "It's me (again)")
    await agent.wait_for(session, pattern="Secret: ")
    await answer(agent, session, "s3cret'")
    await agent.wait_for(session, pattern=r"It's me \(again\), 7 letters")
    await agent.at_prompt(session)
    assert (await agent.type(session, UNKNOWN, enter=True)).code == "CONFIRMATION_REQUIRED"


async def test_one_of_several_is_chosen(agent: Agent) -> None:
    session = await asked(agent, "select x in apple pear; do echo chose $x; break; done", r".*\) pear")
    await answer(agent, session, "2")
    await agent.wait_for(session, pattern="chose pear")


async def test_a_key_is_enough_where_a_key_is_asked_for(agent: Agent) -> None:
    session = await asked(agent, "bash -c 'read -n1 -p \"Sure? \" x; echo; echo got $x'", r"Sure\? ")
    assert (await agent.type(session, UNKNOWN, enter=True)).code == "CONFIRMATION_REQUIRED"
    await answer(agent, session, "y")
    await agent.wait_for(session, pattern="got y")


@pytest.mark.parametrize(
    "command",
    [
        "bash -c 'printf go:; read x; eval \"$x\"'",
        "bash -c 'printf go:; exec sh'",
        "PS1=go: bash --norc --noprofile",
        "sh",
    ],
)
async def test_a_shell_that_runs_what_it_reads_gets_nothing_unasked(world: World, command: str) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        started = await agent.type(session, command, enter=True)
        if started.code == "CONFIRMATION_REQUIRED":
            approved = world.quarterdeck("approve", started.error["details"]["confirmationId"])
            assert approved.returncode == 0, approved
            started = await agent.type(session, command, enter=True)
        assert not started.is_error, started

        async def reads() -> bool:
            typed = await agent.type(session, UNKNOWN, enter=True)
            assert typed.code == "CONFIRMATION_REQUIRED", typed
            return "Nobody reads" not in typed.verdict["reason"]

        await until("a shell reads", reads)


async def test_what_is_dangerous_is_no_answer(agent: Agent, world: World) -> None:
    session = await asked(agent, "bash -c 'printf \"Name: \"; read X; echo Hello $X'", "Name: ")
    refused = await agent.type(session, "rm -rf ~", enter=True)
    assert refused.code == "PERMISSION_DENIED", refused
    assert world.victim.exists()


async def test_an_editor_that_another_program_starts_is_an_editor(agent: Agent, world: World) -> None:
    command = f"env GIT_EDITOR={shlex.quote(shutil.which('vim') or 'vim')} git commit --allow-empty"
    created = await agent.run("git init -q . && git config user.email me@x && git config user.name Me")
    typed = await agent.type(created["sessionId"], command, enter=True)
    if typed.is_error:
        world.quarterdeck("approve", typed.error["details"]["confirmationId"])
        typed = await agent.type(created["sessionId"], command, enter=True)
    assert not typed.is_error, typed
    await agent.wait_for(created["sessionId"], pattern="COMMIT_EDITMSG")
    await agent.wait_for(created["sessionId"], quietMs=500)
    written = await agent.type(created["sessionId"], "iFrobnicate the database", {"key": "escape"}, ":wq\n")
    assert not written.is_error, written
    await agent.wait_for(created["sessionId"], pattern="Frobnicate the database\\s")


async def test_a_multiplexer_is_no_way_around(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        socket = world.root / "inner"
        started = await agent.type(session, f"tmux -S {socket} new-session", enter=True)
        assert not started.is_error, started

        async def in_tmux() -> bool:
            listed = (await agent.do("session_list"))["sessions"]
            return any(str(it.get("program")).startswith("tmux") for it in listed)

        await until("tmux has the terminal", in_tmux)
        judged = await agent.type(session, UNKNOWN, enter=True)
        assert judged.code == "CONFIRMATION_REQUIRED", judged
        assert judged.verdict["rule"] == "core/unknown-program", judged
        assert not (await agent.type(session, "echo in $((40 + 2)) tmux", enter=True)).is_error
        await agent.wait_for(session, pattern="in 42 tmux")
        world.quarterdeck("run", f"tmux -S {socket} kill-server")
