"""Rate limits: the documented ones for the documented server's tools and for HTTP, none
for Quarterdeck's own tools unless somebody wants them."""

from __future__ import annotations

import time

import httpx2
import pytest

from agent import agent_at, agent_on_http, agent_on_stdio
from world import ServingHost, World

pytestmark = pytest.mark.anyio


def metrics(host: ServingHost, client: str = "prometheus") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {host.token}", "User-Agent": client}
    return httpx2.get(f"http://127.0.0.1:{host.port}/metrics", headers=headers)


async def test_own_tools_are_not_limited_unless_somebody_wants_it(world: World) -> None:
    async with agent_on_stdio(world) as agent:
        for _ in range(60):
            await agent.do("session_list")


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
