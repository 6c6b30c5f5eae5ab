"""A listener to the host's events: a real WebSocket client and what it has heard."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection, connect

from world import ServingHost


class Listener:
    """A connection to `/events` or `/monitor`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, message: Any) -> None:
        """Sends a message as JSON; a string or bytes as they are."""
        raw = isinstance(message, (str, bytes))
        await self.socket.send(message if raw else json.dumps(message))

    async def hear(self, deadline: float = 60) -> dict[str, Any]:
        """The next message, whatever it is."""
        with anyio.fail_after(deadline):
            return json.loads(await self.socket.recv())

    async def hear_of(self, kind: str, deadline: float = 60, **data: Any) -> dict[str, Any]:
        """The next message of this type whose data has these values."""
        heard = []
        try:
            with anyio.fail_after(deadline):
                while True:
                    message = json.loads(await self.socket.recv())
                    heard.append(message["type"])
                    if message["type"] == kind and data.items() <= message["data"].items():
                        return message
        except TimeoutError:
            raise AssertionError(f"heard nothing of {kind} {data}, but of {heard}") from None

    async def ask(self, message: Any, answer: str) -> dict[str, Any]:
        """Sends a message and returns the data of its answer."""
        await self.say(message)
        return (await self.hear_of(answer))["data"]

    async def hears_nothing(self, kind: str) -> None:
        """Nothing of this type has come before the answer to a question."""
        await self.say({"command": "get_status"})
        while (message := await self.hear())["type"] != "system.status":
            assert message["type"] != kind, message


@asynccontextmanager
async def listening(host: ServingHost, path: str = "/events", **options: Any) -> AsyncIterator[Listener]:
    """Connects as the documents' clients do: with nothing but the address."""
    async with connect(f"ws://127.0.0.1:{host.port}{path}", **options) as socket:
        yield Listener(socket)
