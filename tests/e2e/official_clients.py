"""The official MCP clients, Python and TypeScript, at each of the host's doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

from agent import Agent, agent_on_http
from typescript_client import typescript_on_http, typescript_on_stdio
from world import World

CLIENTS = ["python-stdio", "python-http", "typescript-stdio", "typescript-http"]


@dataclass(frozen=True)
class OfficialClient:
    """One of them, not yet connected."""

    kind: str
    world: World
    node_modules: Path

    @asynccontextmanager
    async def with_tools(self, *families: str, **options: object) -> AsyncIterator[Agent]:
        """Connects it to a host with these tool families."""
        language, door = self.kind.split("-")
        tools = ["--tools", ",".join(families)]
        if language == "typescript" and door == "stdio":
            async with typescript_on_stdio(self.world, self.node_modules, *tools) as client:
                yield Agent(client, door)
        elif language == "typescript":
            host = self.world.serve(*tools)
            async with typescript_on_http(self.world, self.node_modules, host) as client:
                yield Agent(client, door)
        elif door == "stdio":
            parameters = StdioServerParameters(
                command=str(self.world.binary), args=["mcp", *tools], env=self.world.env, cwd=self.world.home
            )
            with (self.world.root / "mcp-stderr.log").open("a") as errors:
                transport = stdio_client(parameters, errlog=errors)
                async with Client(transport, cache=None, **options) as client:
                    yield Agent(client, door)
        else:
            async with agent_on_http(self.world.serve(*tools), **options) as agent:
                yield agent
