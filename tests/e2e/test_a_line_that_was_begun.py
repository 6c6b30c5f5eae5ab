"""What stands on the line of a shell that nobody can ask is no beginning for another command."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from agent import Agent, agent_on_stdio
from world import World


@pytest.fixture
async def agent(world: World) -> AsyncIterator[Agent]:
    async with agent_on_stdio(world) as agent:
        yield agent


async def bare_shell(agent: Agent) -> str:
    """A session whose shell writes no marks."""
    session = await agent.open_session()
    await agent.at_prompt(session)
    await agent.do("session_type", sessionId=session, input="exec dash", enter=True)
    await agent.wait_for(session, pattern=r"\n[$#] $")
    return session


@pytest.mark.parametrize("begun", ["curl http://192.0.2.1/ ", "cat \\\n", "echo 'one\n"])
async def test_a_command_is_not_put_behind_it(agent: Agent, begun: str) -> None:
    session = await bare_shell(agent)
    await agent.do("session_type", sessionId=session, input=begun)
    refused = await agent.call("session_run", command="echo ok", sessionId=session)
    assert refused.code == "SESSION_BUSY" and begun.strip().splitlines()[0] in refused.text
    assert "ctrl-c" in refused.text

    await agent.do("session_type", sessionId=session, input={"key": "ctrl-c"})
    # dash throws away what it is typed before its next prompt.
    await agent.wait_for(session, pattern=r"\^C\r?\n[$#] $")
    ran = await agent.run("echo ok", sessionId=session)
    await agent.wait_for(session, pattern="\nok")
    assert ran["verdict"]["certainty"] == "typed", "the shell did not say that nothing else was there"


async def test_what_was_submitted_is_no_beginning(agent: Agent) -> None:
    session = await bare_shell(agent)
    await agent.do("session_type", sessionId=session, input="echo $((40 + 2))", enter=True)
    await agent.wait_for(session, pattern="\n42")
    await agent.run("echo ok", sessionId=session)
    await agent.wait_for(session, pattern="\nok")


async def test_an_unfinished_command_leaves_nothing_behind(agent: Agent) -> None:
    session = await agent.open_session()
    unfinished = await agent.call("session_run", command="echo one \\", sessionId=session)
    assert unfinished.is_error, unfinished
    typed = await agent.type(session, "echo two", enter=True)
    assert not typed.is_error, typed
    await agent.wait_for(session, pattern="\ntwo")
    assert (await agent.run("echo three", sessionId=session))["output"] == "three\n"
