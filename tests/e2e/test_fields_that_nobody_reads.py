"""A field that no tool knows is refused by name: what it was to name would be the active
session otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from iterm_mcp import Orchestrator, orchestrator
from waiting import until
from world import World


async def runs(crew: Orchestrator, session: str) -> bool:
    return (await crew.call("check_session_status", session_id=session))["is_processing"]


async def asleep(crew: Orchestrator, session: str) -> None:
    await crew.write("sleep 600", {"session_id": session}, skip_duplicates=False)

    async def sleeps() -> bool:
        return await runs(crew, session)

    await until("it sleeps", sleeps)


async def test_the_session_that_is_named_is_the_one_that_is_meant(world: World) -> None:
    async with orchestrator(world) as crew:
        [active] = await crew.sessions("active")
        [other] = await crew.sessions("other", agent="ada")
        await crew.call("set_active_session", session_id=active)
        await asleep(crew, active)
        ways: list[dict[str, Any]] = [
            {"session_id": other},
            {"name": "other"},
            {"agent": "ada"},
            {"session_identifier": "ada"},
            {"target": {"agent": "ada"}},
            {"request": {"target": {"session_id": other}}},
        ]
        for way in ways:
            await asleep(crew, other)
            pressed = {"control_char": "c", **way}
            if "request" in way:
                pressed = {"request": {"control_char": "c", **way["request"]}}

            async def ends(pressed: dict[str, Any] = pressed) -> bool:
                # A program that is just being started may miss the key.
                [sent] = (await crew.call("send_control_character", **pressed))["results"]
                assert sent["session_id"] == other, pressed
                return not await runs(crew, other)

            await until(f"Ctrl-C arrives by {way}", ends)
        for way in ways[:-1]:
            assert (await crew.call("send_special_key", key="up", **way))["session_id"] == other
            assert (await crew.call("check_session_status", **way))["id"] == other
        assert await runs(crew, active), "nothing was pressed in the active session"


@pytest.mark.parametrize(
    ("tool", "arguments", "unknown", "known"),
    [
        ("send_control_character", {"control_char": "c", "sessionId": "x"}, "sessionId", "session_id"),
        ("send_special_key", {"key": "up", "where": "x"}, "where", "agent"),
        ("check_session_status", {"id": "x"}, "id", "session_identifier"),
        ("read_sessions", {"targets": [{"session": "x"}]}, "targets[0].session", "max_lines"),
        ("write_to_sessions", {"messages": [{"content": "x", "target": {}}]}, "messages[0].target", "targets"),
    ],
)
async def test_what_nobody_reads_is_refused(
    world: World, tool: str, arguments: dict[str, Any], unknown: str, known: str
) -> None:
    async with orchestrator(world) as crew:
        [active] = await crew.sessions("active")
        await crew.call("set_active_session", session_id=active)
        for shape in (arguments, {"request": arguments}):
            refused = await crew.try_to(tool, **shape)
            assert refused.is_error and refused.content["code"] == "INVALID_PARAMETERS"
            assert f'"{unknown}"' in refused.content["error"] and known in refused.content["error"]


async def test_a_session_is_named_once(world: World) -> None:
    async with orchestrator(world) as crew:
        [one] = await crew.sessions("one")
        refused = await crew.try_to("send_special_key", key="up", session_id=one, target={"agent": "ada"})
        assert "more than once" in refused.content["error"]
