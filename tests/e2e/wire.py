"""The protocol without a client library: JSON lines on a pipe, and plain HTTP.

For what the official client does not let one say: an older revision, a stateless
request by hand, malformed input.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from typing import Any

from world import World

STATELESS = "2026-07-28"
"""The revision without a handshake: every request carries the version and the
client's capabilities in `_meta`."""


class StdioWire:
    """`quarterdeck mcp` with its pipes in hand."""

    def __init__(self, world: World) -> None:
        self.process = world.start("mcp", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.raw: list[bytes] = []
        self.next_id = 0
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.raw.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Sends one message, or one line as it is."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self, timeout: float = 20) -> dict[str, Any]:
        """The next message that the host sends."""
        line = self.lines.get(timeout=timeout)
        assert line is not None, "the host closed its output"
        return json.loads(line)

    def request(self, method: str, params: dict[str, Any] | None = None, timeout: float = 20) -> dict[str, Any]:
        """Sends a request and returns its response, whole."""
        self.next_id += 1
        self.send({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params or {}})
        while (message := self.receive(timeout)).get("id") != self.next_id or "method" in message:
            pass
        return message

    def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Sends a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def initialize(self, revision: str) -> dict[str, Any]:
        """The handshake of the revisions that have one; returns its result."""
        result = self.request("initialize", initialize_params(revision))["result"]
        self.notify("notifications/initialized")
        return result


def initialize_params(revision: str) -> dict[str, Any]:
    """What a client says in the handshake."""
    return {
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "wire", "version": "1"},
    }


def stateless(params: dict[str, Any] | None = None, revision: str = STATELESS) -> dict[str, Any]:
    """Parameters with the `_meta` that a stateless request carries."""
    return {
        **(params or {}),
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }


def http_headers(token: str | None, method: str | None = None, name: str | None = None, **more: str) -> dict[str, str]:
    """The headers of a POST to `/mcp`; `method` and `name` are those of a stateless request."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if method is not None:
        headers |= {"MCP-Protocol-Version": STATELESS, "Mcp-Method": method}
    if name is not None:
        headers["Mcp-Name"] = name
    return headers | {header.replace("_", "-"): value for header, value in more.items()}


def message_in(body: str) -> dict[str, Any]:
    """The JSON-RPC response in an HTTP body, be it plain JSON or an event stream."""
    if body.lstrip().startswith("{"):
        return json.loads(body)
    messages = [json.loads(line[5:]) for line in body.splitlines() if line.startswith("data:") and line[5:].strip()]
    return next(message for message in messages if "result" in message or "error" in message)
