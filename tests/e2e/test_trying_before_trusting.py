"""Trying before trusting: a policy says what it would have said, and nobody obeys it yet."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from agent import agent_on_stdio
from approvers import built, drop, drop_scripted
from waiting import until
from world import World

PUSH = "git push origin main"


@pytest.fixture(autouse=True)
def git_is_a_stand_in(world: World) -> None:
    world.stand_in("git")


def judged(world: World, command: str) -> dict[str, Any]:
    """The newest verdict row on a command."""
    with sqlite3.connect(f"file:{world.audit_log}?mode=ro", uri=True) as log:
        rows = log.execute("SELECT sequence, body FROM entries WHERE kind = 'verdict' ORDER BY sequence DESC")
        for sequence, body in rows:
            row = json.loads(body)
            if row["command"] == command:
                return {"sequence": sequence, **row}
    raise AssertionError(f"no verdict on {command!r}")


async def test_a_shadow_is_written_down_counted_and_not_obeyed(world: World) -> None:
    drop(world, "approver-git-push", built("approver-git-push"), 'mode = "shadow"\n')
    async with agent_on_stdio(world) as agent:

        async def shadowing() -> bool:
            return (await agent.policies()).get("approver-git-push", {}).get("state") == "shadow"

        await until("the policy is a shadow", shadowing)
        pushed = await agent.run(PUSH)
        assert pushed["output"].strip() == "git ran: push origin main", "a shadow is not obeyed"
        await agent.run("git status")
        listed = (await agent.policies())["approver-git-push"]
        assert (listed["shadowDiffered"], listed["calls"]) == (1, 2)

    row = judged(world, PUSH)
    assert "approver-git-push" not in {verdict["policy"] for verdict in row["verdicts"]}
    [shadow] = row["shadows"]
    assert (shadow["policy"], shadow["tier"]) == ("approver-git-push", "dangerous")
    assert shadow["digest"] == listed["digest"] and shadow["generation"] and shadow["rule"] and shadow["reason"]
    assert world.quarterdeck("audit", "verify").returncode == 0

    [record] = json.loads(world.quarterdeck("audit", "shadows", "--since", "1h", "--json").stdout)
    assert (record["policy"], record["asked"], record["stricter"], record["laxer"]) == ("approver-git-push", 2, 1, 0)
    assert record["newest"][0]["command"] == PUSH
    shown = world.quarterdeck("audit", "shadows").stdout
    assert "differed on 1 of 2 commands" in shown and PUSH in shown
    wrong = world.quarterdeck("audit", "shadows", "--since", "yesterday")
    assert wrong.returncode != 0 and "7d" in wrong.stderr, "the error shows how to write it"
