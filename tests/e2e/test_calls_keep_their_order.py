"""A client on stdio need not wait for one answer before it sends the next call: what goes
into one session goes there in the order in which it was sent."""

from __future__ import annotations

import pytest

from agent import agent_on_stdio, all_of
from waiting import until
from world import World

LETTERS = "abcdefghijklmnop"


@pytest.mark.parametrize("joined", [False, True], ids=["alone", "joined"])
async def test_keys_and_commands_come_as_they_were_sent(world: World, joined: bool) -> None:
    if joined:
        world.serve()
    async with agent_on_stdio(world) as agent:
        session = await agent.open_session()
        await agent.at_prompt(session)
        commands = [f"printf {letter} >> order" for letter in LETTERS]
        await all_of(*(agent.run(command, sessionId=session) for command in commands))
        assert (await agent.run("cat order; echo", sessionId=session))["output"] == f"{LETTERS}\n"

        await agent.type(session, "cat", enter=True)
        await agent.wait_for(session, quietMs=200)
        await all_of(*(agent.type(session, letter) for letter in LETTERS))
        await agent.type(session, {"key": "enter"})

        async def repeated() -> bool:
            return f"{LETTERS}\n{LETTERS}" in await agent.screen(session)

        await until("cat repeats the letters", repeated)


async def test_so_does_text_for_a_terminal_of_mcpretentious(world: World) -> None:
    options = {"QUARTERDECK_TOOLS": "mcpretentious"}
    async with agent_on_stdio(world, env=options) as agent:
        opened = (await agent.call("mcpretentious-open")).text
        terminal = opened.rsplit(maxsplit=1)[-1]
        texts = [["echo "], *([letter] for letter in LETTERS), [{"key": "enter"}]]
        await all_of(*(agent.call("mcpretentious-type", terminalId=terminal, input=text) for text in texts))

        async def answered() -> bool:
            shown = (await agent.call("mcpretentious-read", terminalId=terminal)).text
            return f"\n{LETTERS}" in shown

        await until("the letters are echoed in order", answered)
