"""A client of iterm-mcp, with its tools as a few verbs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client, StdioServerParameters, stdio_client

from agent import Agent, Outcome
from waiting import until
from world import World


class Orchestrator:
    """The official client on the family's tools."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    @property
    def client(self) -> Client:
        return self.agent.client

    async def try_to(self, tool: str, **arguments: Any) -> Outcome:
        """Calls a tool and takes whatever comes."""
        return await self.agent.call(tool, **arguments)

    async def call(self, tool: str, **arguments: Any) -> Any:
        """The JSON of an answer that has to be a success."""
        outcome = await self.try_to(tool, **arguments)
        assert not outcome.is_error, f"{tool}({arguments}): {outcome.text}"
        return json.loads(outcome.text)

    async def sessions(self, *names: str, **more: Any) -> list[str]:
        """Opens sessions of these names and returns their ids."""
        created = await self.call("create_sessions", sessions=[{"name": name, **more} for name in names])
        return [session["session_id"] for session in created["sessions"]]

    async def write(self, content: str, *targets: dict[str, str], **more: Any) -> dict[str, Any]:
        """Types one message."""
        message = {"content": content, "targets": list(targets)}
        for name in ("condition", "execute", "use_encoding"):
            if name in more:
                message[name] = more.pop(name)
        return await self.call("write_to_sessions", messages=[message], **more)

    async def shows(self, text: str, **target: str) -> str:
        """Waits until a session shows this text, and returns what it shows."""

        async def shown() -> str:
            read = await self.call("read_sessions", targets=[target])
            return next((it["content"] for it in read["outputs"] if text in it["content"]), "")

        return await until(f"{target} shows {text!r}", shown)


@asynccontextmanager
async def orchestrator(
    world: World, *arguments: str, tools: str = "iterm-mcp", **options: Any
) -> AsyncIterator[Orchestrator]:
    """Starts `quarterdeck mcp --tools iterm-mcp` as a client does."""
    parameters = StdioServerParameters(
        command=str(world.binary), args=["mcp", "--tools", tools, *arguments], env=world.env, cwd=world.home
    )
    with (world.root / "mcp-stderr.log").open("a") as errors:
        async with Client(stdio_client(parameters, errlog=errors), cache=None, **options) as client:
            yield Orchestrator(Agent(client, "stdio"))
