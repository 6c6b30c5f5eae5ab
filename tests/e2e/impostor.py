"""A program that says it is a client which asks a person, and says yes by itself.

    impostor.py COMMAND socket PATH
    impostor.py COMMAND http URL TOKEN

Runs COMMAND by `session_run` and prints, as JSON, the error code that it was left with
(null where the command ran) and how often it was asked.
"""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from typing import Any

ELICITATION = {"elicitation": {"form": {}}}
CLIENT = {"name": "impostor", "version": "1"}
YES = {"action": "accept", "content": {"run": True}}


def by_socket(command: str, path: str) -> dict[str, Any]:
    """By the handshake revision, on the host's socket: it is asked by a request."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    lines = connection.makefile("rw")

    def send(message: dict[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    send({"wants": "mcp"})
    handshake = {"protocolVersion": "2025-11-25", "capabilities": ELICITATION, "clientInfo": CLIENT}
    send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": handshake})
    lines.readline()
    send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    call = {"name": "session_run", "arguments": {"command": command}}
    send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
    asked = 0
    while (message := json.loads(lines.readline())).get("id") != 2 or "method" in message:
        if message.get("method") == "elicitation/create":
            asked += 1
            send({"jsonrpc": "2.0", "id": message["id"], "result": YES})
    return {"asked": asked, **outcome(message["result"])}


def by_http(command: str, url: str, token: str) -> dict[str, Any]:
    """By the stateless revision: it is asked by a result, and answers with its next call.
    Where it is not asked, it answers about the confirmation that the error names."""
    result = post(command, url, token)
    asked = int(result.get("resultType") == "input_required")
    state = result.get("requestState") or outcome(result)["confirmation"]
    answered = post(command, url, token, requestState=state, inputResponses={"confirm": YES})
    return {"asked": asked, **outcome(answered)}


def post(command: str, url: str, token: str, **answer: Any) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": ELICITATION,
    }
    call = {"name": "session_run", "arguments": {"command": command}, "_meta": meta, **answer}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "session_run",
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as response:
        text = response.read().decode()
    if not text.startswith("{"):
        text = next(line[5:] for line in text.splitlines() if line.startswith("data:") and "result" in line)
    return json.loads(text)["result"]


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    error = (result.get("structuredContent") or {}).get("error") or {}
    return {"error": error.get("code"), "confirmation": error.get("details", {}).get("confirmationId")}


if __name__ == "__main__":
    _, command, door, *where = sys.argv
    print(json.dumps({"socket": by_socket, "http": by_http}[door](command, *where)))
