"""Tasks as stories hand them in, and what is told of them in the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

from agent import Agent


def task(id_: str, command: Any = "true", **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "command", "payload": command, "priority": "medium", **more}


async def hand_in(agent: Agent, *tasks: dict[str, Any], **more: Any) -> None:
    """Has other machines do these tasks."""
    await agent.do("task_distribute", tasks=list(tasks), machines=True, **more)


async def report(agent: Agent, id_: str, wait: int = 0) -> dict[str, Any]:
    """What is told of a task, at its end if that comes within so many milliseconds."""
    return (await agent.do("task_status", taskIds=[id_], waitMs=wait))["tasks"][0]


async def ended(agent: Agent, *ids: str) -> dict[str, dict[str, Any]]:
    """The reports of these tasks once all of them have ended."""
    reports = (await agent.do("task_status", taskIds=list(ids), waitMs=50_000))["tasks"]
    assert all(one["status"] in ("completed", "failed") for one in reports), reports
    return {one["id"]: one for one in reports}


def completed_as_often_as_told(reports: list[dict[str, Any]], begun: Counter[str]) -> None:
    """All of them completed, and none began more often than is told."""
    for one in reports:
        assert one["status"] == "completed", one
        assert 1 <= begun[one["id"]] <= one["attempts"], (one, begun[one["id"]])


def told_truly(
    reports: dict[str, dict[str, Any]], needs: dict[str, list[str]], lines: list[tuple[str, str]]
) -> set[str]:
    """Holds what is told of tasks against what they wrote down, `begins ID` and `ends ID`:
    all of them completed, in order, and what ran more than once says so. Those."""
    assert reports.keys() == needs.keys(), "nothing is lost"
    assert [one for one in reports.values() if one["status"] != "completed"] == []
    begun = Counter(id_ for what, id_ in lines if what == "begins")
    assert begun.keys() == needs.keys()
    for id_, times in begun.items():
        assert times <= reports[id_]["attempts"], f"{id_} ran {times} times: {reports[id_]}"
    again = {id_ for id_, one in reports.items() if one["attempts"] > 1}
    assert again, "some were lost with who had them"
    assert all("how far it came is unknown" in reports[id_]["notes"][0] for id_ in again)
    assert all("notes" not in reports[id_] for id_ in reports.keys() - again)
    done: set[str] = set()
    for what, id_ in lines:
        if what == "ends":
            done.add(id_)
        else:
            assert done.issuperset(needs[id_]), f"{id_} began before {set(needs[id_]) - done}"
    return again
