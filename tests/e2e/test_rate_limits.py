"""Rate limits: the documented ones for the documented server's tools and for HTTP; for
Quarterdeck's own tools such as work never meets."""

from __future__ import annotations

import time
from typing import Any

import httpx2
import pytest

from agent import agent_at, agent_on_http, agent_on_stdio
from wire import http_headers, initialize_params, message_in, stateless
from world import ServingHost, World

pytestmark = pytest.mark.anyio


def metrics(host: ServingHost, client: str = "prometheus") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {host.token}", "User-Agent": client}
    return httpx2.get(f"http://127.0.0.1:{host.port}/metrics", headers=headers)


class Caller:
    """A client that sees the headers of what it is answered."""

    def __init__(self, host: ServingHost, revision: str) -> None:
        self.host = host
        self.session: dict[str, str] = {}
        self.has_sessions = revision != "stateless"
        if self.has_sessions:
            greeting = self.post("initialize", initialize_params(revision))
            assert "x-ratelimit-limit" not in greeting.headers, "no tool was called"
            self.session = {"Mcp-Session-Id": greeting.headers["mcp-session-id"], "MCP-Protocol-Version": revision}

    def post(self, method: str, params: dict[str, Any], name: str | None = None) -> httpx2.Response:
        if self.has_sessions:
            headers = http_headers(self.host.token) | self.session
        else:
            headers, params = http_headers(self.host.token, method, name), stateless(params)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx2.post(self.host.url, json=body, headers=headers, timeout=30)

    def call(self, tool: str, **arguments: Any) -> httpx2.Response:
        return self.post("tools/call", {"name": tool, "arguments": arguments}, tool)


@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25", "stateless"])
def test_the_answer_to_a_tool_call_carries_the_documented_headers(world: World, revision: str) -> None:
    world.configure("[rate_limits]\n")  # the defaults
    caller = Caller(world.serve(), revision)
    assert "x-ratelimit-limit" not in caller.post("tools/list", {}).headers
    first = caller.call("task_status")
    assert not message_in(first.text)["result"].get("isError")
    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("100", "19")
    assert abs(int(first.headers["x-ratelimit-reset"]) - time.time()) < 5
    assert "retry-after" not in first.headers
    for _ in range(200):
        refused = caller.call("task_status")
        if "retry-after" in refused.headers:
            break
    assert refused.headers["x-ratelimit-remaining"] == "0" and int(refused.headers["retry-after"]) >= 1
    told = message_in(refused.text)["result"]
    assert told["isError"] and told["structuredContent"]["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert caller.call("session_list").headers["x-ratelimit-limit"] == "60000", "another tool has wider limits"


async def test_work_with_the_host_s_own_tools_meets_no_limit(world: World) -> None:
    world.configure("[rate_limits]\n")
    async with agent_on_stdio(world) as agent:
        for _ in range(200):
            await agent.do("session_list")


async def test_a_client_that_has_run_wild_is_slowed_down(world: World) -> None:
    world.configure("[rate_limits]\nothers_per_minute = 60\nothers_burst = 10\n")
    async with agent_on_stdio(world) as agent:
        for _ in range(10):
            await agent.do("policy_list")
        refused = await agent.call("policy_list")
        assert refused.code == "RATE_LIMIT_EXCEEDED" and "60 requests a minute" in refused.text
        assert 0 < refused.error["details"]["retryAfterMs"] <= 1000


async def test_a_limited_tool_says_when_to_call_again(world: World, door: str) -> None:
    world.configure('[rate_limits]\napply_to = ["native"]\nper_minute = 60\nburst = 5\n')
    async with agent_at(door, world) as agent:
        granted = 0
        while not (refused := await agent.call("session_list")).is_error:
            granted += 1
            assert granted < 200
        assert granted >= 5
        assert refused.code == "RATE_LIMIT_EXCEEDED" and "[rate_limits]" in refused.text
        wait = refused.error["details"]["retryAfterMs"]
        assert 0 < wait <= 1000
        await agent.do("policy_list")  # another tool has a bucket of its own
        time.sleep(wait / 1000)  # what the host itself asks for
        await agent.do("session_list")


async def test_a_client_can_be_let_off(world: World) -> None:
    world.configure('[rate_limits]\napply_to = ["native"]\nburst = 3\nclients = ["mcp:off"]\n')
    async with agent_on_stdio(world) as agent:
        for _ in range(20):
            await agent.do("session_list")


def test_http_answers_carry_the_documented_headers(world: World) -> None:
    world.configure("[rate_limits]\n")  # the defaults
    host = world.serve()
    first = metrics(host)
    assert first.headers["x-ratelimit-limit"] == "100"
    assert first.headers["x-ratelimit-remaining"] == "19"
    assert abs(int(first.headers["x-ratelimit-reset"]) - time.time()) < 5
    for _ in range(200):
        if (refused := metrics(host)).status_code == 429:
            break
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["retry-after"]) >= 1
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMIT_EXCEEDED" and error["details"]["retryAfterMs"] > 0
    assert metrics(host, client="another").status_code == 200
    assert "quarterdeck_rate_limited_total 1\n" in metrics(host, client="a third").text


async def test_the_limits_can_be_switched_off(world: World) -> None:
    world.configure("[rate_limits]\napply_to = []\n")
    host = world.serve()
    for _ in range(40):
        answer = metrics(host)
        assert answer.status_code == 200 and "x-ratelimit-limit" not in answer.headers
    async with agent_on_http(host) as agent:
        await agent.do("session_list")


def test_a_limit_that_is_none_is_named(world: World) -> None:
    world.configure('[rate_limits]\nclients = ["everybody"]\n')
    failed = world.quarterdeck("serve", "--listen", "127.0.0.1:0")
    assert failed.returncode != 0
    assert "rate_limits.clients" in failed.stderr and "everybody" in failed.stderr
