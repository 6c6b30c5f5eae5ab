"""The official TypeScript MCP client, as a client that Python stories can use.

It runs in a Node process (`typescript/client.js`) and takes the same calls as the
official Python client, whose types its answers become.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import types

from world import ServingHost, World

PROGRAM = Path(__file__).parent / "typescript" / "client.js"

LONGEST_LINE = 64 * 1024 * 1024


class TypeScriptError(Exception):
    """What the client threw."""


class TypeScriptClient:
    """The client in its process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lines = BufferedByteReceiveStream(process.stdout)
        self._answers: dict[int, dict[str, Any]] = {}
        self._arrived = anyio.Event()
        self._number = 0
        self.notifications: list[dict[str, Any]] = []
        """What the server told without being asked."""

    async def listen(self) -> None:
        """Takes what the process says, until it says nothing more."""
        try:
            while True:
                message = json.loads(await self._lines.receive_until(b"\n", LONGEST_LINE))
                if "notification" in message:
                    self.notifications.append(message["notification"])
                else:
                    self._answers[message["id"]] = message
                arrived, self._arrived = self._arrived, anyio.Event()
                arrived.set()
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.ClosedResourceError):
            self._answers.setdefault(-1, {"error": "the client's process has ended"})
            self._arrived.set()

    async def answer(self, number: int) -> dict[str, Any]:
        """The answer to a call."""
        with anyio.fail_after(120):
            while number not in self._answers:
                if -1 in self._answers:
                    raise TypeScriptError(self._answers[-1]["error"])
                await self._arrived.wait()
        answer = self._answers.pop(number)
        if "error" in answer:
            raise TypeScriptError(answer["error"])
        return answer["result"]

    async def _do(self, method: str, *arguments: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        line = json.dumps({"id": number, "method": method, "arguments": arguments})
        await self._process.stdin.send(line.encode() + b"\n")
        return await self.answer(number)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], read_timeout_seconds: float = 60
    ) -> types.CallToolResult:
        options = {"timeout": round(read_timeout_seconds * 1000)}
        result = await self._do("callTool", {"name": name, "arguments": arguments}, None, options)
        return types.CallToolResult.model_validate(result)

    async def list_tools(self) -> types.ListToolsResult:
        return types.ListToolsResult.model_validate(await self._do("listTools"))

    async def list_resources(self) -> types.ListResourcesResult:
        return types.ListResourcesResult.model_validate(await self._do("listResources"))

    async def list_resource_templates(self) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult.model_validate(await self._do("listResourceTemplates"))

    async def read_resource(self, uri: str) -> types.ReadResourceResult:
        return types.ReadResourceResult.model_validate(await self._do("readResource", {"uri": uri}))

    async def subscribe_resource(self, uri: str) -> None:
        await self._do("subscribeResource", {"uri": uri})

    async def list_prompts(self) -> types.ListPromptsResult:
        return types.ListPromptsResult.model_validate(await self._do("listPrompts"))

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        return types.GetPromptResult.model_validate(await self._do("getPrompt", {"name": name, "arguments": arguments}))

    async def complete(self, reference: Any, argument: dict[str, str]) -> types.CompleteResult:
        request = {"ref": reference.model_dump(by_alias=True), "argument": argument}
        return types.CompleteResult.model_validate(await self._do("complete", request))


def packages(target_dir: Path) -> Path:
    """Where `tests/run prepare` installs what the client needs."""
    return target_dir / "typescript" / "node_modules"


@asynccontextmanager
async def typescript_client(world: World, modules: Path, door: str, *where: str) -> AsyncIterator[TypeScriptClient]:
    """Starts the client and connects it: `stdio` with a command, `http` with an address and a token."""
    # Node looks for packages beside the program.
    folder = world.root / "typescript"
    if not folder.exists():
        folder.mkdir()
        (folder / "client.js").write_text(PROGRAM.read_text())
        (folder / "package.json").write_text((PROGRAM.parent / "package.json").read_text())
        (folder / "node_modules").symlink_to(modules)
    with (world.root / "mcp-stderr.log").open("a") as errors:
        process = await anyio.open_process(
            ["node", str(folder / "client.js"), door, *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=world.env,
            cwd=world.home,
        )
        async with process, anyio.create_task_group() as tasks:
            client = TypeScriptClient(process)
            tasks.start_soon(client.listen)
            await client.answer(0)
            yield client
            await process.stdin.aclose()
            with anyio.fail_after(30):
                await process.wait()


@asynccontextmanager
async def typescript_on_stdio(world: World, modules: Path, *arguments: str) -> AsyncIterator[TypeScriptClient]:
    """The client, which starts `quarterdeck mcp` by itself."""
    async with typescript_client(world, modules, "stdio", str(world.binary), "mcp", *arguments) as client:
        yield client


@asynccontextmanager
async def typescript_on_http(world: World, modules: Path, host: ServingHost) -> AsyncIterator[TypeScriptClient]:
    """The client at a host that serves."""
    async with typescript_client(world, modules, "http", host.url, host.token) as client:
        yield client
