"""A host on a machine of its own, spoken to over plain pipes."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


POLICIES = Path(
    os.environ.get("QUARTERDECK_TEST_POLICIES")
    or Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target") / "test-policies"
)
"""The tests' own components."""


@functools.cache
def binary() -> str:
    named = os.environ.get("QUARTERDECK_BIN")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    path = Path(named) if named else target / "release" / "quarterdeck"
    if not path.exists():
        raise SystemExit(f"{path} is missing: build it with `cargo build --release`, or set QUARTERDECK_BIN")
    return str(path.resolve())


class Machine:
    """Directories of its own for one measurement."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="qd-bench-"))
        self.home = self.root / "home"
        self.home.mkdir()
        (self.root / "runtime").mkdir(mode=0o700)
        self.plugins = self.root / "config" / "quarterdeck" / "plugins"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "SHELL": "/bin/bash",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_RUNTIME_DIR": str(self.root / "runtime"),
            # Measuring asks more often than an agent should.
            "QUARTERDECK_RATE_LIMITS_APPLY_TO": "",
        }

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


class Host:
    """`quarterdeck mcp` with its pipes in hand."""

    def __init__(self, machine: Machine, *flags: str) -> None:
        self.process = subprocess.Popen(
            [binary(), "mcp", *flags], env=machine.env, cwd=machine.home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.next_id = 0

    def handshake(self) -> dict:
        result = self.ask("initialize", {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"},
        })  # fmt: skip
        self.tell("notifications/initialized")
        return result

    def send(self, method: str, params: dict) -> int:
        self.next_id += 1
        self._write({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params})
        return self.next_id

    def tell(self, method: str) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": {}})

    def ask(self, method: str, params: dict) -> dict:
        """One request with nothing else in flight: no thread, no queue in the way."""
        return result_of(self.answer(method, params))

    def answer(self, method: str, params: dict) -> dict:
        """The same, whatever is answered."""
        identifier = self.send(method, params)
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the host closed its output")
            message = json.loads(line)
            if message.get("id") == identifier:
                return message

    def call(self, tool: str, **arguments: object) -> dict:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})["structuredContent"]

    def ask_all(self, calls: list[tuple[str, dict]]) -> list[dict]:
        """Sends all the calls at once and returns their results in order."""
        identifiers = [self.send("tools/call", {"name": tool, "arguments": given}) for tool, given in calls]
        waiting, answers = set(identifiers), {}
        while waiting:
            message = json.loads(self.process.stdout.readline())
            if message.get("id") in waiting:
                waiting.remove(message["id"])
                answers[message["id"]] = result_of(message)["structuredContent"]
        return [answers[identifier] for identifier in identifiers]

    def _write(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def memory(self) -> int:
        """Resident bytes that are the host's own (shared file pages excluded)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * sum(int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("RssAnon", "RssFile", "RssShmem"))

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def hosting(machine: Machine | None = None, *flags: str) -> Iterator[Host]:
    with machine or Machine() as here:
        host = Host(here, *flags)
        try:
            host.handshake()
            yield host
        finally:
            host.close()


def result_of(message: dict) -> dict:
    if "error" in message or message["result"].get("isError"):
        raise SystemExit(f"the host answered with an error: {message}")
    return message["result"]
