"""What happens to an agent in its session is there for those who look after it: commands that
were kept back, waits that ended, and turns of its program."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from agent import agent_on_http
from fake_agent import agents_may_be_driven, start_agent
from iterm_mcp import orchestrator
from waiting import until
from world import World

Notes = Callable[[], Awaitable[list[dict[str, Any]]]]
"""Reads an agent's notifications, the newest first."""


async def noted(notes: Notes, level: str, words: str) -> dict[str, Any]:
    """The newest notification, once it is of this level and says this."""

    async def newest() -> dict[str, Any] | None:
        told = await notes()
        return told[0] if told and told[0]["level"] == level and words in told[0]["summary"] else None

    return await until(f"{level}: {words}", newest)


async def test_commands_that_are_kept_back_and_waits(world: World) -> None:
    async with orchestrator(world) as crew:

        async def notes() -> list[dict[str, Any]]:
            return (await crew.call("get_notifications", agent="ada"))["notifications"]

        await crew.call("create_sessions", sessions=[{"name": "one", "agent": "ada"}])
        await crew.try_to("write_to_sessions", messages=[{"content": "rm -rf ~", "targets": [{"agent": "ada"}]}])
        refused = await noted(notes, "error", "refused: rm -rf ~")
        assert refused["context"], "it says why"
        await crew.try_to("write_to_sessions", messages=[{"content": "git push", "targets": [{"agent": "ada"}]}])
        waits = await noted(notes, "blocked", "waits for a yes: git push")
        assert waits["action_hint"].startswith("quarterdeck approve ")
        assert world.quarterdeck(*waits["action_hint"].split()[1:]).returncode == 0
        await noted(notes, "info", "approved: git push")

        waited = await crew.call("wait_for_agent", agent="ada", wait_up_to=20)
        assert waited["completed"], waited
        await noted(notes, "success", "no command runs any more")
        await crew.write("sleep 600", {"agent": "ada"})
        waited = await crew.call("wait_for_agent", agent="ada", wait_up_to=1)
        assert waited["timed_out"], waited
        await noted(notes, "warning", "still works")


async def test_turns_of_a_coding_agent(world: World) -> None:
    agents_may_be_driven(world)
    async with agent_on_http(world.serve("--tools", "native,agents,iterm-mcp")) as client:
        agent = await start_agent(client, world)
        await agent.becomes("idle")
        await client.call("register_agent", name="ada", session_id=agent.session)

        async def notes() -> list[dict[str, Any]]:
            return json.loads((await client.call("get_notifications", agent="ada")).text)["notifications"]

        async def is_processing() -> bool:
            told = await client.call("check_session_status", session_id=agent.session)
            return json.loads(told.text)["is_processing"]

        assert not await is_processing(), "an agent that waits for its person works at nothing"
        await agent.prompt("say something")
        await noted(notes, "success", "claude is done with its turn")
        await agent.prompt("/permission rm -rf build")
        await noted(notes, "blocked", "claude asks for permission")
        assert not await is_processing()
        summary = (await client.call("get_agent_status_summary")).text
        assert "asks for permission" in summary and "asking-permission" in summary, summary
