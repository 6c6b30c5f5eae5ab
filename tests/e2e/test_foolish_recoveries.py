"""A recovery policy that somebody dropped in decides foolishly: it is bounded, refused
and given up, and the session is none the worse."""

from __future__ import annotations

from typing import Any

import pytest

from agent import Agent, agent_on_stdio
from approvers import drop_scripted_recovery
from test_health_and_recovery import CONFIG, crashed
from waiting import until
from world import World


@pytest.fixture
def configured(world: World) -> World:
    # Here the gate is what it is about.
    enforcing = CONFIG.replace('mode = "warn"', 'mode = "enforce"')
    world.configure(enforcing + "[recovery]\ntimeout_seconds = 10\n")
    return world


async def recovered_by(agent: Agent, world: World, session: str, **decision: str | int) -> dict[str, Any]:
    """What comes of a recovery that always decides the same."""
    drop_scripted_recovery(world, "foolish", **decision)

    async def loaded() -> bool:
        return (await agent.policies()).get("foolish", {}).get("state") == "active"

    await until("the foolish recovery is loaded", loaded)
    return await agent.do("error_recover", sessionId=session, strategy="foolish", maxRetries=2)


async def test_restarting_for_ever_ends(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await crashed(agent, configured)
        (configured.home / ".bashrc").write_text("exit 3\n")
        ended = await recovered_by(agent, configured, session, action="restart")
        assert not ended["recovered"] and ended["attempts"] == 2, ended
        sessions = (await agent.do("session_list"))["sessions"]
        assert len(sessions) == 1, "no heap of dead sessions is left behind"


async def test_a_command_of_a_recovery_passes_the_gate(configured: World) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await crashed(agent, configured)
        spared = await agent.open_session(name="spared")
        await agent.at_prompt(spared)
        await agent.type(spared, "sleep 1000", enter=True)
        ended = await recovered_by(agent, configured, spared, action="run", argument="rm -rf ~")
        assert not ended["recovered"], ended
        fresh = await agent.open_session()
        await agent.at_prompt(fresh)
        ended = await recovered_by(agent, configured, fresh, action="run", argument="rm -rf ~")
        assert not ended["recovered"] and any("refused" in step for step in ended["steps"]), ended
        assert configured.victim.exists(), "nothing was deleted"
        assert session != spared


@pytest.mark.parametrize(
    "decision",
    [
        {"action": "wait", "delay-ms": 86_400_000},
        {"action": "give-up"},
    ],
    ids=lambda decision: decision["action"],
)
async def test_whatever_it_decides_the_call_ends(configured: World, decision: dict[str, Any]) -> None:
    async with agent_on_stdio(configured) as agent:
        session = await crashed(agent, configured)
        ended = await recovered_by(agent, configured, session, **decision)
        assert not ended["recovered"] and ended["attempts"] == 0, ended
        assert ended["steps"], "it says why"


@pytest.mark.parametrize(
    "decision",
    [{"action": "failover", "argument": "nobody12"}, {"action": "trap"}],
    ids=lambda decision: decision["action"],
)
async def test_what_fails_its_trial_is_never_asked(configured: World, decision: dict[str, Any]) -> None:
    async with agent_on_stdio(configured) as agent:
        session = (await agent.run("true"))["sessionId"]
        drop_scripted_recovery(configured, "foolish", **decision)

        async def refused() -> bool:
            return (await agent.policies()).get("foolish", {}).get("state") == "failed"

        await until("it is refused", refused)
        answer = await agent.call("error_recover", sessionId=session, strategy="foolish")
        assert answer.code == "INVALID_PARAMETERS" and "graceful" in answer.text
        assert (await agent.do("error_recover", sessionId=session, strategy="reset"))["recovered"]
