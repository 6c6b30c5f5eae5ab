"""iTerm2 answers late, out of order, by halves or not at all, and says why it lets nobody in."""

from __future__ import annotations

import asyncio

from agent import agent_on_http
from iterm2_world import StandIn
from waiting import until, until_blocking
from world import World


async def test_an_iterm2_that_wants_a_newer_client_is_told_of_and_asked_again(world: World, iterm2: StandIn) -> None:
    iterm2.control("too-old on")
    done = world.quarterdeck("run", "--backend", "iterm2", "true")
    assert done.returncode == 125 and "too old for it (406): update it" in done.stderr, done
    async with agent_on_http(world.serve("--backend", "iterm2")) as agent:
        refused = await agent.call("session_create")
        assert refused.is_error and "too old for it (406): update it" in refused.text
        iterm2.control("too-old off")
        assert not (await agent.call("session_create")).is_error, "the next call asks again"


async def test_twenty_panes_at_once_whose_answers_come_late_and_out_of_order(world: World, iterm2: StandIn) -> None:
    async with agent_on_http(world.serve("--backend", "iterm2")) as agent:
        await agent.open_session()
        iterm2.control("delay 20")
        iterm2.control("shuffle 3")
        opening = asyncio.gather(*(agent.open_session() for _ in range(20)))
        await until("all panes were asked for", lambda: int(iterm2.control("served create-tab")) >= 21)
        # Of the last answers there may be too few to be shuffled.
        iterm2.control("clear")
        sessions = await opening
        ran = await asyncio.gather(
            *(agent.run(f"echo pane-{at}; seq 300 | tail -1", sessionId=it) for at, it in enumerate(sessions))
        )
        assert [it["output"] for it in ran] == [f"pane-{at}\n300\n" for at in range(20)]
        assert len(iterm2.official("panes")) == 22
        await asyncio.gather(*(agent.do("session_close", sessionId=it) for it in sessions))
    until_blocking("the panes are closed", lambda: len(iterm2.official("panes")) == 2)


async def test_a_pane_whose_opening_was_not_answered_is_the_session_all_the_same(world: World, iterm2: StandIn) -> None:
    """Half an answer, an answer that was lost, and none at all: the pane is there each time."""
    async with agent_on_http(world.serve("--backend", "iterm2")) as agent:
        await agent.open_session()
        for opened, fault in enumerate(["half-frame", "drop-replies 1", "silence 1", "half-frame"], 3):
            iterm2.control(fault)
            session = await agent.open_session()
            assert (await agent.run(f"echo {fault}", sessionId=session))["output"] == f"{fault}\n"
            assert len(iterm2.official("panes")) == opened, f"{fault} left a pane behind"
