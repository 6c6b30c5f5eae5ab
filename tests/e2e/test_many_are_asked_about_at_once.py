"""Tools that type into many sessions ask a person on their way: one question for all that
waits, and what was typed before is not typed again."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from approvers import drop_scripted
from iterm_mcp import Orchestrator, orchestrator
from test_confirmation import Person, era
from waiting import until
from world import World

__all__ = ["era"]

SESSIONS = [f"s{number}" for number in range(12)]


@pytest.fixture(autouse=True)
def deploying_is_reviewed(world: World) -> None:
    drop_scripted(world, "deploys", match="deploy", tier="review", reason="Deploying is a person's decision.")


def asked_by(world: World, era: str, person: Person) -> AbstractAsyncContextManager[Orchestrator]:
    return orchestrator(world, mode=era, elicitation_callback=person)


async def ran(world: World, *names: str) -> None:
    """Waits until each session has written its file, once."""
    for name in names:
        file = world.home / name
        await until(f"{name} has run", file.exists)
    assert {name: (world.home / name).read_text() for name in names} == dict.fromkeys(names, "once\n")


def message(command: str, name: str, **more: Any) -> dict[str, Any]:
    return {"content": command, "targets": [{"name": name}], **more}


@pytest.mark.parametrize("parallel", [True, False], ids=["at once", "one by one"])
async def test_one_question_does_for_twelve_sessions(world: World, era: str, parallel: bool) -> None:
    """More than the official client would answer one by one."""
    person = Person("accept")
    async with asked_by(world, era, person) as crew:
        await crew.sessions("free", *SESSIONS)
        messages = [message("echo once >> free", "free")]
        messages += [message(f"echo once >> {name} # deploy", name) for name in SESSIONS]
        written = await crew.call("write_to_sessions", messages=messages, parallel=parallel, skip_duplicates=False)
        assert (written["sent_count"], written["error_count"]) == (13, 0), written
        assert len(person.asked) == 1 and all(f">> {name} # deploy" in person.asked[0] for name in SESSIONS)
        await ran(world, "free", *SESSIONS)


async def test_a_person_may_say_no_to_one_of_them(world: World, era: str) -> None:
    person = Person("accept", {"run1": True, "run2": False})
    async with asked_by(world, era, person) as crew:
        await crew.sessions("a", "b")
        messages = [message(f"echo once >> {name} # deploy", name) for name in ("a", "b")]
        written = await crew.call("write_to_sessions", messages=messages, parallel=False)
        yes, no = written["results"]
        assert yes["success"] and not no["success"] and "a person said no" in no["error"], written
        await ran(world, "a")
        assert not (world.home / "b").exists()


@pytest.mark.parametrize("action", ["accept", "decline", "cancel"])
async def test_a_cascade_asks_once(world: World, era: str, action: str) -> None:
    person = Person(action)
    async with asked_by(world, era, person) as crew:
        sessions = [{"name": name, "agent": name} for name in ("ada", "bob", "eve")]
        await crew.call("create_sessions", sessions=sessions)
        told = {"eve": "echo once >> eve"}
        answer = await crew.call("send_cascade_message", broadcast="echo deploy", agents=told, skip_duplicates=False)
        assert len(person.asked) == 1 and "Run this command in sessions" in person.asked[0], person.asked
        delivered = {result["agent"]: result["delivered"] for result in answer["results"]}
        yes = action == "accept"
        assert delivered == {"ada": yes, "bob": yes, "eve": True}, answer
        if not yes:
            why = {"decline": "a person said no", "cancel": "a person has to confirm"}[action]
            assert why in answer["results"][0]["skipped_reason"], answer
        await ran(world, "eve")


async def test_a_playbook_goes_on_where_it_asked(world: World, era: str) -> None:
    person = Person("accept")
    async with asked_by(world, era, person) as crew:
        playbook = {
            "layout": {"sessions": [{"name": "desk", "agent": "ada"}]},
            "commands": [
                {"name": "first", "messages": [message("echo once >> first", "desk")]},
                {"name": "then", "messages": [message("echo once >> then # deploy", "desk")]},
            ],
            "cascade": {"broadcast": "echo once >> last # deploy"},
        }
        played = await crew.call("orchestrate_playbook", playbook=playbook)
        assert [block["write_result"]["sent_count"] for block in played["commands"]] == [1, 1], played
        assert played["cascade"]["delivered_count"] == 1, played
        assert len(person.asked) == 2
        await ran(world, "first", "then", "last")
        assert (await crew.call("list_sessions"))["total_sessions"] == 1, "the layout was made once"


async def test_what_is_put_away_is_not_asked_about_again_in_that_call(world: World, era: str) -> None:
    person = Person("cancel")
    async with asked_by(world, era, person) as crew:
        await crew.sessions("desk")
        block = [{"messages": [message(f"echo deploy {number}", "desk")]} for number in range(3)]
        played = await crew.call("orchestrate_playbook", playbook={"commands": block})
        assert len(person.asked) == 1
        for block in played["commands"]:
            assert "CONFIRMATION_REQUIRED" in block["write_result"]["results"][0]["error"], played
