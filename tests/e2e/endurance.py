"""A day's work in miniature: decisions without end while rules are swapped, and what is
left behind. `test_endurance.py` does a little of it each time, `tests/bench/endurance`
all of it."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

from approvers import built, drop_scripted, place, relabelled
from waiting import until_blocking
from world import World

RULE = "house-rule"
COMMANDS = {"deploy everything": "dangerous", "ls -la": "safe", "git log --oneline | head -20": "safe"}
"""What is asked, and the right answer; the first is the house rule's."""

WINDOW = 64
"""So many questions are under way at a time."""

CACHED = 64
"""Compiled components that the host keeps on the disk."""


@dataclass(frozen=True)
class Held:
    """What the host holds at one moment."""

    memory: int
    """Resident bytes of its own: what is mapped from files is the system's to drop."""
    descriptors: int
    threads: int

    @staticmethod
    def by(pid: int) -> Held:
        status = Path(f"/proc/{pid}/status").read_text()

        def number(name: str) -> int:
            return int(re.search(rf"{name}:\s+(\d+)", status)[1])

        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return Held(1024 * number("RssAnon"), descriptors, number("Threads"))


@dataclass
class Endured:
    """What came of it."""

    decisions: int
    swaps: int
    seconds: float
    held: list[Held] = field(default_factory=list)
    """After each swap, the first tenth left out: caches fill."""
    cached: int = 0
    """Compiled components on the disk at the end."""

    def grown(self, what: Callable[[Held], int]) -> int:
        """How much more it was in the last quarter than in the second, at the median: in the
        first one the engine's pool keeps more warm with each component that it sees, up to
        its limit."""
        return median(self.held[-self._quarter :], what) - self.early(what)

    def early(self, what: Callable[[Held], int]) -> int:
        """How much it was in the second quarter, at the median."""
        return median(self.held[self._quarter : 2 * self._quarter], what)

    @property
    def _quarter(self) -> int:
        return max(1, len(self.held) // 4)


def median(held: list[Held], what: Callable[[Held], int]) -> int:
    return sorted(what(one) for one in held)[len(held) // 2]


class Host:
    """`quarterdeck mcp` with its pipes in hand: no client that could hold memory."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.asked = 0

    def _write(self, **message: Any) -> None:
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _read(self) -> dict[str, Any]:
        """The next answer; notifications are passed over."""
        while line := self.process.stdout.readline():
            message = json.loads(line)
            if "id" in message:
                assert "result" in message and not message["result"].get("isError"), message
                return message
        raise AssertionError("the host closed its output")

    def greet(self) -> None:
        info = {"name": "endurance", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        self._write(id=0, method="initialize", params=params)
        self.process.stdin.flush()
        self._read()
        self._write(method="notifications/initialized", params={})

    def call_all(self, calls: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Makes calls side by side; gives their answers in order."""
        first = self.asked + 1
        self.asked += len(calls)
        for number, (tool, arguments) in enumerate(calls, first):
            self._write(id=number, method="tools/call", params={"name": tool, "arguments": arguments})
        self.process.stdin.flush()
        answers = {answer["id"]: answer for answer in (self._read() for _ in calls)}
        return [answers[number]["result"]["structuredContent"] for number in range(first, self.asked + 1)]

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.call_all([(tool, arguments)])[0]

    def generation(self) -> int:
        """Of the house rule; 0 while it is not in charge."""
        policies = self.call("policy_list")["policies"]
        return next((one["generation"] for one in policies if one["name"] == RULE and one["state"] == "active"), 0)


@contextmanager
def hosting(world: World) -> Iterator[Host]:
    log = (world.root / "mcp-stderr.log").open("ab")
    process = world.start("mcp", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    host = Host(process)
    host.greet()
    yield host
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def endure(world: World, decisions: int, swaps: int, tell: Callable[[str], None] = lambda _: None) -> Endured:
    """Asks for decisions while the house rule is swapped; each answer has to be right."""
    component = built("scripted-approver")
    drop_scripted(world, RULE, version=0, match="deploy", reason="The house rule.")
    with hosting(world) as host:
        until_blocking("the rule is in charge", host.generation)
        session = host.call("session_create")["sessionId"]
        endured = Endured(decisions, swaps, 0.0)
        began = time.monotonic()
        commands = cycle(COMMANDS)
        done = 0
        for swap in range(1, swaps + 1):
            former = host.generation()
            place(world.plugins_dir / f"{RULE}.wasm", relabelled(component, f"version {swap}"))
            while done < decisions * swap // swaps:
                asked = [next(commands) for _ in range(min(WINDOW, decisions - done))]
                calls = [("safety_approve", {"sessionId": session, "command": command}) for command in asked]
                for command, answer in zip(asked, host.call_all(calls), strict=True):
                    assert answer["tier"] == COMMANDS[command], answer
                done += len(asked)
            until_blocking(f"swap {swap} is in charge", lambda: host.generation() > former)
            if swap > swaps // 10:
                endured.held.append(Held.by(host.process.pid))
            if swap % max(1, swaps // 20) == 0:
                tell(f"{done} decisions, {swap} swaps: {Held.by(host.process.pid)}")
        endured.seconds = time.monotonic() - began
        # The runtime keeps a thread for blocking work for ten idle seconds.
        threads = endured.early(lambda held: held.threads)
        until_blocking("the load's threads are gone", lambda: Held.by(host.process.pid).threads <= threads, 60)
        faults = [one for one in host.call("policy_list")["policies"] if one["lastError"] or one["traps"]]
        assert not faults, faults
    endured.cached = len(list((world.root / "cache").rglob("*.cwasm")))
    return endured
