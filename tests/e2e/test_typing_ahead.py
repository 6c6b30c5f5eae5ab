"""What is typed while nobody reads: the shell may run it later, so it is judged as if it did."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent import Agent, agent_on_stdio
from waiting import until
from world import World

UNKNOWN = "frobnicate the-database"
"""A program that no rule knows: at a prompt a person is asked."""


@pytest.fixture
async def agent(world: World) -> AsyncIterator[Agent]:
    async with agent_on_stdio(world) as agent:
        yield agent


async def in_front(agent: Agent, session: str, program: str) -> None:
    """Waits until the program runs in the session."""

    async def runs() -> bool:
        listed = (await agent.do("session_list"))["sessions"]
        return any(it["sessionId"] == session and it.get("program") == program for it in listed)

    await until(f"`{program}` has the terminal", runs)


async def running(agent: Agent, command: str, program: str) -> str:
    """A session in which the program has been started."""
    session = await agent.open_session()
    await agent.at_prompt(session)
    typed = await agent.type(session, command, enter=True)
    assert not typed.is_error, typed
    await in_front(agent, session, program)
    return session


@pytest.mark.parametrize("line", [UNKNOWN, "bash -c 'frobnicate z'", "eval frobnicate"])
async def test_a_line_that_waits_for_the_shell_is_asked_about(agent: Agent, line: str) -> None:
    session = await running(agent, "sleep 60", "sleep")
    asked = await agent.type(session, line, enter=True)
    assert asked.code == "CONFIRMATION_REQUIRED", asked
    verdict = asked.error["details"]["verdict"]
    assert "so the shell may run it next" in verdict["reason"], verdict


async def test_a_line_that_is_typed_ahead_and_safe_runs_next(agent: Agent) -> None:
    session = await running(agent, "sleep 1", "sleep")
    typed = await agent.type(session, "echo typed $((40 + 2)) ahead", enter=True)
    assert typed.content["verdict"]["tier"] == "safe", typed
    await agent.wait_for(session, pattern="typed 42 ahead")


async def test_a_program_that_reads_is_told_what_it_likes(agent: Agent) -> None:
    session = await running(agent, "cat", "cat")
    typed = await agent.type(session, UNKNOWN, enter=True)
    assert not typed.is_error, typed
    await agent.wait_for(session, pattern=rf"(?s){UNKNOWN}\s+{UNKNOWN}")


async def test_an_answer_to_what_was_typed_is_no_part_of_it(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.at_prompt(session)
    asks = await agent.type(session, "read -p 'Your name: ' name; echo Hello $name", enter=True)
    assert not asks.is_error, asks
    await agent.wait_for(session, pattern=r"(?m)^Your name: ")
    answered = await agent.type(session, "Alice", enter=True)
    assert not answered.is_error, answered
    await agent.wait_for(session, pattern="Hello Alice")


async def test_the_end_of_a_pipeline_gets_its_keys(agent: Agent) -> None:
    session = await agent.open_session()
    await agent.at_prompt(session)
    typed = await agent.type(session, "seq 200 | less", enter=True)
    assert not typed.is_error, typed
    await in_front(agent, session, "less")
    searched = await agent.type(session, "/150", enter=True)
    assert not searched.is_error, searched
    await agent.wait_for(session, pattern="150")
    assert not (await agent.type(session, "q")).is_error
    await agent.at_prompt(session)


async def test_an_interrupt_right_after_opening_harms_nobody(agent: Agent) -> None:
    for _ in range(5):
        session = await agent.open_session()
        pressed = await agent.type(session, {"key": "ctrl-c"})
        assert not pressed.is_error, pressed
        answer = await agent.run("echo still here", sessionId=session)
        assert answer["output"].strip() == "still here", answer


@pytest.mark.parametrize("shell", ["/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"])
@pytest.mark.parametrize("key", ["escape", "ctrl-x"])
async def test_a_key_that_waits_for_another_leaves_nothing_on_the_line(world: World, shell: str, key: str) -> None:
    world.shell = shell
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        for turn in range(3):
            pressed = await agent.type(session, {"key": key})
            assert not pressed.is_error, pressed
            answer = await agent.run(f"echo turn {turn}", sessionId=session)
            assert answer["output"].strip() == f"turn {turn}", answer
        assert "27;7" not in await agent.screen(session)
