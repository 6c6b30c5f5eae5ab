"""The revisions of the protocol, without a client library in between: those that open
with a handshake, and the stateless one in which every request stands for itself.

The facts are those of https://modelcontextprotocol.io/specification/2026-07-28
(versioning, server/discover, transports) and of its predecessors.
"""

from __future__ import annotations

import json

import httpx2
import pytest

from agent import agent_at
from wire import STATELESS, StdioWire, http_headers, initialize_params, message_in, stateless
from world import ServingHost, World

HANDSHAKES = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
UNSUPPORTED_PROTOCOL_VERSION = -32022
HEADER_MISMATCH = -32020
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602


def content_of(result: dict, revision: str) -> dict:
    """What programs read of a tool's answer: before there was structured content, its text."""
    if revision < "2025-06-18":
        assert "structuredContent" not in result
        return json.loads(result["content"][0]["text"])
    assert "[exit status 0" in result["content"][0]["text"]
    return result["structuredContent"]


# On a pipe.


@pytest.fixture
def wire(world: World) -> StdioWire:
    return StdioWire(world)


@pytest.mark.parametrize("revision", HANDSHAKES)
def test_a_handshake_revision_on_a_pipe(wire: StdioWire, revision: str) -> None:
    result = wire.initialize(revision)
    assert result["protocolVersion"] == revision
    assert result["serverInfo"]["name"] == "quarterdeck" and result["serverInfo"]["version"]
    assert "tools" in result["capabilities"] and result["instructions"]
    assert {tool["name"] for tool in wire.request("tools/list")["result"]["tools"]} >= {"session_run"}
    ran = wire.request("tools/call", {"name": "session_run", "arguments": {"command": "echo hi"}})["result"]
    assert content_of(ran, revision)["output"].strip() == "hi" and not ran.get("isError")
    assert "resultType" not in ran, "a later revision's field is not sent to an older client"
    assert wire.request("ping")["result"] == {}


def test_an_unknown_revision_is_answered_with_one_that_is_spoken(wire: StdioWire) -> None:
    assert wire.initialize("1999-01-01")["protocolVersion"] in HANDSHAKES


def test_the_stateless_revision_on_a_pipe(wire: StdioWire) -> None:
    found = wire.request("server/discover", stateless())["result"]
    assert set(found["supportedVersions"]) >= {STATELESS}
    assert "tools" in found["capabilities"] and found["resultType"] == "complete"
    assert "untrusted" in found["instructions"].lower()
    listed = wire.request("tools/list", stateless())["result"]
    assert listed["resultType"] == "complete" and {"ttlMs", "cacheScope"} <= listed.keys()
    assert "session_run" in {tool["name"] for tool in listed["tools"]}
    ran = wire.request("tools/call", stateless({"name": "session_run", "arguments": {"command": "echo hi"}}))
    assert ran["result"]["resultType"] == "complete"
    assert ran["result"]["structuredContent"]["output"].strip() == "hi"


def test_a_stateless_request_needs_nothing_before_it(wire: StdioWire) -> None:
    """Not even server/discover."""
    ran = wire.request("tools/call", stateless({"name": "session_list", "arguments": {}}))
    assert ran["result"]["structuredContent"]["total"] == 0


def test_a_stateless_request_of_an_unknown_revision_is_told_which_are_spoken(wire: StdioWire) -> None:
    error = wire.request("tools/list", stateless(revision="2099-01-01"))["error"]
    assert error["code"] == UNSUPPORTED_PROTOCOL_VERSION
    assert STATELESS in error["data"]["supported"]


def test_an_unknown_tool_method_and_argument_are_told(wire: StdioWire) -> None:
    wire.initialize("2025-11-25")
    assert wire.request("no/such/method")["error"]["code"] == METHOD_NOT_FOUND
    unknown = wire.request("tools/call", {"name": "no_such_tool", "arguments": {}})
    assert unknown.get("error", {}).get("code") == INVALID_PARAMS or unknown["result"]["isError"]
    for arguments in ({}, {"command": 7}, {"command": "true", "timeoutMs": "soon"}):
        wrong = wire.request("tools/call", {"name": "session_run", "arguments": arguments})
        assert wrong.get("error", {}).get("code") == INVALID_PARAMS or wrong["result"]["isError"], (arguments, wrong)
    assert wire.request("tools/list", {"cursor": "of another list"})["error"]["code"] == INVALID_PARAMS
    reference = {"ref": {"type": "ref/prompt", "name": "no_such"}, "argument": {"name": "x", "value": ""}}
    assert wire.request("completion/complete", reference)["error"]["code"] == INVALID_PARAMS


@pytest.mark.parametrize("line", [b"not json", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"jsonrpc":"2.0"}', b""])
def test_a_malformed_line_does_not_end_the_conversation(wire: StdioWire, line: bytes) -> None:
    wire.initialize("2025-11-25")
    wire.send(line)
    assert wire.request("ping")["result"] == {}


def test_nothing_but_protocol_on_standard_output(wire: StdioWire) -> None:
    wire.initialize("2025-11-25")
    for command in ("echo hi", "printf '\\033[2J\\n'", "false"):
        wire.request("tools/call", {"name": "session_run", "arguments": {"command": command}})
    wire.request("tools/call", {"name": "session_run", "arguments": {"command": "rm -rf ~"}})
    wire.process.stdin.close()
    wire.process.wait(timeout=10)
    assert wire.raw
    for line in wire.raw:
        assert line.endswith(b"\n") and json.loads(line)["jsonrpc"] == "2.0", line


def test_requests_in_flight_together_are_answered_each(wire: StdioWire) -> None:
    """A long command does not hold up a short one in another session."""
    wire.initialize("2025-11-25")
    sessions = [
        wire.request("tools/call", {"name": "session_create", "arguments": {}})["result"]["structuredContent"][
            "sessionId"
        ]
        for _ in range(2)
    ]
    for identifier, session, command in ((101, sessions[0], "sleep 30"), (102, sessions[1], "echo quick")):
        arguments = {"command": command, "sessionId": session}
        wire.send(
            {"jsonrpc": "2.0", "id": identifier, "method": "tools/call",
             "params": {"name": "session_run", "arguments": arguments}}
        )  # fmt: skip
    assert wire.receive(timeout=20)["id"] == 102
    wire.notify("notifications/cancelled", {"requestId": 101, "reason": "changed my mind"})
    assert wire.request("ping")["result"] == {}


# Over HTTP.


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


@pytest.mark.parametrize("revision", HANDSHAKES)
def test_a_handshake_revision_over_http(host: ServingHost, revision: str) -> None:
    with httpx2.Client(timeout=30) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize_params(revision)}
        opened = http.post(host.url, json=body, headers=http_headers(host.token))
        assert opened.status_code == 200, opened.text
        assert message_in(opened.text)["result"]["protocolVersion"] == revision
        headers = http_headers(host.token) | {"MCP-Protocol-Version": revision}
        if session := opened.headers.get("mcp-session-id"):
            headers["Mcp-Session-Id"] = session
        notified = http.post(host.url, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
        assert notified.status_code == 202
        call = {"name": "session_run", "arguments": {"command": "echo hi"}}
        ran = http.post(
            host.url, json={"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}, headers=headers
        )
        assert content_of(message_in(ran.text)["result"], revision)["output"].strip() == "hi"


def test_the_stateless_revision_over_http(host: ServingHost) -> None:
    def ask(http: httpx2.Client, method: str, params: dict | None = None, name: str | None = None) -> httpx2.Response:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": stateless(params)}
        return http.post(host.url, json=body, headers=http_headers(host.token, method, name))

    # A client for each request: nothing may hang on the connection.
    with httpx2.Client(timeout=30) as http:
        found = ask(http, "server/discover")
        assert found.status_code == 200 and "mcp-session-id" not in found.headers
        assert STATELESS in message_in(found.text)["result"]["supportedVersions"]
    with httpx2.Client(timeout=30) as http:
        listed = message_in(ask(http, "tools/list").text)["result"]
        assert "session_run" in {tool["name"] for tool in listed["tools"]} and listed["resultType"] == "complete"
    with httpx2.Client(timeout=30) as http:
        call = {"name": "session_run", "arguments": {"command": "echo hi"}}
        first = message_in(ask(http, "tools/call", call, "session_run").text)["result"]
        assert first["structuredContent"]["output"].strip() == "hi"
    with httpx2.Client(timeout=30) as http:
        call = {
            "name": "session_run",
            "arguments": {"command": "echo again", "sessionId": first["structuredContent"]["sessionId"]},
        }
        again = message_in(ask(http, "tools/call", call, "session_run").text)["result"]
        assert again["structuredContent"]["output"].strip() == "again", "terminal sessions outlive a request"


def test_headers_that_contradict_the_body_are_refused(host: ServingHost) -> None:
    with httpx2.Client(timeout=30) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": stateless()}
        lying = http.post(host.url, json=body, headers=http_headers(host.token, "server/discover"))
        assert lying.status_code == 400 and message_in(lying.text)["error"]["code"] == HEADER_MISMATCH
        older = http_headers(host.token, "tools/list") | {"MCP-Protocol-Version": "2099-01-01"}
        assert http.post(host.url, json=body, headers=older).status_code == 400


# Through the official client, which settles on the newest that both speak.


@pytest.mark.parametrize(("mode", "revision"), [("auto", STATELESS), (STATELESS, STATELESS), ("legacy", "2025-11-25")])
async def test_the_official_client_settles_on(door: str, world: World, mode: str, revision: str) -> None:
    async with agent_at(door, world, mode=mode) as agent:
        assert agent.client.protocol_version == revision
        assert (await agent.run("echo hi"))["output"].strip() == "hi"
