"""An agent: the official Python MCP client at one of the host's doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from world import ServingHost, World

CALL_TIMEOUT = 60.0
"""Seconds that any one call may take before the client itself gives up."""


@dataclass(frozen=True)
class Outcome:
    """What one tool call came to."""

    tool: str
    content: dict[str, Any]
    text: str
    is_error: bool

    @property
    def error(self) -> dict[str, Any]:
        """The error of a refusal; empty where the call succeeded."""
        return self.content.get("error", {}) if self.is_error else {}

    @property
    def code(self) -> str | None:
        """The error's code, for example `PERMISSION_DENIED`."""
        return self.error.get("code")

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict, of a refusal and of a success alike."""
        holder = self.error.get("details", {}) if self.is_error else self.content
        return holder.get("verdict", holder)


@dataclass
class Agent:
    """A connected client, with the host's tools as a few verbs."""

    client: Client
    door: str

    async def call(self, tool: str, **arguments: Any) -> Outcome:
        """Calls a tool and takes whatever comes."""
        result = await self.client.call_tool(tool, arguments, read_timeout_seconds=CALL_TIMEOUT)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        return Outcome(tool, result.structured_content or {}, text, bool(result.is_error))

    async def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Calls a tool that has to succeed."""
        outcome = await self.call(tool, **arguments)
        assert not outcome.is_error, f"{tool}({arguments}) failed: {outcome.content or outcome.text}"
        return outcome.content

    async def run(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Runs a command that has to be let through."""
        return await self.do("session_run", command=command, **arguments)

    async def open_session(self, **arguments: Any) -> str:
        """Opens a session and returns its id."""
        return (await self.do("session_create", **arguments))["sessionId"]

    async def type(self, session: str, *pieces: Any, enter: bool = False) -> Outcome:
        """Types text, `{"key": …}` and `{"paste": …}`, in this order."""
        what = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], str) else list(pieces)
        return await self.call("session_type", sessionId=session, input=what, enter=enter)

    async def wait_for(self, session: str, timeout_ms: int = 20_000, **until: Any) -> dict[str, Any]:
        """Waits for a pattern, a prompt, quiet or the exit, which has to come."""
        waited = await self.do("session_wait", sessionId=session, until=until, timeoutMs=timeout_ms)
        assert waited["met"], f"{until} never came; the session shows:\n{await self.screen(session)}"
        return waited

    async def at_prompt(self, session: str) -> None:
        """Waits until the session's shell takes a command."""
        await self.wait_for(session, prompt=True)

    async def screen(self, session: str) -> str:
        """What a person would see."""
        return (await self.do("session_read", sessionId=session, view="screen"))["text"]

    async def policies(self) -> dict[str, dict[str, Any]]:
        """The loaded policies by name."""
        return {policy["name"]: policy for policy in (await self.do("policy_list"))["policies"]}


@asynccontextmanager
async def agent_on_stdio(
    world: World, *, mode: str = "auto", env: dict[str, str] | None = None, cwd: Path | None = None, **options: Any
) -> AsyncIterator[Agent]:
    """Starts `quarterdeck mcp` as a client does, and talks to it over its pipes."""
    parameters = StdioServerParameters(
        command=str(world.binary), args=["mcp"], env={**world.env, **(env or {})}, cwd=cwd or world.home
    )
    with (world.root / "mcp-stderr.log").open("a") as errors:
        transport = stdio_client(parameters, errlog=errors)
        async with Client(transport, mode=mode, cache=None, **options) as client:
            yield Agent(client, "stdio")


@asynccontextmanager
async def agent_on_http(host: ServingHost, *, mode: str = "auto", **options: Any) -> AsyncIterator[Agent]:
    """Connects to a running `quarterdeck serve` with its token."""
    headers = {"Authorization": f"Bearer {host.token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=120)) as http:
        transport = streamable_http_client(host.url, http_client=http)
        async with Client(transport, mode=mode, cache=None, **options) as client:
            yield Agent(client, "http")


@asynccontextmanager
async def agent_at(door: str, world: World, **options: Any) -> AsyncIterator[Agent]:
    """An agent at the named door: `stdio` hosts by itself, `http` at a host that serves."""
    if door == "stdio":
        async with agent_on_stdio(world, **options) as agent:
            yield agent
    else:
        async with agent_on_http(world.serve(), **options) as agent:
            yield agent


def stderr_of(world: World) -> str:
    """What the hosts started by stdio clients had to say."""
    log: Path = world.root / "mcp-stderr.log"
    return log.read_text(errors="replace") if log.exists() else ""


async def all_of(*calls: Any) -> list[Any]:
    """Awaits several calls at once, and returns their results in order."""
    results: list[Any] = [None] * len(calls)

    async def keep(index: int, call: Any) -> None:
        results[index] = await call

    async with anyio.create_task_group() as group:
        for index, call in enumerate(calls):
            group.start_soon(keep, index, call)
    return results
