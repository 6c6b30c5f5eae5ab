"""The HTTP door: who may come in, and what it withstands."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Iterator

import httpx2
import pytest

from agent import agent_on_http
from waiting import until
from wire import http_headers, initialize_params, message_in
from world import ServingHost, World

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize_params("2025-11-25")}


@pytest.fixture
def host(world: World) -> ServingHost:
    return world.serve()


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=30) as client:
        yield client


def post(http: httpx2.Client, host: ServingHost, token: str | None, **headers: str) -> httpx2.Response:
    return http.post(host.url, json=INITIALIZE, headers=http_headers(token, **headers))


def stays_up(http: httpx2.Client, host: ServingHost) -> None:
    """The door still answers whoever may come in."""
    answer = post(http, host, host.token)
    assert answer.status_code == 200, answer.text
    assert message_in(answer.text)["result"]["protocolVersion"] == "2025-11-25"
    assert host.process.poll() is None


def test_the_token_is_made_once_and_is_the_users_alone(world: World, http: httpx2.Client) -> None:
    host = world.serve()
    token = host.token
    assert len(token) >= 32
    assert stat.S_IMODE(world.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.state_dir.stat().st_mode) & 0o022 == 0
    host.stop()
    again = world.serve()
    assert again.token == token, "a restart does not lock every client out"
    stays_up(http, again)


@pytest.mark.parametrize("token", [None, "x", "wrong", "x" * 100_000], ids=["none", "short", "wrong", "very long"])
def test_a_missing_or_wrong_token_is_refused(host: ServingHost, http: httpx2.Client, token: str | None) -> None:
    answer = post(http, host, token)
    assert answer.status_code == 401 or (token and len(token) > 1000 and answer.status_code in (400, 431))
    if answer.status_code == 401:
        assert answer.headers.get("www-authenticate", "").lower().startswith("bearer")
    assert host.token not in answer.text
    stays_up(http, host)


def test_a_prefix_of_the_token_and_another_scheme_are_refused(host: ServingHost, http: httpx2.Client) -> None:
    assert post(http, host, host.token[:-1]).status_code == 401
    assert post(http, host, host.token + "x").status_code == 401
    basic = http.post(host.url, json=INITIALIZE, headers=http_headers(None, Authorization=f"Basic {host.token}"))
    assert basic.status_code == 401
    stays_up(http, host)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
def test_no_method_goes_round_the_token(host: ServingHost, http: httpx2.Client, method: str) -> None:
    answer = http.request(method, host.url, headers={"Accept": "text/event-stream"})
    assert answer.status_code in (401, 405), answer.status_code
    assert "access-control-allow-origin" not in answer.headers
    stays_up(http, host)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null", "http://localhost:1@evil.example"]
)
def test_a_foreign_origin_is_refused(host: ServingHost, http: httpx2.Client, origin: str) -> None:
    answer = post(http, host, host.token, Origin=origin)
    assert answer.status_code == 403, answer.status_code
    stays_up(http, host)


@pytest.mark.parametrize("name", ["evil.example", "evil.example:3456", "127.0.0.1.evil.example"])
def test_a_foreign_host_is_refused(host: ServingHost, http: httpx2.Client, name: str) -> None:
    """DNS rebinding: the name is the attacker's, the address is ours."""
    answer = post(http, host, host.token, Host=name)
    assert answer.status_code in (400, 403, 421), answer.status_code
    stays_up(http, host)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_our_own_names_are_let_in(host: ServingHost, http: httpx2.Client, name: str) -> None:
    assert post(http, host, host.token, Host=f"{name}:{host.port}").status_code == 200
    assert post(http, host, host.token, Origin=f"http://{name}:{host.port}").status_code == 200


def test_a_body_of_a_hundred_megabytes_is_refused(host: ServingHost, http: httpx2.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"session_run","arguments":{"command":"'
        for _ in range(100):
            yield b"a" * (1 << 20)
        yield b'"}}}'

    for announced in (False, True):
        headers = http_headers(host.token)
        if announced:
            headers["Content-Length"] = str(sum(len(piece) for piece in pieces()))
        try:
            answer = http.post(host.url, content=pieces(), headers=headers)
        except (httpx2.WriteError, httpx2.RemoteProtocolError, httpx2.ReadError):
            pass  # hung up on while still sending, which is an answer too
        else:
            assert answer.status_code == 413, answer.status_code
        stays_up(http, host)


MALFORMED = {
    "empty": b"",
    "cut": b"{",
    "null": b"null",
    "a list": b"[]",
    "a number": b"42",
    "no method": b'{"jsonrpc":"2.0"}',
    "not UTF-8": b"\xff\xfe\x00",
    "deep": b'{"a":' * 20_000,
    "another version": b'{"jsonrpc":"1.0","id":1,"method":"x"}',
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_json_is_refused(host: ServingHost, http: httpx2.Client, kind: str) -> None:
    answer = http.post(host.url, content=MALFORMED[kind], headers=http_headers(host.token))
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    stays_up(http, host)


async def test_half_open_connections_keep_nobody_out(host: ServingHost, http: httpx2.Client) -> None:
    """Two hundred callers that begin a request and fall silent."""
    silent = []
    try:
        for number in range(200):
            caller = socket.create_connection(("127.0.0.1", host.port), timeout=5)
            if number % 2:
                caller.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
            silent.append(caller)
        stays_up(http, host)
        async with agent_on_http(host) as agent:
            assert (await agent.run("echo through"))["output"].strip() == "through"

        def hung_up_on() -> bool:
            return any(closed(caller) for caller in silent)

        await until("the host hangs up on silent callers", hung_up_on, deadline=90)
    finally:
        for caller in silent:
            caller.close()
    stays_up(http, host)


def closed(caller: socket.socket) -> bool:
    """Whether the other side has hung up (it may say why before)."""
    caller.setblocking(False)
    try:
        while caller.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_body_that_never_comes_keeps_nobody_out(host: ServingHost, http: httpx2.Client) -> None:
    with socket.create_connection(("127.0.0.1", host.port)) as caller:
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nAuthorization: Bearer {host.token}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            "Content-Length: 1000\r\n\r\n{"
        )
        caller.sendall(head.encode())
        began = time.monotonic()
        stays_up(http, host)
        assert time.monotonic() - began < 5
        assert caller.recv(64).startswith(b"HTTP/1.1 408 "), "it is not the server's fault"


def test_a_body_that_is_announced_as_too_large_is_not_waited_for(host: ServingHost) -> None:
    with socket.create_connection(("127.0.0.1", host.port)) as caller:
        caller.settimeout(10)
        head = (
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{host.port}\r\nAuthorization: Bearer {host.token}\r\n"
            "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
            "Content-Length: 104857600\r\n\r\n{"
        )
        caller.sendall(head.encode())
        assert caller.recv(64).startswith(b"HTTP/1.1 413 ")


def test_it_listens_on_this_machine_alone(host: ServingHost) -> None:
    with open("/proc/net/tcp") as table:
        rows = [line.split()[1] for line in table if line.split()[3:4] == ["0A"]]
    ours = [row for row in rows if row.endswith(f":{host.port:04X}")]
    assert ours == [f"0100007F:{host.port:04X}"]


def test_another_path_is_not_found(host: ServingHost, http: httpx2.Client) -> None:
    answer = http.post(
        host.url.removesuffix("/mcp") + "/other", content=json.dumps(INITIALIZE), headers=http_headers(host.token)
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", -32700), (b"", -32700), (b'"text"', -32600), (b'{"id": 1}', -32600)],
    ids=["broken", "empty", "a text", "no method"],
)
def test_a_body_that_is_no_message_is_answered_as_json_rpc_says(
    host: ServingHost, http: httpx2.Client, body: bytes, code: int
) -> None:
    answer = http.post(host.url, content=body, headers=http_headers(host.token))
    assert answer.status_code == 400, answer.text
    assert answer.json()["jsonrpc"] == "2.0" and answer.json()["id"] is None
    assert answer.json()["error"]["code"] == code, answer.text
    stays_up(http, host)


def begun(http: httpx2.Client, host: ServingHost, revision: str) -> dict[str, str]:
    """The headers of a session of that revision."""
    greeting = {**INITIALIZE, "params": initialize_params(revision)}
    answer = http.post(host.url, json=greeting, headers=http_headers(host.token))
    assert answer.status_code == 200, answer.text
    session = {"Mcp-Session-Id": answer.headers["mcp-session-id"], "MCP-Protocol-Version": revision}
    headers = http_headers(host.token, **session)
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert http.post(host.url, json=ready, headers=headers).status_code == 202
    return headers


@pytest.mark.parametrize(("revision", "empty_events"), [("2025-06-18", 0), ("2025-11-25", 1)])
def test_only_those_who_know_them_get_events_without_data(
    host: ServingHost, http: httpx2.Client, revision: str, empty_events: int
) -> None:
    headers = begun(http, host, revision)
    answer = http.post(host.url, json={"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, headers=headers)
    assert message_in(answer.text)["result"]["tools"]
    data = [line for line in answer.text.splitlines() if line.startswith("data:")]
    assert sum(line.removeprefix("data:").strip() == "" for line in data) == empty_events, answer.text
    ended = http.delete(host.url, headers=headers)
    assert (ended.status_code, ended.text) == (204, "")


def test_wrong_parameters_are_no_unknown_method(host: ServingHost, http: httpx2.Client) -> None:
    headers = begun(http, host, "2025-11-25")

    def error(method: str, **params: object) -> dict:
        asked = {"jsonrpc": "2.0", "id": 3, "method": method, "params": params}
        return message_in(http.post(host.url, json=asked, headers=headers).text)["error"]

    assert error("tools/call", name="session_list", arguments=[])["code"] == -32602
    assert error("tools/call", arguments={})["code"] == -32602
    unknown = error("no/such")
    assert unknown["code"] == -32601 and "no/such" in unknown["message"]
